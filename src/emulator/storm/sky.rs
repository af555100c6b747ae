//! The recorded hours as a provider sees them, and what falls from them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::model::{Celsius, Interval, Place};

/// Seconds of an hour, the step of every recording.
pub(super) const HOUR: i64 = 3600;

/// What one answer is made from.
pub(super) struct Sky {
    pub(super) hours: Arc<[Interval]>,
    /// When the forecast that is told was made: the present, or long ago if the provider is stuck.
    pub(super) run: Timestamp,
    /// Every third hour is unknown.
    pub(super) gaps: bool,
}

impl Sky {
    /// The start of the recording's hour that `at` is in.
    pub(super) fn begun(&self, at: Timestamp) -> i64 {
        let into_the_hour = self.hours.first().map_or(0, |it| it.start.as_second().rem_euclid(HOUR));
        (at.as_second() - into_the_hour).div_euclid(HOUR) * HOUR + into_the_hour
    }

    /// The hour that starts at this second of unix time; one of which nothing is known where nothing was recorded.
    pub(super) fn hour(&self, start: i64) -> Interval {
        // An offset may be a fraction of a second, a stamp is whole seconds.
        let place = self.hours.partition_point(|it| it.start.as_second() < start);
        let is_gap = self.gaps && start.div_euclid(HOUR) % 3 == 0;
        let found = self.hours.get(place).filter(|it| it.start.as_second() == start && !is_gap);
        found.cloned().unwrap_or_else(|| Interval::unknown(instant(start), instant(start + HOUR)))
    }

    /// What falls over so many hours in mm; unknown if any of them is.
    pub(super) fn sum(&self, start: i64, hours: i64) -> Option<f64> {
        (0..hours).map(|it| self.hour(start + it * HOUR).precipitation).sum()
    }

    /// The worst of what falls over so many hours.
    pub(super) fn worst(&self, start: i64, hours: i64) -> Falls {
        let falls = (0..hours).map(|it| Falls::over(&self.hour(start + it * HOUR)));
        falls.max_by_key(|it| it.rank()).unwrap_or(Falls::Unknown)
    }
}

/// An instant; the beginning of time for one that there is not.
pub(super) fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MIN)
}

/// How much of it falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    Light,
    Moderate,
    Heavy,
}

/// What falls, or hangs in the air.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Falls {
    Unknown,
    Nothing,
    Fog,
    FreezingFog,
    Rain(Grade),
    /// Rain and snow, or nobody can tell which.
    Sleet(Grade),
    Snow(Grade),
    FreezingRain(Grade),
}

impl Falls {
    /// By the WMO code, or where nobody looked by amount and temperature.
    pub(super) fn over(hour: &Interval) -> Self {
        match hour.code {
            Some(66 | 56) => Self::FreezingRain(Grade::Light),
            Some(67 | 57) => Self::FreezingRain(Grade::Heavy),
            Some(71 | 77 | 85) => Self::Snow(Grade::Light),
            Some(73) => Self::Snow(Grade::Moderate),
            Some(75 | 86) => Self::Snow(Grade::Heavy),
            Some(51 | 53 | 55 | 61 | 80) => Self::Rain(Grade::Light),
            Some(63 | 81) => Self::Rain(Grade::Moderate),
            Some(65 | 82 | 95) => Self::Rain(Grade::Heavy),
            Some(48) => Self::FreezingFog,
            Some(45) => Self::Fog,
            Some(_) => Self::Nothing,
            None => Self::guessed(hour),
        }
    }

    fn guessed(hour: &Interval) -> Self {
        let grade = match hour.precipitation {
            None => return Self::Unknown,
            Some(amount) if amount <= 0.0 => return Self::Nothing,
            Some(amount) if amount < 1.0 => Grade::Light,
            Some(amount) if amount < 2.5 => Grade::Moderate,
            Some(_) => Grade::Heavy,
        };
        match hour.temperature {
            Some(air) if air <= Celsius(1.0) => Self::Snow(grade),
            Some(air) if air > Celsius(4.0) => Self::Rain(grade),
            _ => Self::Sleet(grade),
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Nothing => 1,
            Self::Fog => 2,
            Self::FreezingFog => 3,
            Self::Rain(_) => 4,
            Self::Sleet(_) => 5,
            Self::Snow(_) => 6,
            Self::FreezingRain(_) => 7,
        }
    }

    /// Does anything fall?
    pub(super) fn is_wet(self) -> bool {
        self.rank() >= Self::Rain(Grade::Light).rank()
    }
}

/// What a provider says, and how.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
    /// The run that it tells of, for a provider that can be asked for what is new since then.
    pub(super) modified: Option<Timestamp>,
    /// `application/json` is what most say.
    pub(super) media: &'static str,
}

impl Reply {
    pub(super) fn good(body: Value) -> Self {
        Self::refusal(200, body)
    }

    pub(super) fn refusal(status: u16, body: Value) -> Self {
        Self { status, body, modified: None, media: "application/json; charset=utf-8" }
    }
}

/// The value of a key of a query.
pub(super) fn asked<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    query.split('&').filter_map(|it| it.split_once('=')).find(|it| it.0 == key).map(|it| it.1)
}

/// A place from two numbers, if there is one.
pub(super) fn place(latitude: Option<&str>, longitude: Option<&str>) -> Option<Place> {
    let degrees = |text: Option<&str>, most: f64| text?.parse::<f64>().ok().filter(|it| it.abs() <= most);
    Some(Place { latitude: degrees(latitude, 90.0)?, longitude: degrees(longitude, 180.0)? })
}

/// A number with three decimals at most, or `null`.
pub(super) fn number(value: Option<f64>) -> Value {
    let Some(value) = value else { return Value::Null };
    let rounded = (value * 1000.0).round() / 1000.0;
    if rounded.fract() == 0.0 && rounded.abs() < 1e9 {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number below a thousand million")]
        return json!(rounded as i64);
    }
    json!(rounded)
}

/// A length in seconds.
pub(super) fn seconds(length: i64) -> SignedDuration {
    SignedDuration::from_secs(length)
}
