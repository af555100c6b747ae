//! What the bridge says of the weather.

use serde_json::{Value, json};

use super::{BridgeView, round};
use crate::model::Forecast;

impl BridgeView {
    /// Is the weather watched at all?
    pub(in crate::mqtt) fn watches_weather(&self) -> bool {
        self.house.weather.fresh.is_some()
    }

    /// `online` while the forecast is fresh, `degraded` while it is but no newer one can be had, `offline` once it is stale.
    pub(in crate::mqtt) fn weather_status(&self) -> Value {
        json!(match (self.house.weather.fresh, &self.house.weather.trouble) {
            (Some(true), None) => "online",
            (Some(true), Some(_)) => "degraded",
            _ => "offline",
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
