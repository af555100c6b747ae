//! What a provider does instead of a good answer.

use std::{fmt, str::FromStr, time::Duration};

use jiff::SignedDuration;
use serde_json::Value;

/// How long a slow answer takes: longer than any client waits.
pub(super) const SLOW: Duration = Duration::from_secs(60);
/// A huge answer: more than any client reads.
const HUGE: usize = 4 * 1024 * 1024;
/// Local time behind UTC, as in New York in winter.
const LOCAL: SignedDuration = SignedDuration::from_hours(-5);
/// A stuck provider's last forecast is this old.
pub(super) const LATE: SignedDuration = SignedDuration::from_hours(26);
/// Keys under which providers put instants.
const INSTANTS: [&str; 4] = ["time", "dt", "validTime", "updateTime"];

/// What a provider does instead of a good answer. `Display` and `FromStr` are the names for people: `503`, `429:120`, `truncated`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StormFault {
    /// Nothing: it answers well.
    #[default]
    Off,
    /// This HTTP status (400 to 599), with a reason as the provider gives it.
    Status(u16),
    /// Status 400, as for a wrong variable.
    BadRequest,
    /// Status 429, and when to come again, in seconds.
    TooMany(u32),
    /// The answer is cut off in the middle.
    Truncated,
    /// It takes a minute, real time.
    Slow,
    /// Every third hour is `null` in all series.
    NullHours,
    /// Series are shorter than their stamps, or entries have lost their values.
    Ragged,
    /// Local times without an offset, as around a DST change nobody can tell apart.
    LocalTime,
    /// The model has not run for 26 h: the provider tells the last forecast again.
    LateRun,
    /// More than any client reads.
    Huge,
    /// No text at all.
    Garbage,
}

/// The faults without a figure.
const NAMED: [(&str, StormFault); 10] = [
    ("off", StormFault::Off),
    ("bad-request", StormFault::BadRequest),
    ("truncated", StormFault::Truncated),
    ("slow", StormFault::Slow),
    ("null-hours", StormFault::NullHours),
    ("ragged", StormFault::Ragged),
    ("local-time", StormFault::LocalTime),
    ("late-run", StormFault::LateRun),
    ("huge", StormFault::Huge),
    ("garbage", StormFault::Garbage),
];

/// There is no such fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no fault `{0}`; there are: off, bad-request, truncated, slow, null-hours, ragged, local-time, late-run, huge, garbage, \
     a status from 400 to 599, and 429:SECONDS"
)]
pub struct UnknownFault(String);

impl fmt::Display for StormFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::TooMany(seconds) => write!(f, "429:{seconds}"),
            named => f.write_str(NAMED.iter().find(|it| it.1 == *named).map_or("off", |it| it.0)),
        }
    }
}

impl FromStr for StormFault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let unknown = || UnknownFault(text.chars().take(40).collect());
        if let Some((_, fault)) = NAMED.iter().find(|it| it.0 == text) {
            return Ok(*fault);
        }
        match text.split_once(':') {
            Some(("429", seconds)) => seconds.parse().map(Self::TooMany).map_err(|_| unknown()),
            Some(_) => Err(unknown()),
            None => {
                let status = text.parse().ok().filter(|it| (400..600).contains(it));
                status.map(Self::Status).ok_or_else(unknown)
            }
        }
    }
}

impl StormFault {
    /// What becomes of a good answer before it is written.
    pub(super) fn distort(self, body: &mut Value) {
        match self {
            Self::Ragged => ragged(body),
            Self::LocalTime => local(body),
            _ => {}
        }
    }

    /// What becomes of it once it is bytes.
    pub(super) fn damage(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Truncated => bytes.truncate(bytes.len() / 2),
            Self::Huge => bytes.resize(bytes.len() + HUGE, b' '),
            // 0xff is in no text in UTF-8.
            Self::Garbage => {
                bytes.iter_mut().enumerate().for_each(|(at, it)| *it = if at % 2 == 0 { 0xff } else { !*it })
            }
            _ => {}
        }
    }
}

/// The last third of every list loses its values: numbers go, entries keep nothing but their instant.
fn ragged(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, it) in fields {
                match it {
                    Value::Array(list) if !INSTANTS.contains(&name.as_str()) => shorten(list),
                    it => ragged(it),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(ragged),
        _ => {}
    }
}

fn shorten(list: &mut Vec<Value>) {
    let whole = list.len() - list.len() / 3;
    if !list.iter().any(Value::is_object) {
        list.truncate(whole);
        return;
    }
    for it in list.iter_mut().skip(whole).filter_map(Value::as_object_mut) {
        it.retain(|name, _| INSTANTS.contains(&name.as_str()));
    }
}

fn local(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, it) in fields {
                match it {
                    Value::Array(list) if INSTANTS.contains(&name.as_str()) => list.iter_mut().for_each(localised),
                    it if INSTANTS.contains(&name.as_str()) => localised(it),
                    it => local(it),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(local),
        _ => {}
    }
}

fn localised(it: &mut Value) {
    let (at, rest) = match &*it {
        Value::Number(number) => (number.as_i64().and_then(|it| jiff::Timestamp::from_second(it).ok()), String::new()),
        Value::String(text) => {
            let (at, rest) =
                text.split_once('/').map_or((text.as_str(), String::new()), |it| (it.0, format!("/{}", it.1)));
            (at.parse().ok(), rest)
        }
        _ => (None, String::new()),
    };
    if let Some(at) = at.and_then(|it: jiff::Timestamp| it.checked_add(LOCAL).ok()) {
        *it = Value::String(format!("{}{rest}", at.strftime("%Y-%m-%dT%H:%M")));
    }
}
