//! In which zone the predecessor wrote its times: it took the clock of its process, and wrote no offset.

use std::{fs, path::Path};

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use serde_json::Value;

/// What was written longer ago says nothing of today.
pub(super) const OLDEST: SignedDuration = SignedDuration::from_hours(24);
/// The newest time in a file is that of its last writing, to within this.
const ABOUT: SignedDuration = SignedDuration::from_mins(10);
/// The times of a state.
const TIMES: [&str; 3] = ["last_updated", "turn_on_time", "cooldown_start"];

/// Which zone it is, as far as the times of a file say.
#[derive(Debug)]
pub(super) enum Told<'a> {
    /// It is this one.
    In(&'a Zone),
    /// It may be this one: the file's date fits none.
    Perhaps(&'a Zone),
    /// All is older than [`OLDEST`].
    Old,
    /// The newest time lies ahead, wherever it was written.
    Ahead,
    /// There is no time.
    Nothing,
}

/// A zone, and what it is called.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) name: String,
    pub(super) zone: TimeZone,
}

/// The zones that are tried, one after the other: that of the config, that of this process, and UTC.
pub(super) fn zones(config: &TimeZone, machine: &TimeZone) -> Vec<Zone> {
    let named = |zone: &TimeZone, otherwise: &str| Zone {
        name: zone.iana_name().unwrap_or(otherwise).to_owned(),
        zone: zone.clone(),
    };
    let mut all = vec![named(config, "`location.timezone`")];
    let others = [
        (!machine.is_unknown()).then(|| named(machine, "the zone of this machine")),
        Some(named(&TimeZone::UTC, "UTC")),
    ];
    for it in others.into_iter().flatten() {
        if all.iter().all(|known| known.name != it.name) {
            all.push(it);
        }
    }
    all
}

/// When a file was last written. `None` if nobody knows: a date that lies ahead is none.
pub(super) fn written(path: &Path, now: Timestamp) -> Option<Timestamp> {
    let at = Timestamp::try_from(fs::metadata(path).ok()?.modified().ok()?).ok()?;
    (at.duration_since(now) <= ABOUT).then_some(at)
}

/// The first zone in which the newest time of the state is that of its last writing; if there is none, as after a copy that has another
/// date, the first in which it can be at all.
pub(super) fn told<'a>(state: &Value, written: Option<Timestamp>, zones: &'a [Zone], now: Timestamp) -> Told<'a> {
    let newest = |zone: &TimeZone| TIMES.iter().filter_map(|key| time(state.get(key)?, zone)).max();
    let readings: Vec<_> = zones.iter().filter_map(|it| Some((it, newest(&it.zone)?))).collect();
    if readings.is_empty() {
        return Told::Nothing;
    }
    let past: Vec<_> = readings.into_iter().filter(|(_, at)| *at <= now).collect();
    if past.is_empty() {
        return Told::Ahead;
    }
    let young: Vec<_> = past.into_iter().filter(|(_, at)| now.duration_since(*at) <= OLDEST).collect();
    let Some((first, _)) = young.first().copied() else { return Told::Old };
    let Some(written) = written else { return Told::In(first) };
    let fits = |(_, at): &&(&Zone, Timestamp)| written.duration_since(*at).abs() <= ABOUT;
    young.iter().find(fits).map_or(Told::Perhaps(first), |(zone, _)| Told::In(zone))
}

/// With an offset, or as clocks of the zone show it.
pub(super) fn time(it: &Value, zone: &TimeZone) -> Option<Timestamp> {
    let text = it.as_str()?;
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    zone.to_timestamp(text.parse::<civil::DateTime>().ok()?).ok()
}
