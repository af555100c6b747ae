//! How long to wait: between looks, between attempts to switch, and for a device that is gone.
//!
//! Every pause is jittered with its own seed, or a house full of plugs that a power cut took together would knock together.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::{link::Kind, outlet::Outlet, task::Task};
use crate::model::{Slug, Switch};

/// New orders may wake the search for a device that is gone once in this time.
pub(super) const WAKE: Duration = Duration::from_secs(1);

/// Pauses that double up to a limit, and never end.
#[derive(Debug)]
pub(super) struct Pauses(ExponentialBackoff);

impl Pauses {
    /// For a device that is gone: 1 s to 60 s.
    pub(super) fn gone() -> Self {
        Self::between(Duration::from_secs(1), Duration::from_secs(60))
    }

    /// For an outlet that does not follow. OFF is tried more often, for it is the safe side.
    pub(super) fn switching(to: Switch) -> Self {
        match to {
            Switch::On => Self::between(Duration::from_secs(1), Duration::from_secs(60)),
            Switch::Off => Self::between(Duration::from_millis(500), Duration::from_secs(5)),
        }
    }

    /// For a question about a meter that got no answer: 5 s to 5 min.
    pub(super) fn deaf_meter() -> Self {
        Self::between(Duration::from_secs(5), Duration::from_secs(300))
    }

    /// The jitter of the builder adds up to the pause itself, so that it gets two thirds of what is asked.
    fn between(least: Duration, most: Duration) -> Self {
        let builder =
            ExponentialBuilder::new().with_min_delay(least.mul_f64(2.0 / 3.0)).with_max_delay(most.mul_f64(2.0 / 3.0));
        Self(builder.without_max_times().with_jitter().with_jitter_seed(fastrand::u64(..)).build())
    }

    /// The next pause.
    pub(super) fn next(&mut self) -> Duration {
        self.0.next().unwrap_or(WAKE)
    }
}

/// A breath after a request that went wrong: some firmwares need a quarter of a second before they take the next connection, and
/// two programs that throw each other out must not keep in step.
pub(super) fn breath(kind: Kind) -> Duration {
    let least = if kind == Kind::Session { WAKE } else { Duration::from_millis(250) };
    least.mul_f64(1.0 + fastrand::f64())
}

/// The pause before a device that is gone is tried again. What needs a person is not hammered: a device locks itself after too
/// many wrong passwords, and every login throws another program's session out.
pub(super) fn pause_after(kind: Kind, pauses: &mut Pauses, poll_every: Duration) -> Duration {
    let seconds = match kind {
        Kind::Account => 180,
        Kind::ThirdParty => 120,
        Kind::Unsupported => 300,
        Kind::Locked => 600,
        Kind::Stranger | Kind::NoOutlets => 30,
        // Nobody is logged in to: it is tried as often as it would be looked at, and met soon after it is there again.
        Kind::Refused | Kind::Silent | Kind::Unreachable => {
            return pauses.next().min(poll_every.max(LEAST).mul_f64(1.0 + 0.5 * fastrand::f64()));
        }
        Kind::Session | Kind::Device | Kind::Garbled => return pauses.next(),
    };
    Duration::from_secs(seconds).mul_f64(1.0 + 0.3 * fastrand::f64())
}

/// A device that is gone is not tried oftener.
const LEAST: Duration = Duration::from_secs(2);

/// A device that is lost is looked for this often at most.
pub(super) const SEARCH: Duration = Duration::from_secs(60);

/// A device that has just been asked who it is opens its port within this time: 2 s to 5 s.
pub(super) fn until_port_opens() -> Duration {
    Duration::from_secs(2).mul_f64(1.0 + 1.5 * fastrand::f64())
}

/// After a switch the outlet is looked at this often, if not oftener anyway.
const LIVELY: Duration = Duration::from_secs(1);
/// And for so long.
pub(super) const LIVELY_FOR: Duration = Duration::from_secs(10);
/// A device on which nothing flows and nothing is measured is looked at least this often, if it was to be looked at oftener.
const IDLE: Duration = Duration::from_secs(30);
/// Devices are first dialled within this time of the start.
const START: Duration = Duration::from_millis(250);

/// How lively a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// It has just been switched.
    Lively,
    /// Something is on, or measured.
    Busy,
    /// Neither.
    Idle,
}

/// The time to the next look: a tenth more or less than the device's mood asks for.
pub(super) fn until_next_look(poll_every: Duration, mood: Mood) -> Duration {
    let every = match mood {
        Mood::Lively => poll_every.min(LIVELY),
        Mood::Busy => poll_every,
        Mood::Idle => (poll_every * 3).min(IDLE).max(poll_every),
    };
    every.mul_f64(0.9 + 0.2 * fastrand::f64())
}

/// The time to the second look: anything up to the configured one, by the device's name, which spreads devices that were all met at
/// the start.
pub(super) fn until_second_look(poll_every: Duration, device: &Slug) -> Duration {
    poll_every.mul_f64(0.1 + 0.9 * share(device))
}

/// How long a device waits at the start, so that a house full of them is not dialled in one breath.
pub(super) fn until_first_dial(poll_every: Duration, device: &Slug) -> Duration {
    (poll_every / 20).min(START).mul_f64(share(device))
}

/// From 0 to 1, the same each time for one device and another for each.
fn share(device: &Slug) -> f64 {
    let mut hasher = DefaultHasher::new();
    device.hash(&mut hasher);
    f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

impl Task {
    /// How lively the device is, which says how often it is looked at.
    pub(super) fn mood(&self) -> Mood {
        if self.switched.is_some_and(|at| at.elapsed() < LIVELY_FOR) {
            Mood::Lively
        } else if self.outlets.values().all(Outlet::is_idle) {
            Mood::Idle
        } else {
            Mood::Busy
        }
    }
}
