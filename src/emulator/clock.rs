//! The device's own clock: how long it has been there, and what its display would say.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ZonedDateTime, tz::TimeZone};
use tokio::time::Instant;

/// A clock that started when the device was made, and may run faster than life.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    started: Instant,
    speed: f64,
    /// Time that passed at once.
    passed: Duration,
    set_to: Timestamp,
    zone: TimeZone,
}

impl Clock {
    /// `speed` is finite, above 0 and not absurd; the caller has seen to that.
    pub(super) fn start(speed: f64, set_to: Timestamp, zone: TimeZone) -> Self {
        Self { started: Instant::now(), speed, passed: Duration::ZERO, set_to, zone }
    }

    /// The device's time since it was made.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed().mul_f64(self.speed).saturating_add(self.passed)
    }

    /// Lets time pass at once.
    pub(super) fn pass(&mut self, time: Duration) {
        self.passed = self.passed.saturating_add(time);
    }

    /// What the clock shows at `at`. It stops at the end of time.
    pub(super) fn wall(&self, at: Duration) -> ZonedDateTime {
        let at = SignedDuration::try_from(at).unwrap_or(SignedDuration::MAX);
        self.set_to.checked_add(at).unwrap_or(Timestamp::MAX).to_zoned_datetime(self.zone.clone())
    }

    /// The midnight after `at`, in the device's time. `None` at the end of time.
    pub(super) fn midnight_after(&self, at: Duration) -> Option<Duration> {
        let midnight = self.wall(at).tomorrow().ok()?.start_of_day().ok()?;
        Duration::try_from(midnight.timestamp().duration_since(self.set_to)).ok().filter(|it| *it > at)
    }

    /// The zone's name as the device tells it: `America/Denver`.
    pub(super) fn region(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Minutes east of Greenwich without daylight saving time, which the device leaves out.
    pub(super) fn standard_offset(&self, at: Duration) -> i32 {
        let now = self.wall(at);
        let info = self.zone.to_offset_info(now.timestamp());
        info.offset().seconds() / 60 - if info.dst().is_dst() { 60 } else { 0 }
    }
}
