//! Open-Meteo: what is asked, and what the answer means.
//!
//! Its sums (`precipitation`, `snowfall`) at the stamp H are those of the hour that ends at H, so each stamp becomes the interval
//! `[H − 1 h, H)`. `weather_code` is derived from these sums and goes with them. Temperature, dew point, humidity, wind and cloud
//! are of the instant H: an interval gets the mean of its two ends, which is late for neither warming nor cooling air, or the
//! one end that is known.
//!
//! Where a model knows quarters of an hour, they are asked for, too: see `quarters`.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    answer::{Answer, Flaw, MOST, ParseError, Reader, mean, one_line},
    ask::{Ask, HOUR, Heard, Question, Reply},
    quarters, sane,
};
use crate::model::{Celsius, Interval, Place, Provider, ProviderSettings, WeatherSettings};

/// Hours of the past that are asked for, so that a rule knows what fell before the bridge started.
const PAST_HOURS: u16 = 24;
/// The series that are asked for.
const SERIES: &str = "temperature_2m,dew_point_2m,relative_humidity_2m,precipitation,snowfall,weather_code,\
                      wind_speed_10m,cloud_cover";

/// The provider.
pub struct OpenMeteo {
    url: String,
    /// Is there a model that knows quarters of an hour?
    quarters: bool,
}

impl OpenMeteo {
    /// As the settings say.
    pub fn new(settings: &WeatherSettings, how: &ProviderSettings) -> Self {
        let Place { latitude, longitude } = settings.place;
        // The first stamp is the begun hour's, and the last hour is not over when the horizon is reached: hence two more.
        let hours = settings.horizon_hours.saturating_add(2);
        let base = how.base_url.trim_end_matches('/');
        let quarters = quarters::are_native(settings.place);
        let url = format!(
            "{base}/v1/forecast?latitude={latitude}&longitude={longitude}&hourly={SERIES}&past_hours={PAST_HOURS}\
             &forecast_hours={hours}&timeformat=unixtime&timezone=GMT&temperature_unit=celsius&wind_speed_unit=ms\
             &precipitation_unit=mm{}",
            if quarters { quarters::ASKED } else { "" }
        );
        Self { url, quarters }
    }
}

impl Ask for OpenMeteo {
    fn question(&self) -> Question {
        Question::new(self.url.clone())
    }

    fn hear(&mut self, reply: Reply, now: Timestamp) -> Result<Heard, ParseError> {
        read(&reply.body, now, self.quarters).map(Heard::Answer)
    }
}

/// Reads the hours of an answer that arrived at `issued_at`.
///
/// # Errors
/// The answer as a whole is of no use. Single values that are of no use become `None` and are listed as doubts instead.
pub fn parse(bytes: &[u8], issued_at: Timestamp) -> Result<Answer, ParseError> {
    read(bytes, issued_at, false)
}

/// The same with the quarters of an hour, where the answer has them.
///
/// # Errors
/// As [`parse`].
pub fn parse_quarters(bytes: &[u8], issued_at: Timestamp) -> Result<Answer, ParseError> {
    read(bytes, issued_at, true)
}

fn read(bytes: &[u8], issued_at: Timestamp, quarters: bool) -> Result<Answer, ParseError> {
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
    let mut series = Series { hourly, units, stamps: stamps.len().min(MOST), reader: Reader::default() };
    let columns = Columns::read(&mut series);
    let intervals = columns.intervals(stamps, &mut series);
    let intervals = if quarters { quarters::refine(intervals, &body, &mut series.reader) } else { intervals };
    series.reader.finish(Provider::OpenMeteo.name(), issued_at, intervals)
}

/// The provider's own words in an error answer, cut to what fits a line.
fn refusal(body: &Value) -> Option<String> {
    if body.get("error")? == &Value::Bool(false) {
        return None;
    }
    let reason = body.get("reason").and_then(Value::as_str).unwrap_or("no reason given");
    Some(one_line(reason))
}

/// Reads single series, and remembers what it could not read.
struct Series<'a> {
    hourly: &'a Map<String, Value>,
    units: Option<&'a Map<String, Value>>,
    stamps: usize,
    reader: Reader,
}

impl Series<'_> {
    fn doubt(&mut self, series: &'static str, flaw: Flaw, example: impl fmt::Display) {
        self.reader.doubt(series, flaw, example);
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
        let mean = |column: &[Option<f64>]| mean(beginning.and_then(|it| at(column, it)), at(column, index));
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
