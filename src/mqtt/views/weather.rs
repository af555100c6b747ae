//! What the bridge says of the weather.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{BridgeView, round, time};
use crate::model::{Fact, Forecast, Observation, Soon, WeatherState};

/// In minutes, in steps of ten: to the minute it would be published all the time.
pub(in crate::mqtt) fn age(forecast: &Forecast, now: Timestamp) -> i64 {
    now.duration_since(forecast.issued_at).as_mins().max(0) / 10 * 10
}

impl BridgeView {
    /// Is the weather watched at all?
    pub(in crate::mqtt) fn watches_weather(&self) -> bool {
        self.house.weather.fresh.is_some()
    }

    /// `online` while a provider answers, `degraded` while none does but the forecast is young enough to act on, else `offline`.
    pub(in crate::mqtt) fn weather_status(&self) -> Value {
        json!(self.house.weather.soon.state.unwrap_or(WeatherState::Offline).word())
    }

    pub(in crate::mqtt) fn forecast_age(&self) -> Value {
        self.forecast(|it| json!(age(it, self.house.at)))
    }

    /// `ON`, `OFF`, or unknown.
    pub(in crate::mqtt) fn soon(&self, fact: impl Fn(&Soon) -> Fact) -> Value {
        match fact(&self.house.weather.soon) {
            Fact::Yes => json!("ON"),
            Fact::No => json!("OFF"),
            Fact::Unknown => Value::Null,
        }
    }

    /// When the next frozen precipitation begins; the past where it falls already.
    pub(in crate::mqtt) fn next_frozen(&self) -> Value {
        time(self.house.weather.soon.frozen.map(|it| it.0))
    }

    /// The air: measured, else foreseen.
    pub(in crate::mqtt) fn air(&self) -> Value {
        let foreseen = || self.house.weather.forecast.as_ref()?.at(self.house.at)?.temperature;
        round(self.measured(|it| it.temperature).or_else(foreseen).map(|it| it.0), 1)
    }

    fn measured<T>(&self, read: impl Fn(&Observation) -> Option<T>) -> Option<T> {
        self.house.weather.station.at(self.house.at).as_ref().and_then(read)
    }

    /// What stations near the house measure that is held to be true.
    pub(in crate::mqtt) fn station(&self) -> Value {
        self.house.weather.station.at(self.house.at).map_or(Value::Null, |it| {
            json!({
                "at": time(Some(it.at)),
                "temperature_c": round(it.temperature.map(|it| it.0), 1),
                "dew_point_c": round(it.dew_point.map(|it| it.0), 1),
                "humidity": round(it.humidity, 0),
                "surface_c": round(it.surface.map(|it| it.0), 1),
                "rain_mm_h": round(it.precipitation_rate, 2),
                "snow_cm_h": round(it.snow_rate, 2),
                "wind_ms": round(it.wind, 1),
            })
        })
    }

    pub(in crate::mqtt) fn forecast(&self, read: impl Fn(&Forecast) -> Value) -> Value {
        self.house.weather.forecast.as_deref().map_or(Value::Null, read)
    }

    /// What the forecast says of the present.
    pub(in crate::mqtt) fn weather_now(&self) -> Value {
        self.forecast(|forecast| {
            forecast.at(self.house.at).map_or(Value::Null, |now| {
                json!({
                    "temperature_c": round(now.temperature.map(|it| it.0), 1),
                    "dew_point_c": round(now.dew_point.map(|it| it.0), 1),
                    "humidity": round(now.humidity, 0),
                    "precipitation_mm": round(now.precipitation, 2),
                    "snowfall_cm": round(now.snowfall, 2),
                    "cloud": round(now.cloud, 2),
                    "wind_ms": round(now.wind, 1),
                    "code": now.code,
                })
            })
        })
    }
}
