//! Signing in and out: `/api/auth/…`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Access, COOKIE, May, cookie, guesser, too_often};
use crate::web::{
    Site,
    answer::{Problem, Refusal},
    body::Body,
    proxy::{self, Client},
};

/// Nobody has a longer one.
const LONGEST: usize = 1024;

pub(in crate::web) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(session)).routes(routes!(login)).routes(routes!(logout))
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
struct Session {
    /// `none`, `pin`, `password`, `pin_or_password`, or `code` for the one-time code in the log (as `password`). Where there is
    /// a PIN and no password, that code does in the password's place.
    needs: &'static str,
    signed_in: bool,
    /// `none`, `read`, `control`, or `all`.
    may: &'static str,
}

impl Access {
    fn needs(&self, client: Client) -> &'static str {
        let has_code = (self.needs_secret(client) && self.has_code()).then_some("code");
        match (self.settings.password.is_some(), self.settings.pin.is_some()) {
            (true, true) => "pin_or_password",
            (true, false) => "password",
            (false, true) => "pin",
            (false, false) => has_code.unwrap_or("none"),
        }
    }
}

/// Who is signed in, and what signing in needs. Open to all.
#[utoipa::path(get, path = "/api/auth/session", tag = "access", responses((status = 200, description = "Who is signed in.", body = Session)))]
async fn session(
    State(site): State<Arc<Site>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
) -> Json<Session> {
    // Whoever guesses hears no more here than elsewhere.
    let may = site.access.may(&headers, None, "", client, site.handle.clock.now()).unwrap_or(May::Nothing);
    Json(Session { needs: site.access.needs(client), signed_in: may > May::Nothing, may: may.as_str() })
}

/// What somebody knows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    /// The PIN, which lets its owner look and switch.
    pin: Option<String>,
    /// The password, which lets its owner do everything.
    password: Option<String>,
}

/// Opens a session.
#[utoipa::path(post, path = "/api/auth/login", tag = "access", request_body = Login, responses(
    (status = 200, description = "`success`, `session_expires`; a cookie.", body = Object),
    (status = 400, description = "Neither a PIN nor a password.", body = Problem),
    (status = 401, description = "It is wrong, or there is none in the config.", body = Problem),
    (status = 429, description = "Wrong too often: Retry-After says how long to wait.", body = Problem),
))]
async fn login(
    State(site): State<Arc<Site>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    Body(Login { pin, password }): Body<Login>,
) -> Result<Response, Refusal> {
    let access = &site.access;
    let given = [&pin, &password].into_iter().flatten().collect::<Vec<_>>();
    if given.is_empty() || given.iter().any(|it| it.is_empty() || it.len() > LONGEST) {
        return Err(Refusal::bad("PIN is required").with("success", json!(false)));
    }
    let needs = access.needs(client);
    if needs == "none" {
        let words = "No PIN configured. Contact your administrator.";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, words).with("success", json!(false)));
    }
    let address = guesser(client.address);
    let over_proxy = client.is_trusted.then(|| guesser(client.peer));
    let over = |()| match over_proxy.map_or(Ok(()), |it| access.crowds.try_now(it)) {
        Ok(()) => Ok(()),
        Err(left) => {
            // Others' fault: it was not even looked at.
            access.guesses.one_was_right(address);
            Err(left)
        }
    };
    let may_try = access.guesses.try_now(address).and_then(over);
    if let Err(left) = may_try {
        return Ok(too_often(left));
    }
    let may = access.knows(password, pin).await;
    if may == May::Nothing {
        tracing::warn!("somebody at {} was not let in: the PIN or password is wrong", client.address);
        let words = if needs == "pin" { "Invalid PIN" } else { "Invalid PIN or password" };
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, words).with("success", json!(false)));
    }
    // Who knows the PIN may still be guessing at the password.
    if may == May::All || access.settings.password.is_none() {
        access.guesses.right(address);
    } else {
        access.guesses.one_was_right(address);
    }
    over_proxy.into_iter().for_each(|it| access.crowds.one_was_right(it));
    let now = site.handle.clock.now();
    let (shown, until) = access.sessions.begin(may, access.settings.lasts, now);
    let kept = baked(&headers, &shown, access.settings.lasts.as_secs());
    let until = crate::explain::local(&site.zone(), until);
    Ok(([(header::SET_COOKIE, kept)], Json(json!({ "success": true, "session_expires": until }))).into_response())
}

/// The cookie. It is for the page's own path alone, and for TLS alone if the page came by it; whoever says that falsely harms only
/// their own cookie, so it is believed of everybody.
fn baked(headers: &HeaderMap, shown: &str, seconds: i64) -> String {
    let is_secure = headers.get("x-forwarded-proto").is_some_and(|it| it == "https");
    let secure = if is_secure { "; Secure" } else { "" };
    let path = proxy::prefix(headers).unwrap_or_default();
    format!("{COOKIE}={shown}; HttpOnly; SameSite=Strict; Path={path}/; Max-Age={seconds}{secure}")
}

/// Ends the session.
#[utoipa::path(post, path = "/api/auth/logout", tag = "access", responses((status = 200, description = "It has ended.", body = Object)))]
async fn logout(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    if let Some(shown) = cookie(&headers) {
        site.access.sessions.end(shown);
    }
    let gone = baked(&headers, "", 0);
    ([(header::SET_COOKIE, gone)], Json(json!({ "success": true }))).into_response()
}
