//! The weather in a few words.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Look, Passing, minutes, rounded};
use crate::model::{Celsius, Fact, WeatherState};

/// The weather. Temperatures in °C.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(in crate::web) struct WeatherView {
    /// Is a forecast asked for at all?
    enabled: bool,
    /// `online`, `degraded` or `offline`.
    state: &'static str,
    /// The provider of the newest forecast.
    source: Option<String>,
    issued_at: Option<String>,
    #[schema(value_type = Option<i64>)]
    age_min: Passing<Option<i64>>,
    /// Is it fresh enough to act on?
    fresh: bool,
    /// Why there is no newer one.
    trouble: Option<String>,
    temperature_c: Option<f64>,
    dew_point_c: Option<f64>,
    humidity: Option<f64>,
    /// In this hour, in mm water equivalent.
    precipitation_mm: Option<f64>,
    wind_ms: Option<f64>,
    /// WMO weather code.
    code: Option<u8>,
    /// Does something fall soon? `yes`, `no` or `unknown`.
    precipitation: &'static str,
    /// Is a walk that nobody heats icy soon? `yes`, `no` or `unknown`.
    ice: &'static str,
    /// The next frozen precipitation.
    frozen_from: Option<String>,
    frozen_until: Option<String>,
    /// What stations near the house measure now.
    station: Option<StationView>,
}

/// What stations near the house measure.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(in crate::web) struct StationView {
    at: String,
    temperature_c: Option<f64>,
    humidity: Option<f64>,
    surface_c: Option<f64>,
    rain_mm_h: Option<f64>,
    snow_cm_h: Option<f64>,
    wind_ms: Option<f64>,
}

pub(super) fn view(look: &Look<'_>) -> WeatherView {
    let (board, now) = (&look.house.weather, look.house.at);
    let valid = look.settings.and_then(|it| it.forecast_valid);
    let forecast = board.forecast.as_ref();
    let hour = forecast.and_then(|it| it.at(now));
    let degrees = |it: Option<Celsius>| rounded(it.map(|it| it.0), 1);
    WeatherView {
        enabled: valid.is_some(),
        state: WeatherState::of(board, valid, now).word(),
        source: forecast.map(|it| it.source.clone()),
        issued_at: look.maybe(forecast.map(|it| it.issued_at)),
        age_min: Passing(forecast.map(|it| minutes(now.duration_since(it.issued_at)))),
        fresh: board.fresh == Some(true),
        trouble: board.trouble.as_ref().map(|it| it.text.clone()),
        temperature_c: degrees(hour.and_then(|it| it.temperature)),
        dew_point_c: degrees(hour.and_then(|it| it.dew_point)),
        humidity: rounded(hour.and_then(|it| it.humidity), 1),
        precipitation_mm: rounded(hour.and_then(|it| it.precipitation), 2),
        wind_ms: rounded(hour.and_then(|it| it.wind), 1),
        code: hour.and_then(|it| it.code),
        precipitation: word(board.soon.precipitation),
        ice: word(board.soon.ice),
        frozen_from: look.maybe(board.soon.frozen.map(|it| it.0)),
        frozen_until: look.maybe(board.soon.frozen.map(|it| it.1)),
        station: board.station.at(now).map(|it| StationView {
            at: look.time(it.at),
            temperature_c: degrees(it.temperature),
            humidity: rounded(it.humidity, 1),
            surface_c: degrees(it.surface),
            rain_mm_h: rounded(it.precipitation_rate, 2),
            snow_cm_h: rounded(it.snow_rate, 2),
            wind_ms: rounded(it.wind, 1),
        }),
    }
}

fn word(fact: Fact) -> &'static str {
    match fact {
        Fact::Yes => "yes",
        Fact::No => "no",
        Fact::Unknown => "unknown",
    }
}
