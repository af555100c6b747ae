//! HTTP: is the bridge alive, is it ready, and a page that shows what it does and why.
//!
//! Reading changes nothing. As long as there is no login, only a loopback address shows names and reasons; any other serves the
//! two probes, which name nothing of the house.

mod api;
mod calendar;
mod client;
mod gate;
mod health;
mod line;
mod notifications;
mod page;

use std::{io, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use client::{Answer, encoded, get as ask};
pub use health::healthcheck;

use crate::{
    hub::Handle,
    model::{Availability, Broker, ControlSettings},
};

/// Requests that are under way when the bridge stops may take this long to end.
const GRACE: Duration = Duration::from_millis(250);

/// What the server knows beside the house.
#[derive(Clone, Debug, Default)]
pub struct WebInfo {
    /// The program's version.
    pub version: String,
    /// What is wrong with the config, in words. Setup mode when there is anything.
    pub setup: Vec<String>,
    /// Is a broker configured? Without one, the bridge is ready without one.
    pub mqtt: bool,
    /// Host names that are served beside `localhost` and IP addresses: that of `web.bind_host`, if it is a name.
    pub names: Vec<String>,
    /// What decisions depend on: what is explained stands on it. `None` in setup mode.
    pub settings: Option<Arc<ControlSettings>>,
}

struct Site {
    info: WebInfo,
    handle: Handle,
    is_loopback: bool,
}

/// Serves until `stop`, and ends within half a second of it.
///
/// # Errors
/// The listener's address cannot be told.
pub async fn serve(listener: TcpListener, info: WebInfo, handle: Handle, stop: CancellationToken) -> io::Result<()> {
    let is_loopback = listener.local_addr()?.ip().to_canonical().is_loopback();
    let site = Arc::new(Site { info, handle, is_loopback });
    let router = Router::new()
        .route("/", get(front))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/api/explain", get(api::explained))
        .route("/api/plan", get(api::planned))
        .route("/api/weather/forecast", get(api::forecast))
        .route("/api/weather/mat-forecast", get(api::mat_forecast))
        .route("/calendar.ics", get(api::calendar))
        .merge(Router::from(notifications::routes()))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), gate::check))
        .with_state(site);
    let cut = CancellationToken::new();
    let lines = line::Lines::new(listener, cut.clone());
    let server = axum::serve(lines, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let deadline = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = async { server.await } => ended,
        () = deadline => {
            // Whoever is still talking would hold the stop up: their connections end here.
            cut.cancel();
            Ok(())
        }
    }
}

async fn healthz(State(site): State<Arc<Site>>) -> Response {
    if site.handle.pulse.is_alive() {
        return plain(StatusCode::OK, "ok");
    }
    let seconds = site.handle.pulse.age().as_secs();
    plain(StatusCode::SERVICE_UNAVAILABLE, format!("the control loop has not come round for {seconds} s"))
}

async fn readyz(State(site): State<Arc<Site>>) -> Response {
    let missing = missing(&site);
    let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": missing.is_empty(), "missing": missing }))).into_response()
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

fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    (status, text.into()).into_response()
}
