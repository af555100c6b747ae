//! The National Weather Service of the United States: what is asked, and what the answer means.
//!
//! A place is first translated into a square of a forecast grid (`/points`), then the square is asked for. The translation
//! changes now and then, so it is asked for again after a month and whenever the square is not found. Each layer is run-length
//! coded: a value holds over `start/duration` (ISO 8601). Amounts are sums over their whole run, mostly six hours, and are spread
//! evenly. Units are named by each layer.

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde_json::Value;

use super::{
    answer::{AHEAD, Answer, Flaw, MOST, ParseError, Reader, blank, fresh_enough, json},
    ask::{Ask, HOUR, Heard, Question, Reply, degrees},
    sane,
};
use crate::model::{Celsius, Interval, Place, Provider, ProviderSettings, WeatherSettings};

/// The square of a place is asked for again after this.
const SQUARE_HOLDS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Values of a layer: four times the hours of the longest forecast.
const MOST_VALUES: usize = 4 * 192;
/// No value holds longer.
const LONGEST_RUN: SignedDuration = SignedDuration::from_hours(10 * 24);

/// Caches on the way may be behind for so long.
const BEHIND: SignedDuration = SignedDuration::from_hours(1);

/// The provider, and the square that the place is in.
pub struct Nws {
    base_url: String,
    place: Place,
    square: Option<(String, Timestamp)>,
    /// When the newest forecast of the square that was seen was made: caches on the way hand out older ones.
    newest: Option<Timestamp>,
    /// That forecast.
    known: Option<Answer>,
    /// Has an older one just been handed out, while the newest is young?
    is_behind: bool,
    /// A forecast is young for so long after it was heard.
    young: SignedDuration,
}

impl Nws {
    /// As the settings say.
    pub fn new(settings: &WeatherSettings, how: &ProviderSettings) -> Self {
        let young = SignedDuration::try_from(settings.refresh_every).unwrap_or(BEHIND).saturating_add(BEHIND);
        let (base_url, place) = (how.base_url.clone(), settings.place);
        Self { base_url, place, square: None, newest: None, known: None, is_behind: false, young }
    }
}

impl Ask for Nws {
    fn question(&self) -> Question {
        Question::new(match &self.square {
            Some((path, _)) => format!("{}{path}", self.base_url),
            None => {
                let Place { latitude, longitude } = self.place;
                format!("{}/points/{},{}", self.base_url, degrees(latitude), degrees(longitude))
            }
        })
    }

    fn hear(&mut self, reply: Reply, now: Timestamp) -> Result<Heard, ParseError> {
        let Some((_, since)) = &self.square else {
            self.square = Some((square(&reply.body)?, now));
            // Another square has another forecast, which may have been made earlier.
            (self.newest, self.known) = (None, None);
            return Ok(Heard::AskOn);
        };
        if now.duration_since(*since).abs() > SQUARE_HOLDS {
            self.square = None;
        }
        let answer = parse(&reply.body, now)?;
        let made_at = json(&reply.body).ok().and_then(|it| made_at(&it));
        // Of the future, it is a mistake, of the provider or of a clock of ours that was ahead: it would hold off all that come later.
        let can_be = |it: &Timestamp| it.duration_since(now) <= AHEAD;
        self.newest = self.newest.filter(can_be);
        if let Some((made_at, newest)) = made_at.zip(self.newest).filter(|(made_at, newest)| made_at < newest) {
            tracing::debug!("nws: a forecast of {made_at} although one of {newest} is known");
            let age = self.known.as_ref().map(|it| now.duration_since(it.forecast.issued_at));
            self.is_behind = age.is_some_and(|age| age < self.young);
            return Err(ParseError::Superseded);
        }
        self.newest = made_at.filter(can_be).or(self.newest);
        self.known = Some(answer.clone());
        Ok(Heard::Answer(answer))
    }

    fn at_hand(&mut self) -> Option<Answer> {
        // The newest one holds, and is as old as it is.
        if std::mem::take(&mut self.is_behind) { self.known.clone() } else { None }
    }

    fn refused(&mut self, status: u16) -> bool {
        // The square is another one now. One that was asked for just before is not asked for again at once.
        status == 404 && self.square.take().is_some()
    }
}

/// The path of the square from an answer to `/points`. Made of its parts: the address in the answer leads elsewhere for a server
/// that stands in for the provider.
///
/// # Errors
/// The answer names no square.
pub fn square(bytes: &[u8]) -> Result<String, ParseError> {
    let body = json(bytes)?;
    let properties = body.get("properties").ok_or(ParseError::Shape("properties"))?;
    let office = properties.get("gridId").and_then(Value::as_str);
    let is_code = |it: &&str| !it.is_empty() && it.len() <= 8 && it.chars().all(|it| it.is_ascii_alphanumeric());
    let office = office.filter(is_code).ok_or(ParseError::Shape("gridId"))?;
    let x = properties.get("gridX").and_then(Value::as_u64).ok_or(ParseError::Shape("gridX"))?;
    let y = properties.get("gridY").and_then(Value::as_u64).ok_or(ParseError::Shape("gridY"))?;
    Ok(format!("/gridpoints/{office}/{x},{y}"))
}

fn made_at(body: &Value) -> Option<Timestamp> {
    body.get("properties")?.get("updateTime")?.as_str()?.parse().ok()
}

/// Reads an answer about a square that arrived at `issued_at`.
///
/// # Errors
/// The answer as a whole is of no use. Single values that are of no use become `None` and are listed as doubts instead.
pub fn parse(bytes: &[u8], issued_at: Timestamp) -> Result<Answer, ParseError> {
    let body = json(bytes)?;
    let properties = body.get("properties").ok_or(ParseError::Shape("properties"))?;
    fresh_enough(made_at(&body), issued_at)?;
    let mut reader = Reader::default();
    let mut layer =
        |name, is_possible: fn(f64) -> bool| Layer::numbers(name, properties.get(name), is_possible, &mut reader);
    let temperature = layer("temperature", sane::temperature);
    let dew_point = layer("dewpoint", sane::temperature);
    let humidity = layer("relativeHumidity", sane::percent);
    let cloud = layer("skyCover", sane::percent);
    let wind = layer("windSpeed", sane::wind);
    let water = layer("quantitativePrecipitation", sane::precipitation);
    // In mm there, as amounts are; checked against cm below.
    let snow = layer("snowfallAmount", |depth| sane::snowfall(depth / 10.0));
    let ice = layer("iceAccumulation", sane::precipitation);
    let codes = Layer::read("weather", properties.get("weather"), &mut reader, |it, _| code(it));
    let begins = [temperature.begin(), water.begin()].into_iter().flatten().min();
    let ends = [temperature.end(), water.end()].into_iter().flatten().max();
    let (begin, end) = begins.zip(ends).ok_or(ParseError::Empty)?;
    let mut at = Timestamp::from_second(begin.as_second().div_euclid(3600) * 3600).map_err(|_| ParseError::Empty)?;
    let mut intervals: Vec<Interval> = Vec::new();
    while at < end && intervals.len() < MOST {
        let Ok(next) = at.checked_add(HOUR) else { break };
        let icy = ice.sum(at, next).is_some_and(|it| it > 0.0);
        intervals.push(Interval {
            temperature: temperature.at(at, next).map(Celsius),
            dew_point: dew_point.at(at, next).map(Celsius),
            humidity: humidity.at(at, next),
            cloud: cloud.at(at, next).map(|it| it / 100.0),
            wind: wind.at(at, next),
            precipitation: water.sum(at, next),
            snowfall: snow.sum(at, next).map(|it| it / 10.0),
            code: if icy { Some(66) } else { codes.at(at, next) },
            ..blank(at, next)
        });
        at = next;
    }
    reader.finish(Provider::Nws.name(), issued_at, intervals)
}

/// A value over its run.
struct Held<T> {
    start: Timestamp,
    end: Timestamp,
    value: Option<T>,
}

/// A layer of the grid: runs, ascending, without overlap.
struct Layer<T>(Vec<Held<T>>);

impl<T: Copy> Layer<T> {
    fn read(
        name: &'static str,
        layer: Option<&Value>,
        reader: &mut Reader,
        value: impl Fn(&Value, &mut Reader) -> Option<T>,
    ) -> Self {
        let mut runs: Vec<Held<T>> = Vec::new();
        let Some(values) = layer.and_then(|it| it.get("values")).and_then(Value::as_array) else {
            reader.doubt(name, Flaw::Missing, "the whole layer");
            return Self(runs);
        };
        for it in values.iter().take(MOST_VALUES) {
            let time = it.get("validTime");
            let ascends = |run: &(Timestamp, Timestamp)| runs.last().is_none_or(|last| last.end <= run.0);
            let Some((start, end)) = time.and_then(Value::as_str).and_then(run).filter(ascends) else {
                reader.doubt(name, Flaw::Malformed, time.unwrap_or(&Value::Null));
                continue;
            };
            let value = it.get("value").and_then(|it| value(it, reader));
            runs.push(Held { start, end, value });
        }
        Self(runs)
    }

    fn begin(&self) -> Option<Timestamp> {
        self.0.first().map(|it| it.start)
    }

    fn end(&self) -> Option<Timestamp> {
        self.0.last().map(|it| it.end)
    }

    /// What overlaps `[from, to)`.
    fn over(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = &Held<T>> {
        let first = self.0.partition_point(|it| it.end <= from);
        self.0.iter().skip(first).take_while(move |it| it.start < to)
    }

    /// The value at the beginning of `[from, to)`, or the first one within it.
    fn at(&self, from: Timestamp, to: Timestamp) -> Option<T> {
        self.over(from, to).next().and_then(|it| it.value)
    }
}

impl Layer<f64> {
    fn numbers(name: &'static str, layer: Option<&Value>, is_possible: fn(f64) -> bool, reader: &mut Reader) -> Self {
        let unit = layer.and_then(|it| it.get("uom")).and_then(Value::as_str);
        let Some((scale, zero)) = scale(unit.unwrap_or_default()) else {
            if layer.is_some() {
                reader.doubt(name, Flaw::Unit, unit.unwrap_or("none"));
            }
            return Self(Vec::new());
        };
        Self::read(name, layer, reader, |value, reader| {
            if zero == 0.0 {
                return reader.number(name, Some(value), scale, is_possible);
            }
            let number = value.as_f64().map(|it| Value::from((it - zero) * scale));
            reader.number(name, Some(number.as_ref().unwrap_or(value)), 1.0, is_possible)
        })
    }

    /// The share of the sums that falls in `[from, to)`. Unknown if any part of it is.
    fn sum(&self, from: Timestamp, to: Timestamp) -> Option<f64> {
        let (mut sum, mut covered) = (0.0, from);
        for it in self.over(from, to) {
            if it.start > covered {
                return None;
            }
            covered = it.end.min(to);
            let part = covered.duration_since(it.start.max(from)).as_secs_f64();
            sum += it.value? * part / it.end.duration_since(it.start).as_secs_f64();
        }
        (covered >= to).then_some(sum)
    }
}

/// `2026-01-15T05:00:00+00:00/PT6H`.
fn run(text: &str) -> Option<(Timestamp, Timestamp)> {
    let (start, length) = text.split_once('/')?;
    let start: Timestamp = start.parse().ok()?;
    let length: Span = length.parse().ok()?;
    let length = length.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    let end = start.checked_add(length).ok()?;
    (start < end && length <= LONGEST_RUN).then_some((start, end))
}

/// What to take off a value, and then to multiply it by, for °C, percent, m/s and mm.
fn scale(unit: &str) -> Option<(f64, f64)> {
    match unit.rsplit(':').next()? {
        "degC" | "percent" | "m_s-1" | "mm" => Some((1.0, 0.0)),
        "degF" => Some((1.0 / 1.8, 32.0)),
        "km_h-1" => Some((1.0 / 3.6, 0.0)),
        "cm" => Some((10.0, 0.0)),
        "m" => Some((1000.0, 0.0)),
        _ => None,
    }
}

/// The WMO code of the worst weather of a list. A mere chance is none: the amounts tell what is expected.
fn code(list: &Value) -> Option<u8> {
    list.as_array()?.iter().take(16).filter_map(one_code).max_by_key(|code| rank(*code))
}

fn one_code(it: &Value) -> Option<u8> {
    let text = |key: &str| it.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, heavy) = (text("weather"), text("intensity") == "heavy");
    let light = text("intensity").ends_with("light");
    let freezes = kind.starts_with("freezing");
    if !freezes && matches!(text("coverage"), "slight_chance" | "chance" | "isolated" | "patchy") {
        return None;
    }
    let graded = |grades: [u8; 3]| {
        Some(if light {
            grades[0]
        } else if heavy {
            grades[2]
        } else {
            grades[1]
        })
    };
    match kind {
        "freezing_rain" => graded([66, 66, 67]),
        "freezing_drizzle" => graded([56, 56, 57]),
        "freezing_fog" => Some(48),
        "snow" => graded([71, 73, 75]),
        "snow_showers" => graded([85, 85, 86]),
        // Grains of ice.
        "sleet" | "ice_pellets" => Some(79),
        "rain" => graded([61, 63, 65]),
        "rain_showers" => graded([80, 81, 82]),
        "drizzle" => graded([51, 53, 55]),
        "thunderstorms" => Some(95),
        "fog" => Some(45),
        _ => None,
    }
}

fn rank(code: u8) -> u8 {
    match code {
        66 | 67 => 5,
        56 | 57 => 4,
        71..=79 | 85 | 86 => 3,
        48 => 2,
        45 => 0,
        _ => 1,
    }
}
