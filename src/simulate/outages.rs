//! What the bridge did while no forecast could be fetched.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Outcome, TimelineRow};
use crate::model::Switch;

/// The first changes of an outage; the rest is counted.
const LISTED: usize = 8;

/// One outage, as one group lived through it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lived {
    /// When the first fetch could fail.
    pub from: Timestamp,
    /// When the next fetch could succeed.
    pub to: Timestamp,
    /// The group.
    pub group: String,
    /// How long it was on.
    pub on: SignedDuration,
    /// How long frozen precipitation fell.
    pub frozen: SignedDuration,
    /// How much of that it was on.
    pub covered: SignedDuration,
    /// What it was doing at the beginning, and each change on the way.
    pub rows: Vec<TimelineRow>,
}

/// Every outage that the simulated time holds, for each group that is judged.
pub fn lived(outcome: &Outcome) -> Vec<Lived> {
    let mut found = Vec::new();
    for (from, to) in outcome.outages.iter().map(|it| (it.0.max(outcome.from), it.1.min(outcome.to))) {
        if from >= to {
            continue;
        }
        for group in outcome.judged() {
            let on = on(&group.rows, from, to);
            let second = |at: i64| Timestamp::from_second(at).unwrap_or(Timestamp::MAX);
            let frozen = outcome.truth.precipitation.iter().map(|it| (second(it.0).max(from), second(it.1).min(to)));
            let frozen: Vec<_> = frozen.filter(|it| it.0 < it.1).collect();
            let both = |it: &(Timestamp, Timestamp)| {
                let parts = on.iter().map(|on| (on.0.max(it.0), on.1.min(it.1)));
                total(&parts.filter(|it| it.0 < it.1).collect::<Vec<_>>())
            };
            let before = group.rows.iter().rev().find(|it| it.at <= from);
            let within = group.rows.iter().filter(|it| it.at > from && it.at <= to);
            found.push(Lived {
                from,
                to,
                group: group.slug.to_string(),
                on: total(&on),
                frozen: total(&frozen),
                covered: frozen.iter().map(both).sum(),
                rows: before.into_iter().chain(within).cloned().collect(),
            });
        }
    }
    found
}

/// When it was on.
fn on(rows: &[TimelineRow], from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let ends = rows.iter().skip(1).map(|it| it.at).chain([Timestamp::MAX]);
    let runs = rows.iter().zip(ends).filter(|(row, _)| row.switch == Switch::On);
    runs.map(|(row, end)| (row.at.max(from), end.min(to))).filter(|it| it.0 < it.1).collect()
}

fn total(spans: &[(Timestamp, Timestamp)]) -> SignedDuration {
    spans.iter().map(|it| it.1.duration_since(it.0)).sum()
}

fn hours(length: SignedDuration) -> f64 {
    (length.as_secs_f64() / 36.0).round() / 100.0
}

/// For programs.
pub(super) fn json(lived: &[Lived]) -> Value {
    let row = |it: &TimelineRow| json!({ "at": it.at.to_string(), "state": it.switch, "mode": it.mode.as_str(), "reason": it.reason });
    let told = |it: &Lived| {
        json!({
            "from": it.from.to_string(),
            "to": it.to.to_string(),
            "hours": hours(it.to.duration_since(it.from)),
            "group": it.group,
            "on_hours": hours(it.on),
            "frozen_precipitation_hours": hours(it.frozen),
            "of_it_on_hours": hours(it.covered),
            "changes": it.rows.iter().map(row).collect::<Value>(),
        })
    };
    lived.iter().map(told).collect()
}

/// For people: a line for each outage, and below it what the group did. `local` writes an instant.
pub(super) fn table(lived: &[Lived], local: impl Fn(Timestamp) -> String) -> String {
    let mut text = String::new();
    for it in lived {
        text.push_str(&format!(
            "no forecast from {} for {} h: {} was on for {} h; frozen precipitation {} h, of it on {} h\n",
            local(it.from),
            hours(it.to.duration_since(it.from)),
            it.group,
            hours(it.on),
            hours(it.frozen),
            hours(it.covered),
        ));
        for row in it.rows.iter().take(LISTED) {
            let (at, mode) = (local(row.at.max(it.from)), row.mode.as_str());
            text.push_str(&format!("  {at}  {:3} {mode}: {}\n", row.switch.to_string(), row.reason));
        }
        if let Some(more) = it.rows.len().checked_sub(LISTED).filter(|it| *it > 0) {
            text.push_str(&format!("  … and {more} more changes\n"));
        }
    }
    text
}
