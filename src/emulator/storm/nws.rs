//! A request to the National Weather Service read, and its answer written: a square of the grid, and its layers in runs.

use serde_json::{Value, json};

use super::sky::{Falls, Grade, HOUR, Reply, Sky, instant, number, place};
use crate::model::{Celsius, Interval};

/// The one square that there is.
const SQUARE: &str = "/gridpoints/STM/12,34";
/// A forecast of seven days and a half.
const HOURS: i64 = 180;
/// Amounts are sums of so many hours.
const BLOCK: i64 = 6;

/// The answer for a path.
pub(super) fn answer(path: &str, sky: &Sky) -> Reply {
    match path.strip_prefix("/points/") {
        Some(coordinates) => points(coordinates),
        None if path == SQUARE => Reply { media: "application/geo+json", ..Reply::good(grid(sky)) },
        None => problem(404, "Not Found", "There is no such square."),
    }
}

/// A refusal in the provider's way (RFC 9457).
pub(super) fn problem(status: u16, title: &str, detail: &str) -> Reply {
    let body = json!({
        "correlationId": "57012a", "title": title, "type": "about:blank", "status": status, "detail": detail,
    });
    Reply { media: "application/problem+json", ..Reply::refusal(status, body) }
}

fn points(coordinates: &str) -> Reply {
    let (latitude, longitude) = coordinates.split_once(',').unzip();
    let Some(place) = place(latitude, longitude) else {
        return problem(400, "Invalid Parameter", "A point is a latitude and a longitude.");
    };
    let body = json!({
        "type": "Feature",
        "geometry": { "type": "Point", "coordinates": [place.longitude, place.latitude] },
        "properties": {
            "gridId": "STM", "gridX": 12, "gridY": 34,
            "forecastGridData": format!("https://api.weather.gov{SQUARE}"),
            "timeZone": "America/New_York",
        },
    });
    Reply { media: "application/geo+json", ..Reply::good(body) }
}

fn grid(sky: &Sky) -> Value {
    let begin = sky.begun(sky.run);
    let layer = |unit: &str, value: fn(&Interval) -> Option<f64>| {
        let values = (0..HOURS).map(|it| begin + it * HOUR).map(|at| (at, number(value(&sky.hour(at)))));
        json!({ "uom": format!("wmoUnit:{unit}"), "values": runs(values, 1) })
    };
    // The blocks begin before the present, at 0, 6, 12 and 18 o'clock.
    let first_block = begin - begin.div_euclid(HOUR).rem_euclid(BLOCK) * HOUR;
    let blocks = (0..HOURS / BLOCK).map(|it| first_block + it * BLOCK * HOUR);
    let water = blocks.clone().map(|at| (at, number(sky.sum(at, BLOCK))));
    let ice = blocks.map(|at| (at, number(ice(sky, at))));
    let weather = (0..HOURS).map(|it| begin + it * HOUR).map(|at| (at, weather(Falls::over(&sky.hour(at)))));
    json!({
        "type": "Feature",
        "properties": {
            "updateTime": instant(begin).to_string(),
            "validTimes": format!("{}/P7DT12H", instant(begin)),
            "temperature": layer("degC", |it| it.temperature.map(|Celsius(it)| it)),
            "dewpoint": layer("degC", |it| it.dew_point.map(|Celsius(it)| it)),
            "relativeHumidity": layer("percent", |it| it.humidity),
            "skyCover": layer("percent", |it| it.cloud.map(|it| it * 100.0)),
            "windSpeed": layer("km_h-1", |it| it.wind.map(|it| it * 3.6)),
            "weather": { "values": runs(weather, 1) },
            "quantitativePrecipitation": { "uom": "wmoUnit:mm", "values": runs(water, BLOCK) },
            "iceAccumulation": { "uom": "wmoUnit:mm", "values": runs(ice, BLOCK) },
        },
    })
}

/// What freezes to the ground over a block, in mm.
fn ice(sky: &Sky, start: i64) -> Option<f64> {
    let hours = (0..BLOCK).map(|it| sky.hour(start + it * HOUR));
    hours.map(|it| if matches!(Falls::over(&it), Falls::FreezingRain(_)) { it.precipitation } else { Some(0.0) }).sum()
}

/// Equal neighbours become one run. Amounts are not: two blocks of 1 mm are not one of it.
fn runs(values: impl Iterator<Item = (i64, Value)>, step: i64) -> Vec<Value> {
    let mut runs: Vec<(i64, i64, Value)> = Vec::new();
    for (at, value) in values {
        match runs.last_mut().filter(|it| step == 1 && it.2 == value) {
            Some(run) => run.1 += step,
            None => runs.push((at, step, value)),
        }
    }
    let written = |(at, hours, value): (i64, i64, Value)| {
        let start = instant(at).strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
        json!({ "validTime": format!("{start}/{}", length(hours)), "value": value })
    };
    runs.into_iter().map(written).collect()
}

fn length(hours: i64) -> String {
    match (hours / 24, hours % 24) {
        (0, hours) => format!("PT{hours}H"),
        (days, 0) => format!("P{days}D"),
        (days, hours) => format!("P{days}DT{hours}H"),
    }
}

fn weather(falls: Falls) -> Value {
    let (kind, grade) = match falls {
        Falls::FreezingRain(grade) => ("freezing_rain", Some(grade)),
        // It says both, one after the other; the worse of them counts.
        Falls::Snow(grade) | Falls::Sleet(grade) => ("snow", Some(grade)),
        Falls::Rain(grade) => ("rain", Some(grade)),
        Falls::FreezingFog => ("freezing_fog", None),
        Falls::Fog => ("fog", None),
        Falls::Nothing | Falls::Unknown => {
            return json!([{ "coverage": null, "weather": null, "intensity": null }]);
        }
    };
    let intensity = grade.map(|it| match it {
        Grade::Light => "light",
        Grade::Moderate => "moderate",
        Grade::Heavy => "heavy",
    });
    json!([{ "coverage": "definite", "weather": kind, "intensity": intensity }])
}
