//! A request to Pirate Weather read, and its answer written: an entry is about the hour that begins at its `time`.

use serde_json::{Map, Value, json};

use super::sky::{Falls, HOUR, Reply, Sky, asked, number, place};
use crate::model::Celsius;

/// Where it is served, as at the provider.
pub(super) const PATH: &str = "/forecast/";
/// Hours of an answer.
const HOURS: i64 = 48;

/// The answer for a path.
pub(super) fn answer(path: &str, query: &str, sky: &Sky) -> Reply {
    let (key, coordinates) = path.trim_start_matches(PATH).split_once('/').unzip();
    if key.is_none_or(str::is_empty) {
        return refused(401, "No API key found in request");
    }
    if asked(query, "units") != Some("si") {
        return refused(400, "this storm knows units=si only");
    }
    let (latitude, longitude) = coordinates.and_then(|it| it.split_once(',')).unzip();
    let Some(place) = place(latitude, longitude) else { return refused(400, "Invalid Location Specification") };
    let begin = sky.begun(sky.run);
    let hours: Vec<Value> = (0..HOURS).map(|it| hour(sky, begin + it * HOUR)).collect();
    Reply::good(json!({
        "latitude": place.latitude, "longitude": place.longitude, "timezone": "Etc/UTC", "offset": 0.0,
        "currently": hours.first(),
        "hourly": { "data": hours },
        "flags": { "units": "si" },
    }))
}

/// A refusal in the provider's way.
pub(super) fn refused(status: u16, words: &str) -> Reply {
    Reply::refusal(status, json!({ "message": words }))
}

fn hour(sky: &Sky, start: i64) -> Value {
    let it = sky.hour(start);
    let falls = Falls::over(&it);
    let mut entry = Map::new();
    entry.insert("time".to_owned(), start.into());
    for (name, value) in [
        ("precipIntensity", it.precipitation),
        ("temperature", it.temperature.map(|Celsius(it)| it)),
        ("dewPoint", it.dew_point.map(|Celsius(it)| it)),
        ("humidity", it.humidity.map(|it| it / 100.0)),
        ("windSpeed", it.wind),
        ("cloudCover", it.cloud),
    ] {
        entry.insert(name.to_owned(), number(value));
    }
    let (kind, icon) = match falls {
        Falls::FreezingRain(_) => ("ice", "sleet"),
        Falls::Sleet(_) => ("sleet", "sleet"),
        Falls::Snow(_) => ("snow", "snow"),
        Falls::Rain(_) => ("rain", "rain"),
        Falls::Fog | Falls::FreezingFog => ("none", "fog"),
        Falls::Nothing | Falls::Unknown => ("none", "cloudy"),
    };
    entry.insert("precipType".to_owned(), kind.into());
    entry.insert("icon".to_owned(), icon.into());
    entry.into()
}
