//! The part of the table that is about the weather.

use serde_json::json;

use super::{DIAGNOSTIC, MEASURED, class, digits, entity, field, unit};
use crate::mqtt::{
    sheet::{Attributes, Entity, Form, Row, Sheet, Template},
    views::{BridgeView, time},
};

/// What is known of the weather, and how well.
pub(super) const WEATHER: Sheet<BridgeView> = Sheet {
    topic: |topics, _| topics.weather(),
    has: BridgeView::watches_weather,
    form: Form::Fields,
    rows: &[
        field("status", BridgeView::weather_status),
        field("provider", |it: &BridgeView| it.forecast(|forecast| json!(forecast.source))),
        Row {
            entity: Some(Entity {
                attributes: Attributes::Own,
                more: &[class("temperature"), MEASURED, unit("°C"), digits(1)],
                ..entity("outdoor_temperature", "sensor", "Outdoor temperature")
            }),
            ..field("temperature_c", BridgeView::air)
        },
        Row {
            entity: Some(entity("precipitation_soon", "binary_sensor", "Precipitation soon")),
            ..field("precipitation_soon", |it: &BridgeView| it.soon(|soon| soon.precipitation))
        },
        Row {
            entity: Some(Entity { more: &[class("safety")], ..entity("ice_risk", "binary_sensor", "Ice risk") }),
            ..field("ice_risk", |it: &BridgeView| it.soon(|soon| soon.ice))
        },
        Row {
            entity: Some(Entity {
                more: &[class("timestamp")],
                ..entity("next_frozen_precipitation", "sensor", "Next frozen precipitation")
            }),
            ..field("next_frozen_precipitation", BridgeView::next_frozen)
        },
        Row {
            entity: Some(Entity {
                more: &[class("timestamp"), DIAGNOSTIC],
                ..entity("forecast_updated", "sensor", "Forecast updated")
            }),
            ..field("forecast_updated", |it: &BridgeView| it.forecast(|forecast| time(Some(forecast.issued_at))))
        },
        Row {
            entity: Some(Entity {
                more: &[class("duration"), MEASURED, unit("min"), DIAGNOSTIC],
                ..entity("forecast_age", "sensor", "Forecast age")
            }),
            ..field("forecast_age_min", BridgeView::forecast_age)
        },
        Row {
            entity: Some(Entity {
                template: Template::Holds,
                more: &[class("problem"), DIAGNOSTIC],
                ..entity("forecast_stale", "binary_sensor", "Forecast stale")
            }),
            ..field("stale", |it: &BridgeView| json!(it.house.weather.fresh == Some(false)))
        },
        field("trouble", |it: &BridgeView| json!(it.house.weather.trouble.as_ref().map(|it| &it.text))),
        field("now", BridgeView::weather_now),
        field("measured", BridgeView::station),
    ],
};
