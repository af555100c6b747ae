//! Logging in: which protocol does the plug want, and do both sides know the same account?

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::http::{Answer, Http, HttpError};
use crate::{
    klap::{self, Hash, Seed, SessionKeys},
    outlets::trouble::{Kind, LinkError, Whereabouts},
};

/// How long a session lives where the plug does not say.
const LIFETIME: Duration = Duration::from_secs(86_400);
/// A session is renewed this long before it ends, or after nine tenths of a short life.
const MARGIN: Duration = Duration::from_secs(3600);
/// The vendor's error code for a device that has locked itself.
const LOCKED: i64 = -2101;

/// A session, as the plug and we know it.
pub(super) struct Session {
    pub(super) cookie: String,
    pub(super) keys: SessionKeys,
    /// The number of the last request. Numbers only go up, and wrap.
    pub(super) number: i32,
    /// From then on a new one is better.
    pub(super) renew_at: Instant,
}

/// Which protocol the plug wants to be spoken to in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::outlets) enum Protocol {
    /// The one that is spoken here.
    Klap,
    /// Its successor, which the `tapo` crate speaks.
    Tpap,
}

/// Asks the plug. Firmware that does not know the question answers all sorts of things, and speaks KLAP.
///
/// # Errors
/// There was no answer, or the device has locked itself.
pub(super) async fn protocol(http: &mut Http, place: &Whereabouts) -> Result<Protocol, LinkError> {
    let question = json!({"method": "login", "params": {"sub_method": "discover"}});
    let answer = http.post("/", None, question.to_string().into_bytes()).await.map_err(|it| named(place, &it))?;
    if !(200..300).contains(&answer.status) {
        return Ok(Protocol::Klap);
    }
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if said["error_code"] == LOCKED {
        return Err(place.error(Kind::Locked, "error -2101"));
    }
    Ok(if said["result"]["tpap_preferred"] == true { Protocol::Tpap } else { Protocol::Klap })
}

/// Both steps of the login. A device that knows another account is recognised by its first answer, and not told our proof.
///
/// # Errors
/// There was no answer, or the device does not want us.
pub(super) async fn login(http: &mut Http, place: &Whereabouts, auth: &Hash) -> Result<Session, LinkError> {
    let local: Seed = fastrand::u128(..).to_be_bytes();
    // Refused here: local logins are switched off. Refused in the second step: somebody else has logged in between.
    let greeting = step(http, place, "/app/handshake1", None, local.to_vec(), Kind::ThirdParty).await?;
    let garbled = |what: &str| place.error(Kind::Garbled, what);
    let (remote, proof) =
        greeting.body.split_first_chunk::<16>().ok_or_else(|| garbled("its first answer to a login is too short"))?;
    if *proof != klap::server_hash(&local, remote, auth) {
        return Err(place.error(Kind::Account, ""));
    }
    let header = greeting.set_cookie.unwrap_or_default();
    let cookie = header.split(';').map(str::trim).find(|it| it.starts_with("TP_SESSIONID="));
    let cookie = cookie.ok_or_else(|| garbled("it gives no session cookie"))?.to_owned();
    let ours = klap::client_hash(&local, remote, auth).to_vec();
    step(http, place, "/app/handshake2", Some(&cookie), ours, Kind::Session).await?;
    let keys = SessionKeys::derive(&local, remote, auth);
    let number = keys.first_number();
    Ok(Session { cookie, keys, number, renew_at: Instant::now() + useful_life(&header) })
}

async fn step(
    http: &mut Http,
    place: &Whereabouts,
    path: &str,
    cookie: Option<&str>,
    body: Vec<u8>,
    forbidden: Kind,
) -> Result<Answer, LinkError> {
    let answer = http.post(path, cookie, body).await.map_err(|it| named(place, &it))?;
    match answer.status {
        200 => Ok(answer),
        403 => Err(place.error(forbidden, "")),
        other => Err(place.error(Kind::Garbled, &format!("HTTP status {other} in place of a login"))),
    }
}

/// The lifetime stands in the header of the cookie, as if it were one of its attributes.
fn useful_life(header: &str) -> Duration {
    let seconds = header.split(';').find_map(|it| it.trim().strip_prefix("TIMEOUT=")?.parse().ok());
    let life = seconds.filter(|it| *it > 0).map_or(LIFETIME, Duration::from_secs).min(LIFETIME);
    life.mul_f64(0.9).max(life.saturating_sub(MARGIN))
}

/// As the task of the device hears it.
pub(super) fn named(place: &Whereabouts, error: &HttpError) -> LinkError {
    match error {
        HttpError::Refused => place.error(Kind::Refused, ""),
        HttpError::Network(text) => place.error(Kind::Unreachable, text),
        HttpError::NotHttp(text) => place.error(Kind::Garbled, text),
    }
}
