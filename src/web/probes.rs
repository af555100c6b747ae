//! Is it alive, is it ready, and the page.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Site, page, plain};
use crate::model::{Availability, Broker};

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    bare().routes(routes!(front))
}

/// The probes without the page.
pub(super) fn bare() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz))
}

/// Is the bridge at work?
#[derive(Serialize, ToSchema)]
struct Ready {
    ready: bool,
    /// What it still lacks. Names nothing of the house.
    missing: Vec<String>,
}

/// Does the control loop live?
#[utoipa::path(get, path = "/healthz", tag = "probes", responses(
    (status = 200, description = "It does.", body = String, content_type = "text/plain"),
    (status = 503, description = "It has not come round for 15 s.", body = String, content_type = "text/plain"),
))]
async fn healthz(State(site): State<Arc<Site>>) -> Response {
    if site.handle.pulse.is_alive() {
        return plain(StatusCode::OK, "ok");
    }
    let seconds = site.handle.pulse.age().as_secs();
    plain(StatusCode::SERVICE_UNAVAILABLE, format!("the control loop has not come round for {seconds} s"))
}

/// Is the bridge at work: no setup mode, the broker connected, every device asked once?
#[utoipa::path(get, path = "/readyz", tag = "probes", responses(
    (status = 200, description = "It is.", body = Ready),
    (status = 503, description = "Something is missing.", body = Ready),
))]
async fn readyz(State(site): State<Arc<Site>>) -> Response {
    let missing = missing(&site);
    let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready: missing.is_empty(), missing })).into_response()
}

/// What the bridge still lacks. Names nothing of the house, for anybody may ask.
fn missing(site: &Site) -> Vec<String> {
    if !site.info.setup.is_empty() {
        return vec!["setup mode".to_owned()];
    }
    let house = site.handle.picture();
    let mut missing = Vec::new();
    if !site.handle.pulse.is_alive() {
        missing.push("the control loop does not come round".to_owned());
    }
    if site.info.mqtt && house.broker != Broker::Connected {
        missing.push("the broker is not connected".to_owned());
    }
    if !house.every_device_asked() {
        let unasked = house.devices.values().filter(|it| it.availability == Availability::Unknown).count();
        missing.push(format!("{unasked} of {} devices have not been asked yet", house.devices.len()));
    }
    missing
}

/// The page.
#[utoipa::path(get, path = "/", tag = "page", responses(
    (status = 200, description = "The page.", body = String, content_type = "text/html"),
))]
async fn front(State(site): State<Arc<Site>>) -> Response {
    let page = match (site.info.setup.is_empty(), site.is_loopback) {
        (false, _) => page::setup(&site.info.version),
        (true, true) => page::house(&site.info.version, &site.handle.picture()),
        (true, false) => page::closed(&site.info.version),
    };
    let csp =
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, csp)], page).into_response()
}
