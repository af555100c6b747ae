//! The weather as the rules see it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Explanation, inputs::rounded};
use crate::model::{Celsius, Interval, Observation, WeatherState};

/// Shown before and after the time that is asked about.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);
const AFTER: SignedDuration = SignedDuration::from_hours(12);

impl Explanation {
    pub(super) fn hours(&self) -> impl Iterator<Item = &Interval> {
        let from = self.at.checked_sub(BEFORE).unwrap_or(self.at);
        let to = self.at.checked_add(AFTER).unwrap_or(self.at);
        self.house.weather.forecast.iter().flat_map(move |it| it.between(from, to))
    }

    pub(super) fn is_fresh(&self) -> bool {
        let valid = self.settings.forecast_valid;
        self.house.weather.forecast.as_ref().zip(valid).is_some_and(|(it, valid)| {
            // For another time than now it is taken to be renewed.
            self.basis != super::Basis::Now || self.house.at.duration_since(it.issued_at) < valid
        })
    }

    /// What stations measured that is held to be true, else what they measured last.
    pub(super) fn station(&self) -> Option<Observation> {
        let station = &self.house.weather.station;
        station.at(self.at).or_else(|| station.last())
    }

    pub(super) fn weather_json(&self) -> Value {
        let forecast = self.house.weather.forecast.as_ref();
        json!({
            "source": forecast.map(|it| &it.source),
            "issued_at": forecast.map(|it| it.issued_at.to_string()),
            "fresh": self.is_fresh(),
            "state": WeatherState::of(&self.house.weather, self.settings.forecast_valid, self.house.at).word(),
            "second_source": self.house.weather.second.as_ref().map(|it| &it.source),
            "trouble": self.house.weather.trouble.as_ref().map(|it| &it.text),
            "hours": self.hours().map(hour).collect::<Value>(),
            "station": self.station().as_ref().map(station),
        })
    }
}

fn celsius(it: Option<Celsius>) -> Option<f64> {
    it.map(|it| rounded(it.0))
}

fn hour(it: &Interval) -> Value {
    json!({
        "start": it.start.to_string(),
        "end": it.end.to_string(),
        "temperature_c": celsius(it.temperature),
        "dew_point_c": celsius(it.dew_point),
        "humidity": it.humidity,
        "precipitation_mm": it.precipitation.map(rounded),
        "snowfall_cm": it.snowfall.map(rounded),
        "code": it.code,
        "weather": it.code.map(code_words),
        "cloud": it.cloud,
        "wind_ms": it.wind.map(rounded),
    })
}

fn station(it: &Observation) -> Value {
    json!({
        "at": it.at.to_string(),
        "max_age_s": it.max_age.as_secs(),
        "temperature_c": celsius(it.temperature),
        "dew_point_c": celsius(it.dew_point),
        "humidity": it.humidity,
        "surface_c": celsius(it.surface),
        "rain_mm_h": it.precipitation_rate,
        "snow_cm_h": it.snow_rate,
        "wind_ms": it.wind,
    })
}

/// Is a measurement still held to be true?
pub(super) fn is_current(it: &Observation, at: Timestamp) -> bool {
    at.duration_since(it.at) < it.max_age
}

/// WMO weather codes in words (table 4677 as Open-Meteo uses it).
pub fn code_words(code: u8) -> &'static str {
    match code {
        0 => "clear",
        1 | 2 => "some clouds",
        3 => "overcast",
        45 => "fog",
        48 => "fog that leaves rime",
        51 | 53 | 55 => "drizzle",
        56 | 57 => "freezing drizzle",
        61 | 63 | 65 => "rain",
        66 | 67 => "freezing rain",
        71 | 73 | 75 => "snow",
        77 => "snow grains",
        79 => "ice pellets",
        80..=82 => "rain showers",
        85 | 86 => "snow showers",
        95 | 96 | 99 => "thunderstorm",
        _ => "other weather",
    }
}
