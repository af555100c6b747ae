//! When only what is critical is told.

use jiff::{Timestamp, civil::Time, tz::TimeZone};

use super::zone::Zone;
use crate::{control::instant, model::Severity};

/// When only what is critical is told, by the zone of the house.
#[derive(Clone, Debug)]
pub(super) struct Quiet {
    pub(super) hours: Option<(Time, Time)>,
    pub(super) zone: Zone,
}

impl Quiet {
    /// When the quiet ends in which something of this severity is not told; `None` if it may be told now.
    pub(super) fn until(&self, severity: Severity, now: Timestamp) -> Option<Timestamp> {
        let hours = self.hours.filter(|_| severity < Severity::Critical)?;
        quiet_until(hours, &self.zone.get(), now)
    }
}

/// When the quiet ends; `None` outside of it.
pub fn quiet_until((from, to): (Time, Time), zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let local = zone.to_datetime(now);
    let time = local.time();
    let is_quiet = if from < to { from <= time && time < to } else { time >= from || time < to };
    let ends_on = if time < to { local.date() } else { local.date().tomorrow().ok()? };
    // Of an hour that comes twice, the first ends it.
    is_quiet.then(|| instant(zone, ends_on, to)).filter(|it| *it > now)
}
