//! What came of a simulation: a table for people, JSON for programs.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::{GroupOutcome, Outcome, judge::Score, outages};

/// Breaches that are listed.
const LISTED: usize = 20;

/// The contract's JSON: the figures of the first heater, and after them further ones, and every group that is judged by its name.
pub fn json(outcome: &Outcome) -> Value {
    let mut all = outcome.judged().next().map(|it| figures(&it.score)).unwrap_or_default();
    all.insert("seconds_taken".to_owned(), json!(round(outcome.taken.as_secs_f64(), 3)));
    if let Some(first) = outcome.judged().next() {
        all.insert("group".to_owned(), json!(first.slug.as_str()));
        all.append(&mut further(&first.score));
    }
    all.insert("from".to_owned(), json!(outcome.from.to_string()));
    all.insert("to".to_owned(), json!(outcome.to.to_string()));
    let groups: Map<String, Value> = outcome
        .judged()
        .map(|it| {
            let mut figures = figures(&it.score);
            figures.append(&mut further(&it.score));
            (it.slug.to_string(), Value::Object(figures))
        })
        .collect();
    all.insert("groups".to_owned(), Value::Object(groups));
    if !outcome.outages.is_empty() {
        all.insert("outages".to_owned(), outages::json(&outages::lived(outcome)));
    }
    Value::Object(all)
}

/// What the contract names, in its order.
fn figures(score: &Score) -> Map<String, Value> {
    let figures = json!({
        "hours": round(score.hours, 2),
        "on_hours": round(score.on_hours, 2),
        "kwh": round(score.kwh, 2),
        "starts": score.starts,
        "short_runs": score.short_runs,
        "longest_run_hours": round(score.longest_run_hours, 2),
        "wasted_hours": round(score.wasted_hours, 2),
        "precipitation": {
            "hours": round(score.precipitation.hours, 2),
            "covered_pct": percent(score.precipitation.percent),
            "onsets": score.onsets.count,
            "warm_onsets": score.onsets.warm,
            "warm_onset_pct": percent(score.onsets.warm_percent),
        },
        "frost": { "hours": round(score.frost.hours, 2), "covered_pct": percent(score.frost.percent) },
        "safety_violations": score.breaches.len(),
    });
    match figures {
        Value::Object(figures) => figures,
        _ => Map::new(),
    }
}

fn further(score: &Score) -> Map<String, Value> {
    let breaches = score.breaches.iter().take(LISTED).map(|it| json!({ "time_utc": it.at, "what": it.what }));
    let breaches: Vec<Value> = breaches.collect();
    let further = json!({
        "wasted_pct": percent(score.wasted_percent),
        "median_lead_minutes": score.onsets.median_lead.map(|it| round(it, 1)),
        "refreeze": { "hours": round(score.refreeze.hours, 2), "covered_pct": percent(score.refreeze.percent) },
        "violations": breaches,
    });
    match further {
        Value::Object(further) => further,
        _ => Map::new(),
    }
}

/// A figure of the table: its name, and how it reads.
type Line = (&'static str, fn(&Score) -> String);

const LINES: [Line; 14] = [
    ("hours of weather", |it| format!("{:.0}", it.hours)),
    ("hours on", |it| format!("{:.1}", it.on_hours)),
    ("energy, kWh", |it| format!("{:.1}", it.kwh)),
    ("starts", |it| it.starts.to_string()),
    ("runs under 20 min", |it| it.short_runs.to_string()),
    ("longest run, h", |it| format!("{:.1}", it.longest_run_hours)),
    ("wasted, h", |it| format!("{:.1}{}", it.wasted_hours, in_brackets(it.wasted_percent))),
    ("frozen precipitation, h", |it| format!("{:.0}", it.precipitation.hours)),
    ("  of it on", |it| shown(it.precipitation.percent)),
    ("  onsets met warm", |it| {
        format!("{} of {}{}", it.onsets.warm, it.onsets.count, in_brackets(it.onsets.warm_percent))
    }),
    ("  median lead, min", |it| it.onsets.median_lead.map_or_else(|| "-".to_owned(), |it| format!("{it:.0}"))),
    ("refrozen rain, h: of it on", |it| format!("{:.0}: {}", it.refreeze.hours, shown(it.refreeze.percent))),
    ("frost, h: of it on", |it| format!("{:.0}: {}", it.frost.hours, shown(it.frost.percent))),
    ("breaches of safety", |it| it.breaches.len().to_string()),
];

/// The table for people, with times in the house's zone.
pub fn table(outcome: &Outcome, zone: &TimeZone) -> String {
    let mut text = String::new();
    let local = |at: Timestamp| zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string();
    let groups: Vec<&GroupOutcome> = outcome.judged().collect();
    // Writing into a text cannot fail.
    let _ = writeln!(text, "{} to {} ({:.2} s)\n", local(outcome.from), local(outcome.to), outcome.taken.as_secs_f64());
    let _ = write!(text, "{:28}", "");
    for group in &groups {
        let _ = write!(text, "  {:>16}", group.slug.as_str());
    }
    for (name, figure) in &LINES {
        let _ = write!(text, "\n{name:28}");
        for group in &groups {
            let _ = write!(text, "  {:>16}", figure(&group.score));
        }
    }
    text.push('\n');
    for group in &groups {
        for breach in group.score.breaches.iter().take(LISTED) {
            let at = Timestamp::from_second(breach.at).map_or_else(|_| breach.at.to_string(), local);
            let _ = writeln!(text, "breach of {}: {at}: {}", group.slug, breach.what);
        }
        if let Some(more) = group.score.breaches.len().checked_sub(LISTED).filter(|it| *it > 0) {
            let _ = writeln!(text, "… and {more} more of {}", group.slug);
        }
        if group.assumed_watts {
            let _ = writeln!(text, "{}: outlets without `rated_watts` count as 1500 W each", group.slug);
        }
    }
    text.push_str(&outages::table(&outages::lived(outcome), local));
    if groups.iter().any(|it| !it.heats) {
        text.push_str("no group of the config heats: all are shown\n");
    }
    text.push_str("- is percent of nothing. Frost and refrozen rain are those of a computed slab: they rank rules, they measure no ice\n");
    text
}

fn shown(percent: Option<f64>) -> String {
    percent.map_or_else(|| "-".to_owned(), |it| format!("{it:.1} %"))
}

fn in_brackets(percent: Option<f64>) -> String {
    percent.map_or_else(String::new, |it| format!(" ({it:.0} %)"))
}

fn percent(percent: Option<f64>) -> Option<f64> {
    percent.map(|it| round(it, 2))
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
