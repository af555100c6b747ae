//! Does the loop live?

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use super::HEARTBEAT;

/// Shows that the loop lives.
#[derive(Debug)]
pub struct Pulse {
    started: Instant,
    last_ms: AtomicU64,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), last_ms: AtomicU64::new(0) }
    }

    pub(super) fn beat(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(elapsed, Ordering::Relaxed);
    }

    /// Real time since the loop last came round. More than three heartbeats (15 s) mean that it hangs.
    pub fn age(&self) -> Duration {
        self.started.elapsed().saturating_sub(Duration::from_millis(self.last_ms.load(Ordering::Relaxed)))
    }

    /// Does the control loop live?
    pub fn is_alive(&self) -> bool {
        self.age() < 3 * HEARTBEAT
    }
}
