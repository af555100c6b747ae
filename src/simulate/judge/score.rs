//! How well a group did: figures of one season.

use super::{
    Breach, Steps, Truth,
    spans::{self, Span},
};

/// A shorter run wears the relay and warms nothing.
const SHORT: i64 = 20 * 60;
/// Events of precipitation are one when there is no more than this between them.
const APART: i64 = 4 * 3600;
/// Warm at an onset is what has been on for this long.
const WARM: i64 = 30 * 60;

/// How much of a need was met.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cover {
    /// Hours of need.
    pub hours: f64,
    /// Share of them that it was on, in percent; `None` where there was no need.
    pub percent: Option<f64>,
}

/// How warm it was when precipitation set in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Onsets {
    /// Events, those at the very beginning left out.
    pub count: usize,
    /// Those at which it had been on for half an hour.
    pub warm: usize,
    /// Share of them in percent; `None` where there was none.
    pub warm_percent: Option<f64>,
    /// Minutes that it had been on at the median onset; `None` where there was none.
    pub median_lead: Option<f64>,
}

/// How well a group did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// Hours whose weather is known.
    pub hours: f64,
    /// Hours on.
    pub on_hours: f64,
    /// Energy.
    pub kwh: f64,
    /// How often it was switched on.
    pub starts: usize,
    /// Runs under 20 minutes.
    pub short_runs: usize,
    /// The longest run.
    pub longest_run_hours: f64,
    /// Hours on that no need was near.
    pub wasted_hours: f64,
    /// The same in percent of the time on; `None` where it was never on.
    pub wasted_percent: Option<f64>,
    /// Frozen precipitation.
    pub precipitation: Cover,
    /// Its onsets.
    pub onsets: Onsets,
    /// Refrozen rain.
    pub refreeze: Cover,
    /// Frost.
    pub frost: Cover,
    /// Every breach of a limit.
    pub breaches: Vec<Breach>,
}

pub(super) fn score(truth: &Truth, steps: &Steps, on: &[Span]) -> Score {
    let end = steps.at(steps.states.len());
    let watt_steps: i64 = steps.states.iter().map(|it| i64::from(it.watts)).sum();
    let known_on = spans::both(on, &truth.known);
    let wasted = spans::total(&known_on) - spans::total(&spans::both(&known_on, &truth.near));
    // A run that the end cuts off is not short by anybody's will.
    let short = on.iter().filter(|it| it.1 - it.0 < SHORT && it.1 < end).count();
    Score {
        hours: hours(spans::total(&truth.known)),
        on_hours: hours(spans::total(on)),
        kwh: hours(watt_steps.saturating_mul(steps.step)) / 1000.0,
        starts: on.len(),
        short_runs: short,
        longest_run_hours: hours(on.iter().map(|it| it.1 - it.0).max().unwrap_or_default()),
        wasted_hours: hours(wasted),
        wasted_percent: percent(hours(wasted), hours(spans::total(on))),
        precipitation: cover(&truth.precipitation, on),
        onsets: onsets(truth, on),
        refreeze: cover(&truth.refreeze, on),
        frost: cover(&truth.frost, on),
        breaches: Vec::new(),
    }
}

fn cover(need: &[Span], on: &[Span]) -> Cover {
    let (need, met) = (hours(spans::total(need)), hours(spans::total(&spans::both(need, on))));
    Cover { hours: need, percent: percent(met, need) }
}

/// An event that begins within half an hour of the beginning could not have been met.
fn onsets(truth: &Truth, on: &[Span]) -> Onsets {
    let events = spans::joined(&truth.precipitation, APART);
    let events = events.iter().filter(|it| it.0 >= truth.judged.0 + WARM);
    let mut leads: Vec<i64> = events.map(|it| spans::holding(on, it.0).map_or(0, |run| it.0 - run.0)).collect();
    leads.sort_unstable();
    let warm = leads.iter().filter(|it| **it >= WARM).count();
    let median = match (leads.get(leads.len() / 2), leads.get(leads.len().saturating_sub(1) / 2)) {
        (Some(upper), Some(lower)) => Some((minutes(*upper) + minutes(*lower)) / 2.0),
        _ => None,
    };
    let share = percent(number(warm), number(leads.len()));
    Onsets { count: leads.len(), warm, warm_percent: share, median_lead: median }
}

/// Percent of nothing is nothing.
fn percent(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole * 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a few decades at most")]
fn hours(seconds: i64) -> f64 {
    seconds as f64 / 3600.0
}

fn minutes(seconds: i64) -> f64 {
    hours(seconds) * 60.0
}

#[expect(clippy::cast_precision_loss, reason = "a count of storms")]
fn number(count: usize) -> f64 {
    count as f64
}
