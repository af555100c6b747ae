//! What is counted about each device: how often it was asked, how long it took, how often it failed.
//!
//! Counts are no facts that anything is decided by: they are for whoever looks after the house. Devices' tasks write them and other
//! shells read them, without a word to the one loop.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::model::Slug;

/// What a device is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A connection and a login.
    Connect,
    /// Where are the relays?
    Poll,
    /// Move a relay; with a heater, arm its timer first.
    Switch,
    /// Read, set or remove a timer.
    Timer,
    /// Ask a meter.
    Meter,
    /// Ask the housing about itself.
    Info,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Connect, Self::Poll, Self::Switch, Self::Timer, Self::Meter, Self::Info];

    /// Its name, as it is published.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Poll => "poll",
            Self::Switch => "switch",
            Self::Timer => "timer",
            Self::Meter => "meter",
            Self::Info => "info",
        }
    }
}

/// Upper ends of the intervals that times are counted in, in ms; what takes longer is counted above the last one.
pub const WITHIN_MS: [u64; 10] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];

/// One operation of one device, since the program's start.
#[derive(Debug, Default)]
pub struct Tally {
    done: AtomicU64,
    failed: AtomicU64,
    took_us: AtomicU64,
    last_us: AtomicU64,
    within: [AtomicU64; WITHIN_MS.len()],
}

/// A [`Tally`] at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// How often it was done, failures among them.
    pub done: u64,
    /// How often there was no answer, or none that helped.
    pub failed: u64,
    /// The time that all of them took together.
    pub took: Duration,
    /// The time that the last one took. `None` before the first one.
    pub last: Option<Duration>,
    /// How many took no longer than each of [`WITHIN_MS`].
    pub within: [u64; WITHIN_MS.len()],
}

impl Tally {
    fn note(&self, took: Duration, failed: bool) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        for (limit, count) in WITHIN_MS.iter().zip(&self.within) {
            if micros <= limit * 1000 {
                count.fetch_add(1, Relaxed);
            }
        }
        self.took_us.fetch_add(micros, Relaxed);
        self.last_us.store(micros, Relaxed);
        self.failed.fetch_add(failed.into(), Relaxed);
        self.done.fetch_add(1, Relaxed);
    }

    /// What was counted so far.
    pub fn counted(&self) -> Counted {
        let done = self.done.load(Relaxed);
        Counted {
            done,
            failed: self.failed.load(Relaxed),
            took: Duration::from_micros(self.took_us.load(Relaxed)),
            last: (done > 0).then(|| Duration::from_micros(self.last_us.load(Relaxed))),
            within: std::array::from_fn(|at| self.within.get(at).map_or(0, |it| it.load(Relaxed))),
        }
    }
}

/// One device.
#[derive(Debug, Default)]
pub struct DeviceVitals {
    tallies: [Tally; Operation::ALL.len()],
    lost: AtomicU64,
}

impl DeviceVitals {
    /// Notes that something was asked of the device, and how it went.
    pub fn note(&self, operation: Operation, took: Duration, failed: bool) {
        self.of(operation).note(took, failed);
    }

    /// Notes that the device has stopped answering.
    pub fn note_lost(&self) {
        self.lost.fetch_add(1, Relaxed);
    }

    /// How often it has stopped answering.
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// The counts of one operation.
    pub fn of(&self, operation: Operation) -> &Tally {
        let [connect, poll, switch, timer, meter, info] = &self.tallies;
        match operation {
            Operation::Connect => connect,
            Operation::Poll => poll,
            Operation::Switch => switch,
            Operation::Timer => timer,
            Operation::Meter => meter,
            Operation::Info => info,
        }
    }
}

/// All devices.
#[derive(Debug)]
pub struct Vitals {
    started: Instant,
    devices: Mutex<BTreeMap<Slug, Arc<DeviceVitals>>>,
}

impl Default for Vitals {
    fn default() -> Self {
        Self { started: Instant::now(), devices: Mutex::default() }
    }
}

impl Vitals {
    /// Real time since the bridge was started.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// The counts of one device, which begin when they are first asked for.
    pub fn of(&self, device: &Slug) -> Arc<DeviceVitals> {
        // Counts are whole at any moment: what a panic elsewhere has left is good.
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        devices.entry(device.clone()).or_default().clone()
    }
}

/// The memory that this process holds now, in bytes, by Linux's `/proc`, which is no disk and answers at once. `None` elsewhere.
pub fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
