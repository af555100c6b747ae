//! What many ask for at once, made once for all of them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::body::Bytes;
use serde::Serialize;
use tokio::{
    sync::{Mutex, Semaphore, oneshot},
    task::spawn_blocking,
    time::{Instant, sleep_until},
};

use super::{
    Site, api,
    house::{BridgeView, DeviceView, GroupView, HouseView, OutletView, WeatherView},
};
use crate::{hub::Plans, model::House};

/// All who listen are told the house at most this often.
const EVERY: Duration = Duration::from_millis(500);
/// What was made is good for so long, if nobody has asked for a change here meanwhile.
const KEPT: Duration = Duration::from_millis(250);

/// One thing that takes a while is made at a time, and for as long as that took the next one waits: whoever switches shall have at least
/// half of the machine, however many look.
#[derive(Clone)]
pub(super) struct Turns {
    turn: Arc<Semaphore>,
    changes: Arc<AtomicU64>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), changes: Arc::default() }
    }
}

impl Turns {
    /// Somebody has changed something: whoever asks from now on sees it.
    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// `None` if the making failed.
    pub(super) async fn make<T: Send + 'static>(&self, make: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let turn = Arc::clone(&self.turn).acquire_owned().await.ok()?;
        let (tell, told) = oneshot::channel();
        // It keeps its turn to the end, also if nobody waits for it any more.
        tokio::spawn(async move {
            let begun = Instant::now();
            let made = spawn_blocking(make).await.ok();
            let rested = Instant::now() + begun.elapsed();
            let _ = tell.send(made);
            sleep_until(rested).await;
            drop(turn);
        });
        told.await.ok().flatten()
    }
}

/// What many ask for, and what takes a while to make: it is kept for a moment, and whoever asks while it is made shares it or the next one.
/// Nobody is given what was begun before a change that they know of.
pub(super) struct Shared<T>(Mutex<Option<Made<T>>>);

struct Made<T> {
    begun: Instant,
    changes: u64,
    it: T,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Send + 'static> Shared<T> {
    /// `None` if the making failed.
    pub(super) async fn get(&self, turns: &Turns, make: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let known = turns.changes.load(Ordering::SeqCst);
        let mut kept = self.0.lock().await;
        if let Some(made) = kept.as_ref().filter(|it| it.changes >= known && it.begun.elapsed() < KEPT) {
            return Some(made.it.clone());
        }
        let changes = Arc::clone(&turns.changes);
        let made = turns.make(move || (Instant::now(), changes.load(Ordering::SeqCst), make()));
        let (begun, changes, it) = made.await?;
        *kept = Some(Made { begun, changes, it: it.clone() });
        Some(it)
    }
}

/// A house as all who listen are told it.
#[derive(Clone)]
pub(super) struct Told {
    /// Counts up from 1; the same as long as it says the same.
    pub(super) number: u64,
    /// Of what it is.
    pub(super) picture: Arc<House>,
    /// Nothing newer is written down before.
    pub(super) next: Instant,
    /// What is different from the one before, as the event `change`.
    pub(super) change: Bytes,
    view: Arc<HouseView>,
    whole: Arc<OnceLock<Bytes>>,
}

impl Told {
    /// All of it, as the event `house`.
    pub(super) async fn whole(&self, turns: &Turns) -> Option<Bytes> {
        if let Some(whole) = self.whole.get() {
            return Some(whole.clone());
        }
        let it = self.clone();
        turns.make(move || it.whole.get_or_init(|| event("house", &*it.view)).clone()).await
    }
}

/// What is kept for all.
#[derive(Default)]
pub(super) struct Press {
    told: Mutex<Option<Told>>,
    plans: Mutex<Option<(u64, Arc<Plans>, Bytes)>>,
    /// The answer of `GET /api/house`.
    pub(super) house: Shared<Bytes>,
    /// What is explained of the whole house as it is, as text and as JSON.
    pub(super) explained: [Shared<Bytes>; 2],
    /// The answer of `GET /metrics`.
    pub(super) metrics: Shared<Bytes>,
    /// The answer of `GET /api/status`.
    pub(super) status: Shared<Bytes>,
    pub(super) turns: Turns,
}

impl Press {
    /// The house of now, or one that is too young to be overtaken; `None` if the program ends. Nothing is made while nobody asks.
    pub(super) async fn told(&self, site: &Arc<Site>) -> Option<Told> {
        let mut kept = self.told.lock().await;
        if let Some(told) = kept.as_ref().filter(|it| Instant::now() < it.next) {
            return Some(told.clone());
        }
        let (site, before) = (Arc::clone(site), kept.clone());
        let told = self.turns.make(move || look(&site, before)).await?;
        if kept.as_ref().is_none_or(|it| it.number != told.number) {
            // Whoever is told of it and asks then is not given what is older.
            self.turns.changed();
        }
        *kept = Some(told.clone());
        Some(told)
    }

    /// The plans of now, with a number that is another when they say something else. They are worked out afresh all the time, and
    /// mostly say the same.
    pub(super) async fn plans(&self, site: &Site) -> (u64, Bytes) {
        let mut kept = self.plans.lock().await;
        let plans = Arc::clone(&site.handle.plans.borrow());
        if let Some((number, before, event)) = &*kept
            && (Arc::ptr_eq(before, &plans) || say_the_same(before, &plans))
        {
            return (*number, event.clone());
        }
        let number = kept.as_ref().map_or(1, |it| it.0 + 1);
        let event = event("plan", &api::plans(&plans, &site.zone()));
        *kept = Some((number, plans, event.clone()));
        (number, event)
    }
}

fn say_the_same(one: &Plans, other: &Plans) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| one.0 == other.0 && one.1.says_the_same(other.1))
}

fn look(site: &Site, before: Option<Told>) -> Told {
    let picture = site.handle.picture();
    let next = Instant::now() + EVERY;
    // A loop that has stopped draws no new picture: whether it lives is part of the view.
    let view = site.view(&picture);
    match before {
        // It says the same, and is of now: whoever comes is told that.
        Some(told) if *told.view == view => Told { picture, next, view: Arc::new(view), whole: Arc::default(), ..told },
        before => Told {
            number: before.as_ref().map_or(1, |it| it.number + 1),
            picture,
            next,
            change: before.map_or_else(Bytes::new, |it| event("change", &Change::between(&it.view, &view))),
            view: Arc::new(view),
            whole: Arc::default(),
        },
    }
}

/// What is different: parts that are not in it are as they were, and what is `null` is gone.
#[derive(Serialize)]
struct Change<'a> {
    at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bridge: Option<&'a BridgeView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weather: Option<&'a WeatherView>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    groups: BTreeMap<&'a str, Option<&'a GroupView>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    devices: BTreeMap<&'a str, Option<&'a DeviceView>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outlets: BTreeMap<&'a str, Option<&'a OutletView>>,
}

impl<'a> Change<'a> {
    fn between(before: &'a HouseView, now: &'a HouseView) -> Self {
        Self {
            at: &now.at.0,
            bridge: Some(&now.bridge).filter(|it| **it != before.bridge),
            weather: Some(&now.weather).filter(|it| **it != before.weather),
            groups: differ(&before.groups, &now.groups),
            devices: differ(&before.devices, &now.devices),
            outlets: differ(&before.outlets, &now.outlets),
        }
    }
}

fn differ<'a, T: PartialEq>(
    before: &'a BTreeMap<String, T>,
    now: &'a BTreeMap<String, T>,
) -> BTreeMap<&'a str, Option<&'a T>> {
    let gone = before.keys().filter(|it| !now.contains_key(*it)).map(|it| (it.as_str(), None));
    let other = now.iter().filter(|(id, it)| before.get(*id) != Some(it)).map(|(id, it)| (id.as_str(), Some(it)));
    gone.chain(other).collect()
}

/// A server-sent event. JSON has no line breaks.
pub(super) fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n").into()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::{atomic::AtomicU32, mpsc};

    use super::*;

    #[tokio::test]
    async fn who_asks_while_one_is_made_shares_it() {
        let (shared, made, turns) = (Arc::new(Shared::default()), Arc::new(AtomicU32::new(0)), Turns::default());
        let ask = |before: Box<dyn FnOnce() + Send>| {
            let (shared, made, turns) = (Arc::clone(&shared), Arc::clone(&made), turns.clone());
            tokio::spawn(async move {
                let make = move || {
                    before();
                    made.fetch_add(1, Ordering::SeqCst) + 1
                };
                shared.get(&turns, make).await.unwrap()
            })
        };
        let ((begun, begins), (go, goes)) = (mpsc::channel(), mpsc::channel());
        let first = ask(Box::new(move || {
            begun.send(()).unwrap();
            goes.recv().unwrap();
        }));
        spawn_blocking(move || begins.recv().unwrap()).await.unwrap();
        let others: Vec<_> = (0..20).map(|_| ask(Box::new(|| {}))).collect();
        tokio::task::yield_now().await;
        go.send(()).unwrap();
        assert_eq!(first.await.unwrap(), 1);
        for other in others {
            assert_eq!(other.await.unwrap(), 1);
        }
        // Whoever has changed something sees it, and in a while everybody sees what is new.
        turns.changed();
        assert_eq!(ask(Box::new(|| {})).await.unwrap(), 2);
        assert_eq!(ask(Box::new(|| {})).await.unwrap(), 2);
        tokio::time::pause();
        tokio::time::advance(KEPT).await;
        tokio::time::resume();
        assert_eq!(ask(Box::new(|| {})).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn what_was_begun_before_a_change_is_for_nobody_who_knows_of_it() {
        let (shared, turns) = (Arc::new(Shared::default()), Turns::default());
        let ((begun, begins), (go, goes)) = (mpsc::channel(), mpsc::channel());
        let make = move || {
            begun.send(()).unwrap();
            goes.recv().unwrap();
            "old"
        };
        let first = tokio::spawn({
            let (shared, turns) = (Arc::clone(&shared), turns.clone());
            async move { shared.get(&turns, make).await.unwrap() }
        });
        spawn_blocking(move || begins.recv().unwrap()).await.unwrap();
        turns.changed();
        let second = tokio::spawn(async move { shared.get(&turns, || "new").await.unwrap() });
        go.send(()).unwrap();
        assert_eq!((first.await.unwrap(), second.await.unwrap()), ("old", "new"));
    }

    #[tokio::test]
    async fn a_making_that_fails_keeps_nobody_from_the_next() {
        let (shared, turns) = (Shared::<u32>::default(), Turns::default());
        #[expect(clippy::panic, reason = "it is to fail")]
        let failed = shared.get(&turns, || panic!("on purpose")).await;
        assert_eq!((failed, shared.get(&turns, || 7).await), (None, Some(7)));
    }
}
