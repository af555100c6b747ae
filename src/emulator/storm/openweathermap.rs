//! A request to OpenWeatherMap read, and its answer written: One Call 3.0, and of 2.5 the forecast and the present. Sums are of the
//! time that ends at the stamp, and left out where nothing falls.

use serde_json::{Map, Value, json};

use super::sky::{Falls, Grade, HOUR, Reply, Sky, asked, number, place};
use crate::model::{Celsius, Interval};

/// Where it is served, as at the provider.
pub(super) const PATH: &str = "/data/";
/// Hours of One Call.
const HOURS: i64 = 48;
/// Hours of a step of the free forecast.
const STEP: i64 = 3;
/// Steps of the free forecast.
const STEPS: i64 = 40;

/// The answer for a path.
pub(super) fn answer(path: &str, query: &str, sky: &Sky) -> Reply {
    if asked(query, "appid").is_none_or(str::is_empty) {
        return refused(401, "Invalid API key. Please see https://openweathermap.org/faq#error401 for more info.");
    }
    if asked(query, "units") != Some("metric") {
        return refused(400, "this storm knows units=metric only");
    }
    let Some(place) = place(asked(query, "lat"), asked(query, "lon")) else {
        return refused(400, "wrong latitude or longitude");
    };
    let (latitude, longitude) = (place.latitude, place.longitude);
    let begin = sky.begun(sky.run);
    Reply::good(match path {
        "/data/3.0/onecall" => json!({
            "lat": latitude, "lon": longitude, "timezone": "Etc/UTC", "timezone_offset": 0,
            "hourly": (0..HOURS).map(|it| hour(sky, begin + it * HOUR)).collect::<Vec<_>>(),
        }),
        "/data/2.5/forecast" => {
            let wished = asked(query, "cnt").and_then(|it| it.parse::<i64>().ok()).unwrap_or(STEPS).clamp(1, STEPS);
            let first = begin - begin.div_euclid(HOUR).rem_euclid(STEP) * HOUR + STEP * HOUR;
            let list: Vec<Value> = (0..wished).map(|it| step(sky, first + it * STEP * HOUR)).collect();
            json!({ "cod": "200", "message": 0, "cnt": list.len(), "list": list })
        }
        "/data/2.5/weather" => present(sky, latitude, longitude),
        _ => return refused(404, "Internal error"),
    })
}

/// A refusal in the provider's way.
pub(super) fn refused(status: u16, words: &str) -> Reply {
    Reply::refusal(status, json!({ "cod": status, "message": words }))
}

/// An hour of One Call, with what fell in the hour that ends at `at`.
fn hour(sky: &Sky, at: i64) -> Value {
    let now = sky.hour(at);
    let falls = Falls::over(&sky.hour(at - HOUR));
    let mut entry = Map::new();
    entry.insert("dt".to_owned(), at.into());
    for (name, value) in [
        ("temp", now.temperature.map(|Celsius(it)| it)),
        ("dew_point", now.dew_point.map(|Celsius(it)| it)),
        ("humidity", now.humidity),
        ("clouds", now.cloud.map(|it| it * 100.0)),
        ("wind_speed", now.wind),
    ] {
        entry.insert(name.to_owned(), number(value));
    }
    fallen(&mut entry, falls, sky.sum(at - HOUR, 1), "1h", &now);
    entry.into()
}

/// A step of 2.5, with what falls in the three hours that end at `at`.
fn step(sky: &Sky, at: i64) -> Value {
    let now = sky.hour(at);
    let mut entry = air(&now);
    entry.insert("dt".to_owned(), at.into());
    fallen(&mut entry, sky.worst(at - STEP * HOUR, STEP), sky.sum(at - STEP * HOUR, STEP), "3h", &now);
    entry.into()
}

fn present(sky: &Sky, latitude: f64, longitude: f64) -> Value {
    let begin = sky.begun(sky.run);
    let now = sky.hour(begin);
    let mut entry = air(&now);
    entry.insert("coord".to_owned(), json!({ "lat": latitude, "lon": longitude }));
    entry.insert("dt".to_owned(), sky.run.as_second().into());
    entry.insert("cod".to_owned(), 200.into());
    fallen(&mut entry, Falls::over(&sky.hour(begin - HOUR)), sky.sum(begin - HOUR, 1), "1h", &now);
    entry.into()
}

fn air(now: &Interval) -> Map<String, Value> {
    let mut entry = Map::new();
    let temperature = number(now.temperature.map(|Celsius(it)| it));
    entry.insert("main".to_owned(), json!({ "temp": temperature, "humidity": number(now.humidity) }));
    entry.insert("wind".to_owned(), json!({ "speed": number(now.wind) }));
    entry.insert("clouds".to_owned(), json!({ "all": number(now.cloud.map(|it| it * 100.0)) }));
    entry
}

/// The condition, and the sum under the name of what it is. An unknown sum is `null`: absent would be nothing.
fn fallen(entry: &mut Map<String, Value>, falls: Falls, sum: Option<f64>, key: &str, now: &Interval) {
    let (id, main) = condition(falls, now);
    entry.insert("weather".to_owned(), json!([{ "id": id, "main": main }]));
    entry.insert("pop".to_owned(), json!(if falls.is_wet() { 1 } else { 0 }));
    if sum != Some(0.0) {
        let kind = if matches!(falls, Falls::Snow(_)) { "snow" } else { "rain" };
        entry.insert(kind.to_owned(), json!({ key: number(sum) }));
    }
}

fn condition(falls: Falls, now: &Interval) -> (u16, &'static str) {
    match falls {
        Falls::FreezingRain(_) => (511, "Rain"),
        Falls::Sleet(_) => (616, "Snow"),
        Falls::Snow(Grade::Light) => (600, "Snow"),
        Falls::Snow(Grade::Moderate) => (601, "Snow"),
        Falls::Snow(Grade::Heavy) => (602, "Snow"),
        Falls::Rain(Grade::Light) => (500, "Rain"),
        Falls::Rain(Grade::Moderate) => (501, "Rain"),
        Falls::Rain(Grade::Heavy) => (502, "Rain"),
        Falls::Fog | Falls::FreezingFog => (741, "Fog"),
        Falls::Nothing | Falls::Unknown => match now.cloud {
            Some(cover) if cover < 0.1 => (800, "Clear"),
            Some(cover) if cover < 0.5 => (802, "Clouds"),
            _ => (804, "Clouds"),
        },
    }
}
