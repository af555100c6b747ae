//! How far a figure must move before it is news: a meter trembles at each look.
//!
//! Only what trembles is held back. As soon as anything else on the topic changes, all of it is published as it is.

use serde_json::Value;

/// A figure by its field, how far it may move from what was published, and the same as a part of what was published. The larger
/// of the two counts.
const DEADBANDS: [(&str, f64, f64); 10] = [
    // Watts, volts, amperes.
    ("power", 1.0, 0.02),
    ("voltage", 1.0, 0.0),
    ("current", 0.02, 0.02),
    // Kilowatt-hours: as many digits as are shown.
    ("energy_today", 0.01, 0.0),
    ("energy_month", 0.01, 0.0),
    ("energy_total", 0.01, 0.0),
    // Decibels.
    ("rssi", 3.0, 0.0),
    // Minutes that pass while nothing else happens.
    ("run_min", 5.0, 0.0),
    ("runtime_min", 5.0, 0.0),
    ("runtime_today_min", 5.0, 0.0),
];
/// Figures are rounded to thousandths: less than that is no difference.
const ROUNDING: f64 = 0.0005;

/// Is what there is to say so close to what was published that it need not be said? What has come to nothing, or begins, is
/// always news.
pub fn is_close(before: &Value, now: &Value) -> bool {
    is_close_field("", before, now)
}

fn is_close_field(field: &str, before: &Value, now: &Value) -> bool {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            before.len() == now.len()
                && now.iter().all(|(key, now)| before.get(key).is_some_and(|before| is_close_field(key, before, now)))
        }
        _ => before == now || trembles(field, before, now),
    }
}

fn trembles(field: &str, before: &Value, now: &Value) -> bool {
    let Some((_, least, part)) = DEADBANDS.iter().find(|(name, ..)| *name == field) else { return false };
    let (Some(before), Some(now)) = (before.as_f64(), now.as_f64()) else { return false };
    let begins_or_ends = (before == 0.0) != (now == 0.0);
    !begins_or_ends && (now - before).abs() + ROUNDING < least.max(before.abs() * part)
}
