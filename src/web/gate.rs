//! Who is let in: requests that name this bridge, and carry no load.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Json,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use serde_json::json;

use super::{
    Site,
    access::{self, May},
    answer::Refusal,
    api,
    line::Peer,
    proxy,
};

/// No request has a larger body, but one with a whole config.
const LARGEST_BODY: u64 = 64 * 1024;
/// A config file has up to 1 MiB, which is more as JSON.
const LARGEST_CONFIG: u64 = 2 * 1024 * 1024;

/// How large may the body of such a request be?
pub(super) fn largest_body(method: &Method, path: &str) -> u64 {
    match (method.as_str(), path) {
        ("PUT" | "POST", "/api/config")
        | ("PUT", "/api/config/text")
        | ("POST", "/api/config/check" | "/api/config/upload") => LARGEST_CONFIG,
        _ => LARGEST_BODY,
    }
}

/// In words, how large.
pub(super) fn too_large(most: u64) -> String {
    format!("the body is larger than {} KiB", most / 1024)
}

/// Refuses unknown `Host` names: a page elsewhere could have its own name lead here, and read with the browser's eyes.
pub(super) async fn check(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    // Whoever waits for an answer keeps the seat until there is one.
    let _asked = peer.1.asked();
    let client = site.proxies.client(peer.0.ip(), &request);
    let hosts = request.headers().get_all(header::HOST);
    let mut named: Vec<&str> = hosts.iter().map(|it| it.to_str().unwrap_or_default()).collect();
    if named.len() > 1 || (named.is_empty() && request.version() == Version::HTTP_11) {
        return no(StatusCode::BAD_REQUEST, "exactly one Host header is needed");
    }
    named.extend(request.uri().authority().map(|it| it.as_str()));
    // A proxy that is believed is asked under names of its own; behind it everybody says who they are.
    if !client.is_trusted && !named.iter().all(|it| is_known(it, &site.info.names)) {
        return no(StatusCode::FORBIDDEN, "this host name is unknown here: use localhost or the IP address");
    }
    if let Err(words) = api::decoded(request.uri().path()) {
        return no(StatusCode::BAD_REQUEST, &words);
    }
    if is_foreign(&request, client.is_trusted) {
        return no(StatusCode::FORBIDDEN, "a page of another site may not ask for changes");
    }
    let most = largest_body(request.method(), request.uri().path());
    if announced_body(request.headers()) > most {
        return no(StatusCode::PAYLOAD_TOO_LARGE, &too_large(most));
    }
    let (method, path) = (request.method(), request.uri().path());
    let needed = access::needed(method, path);
    if needed > May::Nothing && site.access.needs_secret(client) {
        let now = site.handle.clock.now();
        match site.access.may(request.headers(), request.uri().query(), path, client, now) {
            Ok(may) if may < needed => return refused(may, site.access.has_code()),
            Ok(_) => {}
            Err(left) => return access::too_often(left),
        }
    }
    request.extensions_mut().insert(client);
    let may_change = !request.method().is_safe();
    let mut response = next.run(request).await;
    if may_change {
        site.press.turns.changed();
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn no(status: StatusCode, words: &str) -> Response {
    Refusal::new(status, words).into_response()
}

/// There is nothing of that name.
pub(super) async fn absent() -> Refusal {
    Refusal::absent("there is no such address here: `/openapi.json` names all that there are")
}

/// It is there, and takes no such request.
pub(super) async fn wrong_method() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this address takes no such request: the header Allow names those that it takes",
    )
}

/// In the shape that clients of the old page know.
fn refused(may: May, has_code: bool) -> Response {
    let (status, words) = if may == May::Nothing {
        (StatusCode::UNAUTHORIZED, "Authentication required")
    } else if has_code {
        let words = "the PIN or token lets nobody do this: sign in with the one-time code that is in the log, and set web.password";
        (StatusCode::FORBIDDEN, words)
    } else {
        (StatusCode::FORBIDDEN, "the PIN or token lets nobody do this: sign in with the password")
    };
    let body = json!({ "success": false, "error": words, "redirect": "/control/login" });
    (status, Json(body)).into_response()
}

/// Does a page from elsewhere want something changed, with the rights of whoever looks at it?
fn is_foreign(request: &Request, is_trusted: bool) -> bool {
    if request.method().is_safe() {
        return false;
    }
    let text = |name| request.headers().get(name).and_then(|it| it.to_str().ok());
    // A browser says itself where the page is from; older ones name its origin only.
    if let Some(site) = text("sec-fetch-site") {
        return !["same-origin", "none"].contains(&site);
    }
    // A proxy that is believed may have changed `Host`, and says what it was.
    let named = text("x-forwarded-host").filter(|_| is_trusted).or_else(|| text("host")).unwrap_or_default();
    let origin = text("origin").map(|it| proxy::authority(it).unwrap_or(it));
    origin.is_some_and(|it| !it.eq_ignore_ascii_case(named))
}

fn announced_body(headers: &HeaderMap) -> u64 {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok());
    length.map_or(0, |it| it.trim().parse().unwrap_or(u64::MAX))
}

/// `localhost`, an IP address or one of `names`, with or without a port.
fn is_known(host: &str, names: &[String]) -> bool {
    let is_port = |port: &str| port.is_empty() || port.parse::<u16>().is_ok();
    if let Some(rest) = host.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        let port = port.strip_prefix(':').unwrap_or(port);
        return address.parse::<IpAddr>().is_ok_and(|it| it.is_ipv6()) && is_port(port);
    }
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_known = name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok()
        || names.iter().any(|it| it.eq_ignore_ascii_case(name));
    is_known && is_port(port)
}
