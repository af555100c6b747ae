//! What was foreseen for the hours that are over.
//!
//! Most providers tell of nothing before the running hour. An hour that snow fell in must not be forgotten when it ends: a mat
//! heats for a while after the last snow, and a rule asks what fell before.

use jiff::SignedDuration;

use crate::model::{Forecast, Interval};

/// As far back as Open-Meteo is asked for.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Puts what `known` says of the time before the forecast begins in front of it, a day at most.
pub fn keep(forecast: &mut Forecast, known: &Forecast) {
    let Some(begin) = forecast.intervals.first().map(|it| it.start) else { return };
    let Ok(oldest) = forecast.issued_at.checked_sub(KEPT) else { return };
    let before = known.between(oldest, begin).filter_map(|it| until(it, begin));
    let mut intervals: Vec<Interval> = before.collect();
    if intervals.is_empty() {
        return;
    }
    intervals.append(&mut forecast.intervals);
    forecast.intervals = intervals;
}

/// The part of an interval before `end`, with its share of what falls.
fn until(it: &Interval, end: jiff::Timestamp) -> Option<Interval> {
    if it.end <= end {
        return Some(it.clone());
    }
    let share = end.duration_since(it.start).as_secs_f64() / it.end.duration_since(it.start).as_secs_f64();
    let part = |sum: Option<f64>| sum.map(|it| it * share);
    let cut = Interval { end, precipitation: part(it.precipitation), snowfall: part(it.snowfall), ..it.clone() };
    (cut.start < cut.end).then_some(cut)
}
