//! Pirate Weather, in the shape of Dark Sky: what is asked, and what the answer means.
//!
//! With `units=si`: °C, m/s, mm/h, and depths of snow in cm. An entry of `hourly.data` is about the hour that begins at its `time`.
//! Humidity and cloud cover are 0 to 1. Its kind of precipitation is wrong at times, so sleet has no code and the figures decide.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    answer::{Answer, Flaw, ParseError, Reader, blank, json},
    ask::{Ask, HOUR, Heard, Question, Reply, degrees},
    sane,
};
use crate::model::{Celsius, Interval, Place, Provider, ProviderSettings, Secret, WeatherSettings};

/// The provider.
pub struct PirateWeather {
    base_url: String,
    place: Place,
    key: Secret,
}

impl PirateWeather {
    /// As the settings say.
    pub fn new(settings: &WeatherSettings, how: &ProviderSettings) -> Self {
        let key = how.api_key.clone().unwrap_or_default();
        Self { base_url: how.base_url.clone(), place: settings.place, key }
    }
}

impl Ask for PirateWeather {
    fn question(&self) -> Question {
        let Place { latitude, longitude } = self.place;
        Question::new(format!(
            "{}/forecast/{}/{},{}?units=si&exclude=minutely,daily,alerts",
            self.base_url,
            self.key.reveal(),
            degrees(latitude),
            degrees(longitude),
        ))
    }

    fn hear(&mut self, reply: Reply, now: Timestamp) -> Result<Heard, ParseError> {
        parse(&reply.body, now).map(Heard::Answer)
    }
}

/// Reads an answer that arrived at `issued_at`.
///
/// # Errors
/// The answer as a whole is of no use. Single values that are of no use become `None` and are listed as doubts instead.
pub fn parse(bytes: &[u8], issued_at: Timestamp) -> Result<Answer, ParseError> {
    let body = json(bytes)?;
    let hours = body.get("hourly").and_then(|it| it.get("data")).and_then(Value::as_array);
    let hours = hours.ok_or(ParseError::Shape("hourly.data"))?;
    let units = body.get("flags").and_then(|it| it.get("units")).and_then(Value::as_str).unwrap_or("si");
    if units != "si" {
        return Err(ParseError::Shape("flags.units"));
    }
    let mut reader = Reader::default();
    let mut intervals: Vec<Interval> = Vec::new();
    for it in hours {
        let Some(start) = reader.unix("time", it.get("time")) else { continue };
        let Ok(end) = start.checked_add(HOUR) else { continue };
        let next = hour(it, blank(start, end), &mut reader);
        reader.append("time", &mut intervals, next);
    }
    reader.finish(Provider::PirateWeather.name(), issued_at, intervals)
}

fn hour(it: &Value, blank: Interval, reader: &mut Reader) -> Interval {
    let mut number = |name, scale, is_possible| reader.number(name, it.get(name), scale, is_possible);
    let temperature = number("temperature", 1.0, sane::temperature).map(Celsius);
    let dew_point = number("dewPoint", 1.0, sane::temperature).map(Celsius);
    let humidity = number("humidity", 100.0, sane::percent);
    let precipitation = number("precipIntensity", 1.0, sane::precipitation);
    let depth = number("precipAccumulation", 1.0, sane::snowfall);
    let wind = number("windSpeed", 1.0, sane::wind);
    let cloud = number("cloudCover", 100.0, sane::percent).map(|it| it / 100.0);
    let kind = it.get("precipType").and_then(Value::as_str);
    if kind.is_none() && it.get("precipType").is_some_and(|it| !it.is_null()) {
        reader.doubt("precipType", Flaw::Malformed, &it["precipType"]);
    }
    let is_fog = it.get("icon").and_then(Value::as_str) == Some("fog");
    // The depth is of snow only where snow falls.
    let snowfall = depth.filter(|depth| kind == Some("snow") || *depth == 0.0);
    let code = code(kind, precipitation, is_fog);
    Interval { temperature, dew_point, humidity, precipitation, snowfall, code, cloud, wind, ..blank }
}

/// The WMO code, where the kind of precipitation is told and something falls.
fn code(kind: Option<&str>, rate: Option<f64>, is_fog: bool) -> Option<u8> {
    let rate = rate?;
    let graded = |grades: [u8; 3]| {
        Some(if rate < 1.0 {
            grades[0]
        } else if rate < 4.0 {
            grades[1]
        } else {
            grades[2]
        })
    };
    match kind {
        Some("snow") if rate > 0.0 => graded([71, 73, 75]),
        Some("rain") if rate > 0.0 => graded([61, 63, 65]),
        Some("ice") if rate > 0.0 => graded([66, 66, 67]),
        Some("none") if rate > 0.0 => None,
        Some("none") if is_fog => Some(45),
        _ => None,
    }
}
