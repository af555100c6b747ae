//! The device on the wire: what HTTP request gets what answer.

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONNECTION, CONTENT_TYPE, COOKIE, HeaderValue, SERVER, SET_COOKIE},
    http::request::Parts,
};
use serde_json::{Value, json};
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{
    distort,
    fault::Fault,
    inside::{Inside, Shared},
    listener::{self, Door},
    manner::{Answer, Manner},
    methods::{BAD_JSON, Exchange},
    sessions::{Numbers, Refusal},
};
use crate::klap;

/// The longest request body.
const BODY: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HangUp {
    /// The connection is cut.
    #[error("the device hangs up")]
    Cut,
    /// The connection stays, and nothing comes.
    #[error("the device does not answer")]
    Never,
}

type Reply = Result<Response<Full<Bytes>>, HangUp>;

/// Serves until told to stop, then closes the listener and all connections.
pub(super) async fn listen(on: Door, shared: Arc<Shared>, stop: CancellationToken) {
    listener::listen(on, stop, move |address, request| serve(Arc::clone(&shared), address, request)).await;
}

async fn serve(shared: Arc<Shared>, address: IpAddr, request: Request<Incoming>) -> Result<Response<Answer>, HangUp> {
    let flight = shared.take_off();
    if flight.is_not_alone() && shared.inside().faults.hits(&Fault::Busy) {
        return Ok(bare(StatusCode::SERVICE_UNAVAILABLE).map(|_| Answer::new(Bytes::new(), Manner::Whole)));
    }
    if shared.inside().faults.hits(&Fault::Hang) {
        std::future::pending::<Infallible>().await;
    }
    let (head, body) = request.into_parts();
    let Ok(Ok(body)) = time::timeout(BODY_TIME, Limited::new(body, BODY).collect()).await else {
        return Ok(bare(StatusCode::PAYLOAD_TOO_LARGE).map(|_| Answer::new(Bytes::new(), Manner::Whole)));
    };
    let reply = route(&mut shared.inside(), address, &head, &body.to_bytes());
    let (latency, manner) = {
        let faults = &mut shared.inside().faults;
        let more = faults.strike(Fault::latency).unwrap_or_default() + faults.strike(Fault::jitter).unwrap_or_default();
        let in_session = head.uri.path() == "/app/request";
        let half = in_session && reply.is_ok() && faults.hits(&Fault::Half);
        let drip = faults.strike(Fault::drip).map_or(Manner::Whole, Manner::Drip);
        (shared.latency + more, if half { Manner::Half } else { drip })
    };
    if !latency.is_zero() {
        time::sleep(latency).await;
    }
    let (head, body) = match reply {
        Ok(response) => response.into_parts(),
        Err(HangUp::Never) => std::future::pending().await,
        Err(HangUp::Cut) => return Err(HangUp::Cut),
    };
    // What is in memory comes whole.
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Ok(Response::from_parts(head, Answer::new(bytes, manner)))
}

fn route(inside: &mut Inside, address: IpAddr, head: &Parts, body: &[u8]) -> Reply {
    let cookie =
        head.headers.get_all(COOKIE).iter().find_map(|it| session_cookie(it.to_str().ok()?)).unwrap_or_default();
    let mut response = match (&head.method, head.uri.path()) {
        (&Method::GET, "/") => page("<html><body><center>200 OK</center></body></html>"),
        (&Method::POST, "/") => login_discover(inside, body),
        // The older protocol, which this device does not speak.
        (&Method::POST, "/app") => page(json!({"error_code": 1003}).to_string()),
        (&Method::POST, "/app/handshake1") => greet(inside, body),
        (&Method::POST, "/app/handshake2") => admit(inside, cookie, body),
        (&Method::POST, "/app/request") => asked(inside, address, cookie, number(head), body)?,
        _ => bare(StatusCode::NOT_FOUND),
    };
    if inside.device.traits.hangs_up {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// The request's number, which stands in the address.
fn number(head: &Parts) -> Option<i32> {
    head.uri.query()?.split('&').find_map(|it| it.strip_prefix("seq=")?.parse().ok())
}

/// Newer firmware tells which protocol it prefers; older firmware does not know the question.
fn login_discover(inside: &mut Inside, body: &[u8]) -> Response<Full<Bytes>> {
    let mac = inside.device.mac.map(|byte| format!("{byte:02X}")).join("-");
    if inside.faults.hits(&Fault::Locked) {
        return page(json!({"error_code": -2101}).to_string());
    }
    if inside.faults.hits(&Fault::Tpap) {
        let tpap = json!({"tls": 0, "dac": 1, "noc": 1, "pake": [2], "port": 80});
        let result = json!({"sub_method": "discover", "tpap_preferred": true, "mac": mac, "tpap": tpap});
        return page(json!({"error_code": 0, "result": result}).to_string());
    }
    let known = serde_json::from_slice::<Value>(body)
        .is_ok_and(|it| it["method"] == "login" && it.pointer("/params/sub_method") == Some(&json!("discover")));
    if known && inside.device.traits.has("tpap") {
        page(json!({"error_code": 0, "result": {"sub_method": "discover", "tpap_preferred": false}}).to_string())
    } else {
        page(json!({"error_code": 1003}).to_string())
    }
}

fn greet(inside: &mut Inside, body: &[u8]) -> Response<Full<Bytes>> {
    inside.counts.greetings += 1;
    let forbidden = [Fault::HandshakeForbidden, Fault::Tpap, Fault::Locked];
    if forbidden.iter().any(|it| inside.faults.hits(it)) {
        return bare(StatusCode::FORBIDDEN);
    }
    let Ok(local) = body.try_into() else { return bare(StatusCode::BAD_REQUEST) };
    let auth = match inside.faults.hits(&Fault::OtherAccount) {
        true => klap::auth_hash("somebody@else.example", "another password"),
        false => inside.auth,
    };
    let (cookie, remote, proof) = inside.sessions.greet(local, &auth);
    let lifetime = inside.sessions.lifetime.as_secs();
    let mut response = page([&remote[..], &proof[..]].concat());
    // The lifetime sits in the same header as if it were an attribute: so do the real ones.
    if let Ok(cookie) = format!("TP_SESSIONID={cookie};TIMEOUT={lifetime}").parse() {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

fn admit(inside: &mut Inside, cookie: &str, body: &[u8]) -> Response<Full<Bytes>> {
    let most = inside.faults.strike(Fault::most_sessions);
    match inside.sessions.admit(cookie, body, most) {
        Ok(()) => {
            inside.counts.logins += 1;
            page("")
        }
        Err(refusal) => refused(inside, refusal),
    }
}

fn asked(inside: &mut Inside, address: IpAddr, cookie: &str, number: Option<i32>, body: &[u8]) -> Reply {
    let numbers = match (inside.faults.hits(&Fault::ExactNumbers), inside.faults.hits(&Fault::AnyNumbers)) {
        (true, _) => Numbers::Next,
        (_, true) => Numbers::Any,
        _ => Numbers::Greater,
    };
    let opened = match inside.sessions.open(cookie, number, body, numbers) {
        Ok(opened) => opened,
        Err(refusal) => return Ok(refused(inside, refusal)),
    };
    inside.counts.requests += 1;
    let Inside { device, sessions, faults, counts, .. } = inside;
    if faults.hits(&Fault::Drop) {
        return Err(HangUp::Cut);
    }
    if faults.strike(|it| it.ends_session(&opened.plain).then_some(())).is_some() {
        sessions.forget();
        counts.refused += 1;
        return Ok(bare(StatusCode::FORBIDDEN));
    }
    let length = longest_list(&opened.plain);
    if faults.strike(|it| it.batch_hang(length).then_some(())).is_some() {
        return Err(HangUp::Never);
    }
    if faults.strike(|it| it.batch_limit(length).then_some(())).is_some() {
        let answer = json!({"error_code": BAD_JSON});
        return Ok(page(opened.keys.seal(opened.number, answer.to_string().as_bytes())));
    }
    if let Some(status) = faults.strike(Fault::status) {
        return Ok(bare(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)));
    }
    if faults.hits(&Fault::Garbage) {
        return Ok(page((0..80).map(|_| fastrand::u8(..)).collect::<Vec<_>>()));
    }
    let mut fails = |method: &str| faults.strike(|it| it.method_error(method));
    let mut answer = Exchange { device, address, fails: &mut fails }.answer(&opened.plain);
    counts.carried_out += 1;
    if faults.strike(|it| it.loses_answer(&opened.plain).then_some(())).is_some() {
        return Err(HangUp::Cut);
    }
    faults.strike_each(|it| match it {
        Fault::WithoutField(name) => distort::remove_field(&mut answer, name),
        Fault::Says(name, value) => distort::replace_field(&mut answer, name, value),
        Fault::NoMeters => distort::remove_meters(&mut answer),
        Fault::NonsenseMeters => distort::talk_nonsense(&mut answer),
        _ => false,
    });
    let mut plain = answer.to_string();
    if faults.hits(&Fault::BrokenJson) {
        plain.truncate(plain.len() / 2);
    }
    Ok(page(opened.keys.seal(opened.number, plain.as_bytes())))
}

/// How many requests the longest list of a request holds.
fn longest_list(plain: &[u8]) -> usize {
    fn longest(value: &Value) -> usize {
        let here = value.pointer("/params/requests").and_then(Value::as_array);
        let inside = value.pointer("/params/requestData").map_or(0, longest);
        here.map_or(0, |it| it.iter().map(longest).max().unwrap_or_default().max(it.len())).max(inside)
    }
    serde_json::from_slice::<Value>(plain).map_or(0, |it| longest(&it))
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
    let mut response = page("");
    *response.status_mut() = status;
    response
}

/// Whatever it is, the device calls it a web page.
fn page(body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    response.headers_mut().insert(SERVER, HeaderValue::from_static("SHIP 2.0"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}
