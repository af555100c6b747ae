//! The device on the wire: HTTP in, HTTP out, and the connections that can be cut.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, COOKIE, SERVER, SET_COOKIE},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet, time};
use tokio_util::sync::CancellationToken;

use super::{
    fault::Fault,
    klap,
    methods::Exchange,
    plug::{Inside, Shared},
    sessions::Refusal,
};

/// The longest request body.
const BODY: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);
/// Connections that live together; more are turned away.
const CONNECTIONS: usize = 64;

/// The connection is to be cut without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the device hangs up")]
struct HangUp;

type Reply = Result<Response<Full<Bytes>>, HangUp>;

/// Accepts connections until told to stop, then closes the listener and all of them.
pub(super) async fn listen(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < CONNECTIONS => {
                    let (shared, local) = (Arc::clone(&shared), stream.local_addr());
                    connections.spawn(async move {
                        let serve = service_fn(move |request| serve(Arc::clone(&shared), local.as_ref().ok().copied(), request));
                        // A client that hangs up, or is hung up on, is everyday life for a device.
                        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), serve).await;
                    });
                }
                Ok(_) => {}
                Err(_) => time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn serve(shared: Arc<Shared>, local: Option<SocketAddr>, request: Request<Incoming>) -> Reply {
    let _flight = shared.take_off();
    let strike = |pick: fn(&Fault) -> Option<Duration>| shared.inside().faults.strike(pick);
    let added = strike(|it| if let Fault::Latency(added) = it { Some(*added) } else { None });
    let latency = shared.latency + added.unwrap_or_default();
    if !latency.is_zero() {
        time::sleep(latency).await;
    }
    if strike(|it| (*it == Fault::Hang).then_some(Duration::ZERO)).is_some() {
        std::future::pending::<Infallible>().await;
    }
    let (head, body) = request.into_parts();
    let Ok(Ok(body)) = time::timeout(BODY_TIME, Limited::new(body, BODY).collect()).await else {
        return Ok(bare(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let body = body.to_bytes();
    let cookie = head.headers.get_all(COOKIE).iter().find_map(|it| session_cookie(it.to_str().ok()?));
    let cookie = cookie.unwrap_or_default();
    let address = local.map(|it| it.ip().to_string()).unwrap_or_default();
    let inside = &mut *shared.inside();
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/") => Ok(html("<html><body><center>200 OK</center></body></html>")),
        (&Method::POST, "/") => Ok(login_discover(inside, &body)),
        // The older protocol, which this device does not speak.
        (&Method::POST, "/app") => Ok(plain_json(&json!({"error_code": 1003}))),
        (&Method::POST, "/app/handshake1") => Ok(greet(inside, &body)),
        (&Method::POST, "/app/handshake2") => Ok(admit(inside, cookie, &body)),
        (&Method::POST, "/app/request") => {
            let number =
                head.uri.query().and_then(|it| it.split('&').find_map(|it| it.strip_prefix("seq=")?.parse().ok()));
            asked(inside, &address, cookie, number, &body)
        }
        _ => Ok(bare(StatusCode::NOT_FOUND)),
    }
}

/// Newer firmware tells which protocol it prefers; older firmware does not know the question.
fn login_discover(inside: &Inside, body: &[u8]) -> Response<Full<Bytes>> {
    let known = serde_json::from_slice::<Value>(body)
        .is_ok_and(|it| it["method"] == "login" && it.pointer("/params/sub_method") == Some(&json!("discover")));
    if known && inside.device.traits.has("tpap") {
        plain_json(&json!({"error_code": 0, "result": {"sub_method": "discover", "tpap_preferred": false}}))
    } else {
        plain_json(&json!({"error_code": 1003}))
    }
}

fn greet(inside: &mut Inside, body: &[u8]) -> Response<Full<Bytes>> {
    if inside.faults.strike(|it| (*it == Fault::HandshakeForbidden).then_some(())).is_some() {
        return bare(StatusCode::FORBIDDEN);
    }
    let Ok(local) = body.try_into() else { return bare(StatusCode::BAD_REQUEST) };
    let other = inside.faults.strike(|it| (*it == Fault::OtherAccount).then_some(()));
    let auth = other.map_or(inside.auth, |()| klap::auth_hash("somebody@else.example", "another password"));
    let (cookie, remote, proof) = inside.sessions.greet(local, &auth);
    let mut response = html([&remote[..], &proof[..]].concat());
    // The lifetime sits in the same header as if it were an attribute: so do the real ones.
    if let Ok(cookie) = format!("TP_SESSIONID={cookie};TIMEOUT=86400").parse() {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

fn admit(inside: &mut Inside, cookie: &str, body: &[u8]) -> Response<Full<Bytes>> {
    let single = inside.faults.strike(|it| (*it == Fault::SingleSession).then_some(())).is_some();
    match inside.sessions.admit(cookie, body, single) {
        Ok(()) => {
            inside.counts.logins += 1;
            html("")
        }
        Err(refusal) => refused(inside, refusal),
    }
}

fn asked(inside: &mut Inside, address: &str, cookie: &str, number: Option<i32>, body: &[u8]) -> Reply {
    let opened = match inside.sessions.open(cookie, number, body) {
        Ok(opened) => opened,
        Err(refusal) => return Ok(refused(inside, refusal)),
    };
    inside.counts.requests += 1;
    let Inside { device, faults, .. } = inside;
    if faults.strike(|it| (*it == Fault::Drop).then_some(())).is_some() {
        return Err(HangUp);
    }
    if let Some(status) = faults.strike(|it| if let Fault::Status(code) = it { Some(*code) } else { None }) {
        return Ok(bare(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)));
    }
    if faults.strike(|it| (*it == Fault::Garbage).then_some(())).is_some() {
        return Ok(html((0..80).map(|_| fastrand::u8(..)).collect::<Vec<_>>()));
    }
    let mut fails = |asked: &str| {
        faults.strike(|it| match it {
            Fault::MethodError { method, code } if method == asked => Some(*code),
            _ => None,
        })
    };
    let mut answer = Exchange { device, address, fails: &mut fails }.answer(&opened.plain);
    if faults.strike(|it| (*it == Fault::DropAfter).then_some(())).is_some() {
        return Err(HangUp);
    }
    while let Some(name) = faults.strike(|it| match it {
        Fault::WithoutField(name) if remove_field(&mut answer.clone(), name) => Some(name.clone()),
        _ => None,
    }) {
        remove_field(&mut answer, &name);
    }
    let mut plain = answer.to_string();
    if faults.strike(|it| (*it == Fault::BrokenJson).then_some(())).is_some() {
        plain.truncate(plain.len() / 2);
    }
    Ok(html(opened.keys.seal(opened.number, plain.as_bytes())))
}

/// Takes every field of a name out. Was there one?
fn remove_field(value: &mut Value, name: &str) -> bool {
    match value {
        Value::Object(fields) => {
            let removed = fields.shift_remove(name).is_some();
            fields.values_mut().fold(removed, |removed, it| remove_field(it, name) | removed)
        }
        Value::Array(items) => items.iter_mut().fold(false, |removed, it| remove_field(it, name) | removed),
        _ => false,
    }
}

fn refused(inside: &mut Inside, refusal: Refusal) -> Response<Full<Bytes>> {
    inside.counts.refused += 1;
    bare(match refusal {
        Refusal::Forbidden => StatusCode::FORBIDDEN,
        Refusal::Malformed => StatusCode::BAD_REQUEST,
    })
}

/// The session in a `Cookie` header, whatever else is in it.
fn session_cookie(header: &str) -> Option<&str> {
    header.split(';').find_map(|it| it.trim().strip_prefix("TP_SESSIONID="))
}

fn bare(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = html("");
    *response.status_mut() = status;
    response
}

fn plain_json(value: &Value) -> Response<Full<Bytes>> {
    html(value.to_string())
}

/// Whatever it is, the device calls it a web page.
fn html(body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    response.headers_mut().insert(SERVER, hyper::header::HeaderValue::from_static("SHIP 2.0"));
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/html"));
    response
}
