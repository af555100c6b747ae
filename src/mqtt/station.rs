//! What the user's own weather station says, on `weather/local/set`. Pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{
    inbound::LONGEST,
    message::{Message, Payload},
};
use crate::model::asked::shortened;
use crate::model::{Observation, Quantity};

/// How long a measurement is held to be true where the station does not say.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(30);
/// The shortest and the longest `max_age_s`.
const MAX_AGES: (f64, f64) = (10.0, 21_600.0);
/// A measurement from further in the future than this has a clock that is wrong.
pub(super) const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// The keys of a message, and what each is.
const KEYS: [(&str, Quantity); 7] = [
    ("temperature_c", Quantity::Temperature),
    ("dew_point_c", Quantity::DewPoint),
    ("humidity", Quantity::Humidity),
    ("surface_c", Quantity::Surface),
    ("rain_mm_h", Quantity::Rain),
    ("snow_cm_h", Quantity::Snow),
    ("wind_ms", Quantity::Wind),
];

/// What a message of the station holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The measurement. A field that cannot be is unknown.
    pub observation: Observation,
    /// What is wrong, by field.
    pub problems: BTreeMap<&'static str, String>,
}

/// Why a message of the station is not heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// It is empty, as is what clears a topic.
    Empty,
    /// It is retained and does not say when it was measured: it would be new again at each connect.
    Retained,
    /// It cannot be read.
    Bad(String),
}

/// Reads a message of the station that arrived at `now`. Fields that are not known are left aside: stations say much.
///
/// # Errors
/// Nothing of it can be used; see [`Unheard`].
pub fn measured(message: &Message, now: Timestamp) -> Result<Measured, Unheard> {
    let bytes = match &message.payload {
        Payload::Bytes(bytes) if bytes.is_empty() => return Err(Unheard::Empty),
        Payload::Bytes(bytes) => bytes,
        Payload::TooLong(length) => {
            return Err(Unheard::Bad(format!("{length} bytes are too long, at most {LONGEST} are read")));
        }
    };
    let read = serde_json::from_slice::<Map<String, Value>>(bytes);
    let fields = read.map_err(|error| Unheard::Bad(shortened(&format!("it is no JSON object: {error}"))))?;
    let at = match fields.get("ts").filter(|it| !it.is_null()) {
        Some(ts) => instant(ts).ok_or_else(|| {
            Unheard::Bad("`ts` is neither RFC 3339, such as 2026-11-24T06:30:00Z, nor unix seconds".to_owned())
        })?,
        None if message.retain => return Err(Unheard::Retained),
        None => now,
    };
    if at.duration_since(now) > AHEAD {
        return Err(Unheard::Bad(format!("`ts` is {at}, in the future")));
    }
    let mut problems = BTreeMap::new();
    let mut number = |key: &'static str, least: f64, most: f64| {
        let value = fields.get(key).filter(|it| !it.is_null())?;
        let figure = value.as_f64().filter(|it| (least..=most).contains(it));
        if figure.is_none() {
            let found = shortened(&value.to_string());
            problems.insert(key, format!("`{key}` is {found}, not a number from {least} to {most}"));
        }
        figure
    };
    let max_age = number("max_age_s", MAX_AGES.0, MAX_AGES.1).map_or(MAX_AGE, SignedDuration::from_secs_f64);
    let mut observation = Observation::nothing(at, max_age);
    for (key, quantity) in KEYS {
        let (least, most) = quantity.range();
        if let Some(figure) = number(key, least, most) {
            observation = observation.with(quantity, figure);
        }
    }
    Ok(Measured { observation, problems })
}

/// RFC 3339, or seconds since 1970.
pub(super) fn instant(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => {
            let seconds = SignedDuration::try_from_secs_f64(number.as_f64()?).ok()?;
            Timestamp::from_duration(seconds).ok()
        }
        _ => None,
    }
}
