//! What the controller is shown of the recorded weather: a true now and past, and a forecast that may be late, biased, holed or absent.

use jiff::{SignedDuration, Timestamp};

use super::Options;
use crate::{
    model::{Celsius, Forecast, Interval},
    recorded::Recording,
};

/// So much of the past is in each forecast.
const PAST: SignedDuration = SignedDuration::from_hours(24);
/// So far each forecast looks ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);

/// The weather as the controller is shown it.
#[derive(Clone, Debug)]
pub struct Sky {
    truth: Vec<Interval>,
    /// The same hours as they are foreseen: moved, biased, some unknown.
    foreseen: Vec<Interval>,
}

impl Sky {
    /// The sky over a recording.
    pub fn new(recording: &Recording, options: &Options) -> Self {
        let truth: Vec<Interval> = recording.hours.iter().map(|it| it.interval.clone()).collect();
        let foreseen = truth.iter().map(|it| foreseen(it, options)).collect();
        Self { truth, foreseen }
    }

    /// The forecast that is fetched at `now`. Hours that have begun are true; from the end of the running one on it is foreseen.
    pub fn forecast(&self, now: Timestamp) -> Forecast {
        let first = self.truth.partition_point(|it| it.end <= later(now, -PAST));
        let begun = self.truth.partition_point(|it| it.start <= now);
        let begun = self.truth.get(first..begun).unwrap_or_default();
        let edge = begun.last().map_or(now, |it| it.end.max(now));
        let horizon = later(now, AHEAD);
        let ahead = self.foreseen.partition_point(|it| it.end <= edge);
        let ahead = self.foreseen.get(ahead..).unwrap_or_default();
        let mut intervals = Vec::with_capacity(begun.len() + 50);
        intervals.extend_from_slice(begun);
        intervals.extend(ahead.iter().take_while(|it| it.start < horizon).map(|it| from_edge(it, edge)));
        Forecast { source: "recorded".to_owned(), issued_at: now, intervals }
    }
}

/// An hour of the file as a forecast says it: `forecast(h) = file(h - shift)`.
fn foreseen(hour: &Interval, options: &Options) -> Interval {
    let (start, end) = (later(hour.start, options.shift), later(hour.end, options.shift));
    if is_unknown(hour.start.as_second(), options.null_percent) {
        return Interval::unknown(start, end);
    }
    let biased = |it: Option<Celsius>| it.map(|it| Celsius(it.0 + options.bias));
    Interval { start, end, temperature: biased(hour.temperature), dew_point: biased(hour.dew_point), ..hour.clone() }
}

/// The part of an interval that lies after `edge`, with its share of the amounts.
fn from_edge(interval: &Interval, edge: Timestamp) -> Interval {
    let mut part = interval.clone();
    if part.start < edge {
        let whole = part.end.duration_since(part.start).as_secs_f64();
        let share = part.end.duration_since(edge).as_secs_f64() / whole;
        part.start = edge;
        part.precipitation = part.precipitation.map(|it| it * share);
        part.snowfall = part.snowfall.map(|it| it * share);
    }
    part
}

/// Draws by the hour alone (the finaliser of SplitMix64, Steele and others 2014), so that runs repeat.
fn is_unknown(second: i64, percent: f64) -> bool {
    let mut bits = second.cast_unsigned().wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    f64::from(u32::try_from(bits >> 32).unwrap_or(u32::MAX)) < percent / 100.0 * f64::from(u32::MAX)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}
