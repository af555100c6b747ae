//! Seats for connections: whoever only keeps one warm gives it up to whoever comes.
//!
//! A connection *waits* as long as nothing that it has asked for is being answered: its request has not come whole, or its answer is on its
//! way. When every seat is taken, the one that has waited longest goes, of the address that has the most such connections: nobody who asks
//! for nothing keeps the page, or the probe of a supervisor, from others.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::{sync::Notify, time::Instant};

use super::access::guesser;

/// All seats.
pub(super) struct Seats {
    most: usize,
    taken: Mutex<BTreeMap<u64, Arc<Seat>>>,
    /// Somebody has gone, or waits again.
    changed: Notify,
}

/// One connection's.
pub(super) struct Seat {
    number: u64,
    /// Whose it is: an address, of IPv6 the network.
    owner: IpAddr,
    seats: Arc<Seats>,
    state: Mutex<State>,
}

struct State {
    /// Requests that are being answered.
    asked: u32,
    /// Those of them that have not come whole.
    unread: u32,
    /// Requests whose head has come, ever.
    heads: u64,
    /// When it came, or something was sent.
    since: Instant,
    must_go: bool,
    waker: Option<Waker>,
}

impl State {
    fn waits(&self) -> bool {
        self.asked <= self.unread
    }
}

fn locked<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seats {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default(), changed: Notify::new() })
    }

    /// A seat for a connection from there. Comes at once as long as another one waits. One asks at a time.
    pub(super) async fn take(self: &Arc<Self>, from: IpAddr) -> Taken {
        loop {
            let changed = self.changed.notified();
            if let Some(taken) = self.free(from) {
                return taken;
            }
            self.make_room();
            changed.await;
        }
    }

    fn free(self: &Arc<Self>, from: IpAddr) -> Option<Taken> {
        let mut taken = locked(&self.taken);
        if taken.len() >= self.most {
            return None;
        }
        let number = taken.last_key_value().map_or(0, |(last, _)| last.wrapping_add(1));
        let state = State { asked: 0, unread: 0, heads: 0, since: Instant::now(), must_go: false, waker: None };
        let seat = Seat { number, owner: guesser(from), seats: Arc::clone(self), state: Mutex::new(state) };
        let seat = Arc::new(seat);
        taken.insert(number, Arc::clone(&seat));
        Some(Taken(seat))
    }

    /// Has one go, unless one goes already.
    fn make_room(&self) {
        let taken = locked(&self.taken);
        let mut waiting: BTreeMap<IpAddr, Vec<(Instant, &Seat)>> = BTreeMap::new();
        for seat in taken.values() {
            let state = locked(&seat.state);
            if state.must_go {
                return;
            }
            if state.waits() {
                waiting.entry(seat.owner).or_default().push((state.since, seat));
            }
        }
        let most = waiting.values().max_by_key(|it| it.len()).and_then(|it| it.iter().min_by_key(|(since, _)| *since));
        let Some((_, seat)) = most else { return };
        let mut state = locked(&seat.state);
        // A request may have come whole just now.
        if state.waits() {
            state.must_go = true;
            state.waker.take().into_iter().for_each(Waker::wake);
        }
    }
}

impl Seat {
    /// A request has come whole, and is being answered until this is dropped.
    pub(super) fn asked(self: &Arc<Self>) -> Answering {
        let mut state = locked(&self.state);
        (state.asked, state.heads) = (state.asked.saturating_add(1), state.heads.wrapping_add(1));
        let was_to_go = std::mem::take(&mut state.must_go);
        drop(state);
        if was_to_go {
            self.seats.changed.notify_waiters();
        }
        Answering(Arc::clone(self))
    }

    /// Of a request that is being answered no more than the head has come: it waits again until this is dropped.
    pub(super) fn unread(self: &Arc<Self>) -> Unread {
        let mut state = locked(&self.state);
        state.unread = state.unread.saturating_add(1);
        drop(state);
        self.seats.changed.notify_waiters();
        Unread(Arc::clone(self))
    }

    /// How many heads of requests have come.
    pub(super) fn heads(&self) -> u64 {
        locked(&self.state).heads
    }

    /// Is a request being answered?
    pub(super) fn is_asked(&self) -> bool {
        locked(&self.state).asked > 0
    }

    /// Something was sent.
    pub(super) fn sent(&self) {
        locked(&self.state).since = Instant::now();
    }

    /// Ready when it has to be given up.
    pub(super) fn poll_gone(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = locked(&self.state);
        if state.must_go {
            return Poll::Ready(());
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

/// A seat as long as it is taken.
pub(super) struct Taken(pub(super) Arc<Seat>);

impl Drop for Taken {
    fn drop(&mut self) {
        locked(&self.0.seats.taken).remove(&self.0.number);
        self.0.seats.changed.notify_waiters();
    }
}

/// Something is being answered.
pub(super) struct Answering(Arc<Seat>);

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = locked(&self.0.state);
        state.asked = state.asked.saturating_sub(1);
        drop(state);
        self.0.seats.changed.notify_waiters();
    }
}

/// Something has been asked, and the rest of it has not come.
pub(super) struct Unread(Arc<Seat>);

impl Drop for Unread {
    fn drop(&mut self) {
        let mut state = locked(&self.0.state);
        state.unread = state.unread.saturating_sub(1);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn take(seats: &Arc<Seats>, from: &str) -> Option<Taken> {
        // The time of a test passes only while nothing else can happen.
        tokio::time::timeout(Duration::from_secs(1), seats.take(from.parse().unwrap())).await.ok()
    }

    fn must_go(it: &Taken) -> bool {
        locked(&it.0.state).must_go
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_waited_longest_gives_way() {
        let seats = Seats::new(3);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(take(&seats, "192.0.2.1").await.unwrap());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        held[0].0.sent();
        assert!(take(&seats, "192.0.2.1").await.is_none(), "it has not gone yet");
        assert!(take(&seats, "192.0.2.1").await.is_none(), "nor does a second one have to");
        assert_eq!(held.iter().map(must_go).collect::<Vec<_>>(), [false, true, false]);
        drop(held.remove(1));
        assert!(take(&seats, "192.0.2.1").await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_with_many_gives_way_before_others_and_a_network_is_one_address() {
        let seats = Seats::new(4);
        let mut held = Vec::new();
        for from in ["192.0.2.1", "2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:0:1::2"] {
            held.push(take(&seats, from).await.unwrap());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(take(&seats, "192.0.2.2").await.is_none());
        assert_eq!(held.iter().map(must_go).collect::<Vec<_>>(), [false, true, false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_being_answered_stays_until_that_is_done() {
        let seats = Seats::new(2);
        let held = [take(&seats, "192.0.2.1").await.unwrap(), take(&seats, "192.0.2.1").await.unwrap()];
        let (first, second) = (held[0].0.asked(), held[1].0.asked());
        assert!(take(&seats, "192.0.2.2").await.is_none());
        assert!(!held.iter().any(must_go));
        // Of a body that does not come nobody is kept waiting.
        let unread = held[1].0.unread();
        assert!(take(&seats, "192.0.2.2").await.is_none());
        assert!(must_go(&held[1]));
        drop(unread);
        let again = held[1].0.asked();
        assert!(!must_go(&held[1]), "it has asked just before it went");
        drop((second, again));
        assert!(take(&seats, "192.0.2.2").await.is_none());
        assert!(must_go(&held[1]) && !must_go(&held[0]));
        drop(first);
    }
}
