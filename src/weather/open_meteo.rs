//! Open-Meteo: what is asked, and what the answer means.
//!
//! Its sums (`precipitation`, `snowfall`) at the stamp H are those of the hour that ends at H, so each stamp becomes the interval
//! `[H − 1 h, H)`. `weather_code` is derived from these sums and goes with them. Temperature, dew point, humidity, wind and cloud
//! are of the instant H: an interval gets the mean of its two ends, which is late for neither warming nor cooling air, or the
//! one end that is known.
//!
//! The quarter-hourly series is not asked for: outside North America and Central Europe it is the hourly one spread out, and it
//! has been seen dry while the hourly one rained. An hour that counts as wet from its beginning errs on the warm side.

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::sane;
use crate::model::{Celsius, Forecast, Interval, WeatherSettings};

/// The provider's name, as it stands in [`Forecast::source`].
pub const NAME: &str = "open-meteo";

/// Hours of the past that are asked for, so that a rule knows what fell before the bridge started.
const PAST_HOURS: u16 = 24;
/// The series that are asked for.
const SERIES: &str = "temperature_2m,dew_point_2m,relative_humidity_2m,precipitation,snowfall,weather_code,\
                      wind_speed_10m,cloud_cover";
/// More stamps than any request of ours is answered with: the provider's longest forecast and past, 16 + 92 days.
const MOST_STAMPS: usize = 108 * 24;
/// The step of the series.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The address to ask.
pub fn url(settings: &WeatherSettings) -> String {
    // The first stamp is the begun hour's, and the last hour is not over when the horizon is reached: hence two more.
    format!(
        "{base}/v1/forecast?latitude={latitude}&longitude={longitude}&hourly={SERIES}&past_hours={PAST_HOURS}\
         &forecast_hours={hours}&timeformat=unixtime&timezone=GMT&temperature_unit=celsius&wind_speed_unit=ms\
         &precipitation_unit=mm",
        base = settings.open_meteo_base_url.trim_end_matches('/'),
        latitude = settings.place.latitude,
        longitude = settings.place.longitude,
        hours = settings.horizon_hours.saturating_add(2),
    )
}

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
    /// Values are not numbers, or stamps do not ascend by at least an hour.
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
}

/// Reads an answer that arrived at `issued_at`.
///
/// # Errors
/// The answer as a whole is of no use. Single values that are of no use become `None` and are listed as doubts instead.
pub fn parse(bytes: &[u8], issued_at: Timestamp) -> Result<Answer, ParseError> {
    let body: Value = serde_json::from_slice(bytes).map_err(ParseError::NotJson)?;
    if let Some(reason) = refusal(&body) {
        return Err(ParseError::Refused(reason));
    }
    let hourly = body.get("hourly").and_then(Value::as_object).ok_or(ParseError::Shape("hourly"))?;
    let units = body.get("hourly_units").and_then(Value::as_object);
    let stamps = hourly.get("time").and_then(Value::as_array).ok_or(ParseError::Shape("hourly.time"))?;
    if stamps.iter().any(Value::is_string) {
        return Err(ParseError::TimesNotUnix);
    }
    let mut series = Series { hourly, units, stamps: stamps.len().min(MOST_STAMPS), doubts: BTreeMap::new() };
    let columns = Columns::read(&mut series);
    let intervals = columns.intervals(stamps, &mut series);
    if !intervals.iter().any(|it| it.end > issued_at && (it.temperature.is_some() || it.precipitation.is_some())) {
        return Err(ParseError::Empty);
    }
    let forecast = Forecast { source: NAME.to_owned(), issued_at, intervals };
    Ok(Answer { forecast, doubts: series.doubts })
}

/// The provider's own words in an error answer, cut to what fits a line.
pub(super) fn refusal(body: &Value) -> Option<String> {
    if body.get("error")? == &Value::Bool(false) {
        return None;
    }
    let reason = body.get("reason").and_then(Value::as_str).unwrap_or("no reason given");
    Some(reason.chars().map(|it| if it.is_control() { ' ' } else { it }).take(200).collect())
}

/// Reads single series, and remembers what it could not read.
struct Series<'a> {
    hourly: &'a Map<String, Value>,
    units: Option<&'a Map<String, Value>>,
    stamps: usize,
    doubts: BTreeMap<Doubt, String>,
}

impl Series<'_> {
    fn doubt(&mut self, series: &'static str, flaw: Flaw, example: impl fmt::Display) {
        self.doubts.entry(Doubt { series, flaw }).or_insert_with(|| example.to_string().chars().take(60).collect());
    }

    fn read(&mut self, name: &'static str, unit: &str, is_possible: fn(f64) -> bool) -> Vec<Option<f64>> {
        let nothing = vec![None; self.stamps];
        let other_unit = self.units.and_then(|it| it.get(name)).filter(|it| it.as_str() != Some(unit));
        if let Some(other) = other_unit {
            self.doubt(name, Flaw::Unit, other);
            return nothing;
        }
        let Some(values) = self.hourly.get(name).and_then(Value::as_array) else {
            self.doubt(name, Flaw::Missing, "the whole series");
            return nothing;
        };
        (0..self.stamps).map(|index| self.value(name, index, values.get(index), is_possible)).collect()
    }

    fn value(
        &mut self,
        name: &'static str,
        index: usize,
        value: Option<&Value>,
        is_possible: fn(f64) -> bool,
    ) -> Option<f64> {
        let flaw = match value {
            None | Some(Value::Null) => Flaw::Missing,
            Some(value) => match value.as_f64() {
                Some(number) if is_possible(number) => return Some(number),
                Some(_) => Flaw::Impossible,
                None => Flaw::Malformed,
            },
        };
        self.doubt(name, flaw, format_args!("{} at index {index}", value.unwrap_or(&Value::Null)));
        None
    }
}

/// All series, one value a stamp each.
struct Columns {
    temperature: Vec<Option<f64>>,
    dew_point: Vec<Option<f64>>,
    humidity: Vec<Option<f64>>,
    precipitation: Vec<Option<f64>>,
    snowfall: Vec<Option<f64>>,
    code: Vec<Option<f64>>,
    wind: Vec<Option<f64>>,
    cloud: Vec<Option<f64>>,
}

impl Columns {
    fn read(series: &mut Series<'_>) -> Self {
        Self {
            temperature: series.read("temperature_2m", "°C", sane::temperature),
            dew_point: series.read("dew_point_2m", "°C", sane::temperature),
            humidity: series.read("relative_humidity_2m", "%", sane::percent),
            precipitation: series.read("precipitation", "mm", sane::precipitation),
            snowfall: series.read("snowfall", "cm", sane::snowfall),
            code: series.read("weather_code", "wmo code", sane::code),
            wind: series.read("wind_speed_10m", "m/s", sane::wind),
            cloud: series.read("cloud_cover", "%", sane::percent),
        }
    }

    fn intervals(&self, stamps: &[Value], series: &mut Series<'_>) -> Vec<Interval> {
        let mut intervals: Vec<Interval> = Vec::with_capacity(series.stamps);
        let mut before: Option<usize> = None;
        for (index, stamp) in stamps.iter().enumerate().take(series.stamps) {
            let end = stamp.as_i64().and_then(|it| Timestamp::from_second(it).ok());
            let start = end.and_then(|it| it.checked_sub(HOUR).ok());
            let last_end = intervals.last().map(|it| it.end);
            let (Some(start), Some(end), true) = (start, end, last_end <= start) else {
                series.doubt("time", Flaw::Malformed, format_args!("{stamp} at index {index}"));
                continue;
            };
            let beginning = before.filter(|_| last_end == Some(start));
            intervals.push(self.interval(start, end, beginning, index));
            before = Some(index);
        }
        intervals
    }

    /// `beginning` is the index of the stamp at `start`, if there is one, `index` that of the stamp at `end`.
    fn interval(&self, start: Timestamp, end: Timestamp, beginning: Option<usize>, index: usize) -> Interval {
        let mean = |column: &[Option<f64>]| {
            let first = beginning.and_then(|it| at(column, it));
            match (first, at(column, index)) {
                (Some(first), Some(last)) => Some(f64::midpoint(first, last)),
                (first, last) => first.or(last),
            }
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 99, by `sane::code`")]
        let code = at(&self.code, index).map(|it| it as u8);
        Interval {
            start,
            end,
            temperature: mean(&self.temperature).map(Celsius),
            dew_point: mean(&self.dew_point).map(Celsius),
            humidity: mean(&self.humidity),
            precipitation: at(&self.precipitation, index),
            snowfall: at(&self.snowfall, index),
            code,
            cloud: mean(&self.cloud).map(|it| it / 100.0),
            wind: mean(&self.wind),
        }
    }
}

fn at(column: &[Option<f64>], index: usize) -> Option<f64> {
    column.get(index).copied().flatten()
}
