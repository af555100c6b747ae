//! How the bridge does, in the predecessor's shapes: `/api/status`, `/api/system/status`, `/api/health`, `/api/ping`, `/health`.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Item, by_name, items, low};
use crate::{
    explain::{local, seed_state},
    hub::Errand,
    model::{ControlSettings, Fact, House, Outlet, OutletId, Switch, WeatherState},
    web::{Site, answer::Refusal, api::open},
};

/// It is told from memory.
const WITHIN: Duration = Duration::from_secs(5);

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(ping))
        .routes(routes!(health))
        .routes(routes!(status))
        .routes(routes!(system))
        .merge(probes())
}

/// What the health server serves too.
pub(in crate::web) fn probes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(health_probe)).routes(routes!(health_weather))
}

/// Is anybody there?
#[utoipa::path(get, path = "/api/ping", tag = "predecessor", responses(
    (status = 200, description = "`{\"status\": \"ok\", \"message\": \"pong\"}`", body = Object),
))]
async fn ping() -> Json<Value> {
    Json(json!({ "status": "ok", "message": "pong" }))
}

/// Is the bridge well?
#[utoipa::path(get, path = "/api/health", tag = "predecessor", responses(
    (status = 200, description = "`config_loaded` is false in setup mode.", body = Object),
    (status = 500, description = "The control loop does not come round.", body = Object),
))]
async fn health(State(site): State<Arc<Site>>) -> (StatusCode, Json<Value>) {
    let timestamp = site.now();
    if site.handle.pulse.is_alive() {
        let loaded = site.info.setup.is_empty();
        return (StatusCode::OK, Json(json!({ "status": "ok", "timestamp": timestamp, "config_loaded": loaded })));
    }
    let details = site.hangs();
    let body = json!({ "status": "error", "timestamp": timestamp, "details": details });
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body))
}

/// Is the bridge well? Also on the port of `health_server`.
#[utoipa::path(get, path = "/health", tag = "probes", responses(
    (status = 200, description = "It is.", body = Object),
    (status = 503, description = "The control loop does not come round.", body = Object),
))]
async fn health_probe(State(site): State<Arc<Site>>) -> (StatusCode, Json<Value>) {
    let timestamp = site.now();
    if site.handle.pulse.is_alive() {
        let body = json!({ "status": "ok", "timestamp": timestamp, "service": "heattrax_scheduler" });
        return (StatusCode::OK, Json(body));
    }
    let body = json!({ "status": "error", "timestamp": timestamp, "message": site.hangs() });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body))
}

/// Is the weather known? Also on the port of `health_server`.
#[utoipa::path(get, path = "/health/weather", tag = "probes", responses(
    (status = 200, description = "Now, and whether frozen precipitation is foreseen; `disabled` where no forecast is asked for.", body = Object),
    (status = 503, description = "There is no forecast to act on, or setup mode.", body = Object),
))]
async fn health_weather(State(site): State<Arc<Site>>) -> Result<(StatusCode, Json<Value>), Refusal> {
    let settings = open(&site)?;
    let house = site.handle.picture();
    let timestamp = local(&settings.zone, house.at);
    if settings.forecast_valid.is_none() {
        let body = json!({ "status": "disabled", "weather_enabled": false, "timestamp": timestamp });
        return Ok((StatusCode::OK, Json(body)));
    }
    let board = &house.weather;
    let forecast = board.forecast.as_ref();
    if WeatherState::of(board, settings.forecast_valid, house.at) == WeatherState::Offline {
        let why = board.trouble.as_ref().map_or("there is no forecast to act on", |it| it.text.as_str());
        let body = json!({ "status": "error", "message": why, "timestamp": timestamp });
        return Ok((StatusCode::SERVICE_UNAVAILABLE, Json(body)));
    }
    let hour = forecast.and_then(|it| it.at(house.at));
    let fahrenheit = |at: Timestamp| forecast.and_then(|it| it.at(at)?.temperature).map(|it| tenth(it.fahrenheit()));
    let frozen = board.soon.frozen;
    let body = json!({
        "status": "ok",
        "weather_enabled": true,
        "provider": forecast.map(|it| &it.source),
        "current_conditions": {
            "temperature_f": fahrenheit(house.at),
            "description": hour.and_then(|it| it.code).map(crate::explain::code_words),
            "precipitation_mm": hour.and_then(|it| it.precipitation),
        },
        "precipitation_forecast": {
            "expected": frozen.is_some() || board.soon.precipitation == Fact::Yes,
            "time": frozen.map(|(from, _)| local(&settings.zone, from)),
            "temperature_f": frozen.and_then(|(from, _)| fahrenheit(from)),
        },
        "timestamp": timestamp,
    });
    Ok((StatusCode::OK, Json(body)))
}

/// What the parts of the bridge do.
#[utoipa::path(get, path = "/api/system/status", tag = "predecessor", responses(
    (status = 200, description = "`scheduler_running`, `notifications_available`, `pin_configured`, …", body = Object),
))]
async fn system(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    let running = site.handle.pulse.is_alive() && site.info.setup.is_empty();
    // Asked each time: an edit of the config is in force without a new start.
    let ways = site.handle.errand(Errand::NotifyStatus, WITHIN).await;
    let ways = ways.ok().and_then(|it| it.get("providers").and_then(Value::as_object).cloned()).unwrap_or_default();
    let notifies = ways.values().any(|it| it.get("enabled") == Some(&Value::Bool(true)));
    Ok(Json(json!({
        "success": true,
        "status": {
            "scheduler_running": running,
            "notifications_available": notifies,
            "notifications_error": null,
            "pin_configured": site.access.has_pin(),
        },
    })))
}

/// The whole system at a glance.
#[utoipa::path(get, path = "/api/status", tag = "predecessor", responses(
    (status = 200, description = "Mode, config, weather, and what is expected of each outlet. Also in setup mode.", body = Object),
))]
async fn status(State(site): State<Arc<Site>>) -> Result<Response, Refusal> {
    let modified = match site.info.config_file.as_deref() {
        Some(file) => tokio::fs::metadata(file).await.ok().and_then(|it| it.modified().ok()),
        None => None,
    };
    let modified = modified.and_then(|it| Timestamp::try_from(it).ok());
    let shared = Arc::clone(&site);
    let text = site.press.status.get(&site.press.turns, move || glance(&shared, modified).to_string().into()).await;
    let text = text.ok_or_else(|| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the status cannot be shown"))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

fn glance(site: &Site, modified: Option<Timestamp>) -> Value {
    let house = site.handle.picture();
    let setup = !site.info.setup.is_empty();
    let file = site.info.config_file.as_deref();
    let mut told = json!({
        "setup_mode": setup,
        "setup_reason": setup.then(|| site.info.setup.join("; ")),
        "config_path": file.map(|it| it.display().to_string()),
        "config_last_modified": modified.map(|it| local(&site.zone(), it)),
        "config_exists": modified.is_some(),
        "vacation_mode": house.vacation,
        "timestamp": site.now(),
    });
    let Some(settings) = site.settings().filter(|_| !setup) else {
        return merged(told, json!({ "weather_enabled": false, "device_groups": {}, "device_expectations": [] }));
    };
    let settings = settings.as_ref();
    let board = &house.weather;
    let issued = board.forecast.as_ref().map(|it| it.issued_at);
    let state = WeatherState::of(board, settings.forecast_valid, house.at);
    let rest = json!({
        "weather_enabled": settings.forecast_valid.is_some(),
        "device_groups": by_name(settings, |it| json!({ "enabled": it.enabled, "device_count": it.members.len() })),
        "weather_state": seed_state(state),
        "weather_offline": state == WeatherState::Offline,
        "weather_cache_age_hours": issued.map(|it| hundredth(house.at.duration_since(it).as_secs_f64() / 3600.0)),
        "last_weather_fetch": issued.map(|it| local(&settings.zone, it)),
        "device_expectations": items(settings).flat_map(|it| expected(site, settings, &house, &it)).collect::<Value>(),
    });
    told = merged(told, rest);
    if let Some(trouble) = board.trouble.as_ref().filter(|_| settings.forecast_valid.is_some()) {
        told = merged(told, json!({ "last_error": trouble.text }));
    }
    told
}

/// What is expected of each outlet of an item. One row with `outlet: null` where none is known yet.
fn expected(site: &Site, settings: &ControlSettings, house: &House, item: &Item<'_>) -> Vec<Value> {
    let outlets = item.outlets(house);
    let row = |id: Option<&OutletId>| {
        let outlet = id.and_then(|id| house.outlets.get(id)).map(Arc::as_ref);
        let (from, until) = outlet.map_or((None, None), |it| expected_times(site, it));
        let device = house.devices.get(&item.device.slug);
        let trouble = device.and_then(|it| it.trouble.as_ref()).map(|it| it.text.clone());
        let failure = outlet.and_then(|it| it.pending.as_ref()?.failure.clone());
        let time = |at: Option<Timestamp>| at.map(|it| local(&settings.zone, it));
        json!({
            "group": item.group.name,
            "device_name": item.name,
            "ip_address": item.device.address.to_string(),
            "outlet": id.map(|id| id.slot.saturating_sub(1)),
            "current_state": outlet.and_then(Outlet::switch).map_or("unknown", low),
            "expected_state": outlet.map_or("unknown", |it| low(it.decision.switch)),
            "expected_on_from": time(from),
            "expected_off_at": time(until),
            "last_state_change": time(outlet.and_then(|it| it.memory.moved_at)),
            "last_error": failure.or(trouble),
        })
    };
    if outlets.is_empty() { vec![row(None)] } else { outlets.iter().map(|id| row(Some(id))).collect() }
}

/// From when it is on, or will be, and until when.
fn expected_times(site: &Site, outlet: &Outlet) -> (Option<Timestamp>, Option<Timestamp>) {
    let decision = &outlet.decision;
    let next = |to: Switch| decision.next.filter(|it| it.switch == to).map(|it| it.at);
    if decision.switch.is_on() {
        return (Some(decision.since), next(Switch::Off));
    }
    let Some(on) = next(Switch::On) else { return (None, None) };
    let plans = site.handle.plans.borrow();
    let windows = outlet.group.as_ref().and_then(|it| plans.get(it)).map(|it| it.windows.as_slice());
    let window = windows.unwrap_or_default().iter().find(|it| it.start <= on && on < it.end);
    (Some(on), window.map(|it| it.end))
}

impl Site {
    /// The time of the house.
    fn now(&self) -> String {
        local(&self.zone(), self.handle.clock.now())
    }

    fn hangs(&self) -> String {
        format!("the control loop has not come round for {} s", self.handle.pulse.age().as_secs())
    }
}

fn merged(mut told: Value, rest: Value) -> Value {
    if let (Some(told), Value::Object(rest)) = (told.as_object_mut(), rest) {
        told.extend(rest);
    }
    told
}

fn tenth(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

fn hundredth(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}
