//! HTTP: is the bridge alive, is it ready, and a page that shows what it does and why.
//!
//! Reading changes nothing. Without a password only a loopback address shows the house at once; any other asks for the one-time code in
//! the log first, and serves everybody the probes, which name nothing of the house.

mod access;
mod answer;
mod api;
mod body;
mod bridge;
mod calendar;
mod client;
mod config;
mod document;
mod events;
mod gate;
mod health;
mod history;
mod house;
mod ledger;
mod line;
mod logs;
mod marks;
mod metrics;
mod notifications;
mod page;
mod press;
mod probes;
mod proxy;
mod schedules;
mod seats;
mod seed;
mod settings;
mod setup;
mod switch;
mod upload;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
};
use jiff::tz::TimeZone;
use tokio::{
    net::TcpListener,
    sync::{Mutex, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;

pub use access::hash_password;
pub use client::{Answer, encoded, get as ask};
pub use health::healthcheck;

use self::{access::Access, ledger::Ledger, line::Peer, press::Press, proxy::Proxies};
use crate::{
    hub::{Handle, Journal},
    model::{ControlSettings, WebSettings},
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
    /// What decisions depend on, where there is no hub that shows it: what is explained stands on it.
    pub settings: Option<Arc<ControlSettings>>,
    /// The last lines of the log; empty where nobody writes them down.
    pub journal: Arc<Journal>,
    /// Passwords and the like; none where nobody says.
    pub access: Option<WebSettings>,
    /// Where sessions are kept over a restart.
    pub data: Option<PathBuf>,
    /// The config file, if there is one.
    pub config_file: Option<PathBuf>,
}

struct Site {
    info: WebInfo,
    handle: Handle,
    access: Access,
    proxies: Proxies,
    /// What ends by itself only when its client goes ends then.
    stop: CancellationToken,
    ledger: Arc<Ledger>,
    /// Seats for those who listen to events.
    listeners: Arc<Semaphore>,
    /// What they are told.
    press: Press,
    /// Of two who change the schedules here the second looks at what the first has made of them.
    desk: Mutex<()>,
}

/// Every endpoint, each with its words for `/openapi.json`.
fn endpoints() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::with_openapi(document::head())
        .merge(probes::routes())
        .merge(api::routes())
        .merge(house::routes())
        .merge(switch::routes())
        .merge(schedules::routes())
        .merge(seed::routes())
        .merge(notifications::routes())
        .merge(access::routes())
        .merge(page::routes())
        .merge(events::routes())
        .merge(logs::routes())
        .merge(history::routes())
        .merge(bridge::routes())
        .merge(metrics::routes())
        .merge(config::routes())
        .merge(settings::routes())
        .merge(setup::routes())
        .merge(upload::routes())
        .merge(document::routes())
}

fn router(endpoints: OpenApiRouter<Arc<Site>>, site: Arc<Site>) -> Router {
    let (router, _) = endpoints.split_for_parts();
    // Events are not packed: each is to arrive when it happens.
    let packed = CompressionLayer::new().gzip(true);
    let router = router.fallback(gate::absent).method_not_allowed_fallback(gate::wrong_method);
    router.layer(packed).layer(middleware::from_fn_with_state(Arc::clone(&site), gate::check)).with_state(site)
}

impl Site {
    /// What decisions depend on now.
    fn settings(&self) -> Option<Arc<ControlSettings>> {
        self.handle.settings().or_else(|| self.info.settings.clone())
    }
}

/// Serves until `stop`, and ends within half a second of it.
///
/// # Errors
/// The listener's address cannot be told.
pub async fn serve(listener: TcpListener, info: WebInfo, handle: Handle, stop: CancellationToken) -> io::Result<()> {
    let is_loopback = listener.local_addr()?.ip().to_canonical().is_loopback();
    let how = info.access.clone().unwrap_or_else(|| WebSettings::at("127.0.0.1", 0));
    let access = Access::new(&how, is_loopback, info.data.as_deref(), handle.clock.now());
    let doors = (access, Proxies::new(&how.trusted_proxies));
    serve_what(listener, info, handle, stop, doors, endpoints()).await
}

/// Serves `/health`, `/health/weather` and the probes, which name nothing of the house, on any address.
///
/// # Errors
/// The listener fails.
pub async fn serve_health(
    listener: TcpListener,
    info: WebInfo,
    handle: Handle,
    stop: CancellationToken,
) -> io::Result<()> {
    let doors = (Access::open(), Proxies::unnoticed());
    serve_what(listener, info, handle, stop, doors, probes::routes().merge(seed::probes())).await
}

async fn serve_what(
    listener: TcpListener,
    info: WebInfo,
    handle: Handle,
    stop: CancellationToken,
    (access, proxies): (Access, Proxies),
    endpoints: OpenApiRouter<Arc<Site>>,
) -> io::Result<()> {
    let settings = handle.settings().or_else(|| info.settings.clone());
    let zone = settings.map_or(TimeZone::UTC, |it| it.zone.clone());
    let ledger = Arc::new(Ledger::new(handle.clock.now().as_second(), zone));
    tokio::spawn(Arc::clone(&ledger).keep(handle.listen(), stop.clone()));
    let listeners = Arc::new(Semaphore::new(events::MOST));
    let press = Press::default();
    let (stopped, desk) = (stop.clone(), Mutex::default());
    let site = Site { info, handle, access, proxies, stop: stopped, ledger, listeners, press, desk };
    let router = router(endpoints, Arc::new(site));
    let cut = CancellationToken::new();
    let lines = line::Lines::new(listener, cut.clone());
    let router = router.into_make_service_with_connect_info::<Peer>();
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

fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    (status, text.into()).into_response()
}
