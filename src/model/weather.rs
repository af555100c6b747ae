//! The weather as the house knows it: intervals in UTC and metric units, every field optional.

use std::{fmt, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Station, Trouble};

/// A temperature in degrees Celsius.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Celsius(pub f64);

impl Celsius {
    /// From degrees Fahrenheit, the unit of the `temperature_*` keys of the config.
    pub fn from_fahrenheit(degrees: f64) -> Self {
        Self((degrees - 32.0) / 1.8)
    }

    /// In degrees Fahrenheit.
    pub fn fahrenheit(self) -> f64 {
        self.0 * 1.8 + 32.0
    }
}

impl fmt::Display for Celsius {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} °C ({:.1} °F)", self.0, self.fahrenheit())
    }
}

/// What is known about a condition. Unknown never switches a heater on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// Nobody can tell: the forecast is stale, missing, or has a gap there.
    Unknown,
}

impl Fact {
    /// `Yes` for true.
    pub fn from_bool(it: bool) -> Self {
        if it { Self::Yes } else { Self::No }
    }
}

/// Precipitation over an interval, water equivalent, in mm, from 0.
pub type Precipitation = f64;

/// The weather over `[start, end)`. A field that the source does not give, or gives as nonsense, is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
    /// Air temperature at 2 m.
    pub temperature: Option<Celsius>,
    /// Dew point at 2 m.
    pub dew_point: Option<Celsius>,
    /// Relative humidity in percent, 0 to 100.
    pub humidity: Option<f64>,
    /// Sum over the interval in mm water equivalent.
    pub precipitation: Option<Precipitation>,
    /// Sum of new snow over the interval in cm.
    pub snowfall: Option<f64>,
    /// WMO weather code (table 4677 as Open-Meteo uses it).
    pub code: Option<u8>,
    /// Cloud cover, 0 to 1.
    pub cloud: Option<f64>,
    /// Wind at 10 m in m/s.
    pub wind: Option<f64>,
}

/// What a provider said, normalised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The provider's name: `open-meteo`.
    pub source: String,
    /// When it was fetched.
    pub issued_at: Timestamp,
    /// Ascending and without overlap; there may be gaps.
    pub intervals: Vec<Interval>,
}

impl Interval {
    /// An interval of which nothing is known.
    pub fn unknown(start: Timestamp, end: Timestamp) -> Self {
        Self {
            start,
            end,
            temperature: None,
            dew_point: None,
            humidity: None,
            precipitation: None,
            snowfall: None,
            code: None,
            cloud: None,
            wind: None,
        }
    }
}

impl Forecast {
    /// The interval that holds `at`.
    pub fn at(&self, at: Timestamp) -> Option<&Interval> {
        let after = self.intervals.partition_point(|it| it.start <= at);
        self.intervals[..after].last().filter(|it| at < it.end)
    }

    /// The intervals that overlap `[from, to)`.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Interval> {
        let first = self.intervals.partition_point(|it| it.end <= from);
        self.intervals[first..].iter().take_while(move |it| it.start < to)
    }
}

/// The weather on the board.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WeatherBoard {
    /// The newest forecast, which may be stale: compare its age with the settings.
    pub forecast: Option<Arc<Forecast>>,
    /// What another source says, where a second opinion is asked for: ice that only it tells of counts too.
    pub second: Option<Arc<Forecast>>,
    /// Why there is no newer one.
    pub trouble: Option<Trouble>,
    /// Is it fresh enough to act on? `None` when weather is not configured.
    pub fresh: Option<bool>,
    /// What stations near the house measured last: each figure grows old by itself.
    pub station: Station,
    /// What is soon.
    pub soon: Soon,
}

/// How well the weather is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeatherState {
    /// A provider answers.
    Online,
    /// No provider answers, or none has for two hours; the last forecast is still acted on.
    Degraded,
    /// There is no forecast to act on.
    Offline,
}

/// What is soon, for whoever wants to know. Facts are about the hour ahead, or about the lead of the thresholds where that is longer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Soon {
    /// How well the weather is known; `None` until it has been heard of or given up on.
    pub state: Option<WeatherState>,
    /// Something falls, or will.
    pub precipitation: Fact,
    /// A walk that nobody heats is icy, or will be.
    pub ice: Fact,
    /// From when to when the next frozen precipitation falls, as far as the forecast reaches.
    pub frozen: Option<(Timestamp, Timestamp)>,
}

impl Default for Soon {
    fn default() -> Self {
        Self { state: None, precipitation: Fact::Unknown, ice: Fact::Unknown, frozen: None }
    }
}

impl WeatherState {
    /// A forecast that has not been renewed for this long is a sign of trouble, even if nobody has told of any. While all is well it is
    /// renewed sooner, whatever the settings and the provider say of its refresh.
    pub const RENEWED_WITHIN: SignedDuration = SignedDuration::from_hours(2);

    /// By the clock, at any moment. `valid` is how long a forecast is acted on; `None` where weather is switched off.
    pub fn of(board: &WeatherBoard, valid: Option<SignedDuration>, now: Timestamp) -> Self {
        let age = board.forecast.as_ref().map(|it| now.duration_since(it.issued_at));
        match age.zip(valid) {
            Some((age, valid)) if age < valid => {
                if board.trouble.is_none() && age < Self::RENEWED_WITHIN {
                    Self::Online
                } else {
                    Self::Degraded
                }
            }
            _ => Self::Offline,
        }
    }

    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Degraded => "degraded",
            Self::Offline => "offline",
        }
    }
}
