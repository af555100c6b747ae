//! A request to MET Norway read, and its answer written: instants, and what falls in the hour or the six hours after them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::sky::{Falls, Grade, HOUR, Reply, Sky, asked, instant, number, place, seconds};
use crate::model::{Celsius, Interval};

/// Where it is served, as at the provider.
pub(super) const PATH: &str = "/weatherapi/locationforecast/2.0";
/// Hours that are told one by one.
const HOURLY: i64 = 54;
/// Steps of six hours after them.
const SIX_HOURLY: i64 = 20;

/// The answer to a client that names itself so, or nothing, and knows the run of `known_since`.
pub(super) fn answer(query: &str, agent: Option<&str>, known_since: Option<Timestamp>, sky: &Sky) -> Reply {
    if agent.is_none_or(str::is_empty) {
        return refused(403, "Forbidden: a User-Agent that names you is required");
    }
    let (latitude, longitude) = (asked(query, "lat"), asked(query, "lon"));
    let decimals = |it: Option<&str>| it.and_then(|it| it.split_once('.')).is_some_and(|it| it.1.len() > 4);
    if decimals(latitude) || decimals(longitude) {
        return refused(403, "Forbidden: at most 4 decimals");
    }
    let Some(place) = place(latitude, longitude) else { return refused(400, "Bad Request: lat and lon") };
    // It is made anew every half an hour.
    let made_at = instant(sky.run.as_second().div_euclid(1800) * 1800);
    let series: Vec<Value> = steps(sky).into_iter().map(|(start, ahead)| step(sky, start, ahead)).collect();
    let body = json!({
        "type": "Feature",
        "geometry": { "type": "Point", "coordinates": [place.longitude, place.latitude, 10] },
        "properties": {
            "meta": {
                "updated_at": made_at.to_string(),
                "units": {
                    "air_temperature": "celsius", "cloud_area_fraction": "%", "precipitation_amount": "mm",
                    "relative_humidity": "%", "wind_speed": "m/s",
                },
            },
            "timeseries": series,
        },
    });
    let is_known = known_since == Some(made_at);
    Reply { status: if is_known { 304 } else { 200 }, modified: Some(made_at), ..Reply::good(body) }
}

fn refused(status: u16, words: &str) -> Reply {
    Reply::refusal(status, Value::String(words.to_owned()))
}

/// The stamps, and how many hours each looks ahead.
fn steps(sky: &Sky) -> Vec<(i64, i64)> {
    let begin = sky.begun(sky.run);
    // The six hours begin at 0, 6, 12 and 18 o'clock, as far as the recording's hours are on the hour.
    let begin_of_six = begin + HOURLY * HOUR;
    let to_grid = (begin_of_six.div_euclid(HOUR)).rem_euclid(6);
    let hourly = HOURLY + (6 - to_grid) % 6;
    let sixes = (0..SIX_HOURLY).map(|it| (begin + (hourly + it * 6) * HOUR, 6));
    (0..hourly).map(|it| (begin + it * HOUR, 1)).chain(sixes).collect()
}

fn step(sky: &Sky, start: i64, ahead: i64) -> Value {
    let hour = sky.hour(start);
    let mut data = json!({ "instant": { "details": details(&hour) } });
    if let (Some(data), Some(amount)) = (data.as_object_mut(), sky.sum(start, ahead)) {
        let key = if ahead == 1 { "next_1_hours" } else { "next_6_hours" };
        let summary = json!({ "symbol_code": symbol(sky.worst(start, ahead), &hour) });
        let amount = json!({ "precipitation_amount": number(Some(amount)) });
        data.insert(key.to_owned(), json!({ "summary": summary, "details": amount }));
    }
    json!({ "time": instant(start).to_string(), "data": data })
}

fn details(hour: &Interval) -> Map<String, Value> {
    let values = [
        ("air_temperature", hour.temperature.map(|Celsius(it)| it)),
        ("relative_humidity", hour.humidity),
        ("cloud_area_fraction", hour.cloud.map(|it| it * 100.0)),
        ("wind_speed", hour.wind),
    ];
    values.into_iter().filter(|it| it.1.is_some()).map(|(name, it)| (name.to_owned(), number(it))).collect()
}

/// It knows no freezing rain: that is rain in the cold.
fn symbol(falls: Falls, hour: &Interval) -> &'static str {
    match falls {
        Falls::Snow(Grade::Light) => "lightsnow",
        Falls::Snow(Grade::Moderate) => "snow",
        Falls::Snow(Grade::Heavy) => "heavysnow",
        Falls::Sleet(_) => "sleet",
        Falls::Rain(Grade::Light) | Falls::FreezingRain(Grade::Light) => "lightrain",
        Falls::Rain(Grade::Moderate) | Falls::FreezingRain(Grade::Moderate) => "rain",
        Falls::Rain(Grade::Heavy) | Falls::FreezingRain(Grade::Heavy) => "heavyrain",
        Falls::Fog | Falls::FreezingFog => "fog",
        Falls::Nothing | Falls::Unknown => match hour.cloud {
            Some(cover) if cover < 0.2 => "clearsky_day",
            Some(cover) if cover < 0.7 => "partlycloudy_day",
            _ => "cloudy",
        },
    }
}

/// Until when an answer holds that was given now.
pub(super) fn expires(now: Timestamp, speed: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "half an hour at most")]
    let length = (1800.0 / speed.max(1.0)) as i64;
    now.saturating_add(seconds(length)).unwrap_or(now)
}
