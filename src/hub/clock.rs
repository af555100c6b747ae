//! The time of the house.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The wall clock may differ from the steady clock by this much before it counts as set.
const STEP: SignedDuration = SignedDuration::from_secs(2);

/// The time of the house: steady, corrected when the wall clock is set, and faster than life on request.
#[derive(Clone, Debug)]
pub struct Clock(Arc<ClockParts>);

#[derive(Debug)]
struct ClockParts {
    /// House time at `started`, in nanoseconds since 1970, moved when the wall clock is set.
    base: AtomicI64,
    steady: Steady,
    speed: f64,
    follows_wall: bool,
}

/// Elapsed time that nobody can set.
#[derive(Debug)]
enum Steady {
    /// The machine's, counting on while it is suspended: a heater goes on heating while its bridge sleeps.
    Machine(Duration),
    /// The runtime's, which a test turns by hand.
    Runtime(Instant),
}

impl Steady {
    fn machine() -> Self {
        Self::Machine(since_boot())
    }

    fn elapsed(&self) -> Duration {
        match self {
            Self::Machine(started) => since_boot().saturating_sub(*started),
            Self::Runtime(started) => started.elapsed(),
        }
    }
}

#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(time.tv_sec.try_into().unwrap_or_default(), time.tv_nsec.try_into().unwrap_or_default())
}

/// Where there is no such clock, the process's own serves: it may stand still while the machine is suspended.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static STARTED: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    STARTED.elapsed()
}

impl Clock {
    /// The clock of the bridge: real time, checked against the wall clock at every look of the hub.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    pub fn wall() -> Self {
        Self::build(Timestamp::now(), Steady::machine(), 1.0, true)
    }

    /// A clock that starts at `base` and runs `speed` times as fast as the runtime's. With the runtime's time paused, a test
    /// turns it by hand.
    pub fn driven(base: Timestamp, speed: f64) -> Self {
        Self::build(base, Steady::Runtime(Instant::now()), speed, false)
    }

    fn build(base: Timestamp, steady: Steady, speed: f64, follows_wall: bool) -> Self {
        let base = i64::try_from(base.as_nanosecond()).unwrap_or(i64::MAX);
        Self(Arc::new(ClockParts { base: AtomicI64::new(base), steady, speed, follows_wall }))
    }

    /// Does it follow the wall clock of the machine? One that is driven tells the time of a story, and cannot be wrong.
    pub fn is_wall(&self) -> bool {
        self.0.follows_wall
    }

    /// The time of the house.
    pub fn now(&self) -> Timestamp {
        let elapsed = self.0.steady.elapsed().as_secs_f64() * self.0.speed;
        let base = Timestamp::from_nanosecond(i128::from(self.0.base.load(Ordering::Relaxed))).unwrap_or_default();
        SignedDuration::try_from_secs_f64(elapsed).ok().and_then(|it| base.checked_add(it).ok()).unwrap_or(base)
    }

    /// How long `duration` of the house takes in real time.
    pub fn real(&self, duration: Duration) -> Duration {
        duration.div_f64(self.0.speed)
    }

    /// How many times faster than life the house's time runs.
    pub fn speed(&self) -> f64 {
        self.0.speed
    }

    /// If the wall clock was set since the last look: follows it, and says by how much.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    pub(super) fn follow(&self) -> Option<SignedDuration> {
        if !self.0.follows_wall {
            return None;
        }
        let step = Timestamp::now().duration_since(self.now());
        if step.abs() < STEP {
            return None;
        }
        self.0.base.fetch_add(i64::try_from(step.as_nanos()).unwrap_or_default(), Ordering::Relaxed);
        Some(step)
    }
}
