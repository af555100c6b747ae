//! The page: files of our own that are part of the program. Nothing is fetched from elsewhere.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Site, marks::Marks, plain};

/// A file of the page.
struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal: $kind:expr),+ $(,)?) => {
        &[$(Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("assets/", $name)) }),+]
    };
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const ASSETS: &[Asset] = assets! {
    "index.html": HTML,
    "control.html": HTML,
    "control.js": SCRIPT,
    "frame.js": SCRIPT,
    "app.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "main.js": SCRIPT,
    "dom.js": SCRIPT,
    "words.js": SCRIPT,
    "bridge.js": SCRIPT,
    "overview.js": SCRIPT,
    "plan.js": SCRIPT,
    "schedules.js": SCRIPT,
    "settings.js": SCRIPT,
    "forecast.js": SCRIPT,
    "form.js": SCRIPT,
    "hand.js": SCRIPT,
    "setup.js": SCRIPT,
    "signin.js": SCRIPT,
    "history.js": SCRIPT,
    "weather.js": SCRIPT,
    "devices.js": SCRIPT,
    "log.js": SCRIPT,
};

/// No script and no style but our own files; nobody but our own pages (Home Assistant's ingress among them) may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(front))
        .routes(routes!(ui))
        .routes(routes!(control))
        .routes(routes!(control_login))
        .routes(routes!(asset))
}

/// The page.
#[utoipa::path(get, path = "/", tag = "page", responses((status = 200, description = "The page.", body = String, content_type = "text/html")))]
async fn front(headers: HeaderMap) -> Response {
    served(&ASSETS[0], &headers)
}

/// The page, at its old address.
#[utoipa::path(get, path = "/ui", tag = "page", responses((status = 200, description = "The page.", body = String, content_type = "text/html")))]
async fn ui(headers: HeaderMap) -> Response {
    served(&ASSETS[0], &headers)
}

/// The small page for phones: every outlet with ON, OFF and AUTO.
#[utoipa::path(get, path = "/control", tag = "page", responses((status = 200, description = "The page.", body = String, content_type = "text/html")))]
async fn control(headers: HeaderMap) -> Response {
    served(&ASSETS[1], &headers)
}

/// Signing in had this address.
#[utoipa::path(get, path = "/control/login", tag = "page", responses((status = 303, description = "To the page for phones.")))]
async fn control_login() -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, "../control")]).into_response()
}

/// A file of the page.
#[utoipa::path(get, path = "/static/{name}", tag = "page", params(("name" = String, Path, description = "Its name.")), responses(
    (status = 200, description = "The file.", body = String, content_type = "text/javascript"),
    (status = 304, description = "It is as it was."),
    (status = 404, description = "There is no such file."),
))]
async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match ASSETS.iter().find(|it| it.name == name) {
        Some(asset) => served(asset, &headers),
        None => plain(StatusCode::NOT_FOUND, "there is no such file"),
    }
}

fn served(asset: &Asset, headers: &HeaderMap) -> Response {
    let mut hasher = DefaultHasher::new();
    asset.bytes.hash(&mut hasher);
    let mark = format!("{:016x}", hasher.finish());
    // What is sent packed may have a mark that is weak.
    let same = Marks::of(headers, header::IF_NONE_MATCH).is_some_and(|it| it.has(&mark));
    let head = [
        (header::CONTENT_TYPE, asset.kind.to_owned()),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        // Asked for anew each time, so that an update is seen; sent only if it has changed.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, format!("\"{mark}\"")),
    ];
    if same { (StatusCode::NOT_MODIFIED, head).into_response() } else { (head, asset.bytes).into_response() }
}
