//! Guessing takes time: the more often somebody was wrong, the longer they wait.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Who has been quiet for so long begins anew.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// Addresses that are remembered. More than that are counted as one.
const MOST: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct Wrong {
    times: u32,
    last: Instant,
    /// The hash of what was wrong, where the same again is no further guess.
    what: Option<u64>,
}

/// Who was wrong how often.
#[derive(Debug)]
pub(super) struct Guesses {
    /// So many wrong answers are nobody's fault.
    free: u32,
    /// The longest wait.
    longest: Duration,
    known: Mutex<BTreeMap<Option<IpAddr>, Wrong>>,
}

impl Guesses {
    /// Counted for whoever guesses.
    pub(super) fn of_one() -> Self {
        Self { free: 5, longest: Duration::from_secs(900), known: Mutex::default() }
    }

    /// Counted for all together who come over one proxy: whoever can reach the proxy's own address could say to be another one with each guess. Others
    /// than the guesser have to sign in meanwhile, so that the wait is short; four digits take a week all the same.
    pub(super) fn of_many() -> Self {
        Self { free: 100, longest: Duration::from_secs(60), known: Mutex::default() }
    }

    /// How long the next try has to wait from the last one.
    fn wait(&self, it: Wrong) -> Duration {
        let over = it.times.saturating_sub(self.free);
        if over == 0 { Duration::ZERO } else { Duration::from_secs(1 << over.min(10)).min(self.longest) }
    }

    /// Has this address to wait? It is counted as a try that was wrong until [`Guesses::right`] says otherwise, so that many tries at
    /// once are no way round.
    pub(super) fn try_now(&self, address: IpAddr) -> Result<(), Duration> {
        self.tries(address, None)
    }

    /// As [`Guesses::try_now`], for a guess that is known to be wrong. Beyond those that are free the same again is not heard at all, and makes
    /// no wait longer.
    pub(super) fn try_this(&self, address: IpAddr, what: u64) -> Result<(), Duration> {
        self.tries(address, Some(what))
    }

    fn tries(&self, address: IpAddr, what: Option<u64>) -> Result<(), Duration> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        known.retain(|_, it| it.last.elapsed() < FORGOTTEN);
        let key = if known.len() < MOST || known.contains_key(&Some(address)) { Some(address) } else { None };
        let it = known.entry(key).or_insert(Wrong { times: 0, last: now, what: None });
        let wait = self.wait(*it);
        let left = wait.saturating_sub(it.last.elapsed());
        if !left.is_zero() {
            return Err(left);
        }
        if !wait.is_zero() && what.is_some() && it.what == what {
            return Err(wait);
        }
        *it = Wrong { times: it.times.saturating_add(1), last: now, what };
        Ok(())
    }

    /// How long this address, and no other that is counted with it, has to wait. Counts nothing.
    pub(super) fn left(&self, address: IpAddr) -> Option<Duration> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let it = known.get(&Some(address)).filter(|it| it.last.elapsed() < FORGOTTEN)?;
        Some(self.wait(*it).saturating_sub(it.last.elapsed())).filter(|it| !it.is_zero())
    }

    /// It was right: as if nobody had been wrong there.
    pub(super) fn right(&self, address: IpAddr) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&Some(address));
    }

    /// This one was right, and says nothing about the others.
    pub(super) fn one_was_right(&self, address: IpAddr) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(Some(address)).and_modify(|it| it.times = it.times.saturating_sub(1));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_wrong_waits_ever_longer_and_others_do_not() {
        let guesses = Guesses::of_one();
        let mut waits = Vec::new();
        for _ in 0..20 {
            while let Err(left) = guesses.try_now(at("192.0.2.1")) {
                waits.push(left.as_secs());
                tokio::time::advance(left).await;
            }
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900]);
        assert_eq!(guesses.try_now(at("192.0.2.2")), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_come_over_one_proxy_guess_no_more_than_once_a_minute() {
        let crowds = Guesses::of_many();
        let proxy = at("127.0.0.1");
        for _ in 0..2000 {
            // Who is right is no guesser, and is none the wiser about the others.
            crowds.try_now(proxy).unwrap();
            crowds.one_was_right(proxy);
        }
        let (began, mut tries) = (Instant::now(), 0);
        while began.elapsed() < Duration::from_secs(3600) {
            match crowds.try_now(proxy) {
                Ok(()) => tries += 1,
                Err(left) => tokio::time::advance(left).await,
            }
        }
        assert!((150..=170).contains(&tries), "{tries} in an hour");
    }
}
