//! What the user's own station says on topics of its own, by a pointer into the JSON. Pure: any bytes are a figure or no figure.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    inbound::LONGEST,
    message::{Message, Payload},
    station::{AHEAD, Unheard, instant},
};
use crate::model::asked::shortened;
use crate::model::{Observation, StationTopic};

/// What one mapping finds in a message that arrived at `now`.
///
/// # Errors
/// There is no figure that could be believed; see [`Unheard`].
pub fn mapped(how: &StationTopic, message: &Message, now: Timestamp) -> Result<Observation, Unheard> {
    let bytes = match &message.payload {
        Payload::Bytes(bytes) if bytes.is_empty() => return Err(Unheard::Empty),
        Payload::Bytes(bytes) => bytes,
        Payload::TooLong(length) => {
            return Err(Unheard::Bad(format!("{length} bytes are too long, at most {LONGEST} are read")));
        }
    };
    let body = body(bytes);
    let at = match &how.time {
        Some(pointer) => {
            let found = body.pointer(pointer).and_then(instant);
            found.ok_or_else(|| {
                Unheard::Bad(format!(
                    "`{pointer}` is neither RFC 3339 with an offset, such as 2026-11-24T06:30:00Z, nor unix seconds"
                ))
            })?
        }
        None if message.retain => return Err(Unheard::Retained),
        None => now,
    };
    if at.duration_since(now) > AHEAD {
        return Err(Unheard::Bad(format!("it was measured at {at}, in the future")));
    }
    let found = body.pointer(&how.pointer);
    let (least, most) = how.field.range();
    let figure = found.and_then(figure).map(|it| how.unit.kept(it)).filter(|it| (least..=most).contains(it));
    let figure = figure.ok_or_else(|| {
        let found = found.map_or_else(|| "nothing".to_owned(), |it| shortened(&it.to_string()));
        let place = if how.pointer.is_empty() { "the payload".to_owned() } else { format!("`{}`", how.pointer) };
        let (field, unit) = (how.field.name(), how.unit.name);
        Unheard::Bad(format!("{place} holds {found}, which is no {field} in {unit}"))
    })?;
    Ok(Observation::nothing(at, how.max_age).with(how.field, figure))
}

/// JSON, or else the text as it is.
fn body(bytes: &[u8]) -> Value {
    let text = || Value::String(String::from_utf8_lossy(bytes).into_owned());
    serde_json::from_slice(bytes).unwrap_or_else(|_| text())
}

/// A number, or a text that is one, as Home Assistant and many bridges write it.
fn figure(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|it| it.is_finite())
}
