//! OpenWeatherMap: what is asked, and what the answer means.
//!
//! Without a subscription, `/data/2.5/forecast` has steps of three hours and `/data/2.5/weather` the present. With one,
//! `/data/3.0/onecall` has hours. All of their sums (`rain.3h`, `snow.1h`, in mm water equivalent) at the stamp H are those of the
//! time that ends at H, and are left out where nothing falls. Temperature, humidity, wind and cloud are of the instant H: an
//! interval gets the mean of its two ends. Answers of 2.5 have no dew point, it is derived. The key is part of the address.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    answer::{Answer, Flaw, ParseError, Reader, blank, json, mean},
    ask::{Ask, HOUR, Heard, Question, Reply, degrees},
    sane,
};
use crate::model::{Celsius, Forecast, Interval, Place, Provider, ProviderSettings, Secret, WeatherSettings};

/// The step of the free forecast.
const THREE_HOURS: SignedDuration = SignedDuration::from_hours(3);
/// What was measured longer ago is no longer the present.
const PRESENT: SignedDuration = SignedDuration::from_hours(2);

/// The provider, and the forecast that waits for the present.
pub struct OpenWeatherMap {
    base_url: String,
    place: Place,
    key: Secret,
    one_call: bool,
    steps: u16,
    forecast: Option<Answer>,
}

impl OpenWeatherMap {
    /// As the settings say.
    pub fn new(settings: &WeatherSettings, how: &ProviderSettings) -> Self {
        let key = how.api_key.clone().unwrap_or_default();
        // Forty is all it has: five days.
        let steps = (settings.horizon_hours / 3 + 2).min(40);
        let (base_url, place) = (how.base_url.clone(), settings.place);
        Self { base_url, place, key, one_call: how.one_call, steps, forecast: None }
    }
}

impl Ask for OpenWeatherMap {
    fn question(&self) -> Question {
        let Place { latitude, longitude } = self.place;
        let what = match (self.one_call, &self.forecast) {
            (true, _) => "3.0/onecall?exclude=minutely,daily,alerts".to_owned(),
            (false, None) => format!("2.5/forecast?cnt={}", self.steps),
            (false, Some(_)) => "2.5/weather?mode=json".to_owned(),
        };
        Question::new(format!(
            "{}/data/{what}&lat={}&lon={}&units=metric&appid={}",
            self.base_url,
            degrees(latitude),
            degrees(longitude),
            self.key.reveal(),
        ))
    }

    fn hear(&mut self, reply: Reply, now: Timestamp) -> Result<Heard, ParseError> {
        if self.one_call {
            return parse_one_call(&reply.body, now).map(Heard::Answer);
        }
        match self.forecast.take() {
            None => {
                self.forecast = Some(parse_forecast(&reply.body, now)?);
                Ok(Heard::AskOn)
            }
            Some(mut answer) => {
                // The present is an extra: a forecast without it is still a forecast, whether it is of no use or does not come at all.
                match parse_present(&reply.body, now) {
                    Ok(present) => overlay(&mut answer.forecast, &present),
                    Err(error) => tracing::debug!("openweathermap: the present is not known: {error}"),
                }
                Ok(Heard::Answer(answer))
            }
        }
    }

    fn at_hand(&mut self) -> Option<Answer> {
        self.forecast.take()
    }
}

/// Reads an answer of `/data/2.5/forecast` that arrived at `issued_at`.
///
/// # Errors
/// The answer as a whole is of no use. Single values that are of no use become `None` and are listed as doubts instead.
pub fn parse_forecast(bytes: &[u8], issued_at: Timestamp) -> Result<Answer, ParseError> {
    let body = json(bytes)?;
    let list = body.get("list").and_then(Value::as_array).ok_or(ParseError::Shape("list"))?;
    intervals(list, &FREE, issued_at)
}

/// Reads an answer of `/data/3.0/onecall` that arrived at `issued_at`.
///
/// # Errors
/// The answer as a whole is of no use. Single values that are of no use become `None` and are listed as doubts instead.
pub fn parse_one_call(bytes: &[u8], issued_at: Timestamp) -> Result<Answer, ParseError> {
    let body = json(bytes)?;
    let list = body.get("hourly").and_then(Value::as_array).ok_or(ParseError::Shape("hourly"))?;
    intervals(list, &ONE_CALL, issued_at)
}

/// Reads an answer of `/data/2.5/weather`: what the last hour was like.
///
/// # Errors
/// It is of no use, or not of the last two hours.
pub fn parse_present(bytes: &[u8], now: Timestamp) -> Result<Interval, ParseError> {
    let body = json(bytes)?;
    let mut reader = Reader::default();
    let step = Step::read(&body, &PRESENT_SHAPE, &mut reader).ok_or(ParseError::Shape("dt"))?;
    if now.duration_since(step.at).abs() > PRESENT {
        return Err(ParseError::Old(step.at));
    }
    step.interval(None, HOUR).ok_or(ParseError::Shape("dt"))
}

/// Where an answer keeps its values.
struct Shape {
    length: SignedDuration,
    sum: &'static str,
    temperature: &'static str,
    dew_point: &'static str,
    humidity: &'static str,
    wind: &'static str,
    cloud: &'static str,
}

const FREE: Shape = Shape {
    length: THREE_HOURS,
    sum: "3h",
    temperature: "/main/temp",
    dew_point: "/main/dew_point",
    humidity: "/main/humidity",
    wind: "/wind/speed",
    cloud: "/clouds/all",
};
const PRESENT_SHAPE: Shape = Shape { length: HOUR, sum: "1h", ..FREE };
const ONE_CALL: Shape = Shape {
    length: HOUR,
    sum: "1h",
    temperature: "/temp",
    dew_point: "/dew_point",
    humidity: "/humidity",
    wind: "/wind_speed",
    cloud: "/clouds",
};

fn intervals(list: &[Value], shape: &Shape, issued_at: Timestamp) -> Result<Answer, ParseError> {
    let mut reader = Reader::default();
    let mut found: Vec<Interval> = Vec::new();
    let mut before: Option<Step> = None;
    for it in list {
        let Some(step) = Step::read(it, shape, &mut reader) else { continue };
        let Some(next) = step.interval(before.as_ref(), shape.length) else { continue };
        let length = found.len();
        reader.append("dt", &mut found, next);
        if found.len() > length {
            before = Some(step);
        }
    }
    reader.finish(Provider::OpenWeatherMap.name(), issued_at, found)
}

/// One entry of an answer.
struct Step {
    at: Timestamp,
    temperature: Option<f64>,
    dew_point: Option<f64>,
    humidity: Option<f64>,
    wind: Option<f64>,
    cloud: Option<f64>,
    precipitation: Option<f64>,
    code: Option<u8>,
}

impl Step {
    fn read(it: &Value, shape: &Shape, reader: &mut Reader) -> Option<Self> {
        let at = reader.unix("dt", it.get("dt"))?;
        let mut number = |series, pointer, is_possible| reader.number(series, it.pointer(pointer), 1.0, is_possible);
        let temperature = number("temp", shape.temperature, sane::temperature);
        let dew_point = number("dew_point", shape.dew_point, sane::temperature);
        let humidity = number("humidity", shape.humidity, sane::percent);
        let wind = number("wind", shape.wind, sane::wind);
        let cloud = number("clouds", shape.cloud, sane::percent);
        let (rain, snow) = (sum("rain", it, shape, reader), sum("snow", it, shape, reader));
        let precipitation = rain.zip(snow).map(|(rain, snow)| rain + snow).filter(|it| sane::precipitation(*it));
        let code = it.pointer("/weather/0/id").and_then(Value::as_u64).and_then(code);
        // A code of snow where neither an amount nor any chance of it is told: two against one, and the code is left out.
        let denied = precipitation == Some(0.0) && it.get("pop").and_then(Value::as_f64) == Some(0.0);
        let contradicted = code.filter(|it| denied && *it >= 50);
        if let Some(code) = contradicted {
            reader.doubt("weather", Flaw::Impossible, format_args!("{code} although nothing falls"));
        }
        let code = code.filter(|_| contradicted.is_none());
        Some(Self { at, temperature, dew_point, humidity, wind, cloud, precipitation, code })
    }

    /// The time that ends at the stamp.
    fn interval(&self, before: Option<&Self>, length: SignedDuration) -> Option<Interval> {
        let start = self.at.checked_sub(length).ok()?;
        let before = before.filter(|it| it.at == start);
        let both = |value: fn(&Self) -> Option<f64>| mean(before.and_then(value), value(self));
        Some(Interval {
            temperature: both(|it| it.temperature).map(Celsius),
            dew_point: both(|it| it.dew_point).map(Celsius),
            humidity: both(|it| it.humidity),
            wind: both(|it| it.wind),
            cloud: both(|it| it.cloud).map(|it| it / 100.0),
            precipitation: self.precipitation,
            code: self.code,
            ..blank(start, self.at)
        })
    }
}

/// `rain.3h`. Absent is nothing, by the provider's word; what is there and is no amount is unknown.
fn sum(kind: &'static str, it: &Value, shape: &Shape, reader: &mut Reader) -> Option<f64> {
    let Some(sums) = it.get(kind) else { return Some(0.0) };
    let value = sums.get(shape.sum);
    if value.is_none() {
        reader.doubt(kind, Flaw::Malformed, sums);
    }
    reader.number(kind, value, 1.0, sane::precipitation)
}

/// The present is truer than a forecast of three hours: its air replaces that of the step it lies in, and what falls counts.
fn overlay(forecast: &mut Forecast, present: &Interval) {
    let Some(it) = forecast.intervals.iter_mut().find(|it| it.start < present.end && present.end <= it.end) else {
        return;
    };
    it.temperature = present.temperature.or(it.temperature);
    it.humidity = present.humidity.or(it.humidity);
    it.wind = present.wind.or(it.wind);
    it.cloud = present.cloud.or(it.cloud);
    // Derived from what has been replaced.
    it.dew_point = None;
    super::derive::humidity_and_dew_point(it);
    let fallen = present.precipitation.filter(|amount| *amount > 0.0);
    if let Some(fallen) = fallen.filter(|fallen| it.precipitation.is_none_or(|sum| sum < *fallen)) {
        it.precipitation = Some(fallen);
        it.code = present.code;
    }
}

/// The WMO code of a condition. Sleet and mixtures have none: whether they freeze is for the figures to say.
fn code(id: u64) -> Option<u8> {
    match id {
        200..=232 => Some(95),
        300 | 310 => Some(51),
        301..=309 | 311..=399 => Some(53),
        500 => Some(61),
        501 => Some(63),
        502..=504 => Some(65),
        511 => Some(66),
        520 => Some(80),
        521 | 531 => Some(81),
        522 => Some(82),
        600 => Some(71),
        601 => Some(73),
        602 => Some(75),
        620 => Some(85),
        621 | 622 => Some(86),
        741 => Some(45),
        800 => Some(0),
        801 => Some(1),
        802 => Some(2),
        803 | 804 => Some(3),
        _ => None,
    }
}
