//! What the connections of a device share with those who reach into it.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::Serialize;
use tokio::sync::Notify;

use super::{device::Device, fault::Faults, sessions::Sessions};
use crate::klap::Hash;

/// What happened on a device's wire so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Logins that were begun.
    pub greetings: u64,
    /// Logins that succeeded.
    pub logins: u64,
    /// Requests of a session that were understood.
    pub requests: u64,
    /// Those of them that were carried out.
    pub carried_out: u64,
    /// Requests and logins that were refused with 400 or 403.
    pub refused: u64,
    /// HTTP exchanges under way now.
    pub in_flight: usize,
    /// The most HTTP exchanges that were ever under way at once.
    pub most_in_flight: usize,
}

/// What the lock guards.
pub(super) struct Inside {
    pub(super) device: Device,
    pub(super) sessions: Sessions,
    pub(super) faults: Faults,
    pub(super) counts: Counts,
    pub(super) auth: Hash,
}

/// What the connections share with the hands.
pub(super) struct Shared {
    inside: Mutex<Inside>,
    in_flight: AtomicUsize,
    /// Where it is, while it can be reached.
    reachable: Mutex<Option<SocketAddr>>,
    /// Somebody has asked for it.
    pub(super) asked: Notify,
    pub(super) latency: Duration,
}

impl Shared {
    pub(super) fn new(device: Device, sessions: Sessions, auth: Hash, latency: Duration) -> Self {
        let inside = Inside { device, sessions, faults: Faults::default(), counts: Counts::default(), auth };
        Self {
            inside: Mutex::new(inside),
            in_flight: AtomicUsize::new(0),
            reachable: Mutex::new(None),
            asked: Notify::new(),
            latency,
        }
    }

    /// The lock is held for the length of one look or one request, never over a wait.
    pub(super) fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is, while it can be reached.
    pub(super) fn reachable_at(&self) -> Option<SocketAddr> {
        *self.reachable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It can be reached at this address from now on; `None` if it cannot.
    pub(super) fn is_at(&self, address: Option<SocketAddr>) {
        *self.reachable.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// What happened on the wire so far.
    pub(super) fn counts(&self) -> Counts {
        Counts { in_flight: self.in_flight.load(Ordering::Relaxed), ..self.inside().counts }
    }

    /// Counts an exchange for as long as the answer lives.
    pub(super) fn take_off(&self) -> Flight<'_> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        let counts = &mut self.inside().counts;
        counts.most_in_flight = counts.most_in_flight.max(now);
        Flight(&self.in_flight, now > 1)
    }
}

/// One exchange under way.
pub(super) struct Flight<'a>(&'a AtomicUsize, bool);

impl Flight<'_> {
    /// Was another one under way when it began?
    pub(super) fn is_not_alone(&self) -> bool {
        self.1
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
