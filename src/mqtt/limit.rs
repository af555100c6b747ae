//! So many a second, and a count of the rest.

use std::time::Duration;

use tokio::time::Instant;

/// The period that the number is for.
const PERIOD: Duration = Duration::from_secs(1);

/// Lets so many pass in a second, and counts the rest.
#[derive(Debug)]
pub(super) struct Limit {
    most: u32,
    passed: u32,
    held_back: u64,
    since: Option<Instant>,
}

impl Limit {
    /// Lets `most` pass in a second.
    pub(super) fn new(most: u32) -> Self {
        Self { most, passed: 0, held_back: 0, since: None }
    }

    /// May one more pass, which stands for `number`? If not, they are counted.
    pub(super) fn passes(&mut self, number: u64, now: Instant) -> bool {
        if self.since.is_none_or(|since| now.duration_since(since) >= PERIOD) {
            self.since = Some(now);
            self.passed = 0;
        }
        let passes = self.passed < self.most;
        if passes {
            self.passed += 1;
        } else {
            self.held_back += number;
        }
        passes
    }

    /// When those that were held back are to be told.
    pub(super) fn due(&self) -> Option<Instant> {
        self.since.filter(|_| self.held_back > 0).map(|since| since + PERIOD)
    }

    /// How many were held back since the last question, if that is to be told by now.
    pub(super) fn overdue(&mut self, now: Instant) -> Option<u64> {
        self.due().filter(|due| *due <= now).map(|_| std::mem::take(&mut self.held_back))
    }
}
