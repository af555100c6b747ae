//! The summary of a day: hours on, energy, cost, and what happened.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};
use serde_json::json;

use super::{
    alert::{Alert, clock},
    desk::kind,
    notebook::{Diary, Line, Notebook},
};
use crate::{
    control::{instant, price_at},
    model::{ControlSettings, House},
};

/// A summary that could not be told at its time is told up to so much later.
const LATE: SignedDuration = SignedDuration::from_hours(6);

/// Writes down what the outlets have done since the last look.
pub(super) fn look(control: &ControlSettings, house: &House, notebook: &mut Notebook, now: Timestamp) {
    let price = price_at(control, now);
    notebook.diary.since.get_or_insert(now);
    let day = control.zone.to_datetime(house.at).date();
    let of_day = house.at.duration_since(instant(&control.zone, day, Time::midnight())).as_secs();
    for (id, outlet) in &house.outlets {
        let today = outlet.runtime_today.as_secs();
        let known = notebook.diary.outlets.entry(id.clone());
        let line = known.or_insert_with(|| Line {
            seen_on: today,
            seen_day: Some(day),
            seen_kwh: outlet.energy_total,
            kwh: outlet.energy_total.map(|_| 0.0),
            cost: outlet.energy_total.and(price).map(|_| 0.0),
            ..Line::default()
        });
        line.name.clone_from(&outlet.name);
        if line.seen_day == Some(day) {
            line.on += (today - line.seen_on).max(0);
            line.seen_on = today;
        } else if today <= of_day {
            // It has begun anew at midnight. Were it more than the day is old, it would still be about yesterday.
            line.on += today;
            line.seen_on = today;
            line.seen_day = Some(day);
        }
        if let Some(total) = outlet.energy_total {
            let used = line.seen_kwh.map_or(0.0, |seen| (total - seen).max(0.0));
            line.seen_kwh = Some(total);
            line.kwh = Some(line.kwh.unwrap_or_default() + used);
            line.cost = price.map(|price| line.cost.unwrap_or_default() + used * price).or(line.cost);
        }
    }
    notebook.diary.outlets.retain(|id, line| line.on > 0 || house.outlets.contains_key(id));
}

/// When the next summary is due.
pub(super) fn next(at: Time, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let today = zone.to_datetime(now).date();
    let tomorrow = today.tomorrow().ok()?;
    [today, tomorrow].into_iter().map(|date| instant(zone, date, at)).find(|it| *it > now)
}

/// The summary, if it is due.
pub(super) fn tick(at: Time, control: &ControlSettings, notebook: &mut Notebook, now: Timestamp) -> Option<Alert> {
    let zone = &control.zone;
    let today = zone.to_datetime(now).date();
    let due = instant(zone, today, at);
    let is_new = notebook.summary_of.is_none_or(|it| it < today);
    if now < due || !is_new {
        // A bridge that has just been set up has a day before it.
        if notebook.summary_of.is_none() {
            notebook.summary_of = today.yesterday().ok();
        }
        return None;
    }
    let is_first = notebook.summary_of.is_none();
    notebook.summary_of = Some(today);
    if is_first || now.duration_since(due) > LATE {
        return None;
    }
    let alert = told(control, &notebook.diary, now);
    let lines = std::mem::take(&mut notebook.diary).outlets.into_iter().map(|(id, line)| {
        let (kwh, cost) = (line.kwh.map(|_| 0.0), line.cost.map(|_| 0.0));
        (id, Line { on: 0, kwh, cost, ..line })
    });
    notebook.diary = Diary { since: Some(now), outlets: lines.collect(), ..Diary::default() };
    Some(alert)
}

fn told(control: &ControlSettings, diary: &Diary, now: Timestamp) -> Alert {
    let currency = control.tariff.as_ref().map(|it| it.currency.as_str()).unwrap_or_default();
    let since = diary.since.unwrap_or(now);
    let all: Vec<&Line> = diary.outlets.values().filter(|it| it.on > 0).collect();
    let sum = Line {
        on: all.iter().map(|it| it.on).sum(),
        kwh: all.iter().filter_map(|it| it.kwh).reduce(|one, other| one + other),
        cost: all.iter().filter_map(|it| it.cost).reduce(|one, other| one + other),
        ..Line::default()
    };
    let mut words = format!("Since {}: ", clock(since, &control.zone));
    match all.as_slice() {
        [] => words.push_str("nothing was on."),
        [one] => {
            let _ = write!(words, "{} was on for {}.", one.name, figures(one, currency));
        }
        many => {
            let _ = write!(words, "{} outlets were on, together for {}.", many.len(), figures(&sum, currency));
        }
    }
    if diary.events.is_empty() {
        words.push_str("\nNothing else happened.");
    } else {
        let events = diary.events.iter().map(|(name, count)| format!("{} {count} times", name.replace('_', " ")));
        let _ =
            write!(words, "\nWhat happened: {}.", events.collect::<Vec<_>>().join(", ").replace(" 1 times", " once"));
    }
    // Last, for in a large house there may be too many of them for one message.
    for line in all.iter().filter(|_| all.len() > 1) {
        let _ = write!(words, "\n- {}: {}", line.name, figures(line, currency));
    }
    let rounded = |it: Option<f64>, by: f64| it.map(|it| (it * by).round() / by);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a day")]
    let hours = rounded(Some(sum.on as f64 / 3600.0), 100.0);
    Alert::new(kind("daily_summary"), now, words)
        .with("hours_on", hours)
        .with("kwh", rounded(sum.kwh, 1000.0))
        .with("cost", rounded(sum.cost, 100.0))
        .with("currency", currency)
        .with("events", json!(diary.events))
}

fn figures(line: &Line, currency: &str) -> String {
    let minutes = line.on / 60;
    let mut words =
        if minutes < 60 { format!("{minutes} min") } else { format!("{} h {} min", minutes / 60, minutes % 60) };
    if let Some(kwh) = line.kwh {
        let _ = write!(words, ", {kwh:.1} kWh");
    }
    if let Some(cost) = line.cost {
        let _ = write!(words, ", {cost:.2} {currency}");
    }
    words.trim_end().to_owned()
}
