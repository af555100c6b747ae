//! Guessing takes time: the more often somebody was wrong, the longer they wait.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// So many wrong answers are nobody's fault.
const FREE: u32 = 5;
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(900);
/// Who has been quiet for so long begins anew.
const FORGOTTEN: Duration = Duration::from_secs(3600);
/// Addresses that are remembered. More than that are counted as one.
const MOST: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct Wrong {
    times: u32,
    last: Instant,
}

impl Wrong {
    /// How long the next try has to wait from the last one.
    fn wait(self) -> Duration {
        let over = self.times.saturating_sub(FREE);
        if over == 0 { Duration::ZERO } else { Duration::from_secs(1 << over.min(10)).min(LONGEST) }
    }
}

/// Who was wrong how often.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<BTreeMap<Option<IpAddr>, Wrong>>);

impl Guesses {
    /// Has this address to wait? It is counted as a try that was wrong until [`Guesses::right`] says otherwise, so that many tries at
    /// once are no way round.
    pub(super) fn try_now(&self, address: IpAddr) -> Result<(), Duration> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        known.retain(|_, it| it.last.elapsed() < FORGOTTEN);
        let key = if known.len() < MOST || known.contains_key(&Some(address)) { Some(address) } else { None };
        let it = known.entry(key).or_insert(Wrong { times: 0, last: now });
        let left = it.wait().saturating_sub(it.last.elapsed());
        if !left.is_zero() {
            return Err(left);
        }
        *it = Wrong { times: it.times.saturating_add(1), last: now };
        Ok(())
    }

    pub(super) fn right(&self, address: IpAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&Some(address));
    }
}
