//! MET Norway, Locationforecast 2.0 `compact`: what is asked, and what the answer means.
//!
//! Instants are UTC. What falls is told forward: `next_1_hours` at the stamp H is the sum of `[H, H + 1 h)`, and where the far end
//! of the series has no hours, `next_6_hours` is that of six. Temperature, humidity, wind and cloud are of the instant H: an
//! interval gets the mean of its two ends. There is no dew point, it is derived. The terms of service ask for a way to reach a
//! person in `User-Agent`, for at most four decimals, for `If-Modified-Since` and for patience until `Expires`.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    answer::{Answer, Flaw, ParseError, Reader, blank, fresh_enough, json, mean, still_ahead},
    ask::{Ask, HOUR, Heard, Question, Reply, degrees},
    sane,
};
use crate::model::{Celsius, Interval, Place, Provider, ProviderSettings, WeatherSettings};

/// What is asked for, and the unit it is wanted in.
const UNITS: [(&str, &str); 5] = [
    ("air_temperature", "celsius"),
    ("relative_humidity", "%"),
    ("cloud_area_fraction", "%"),
    ("wind_speed", "m/s"),
    ("precipitation_amount", "mm"),
];

/// The provider, and what it said last.
pub struct MetNorway {
    base_url: String,
    place: Place,
    last: Option<Last>,
}

/// An answer that may be referred to.
struct Last {
    /// Its `Last-Modified`, exactly.
    since: String,
    /// When the provider made it; where that is not told, when it was heard first.
    made_at: Timestamp,
    answer: Answer,
}

impl MetNorway {
    /// As the settings say.
    pub fn new(settings: &WeatherSettings, how: &ProviderSettings) -> Self {
        Self { base_url: how.base_url.clone(), place: settings.place, last: None }
    }
}

impl Ask for MetNorway {
    fn question(&self) -> Question {
        let Place { latitude, longitude } = self.place;
        let url = format!("{}/compact?lat={}&lon={}", self.base_url, degrees(latitude), degrees(longitude));
        Question { url, known_since: self.last.as_ref().map(|it| it.since.clone()) }
    }

    fn hear(&mut self, reply: Reply, now: Timestamp) -> Result<Heard, ParseError> {
        // An answer of no use must not be referred to: the next question asks for all of it again.
        let last = self.last.take();
        if reply.unchanged {
            // The provider has just said that this is its forecast still, which may be one that it has been stuck with for long.
            let mut last = last.ok_or(ParseError::NothingBefore)?;
            fresh_enough(Some(last.made_at), now)?;
            still_ahead(&last.answer.forecast.intervals, now)?;
            last.answer.forecast.issued_at = now;
            return Ok(Heard::Answer(self.last.insert(last).answer.clone()));
        }
        let body = json(&reply.body)?;
        let answer = read(&body, now)?;
        let made_at = made_at(&body).unwrap_or(now);
        self.last = reply.last_modified.map(|since| Last { since, made_at, answer: answer.clone() });
        Ok(Heard::Answer(answer))
    }
}

fn made_at(body: &Value) -> Option<Timestamp> {
    body.pointer("/properties/meta/updated_at")?.as_str()?.parse().ok()
}

/// Reads an answer that arrived at `issued_at`.
///
/// # Errors
/// The answer as a whole is of no use. Single values that are of no use become `None` and are listed as doubts instead.
pub fn parse(bytes: &[u8], issued_at: Timestamp) -> Result<Answer, ParseError> {
    read(&json(bytes)?, issued_at)
}

fn read(body: &Value, issued_at: Timestamp) -> Result<Answer, ParseError> {
    let properties = body.get("properties").ok_or(ParseError::Shape("properties"))?;
    let series = properties.get("timeseries").and_then(Value::as_array).ok_or(ParseError::Shape("timeseries"))?;
    let meta = properties.get("meta");
    fresh_enough(made_at(body), issued_at)?;
    let mut reader = Reader::default();
    let units = meta.and_then(|it| it.get("units"));
    let foreign = |name: &str, unit: &str| units.and_then(|it| it.get(name)).is_some_and(|it| it != unit);
    let foreign: Vec<&'static str> = UNITS.iter().filter(|it| foreign(it.0, it.1)).map(|it| it.0).collect();
    for name in &foreign {
        reader.doubt(name, Flaw::Unit, "the whole series");
    }
    let steps: Vec<Step> = series.iter().filter_map(|it| Step::read(it, &foreign, &mut reader)).collect();
    let mut intervals: Vec<Interval> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let next = steps.get(index + 1).filter(|next| next.at > step.at);
        if let Some(interval) = step.interval(next) {
            reader.append("time", &mut intervals, interval);
        }
    }
    reader.finish(Provider::MetNorway.name(), issued_at, intervals)
}

/// One entry of the series.
struct Step {
    at: Timestamp,
    temperature: Option<f64>,
    humidity: Option<f64>,
    cloud: Option<f64>,
    wind: Option<f64>,
    /// Over how long it is told what falls.
    ahead: Option<SignedDuration>,
    precipitation: Option<f64>,
    code: Option<u8>,
}

impl Step {
    fn read(it: &Value, foreign: &[&str], reader: &mut Reader) -> Option<Self> {
        let at = reader.instant("time", it.get("time"))?;
        let data = it.get("data");
        let details = data.and_then(|it| it.get("instant")).and_then(|it| it.get("details"));
        let mut now = |name: &'static str, is_possible: fn(f64) -> bool| {
            let value = details.and_then(|it| it.get(name)).filter(|_| !foreign.contains(&name));
            reader.number(name, value, 1.0, is_possible)
        };
        let (temperature, humidity) =
            (now("air_temperature", sane::temperature), now("relative_humidity", sane::percent));
        let (cloud, wind) = (now("cloud_area_fraction", sane::percent), now("wind_speed", sane::wind));
        let ahead = [("next_1_hours", 1), ("next_6_hours", 6)];
        let ahead = ahead.iter().find_map(|(key, hours)| Some((data?.get(*key)?, SignedDuration::from_hours(*hours))));
        let falls = ahead.and_then(|(it, _)| it.get("details")).and_then(|it| it.get("precipitation_amount"));
        let falls = falls.filter(|_| !foreign.contains(&"precipitation_amount"));
        let precipitation = reader.number("precipitation_amount", falls, 1.0, sane::precipitation);
        let symbol = ahead.and_then(|(it, _)| it.get("summary")).and_then(|it| it.get("symbol_code"));
        let code = symbol.and_then(Value::as_str).and_then(code);
        let ahead = ahead.map(|(_, length)| length);
        Some(Self { at, temperature, humidity, cloud, wind, ahead, precipitation, code })
    }

    fn interval(&self, next: Option<&Self>) -> Option<Interval> {
        let gap = next.map(|it| it.at.duration_since(self.at));
        let told = self.ahead.or(gap.filter(|it| *it <= HOUR))?;
        // A shorter step than what is told of: this much of the sum falls in it, as far as anybody knows.
        let length = gap.map_or(told, |gap| gap.min(told));
        let share = length.as_secs_f64() / told.as_secs_f64();
        let end = self.at.checked_add(length).ok()?;
        let next = next.filter(|it| it.at == end);
        let both = |value: fn(&Self) -> Option<f64>| mean(value(self), next.and_then(value));
        Some(Interval {
            temperature: both(|it| it.temperature).map(Celsius),
            humidity: both(|it| it.humidity),
            cloud: both(|it| it.cloud).map(|it| it / 100.0),
            wind: both(|it| it.wind),
            precipitation: self.precipitation.map(|sum| sum * share),
            code: self.code,
            ..blank(self.at, end)
        })
    }
}

/// The WMO code of a symbol (`lightsnowshowers_day`). Sleet has none: whether it freezes is for the figures to say.
fn code(symbol: &str) -> Option<u8> {
    let (light, heavy, showers) = (symbol.starts_with("light"), symbol.starts_with("heavy"), symbol.contains("shower"));
    let graded = |grades: [u8; 3]| {
        Some(if light {
            grades[0]
        } else if heavy {
            grades[2]
        } else {
            grades[1]
        })
    };
    if symbol.contains("sleet") {
        None
    } else if symbol.contains("snow") {
        graded(if showers { [85, 85, 86] } else { [71, 73, 75] })
    } else if symbol.contains("thunder") {
        Some(95)
    } else if symbol.contains("rain") {
        graded(if showers { [80, 81, 82] } else { [61, 63, 65] })
    } else {
        match symbol.split('_').next()? {
            "fog" => Some(45),
            "clearsky" => Some(0),
            "fair" => Some(1),
            "partlycloudy" => Some(2),
            "cloudy" => Some(3),
            _ => None,
        }
    }
}
