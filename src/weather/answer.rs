//! What an answer of any provider comes to: a forecast, and what was left out of it.

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{derive, sane};
use crate::model::{Forecast, Interval};

/// More intervals than any request of ours is answered with: the longest forecast and past, 16 + 92 days of hours.
pub(super) const MOST: usize = 108 * 24;
/// A provider whose own forecast is older than this is stuck, however fresh its answer looks.
const OLDEST_RUN: SignedDuration = SignedDuration::from_hours(24);
/// A forecast may be ahead of our clock by this much, or one of the two is wrong.
pub(super) const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// Snow above this air temperature in °C is a mistake of the source: it was reported at 20 °C.
const TOO_WARM_FOR_SNOW: f64 = 10.0;

/// A forecast, and what of the answer was left out of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What could be used.
    pub forecast: Forecast,
    /// What could not: each kind of doubt once, with the first example.
    pub doubts: BTreeMap<Doubt, String>,
}

/// Why values of a series were left out. `Display` is a sentence fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doubt {
    /// The series, as the provider names it.
    pub series: &'static str,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// What can be wrong with a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// Values are `null`, or the series is shorter than its stamps or absent.
    Missing,
    /// Values are not of their kind, or stamps do not ascend.
    Malformed,
    /// Values that no weather has.
    Impossible,
    /// The whole series is in a unit that was not asked for.
    Unit,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flaw = match self.flaw {
            Flaw::Missing => "has gaps",
            Flaw::Malformed => "holds what is no value",
            Flaw::Impossible => "holds values that no weather has",
            Flaw::Unit => "is in a unit that was not asked for",
        };
        write!(f, "`{}` {flaw}", self.series)
    }
}

/// The answer is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// It is not JSON: cut off, or a page of something in between.
    #[error("the answer is not complete JSON")]
    NotJson(#[source] serde_json::Error),
    /// The provider says why it does not answer.
    #[error("{0}")]
    Refused(String),
    /// A part that every answer has is absent or something else.
    #[error("the answer has no usable `{0}`")]
    Shape(&'static str),
    /// The stamps are local time, which is ambiguous where clocks are set.
    #[error("the answer gives local times although unix time was asked for")]
    TimesNotUnix,
    /// Neither temperature nor precipitation is known for any hour that is yet to end.
    #[error("the answer says nothing about the hours ahead")]
    Empty,
    /// The provider has not made a new forecast for a day.
    #[error("the provider's forecast is from {0}, which is more than 24 h ago")]
    Old(Timestamp),
    /// The provider says that nothing has changed, but we have nothing.
    #[error("the answer refers to an earlier one that is not known")]
    NothingBefore,
    /// A cache on the way has given an older forecast than one that is known.
    #[error("the answer is older than one that is known")]
    Superseded,
}

/// The whole of an answer.
pub(super) fn json(bytes: &[u8]) -> Result<Value, ParseError> {
    serde_json::from_slice(bytes).map_err(ParseError::NotJson)
}

/// The provider's own words in an error answer, cut to what fits a line: `reason` (Open-Meteo), `message` (OpenWeatherMap, Pirate
/// Weather), `title` and `detail` (problem+json, RFC 9457).
pub(super) fn reason(body: &Value) -> Option<String> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let words = match (text("title"), text("detail")) {
        (Some(title), Some(detail)) => format!("{title}: {detail}"),
        (title, detail) => text("reason").or(text("message")).or(title).or(detail)?.to_owned(),
    };
    Some(one_line(&words))
}

/// At most 200 characters on one line.
pub(super) fn one_line(words: &str) -> String {
    words.chars().map(|it| if it.is_control() { ' ' } else { it }).take(200).collect()
}

/// Reads single values, and remembers what it could not read.
#[derive(Default)]
pub(super) struct Reader {
    doubts: BTreeMap<Doubt, String>,
}

impl Reader {
    pub(super) fn doubt(&mut self, series: &'static str, flaw: Flaw, example: impl fmt::Display) {
        self.doubts.entry(Doubt { series, flaw }).or_insert_with(|| example.to_string().chars().take(60).collect());
    }

    /// A number times `scale`, if that is possible. What is not there at all is no doubt: a provider may leave it out.
    pub(super) fn number(
        &mut self,
        series: &'static str,
        value: Option<&Value>,
        scale: f64,
        is_possible: fn(f64) -> bool,
    ) -> Option<f64> {
        let value = value?;
        let flaw = match value.as_f64() {
            Some(number) if is_possible(number * scale) => return Some(number * scale),
            Some(_) => Flaw::Impossible,
            None if value.is_null() => Flaw::Missing,
            None => Flaw::Malformed,
        };
        self.doubt(series, flaw, value);
        None
    }

    /// An instant in unix seconds.
    pub(super) fn unix(&mut self, series: &'static str, value: Option<&Value>) -> Option<Timestamp> {
        let found = value.and_then(Value::as_i64).and_then(|it| Timestamp::from_second(it).ok());
        if found.is_none() {
            self.doubt(series, Flaw::Malformed, value.unwrap_or(&Value::Null));
        }
        found
    }

    /// An instant in words, with its offset from UTC.
    pub(super) fn instant(&mut self, series: &'static str, value: Option<&Value>) -> Option<Timestamp> {
        let found = value.and_then(Value::as_str).and_then(|it| it.parse().ok());
        if found.is_none() {
            self.doubt(series, Flaw::Malformed, value.unwrap_or(&Value::Null));
        }
        found
    }

    /// Puts an interval behind the others, unless it begins before the last one ends.
    pub(super) fn append(&mut self, series: &'static str, intervals: &mut Vec<Interval>, next: Interval) {
        let ascends = next.start < next.end && intervals.last().is_none_or(|last| last.end <= next.start);
        if ascends && intervals.len() < MOST {
            intervals.push(next);
        } else {
            self.doubt(series, Flaw::Malformed, next.start);
        }
    }

    /// The answer, if it says anything about what is to come after `issued_at`.
    pub(super) fn finish(
        mut self,
        source: &str,
        issued_at: Timestamp,
        mut intervals: Vec<Interval>,
    ) -> Result<Answer, ParseError> {
        for it in &mut intervals {
            self.without_contradictions(it);
            derive::humidity_and_dew_point(it);
        }
        still_ahead(&intervals, issued_at)?;
        let forecast = Forecast { source: source.to_owned(), issued_at, intervals };
        Ok(Answer { forecast, doubts: self.doubts })
    }

    /// Snow in warm air becomes unknown: the rest of the interval is good.
    fn without_contradictions(&mut self, it: &mut Interval) {
        let Some(air) = it.temperature.filter(|air| air.0 > TOO_WARM_FOR_SNOW) else { return };
        if it.code.is_some_and(sane::is_icy_code) {
            self.doubt("weather code", Flaw::Impossible, format_args!("{:?} at {air}", it.code));
            it.code = None;
        }
        if it.snowfall.is_some_and(|depth| depth > 0.0) {
            self.doubt("snowfall", Flaw::Impossible, format_args!("{:?} cm at {air}", it.snowfall));
            it.snowfall = None;
        }
    }
}

/// Refuses a forecast that its provider made too long ago.
pub(super) fn fresh_enough(made_at: Option<Timestamp>, now: Timestamp) -> Result<(), ParseError> {
    match made_at {
        Some(at) if now.duration_since(at) > OLDEST_RUN => Err(ParseError::Old(at)),
        _ => Ok(()),
    }
}

/// Refuses a forecast that says nothing of what is to come after `now`.
pub(super) fn still_ahead(intervals: &[Interval], now: Timestamp) -> Result<(), ParseError> {
    let says = |it: &Interval| it.end > now && (it.temperature.is_some() || it.precipitation.is_some());
    if intervals.iter().any(says) { Ok(()) } else { Err(ParseError::Empty) }
}

/// An interval of which nothing is known.
pub(super) fn blank(start: Timestamp, end: Timestamp) -> Interval {
    Interval::unknown(start, end)
}

/// The mean of what is known of both ends of an interval, or the one end that is known.
pub(super) fn mean(first: Option<f64>, last: Option<f64>) -> Option<f64> {
    match (first, last) {
        (Some(first), Some(last)) => Some(f64::midpoint(first, last)),
        (first, last) => first.or(last),
    }
}
