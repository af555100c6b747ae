//! The bridge as a whole: `/api/ping`, `/api/health`, `/api/status`, `/api/vacation_mode`, and a restart.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Item, by_name, control::failed, items, low};
use crate::{
    explain::local,
    hub::Errand,
    model::{Broker, Command, ControlSettings, House, Origin, Outlet, Target, Verb, WeatherState},
    web::{
        Site,
        answer::{Problem, Refusal},
        api::open,
        body::Body,
        switch::asking::{agreed, ask},
    },
};

/// A restart is taken note of at once.
const WITHIN: Duration = Duration::from_secs(5);

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(ping))
        .routes(routes!(health))
        .routes(routes!(status))
        .routes(routes!(system))
        .routes(routes!(vacation, set_vacation))
        .routes(routes!(restart))
}

/// Is somebody there?
#[utoipa::path(get, path = "/api/ping", tag = "predecessor", responses((status = 200, description = "`pong`.", body = Object)))]
async fn ping() -> Json<Value> {
    Json(json!({ "status": "ok", "message": "pong" }))
}

/// Does the control loop live?
#[utoipa::path(get, path = "/api/health", tag = "predecessor", responses(
    (status = 200, description = "It does.", body = Object),
    (status = 500, description = "It does not come round.", body = Object),
))]
async fn health(State(site): State<Arc<Site>>) -> (StatusCode, Json<Value>) {
    let at = local(&site.zone(), site.handle.clock.now());
    if site.handle.pulse.is_alive() {
        return (
            StatusCode::OK,
            Json(json!({ "status": "ok", "timestamp": at, "config_loaded": site.info.setup.is_empty() })),
        );
    }
    let words = "the control loop does not come round";
    (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "status": "error", "timestamp": at, "details": words })))
}

/// The bridge, and what is expected of each outlet.
#[utoipa::path(get, path = "/api/status", tag = "predecessor", responses(
    (status = 200, description = "In setup mode too.", body = Object),
    (status = 403, description = "Shown on a loopback address only.", body = Problem),
))]
async fn status(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    let house = site.handle.picture();
    let settings = site.settings().filter(|_| site.info.setup.is_empty());
    let valid = settings.as_ref().and_then(|it| it.forecast_valid);
    let weather = WeatherState::of(&house.weather, valid, house.at);
    let mut told = json!({
        "setup_mode": settings.is_none(),
        "setup_reason": site.info.setup.first(),
        "weather_enabled": settings.as_ref().is_some_and(|it| it.forecast_valid.is_some()),
        "vacation_mode": house.vacation,
        "weather_state": weather_state(weather),
        "weather_offline": weather == WeatherState::Offline,
        "weather_cache_age_hours": age_hours(&house),
        "last_error": trouble(&house),
        "timestamp": local(&site.zone(), house.at),
        "device_groups": {},
        "device_expectations": [],
    });
    if let Some(settings) = settings {
        let count = |slug| items(&settings).filter(|it| it.group.slug == slug).count();
        told["device_groups"] =
            by_name(&settings, |it| json!({ "enabled": it.enabled, "device_count": count(it.slug.clone()) }));
        let expected = items(&settings).flat_map(|item| expectations(&item, &settings, &house));
        told["device_expectations"] = expected.collect();
    }
    Ok(Json(told))
}

fn weather_state(state: WeatherState) -> &'static str {
    match state {
        WeatherState::Online => "online",
        WeatherState::Degraded => "degraded_offline_using_cache",
        WeatherState::Offline => "offline_no_weather_data",
    }
}

fn age_hours(house: &House) -> Option<f64> {
    let issued = house.weather.forecast.as_ref()?.issued_at;
    Some((house.at.duration_since(issued).as_secs_f64() / 360.0).round() / 10.0)
}

fn trouble(house: &House) -> Option<&str> {
    let broker = match &house.broker {
        Broker::Lost(trouble) => Some(trouble.text.as_str()),
        _ => None,
    };
    house.devices.values().find_map(|it| Some(it.trouble.as_ref()?.text.as_str())).or(broker)
}

fn expectations<'a>(item: &Item<'a>, settings: &'a ControlSettings, house: &'a House) -> Vec<Value> {
    let one = |outlet: &Outlet| {
        let decision = &outlet.decision;
        let next = |on: bool| decision.next.filter(|it| it.switch.is_on() == on).map(|it| local(&settings.zone, it.at));
        let since = decision.switch.is_on().then(|| local(&settings.zone, decision.since));
        json!({
            "group": item.group.name,
            "device_name": item.name,
            "ip_address": item.device.address.to_string(),
            "outlet": outlet.id.slot.saturating_sub(1),
            "current_state": outlet.switch().map_or("unknown", low),
            "expected_state": low(decision.switch),
            "expected_on_from": since.or_else(|| next(true)),
            "expected_off_at": decision.until.map(|it| local(&settings.zone, it)).or_else(|| next(false)),
            "last_state_change": outlet.memory.moved_at.map(|it| local(&settings.zone, it)),
            "last_error": outlet.pending.as_ref().and_then(|it| it.failure.as_ref()),
            "reason": decision.reason.to_string(),
        })
    };
    item.outlets(house).iter().filter_map(|id| house.outlets.get(id)).map(|it| one(it)).collect()
}

/// What of the program runs.
#[utoipa::path(get, path = "/api/system/status", tag = "predecessor", responses(
    (status = 200, description = "`status`.", body = Object),
    (status = 403, description = "Shown on a loopback address only.", body = Problem),
))]
async fn system(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    let has_pin = site.info.access.as_ref().is_some_and(|it| it.pin.is_some());
    let notify = site.handle.errand(Errand::NotifyStatus, WITHIN).await;
    Ok(Json(json!({ "success": true, "status": {
        "scheduler_running": site.handle.pulse.is_alive() && site.info.setup.is_empty(),
        "notifications_available": notify.is_ok(),
        "notifications_error": notify.err(),
        "pin_configured": has_pin,
    } })))
}

/// Is everybody away?
#[utoipa::path(get, path = "/api/vacation_mode", tag = "predecessor", responses(
    (status = 200, description = "`enabled`.", body = Object),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn vacation(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    open(&site)?;
    Ok(Json(json!({ "enabled": site.handle.picture().vacation })))
}

/// Everybody leaves or comes back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Vacation {
    enabled: Option<bool>,
}

/// Everybody leaves or comes back. Leaving ends the wishes that keep something on.
#[utoipa::path(put, path = "/api/vacation_mode", tag = "predecessor", request_body = Vacation, responses(
    (status = 200, description = "`success`, `enabled`.", body = Object),
    (status = 400, description = "`enabled` is missing, or neither true nor false.", body = Problem),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn set_vacation(
    State(site): State<Arc<Site>>,
    asked: Result<Body<Vacation>, Refusal>,
) -> Result<Json<Value>, Refusal> {
    open(&site)?;
    let Body(asked) = asked.map_err(failed)?;
    let away = asked.enabled.ok_or_else(|| failed(Refusal::bad("Missing \"enabled\" field")))?;
    let said =
        ask(&site.handle, Command::new(Target::House, Verb::Vacation(away), Origin::Web)).await.map_err(failed)?;
    agreed(&said).map_err(failed)?;
    Ok(Json(json!({ "success": true, "enabled": away })))
}

/// Stops in good order, reads the config anew, and starts again in the same process.
#[utoipa::path(post, path = "/api/restart", tag = "predecessor", responses(
    (status = 200, description = "It is about to.", body = Object),
    (status = 503, description = "It is busy or stopping.", body = Problem),
))]
async fn restart(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    let asked = site.handle.errand(Errand::Restart, WITHIN).await;
    asked.map_err(|words| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, words))?;
    Ok(Json(json!({ "status": "ok", "message": "Application is restarting..." })))
}
