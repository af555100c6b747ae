//! The zone of the house: one for all ways, for it may be changed while the bridge runs.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::tz::TimeZone;

/// The zone of the house. Cheap to copy; all copies change together.
#[derive(Clone, Debug)]
pub(super) struct Zone(Arc<Mutex<TimeZone>>);

impl Zone {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self(Arc::new(Mutex::new(zone)))
    }

    pub(super) fn get(&self) -> TimeZone {
        // A zone is never half set.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, zone: TimeZone) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = zone;
    }
}
