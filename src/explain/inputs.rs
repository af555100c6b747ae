//! The figures that a reason stands on: by name, for programs and for people.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::model::{Celsius, End, Ice, Reason, Wait};

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Figure {
    Time(Timestamp),
    Length(SignedDuration),
    Temperature(Celsius),
    Number(f64, &'static str),
    Text(String),
}

/// What a reason stands on. The sentence holds most of it already: this is all of it.
pub(super) fn inputs(reason: &Reason) -> Vec<(&'static str, Figure)> {
    let mut all = Vec::new();
    match reason {
        Reason::OnTooLong { ran, limit } => {
            all.extend([("ran", Figure::Length(*ran)), ("limit", Figure::Length(*limit))]);
        }
        Reason::Resting { until } => all.extend(until.map(|it| ("until", Figure::Time(it)))),
        Reason::Faulty { fault, acknowledged } => {
            all.push(("fault", Figure::Text(fault.as_str().to_owned())));
            all.push(("acknowledged", Figure::Text(acknowledged.to_string())));
        }
        Reason::Icy { ice, .. } => all.extend(icy(ice)),
        Reason::NoIce { next: Some((hazard, heats_at)) } => {
            all.extend([("next", Figure::Text(hazard.key().to_owned())), ("heats_at", Figure::Time(*heats_at))]);
        }
        Reason::TooWarm { air, limit } => {
            all.extend([("air", Figure::Temperature(*air)), ("limit", Figure::Temperature(*limit))]);
        }
        Reason::TooCold { air, wind } => {
            all.push(("air", Figure::Temperature(*air)));
            all.extend(wind.map(|it| ("wind", Figure::Number(it, "m/s"))));
        }
        Reason::Waits { wait: Wait::Circuit { name, amps } } => {
            all.extend([("circuit", Figure::Text(name.clone())), ("amps", Figure::Number(*amps, "A"))]);
        }
        Reason::Waits { wait: Wait::Expensive { window } } => all.push(("tariff", Figure::Text(window.clone()))),
        Reason::Wished { end, .. } => all.push(match end {
            End::NextChange { latest, .. } => ("until_the_rules_change_or", Figure::Time(*latest)),
            End::Elapsed(at) | End::At(at) => ("until", Figure::Time(*at)),
        }),
        Reason::Paused { until } => all.push(("until", Figure::Time(*until))),
        Reason::Schedule { name, until, .. } => {
            all.push(("schedule", Figure::Text(name.clone())));
            all.extend(until.map(|it| ("until", Figure::Time(it))));
        }
        Reason::ConditionNotMet { name, what } | Reason::WeatherUnknown { name, what } => {
            all.extend([("schedule", Figure::Text(name.clone())), ("asks", Figure::Text(what.clone()))]);
        }
        Reason::IceUnknown { what } => all.push(("asks", Figure::Text(what.clone()))),
        _ => {}
    }
    all
}

/// The figures of a stretch of ice.
pub(super) fn icy(ice: &Ice) -> Vec<(&'static str, Figure)> {
    let mut all = vec![
        ("hazard", Figure::Text(ice.hazard.key().to_owned())),
        ("from", Figure::Time(ice.from)),
        ("to", Figure::Time(ice.to)),
    ];
    all.extend(ice.air.map(|it| ("air", Figure::Temperature(it))));
    all.extend(ice.wet_bulb.map(|it| ("wet_bulb", Figure::Temperature(it))));
    all.extend(ice.surface.map(|it| ("surface", Figure::Temperature(it))));
    all.extend(ice.amount.map(|it| ("amount", Figure::Number(it, "mm"))));
    all
}

/// For programs: temperatures in °C, lengths in minutes.
pub(super) fn json(figures: &[(&'static str, Figure)]) -> Value {
    let value = |figure: &Figure| match figure {
        Figure::Time(at) => json!(at.to_string()),
        Figure::Length(length) => json!(length.as_mins()),
        Figure::Temperature(it) => json!(rounded(it.0)),
        Figure::Number(it, _) => json!(rounded(*it)),
        Figure::Text(text) => json!(text),
    };
    let name = |name: &str, figure: &Figure| match figure {
        Figure::Length(_) => format!("{name}_min"),
        Figure::Temperature(_) => format!("{name}_c"),
        _ => name.to_owned(),
    };
    Value::Object(figures.iter().map(|(key, figure)| (name(key, figure), value(figure))).collect())
}

/// To a hundredth, for a figure that went through a change of units has many digits that mean nothing.
pub(super) fn rounded(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}
