//! Who may look, and who may change something.
//!
//! Without a password, a PIN or a token in the config, a loopback address serves everything and any other nothing of the house. With
//! one, whatever reveals or changes something needs a session (a cookie that only this server can read) or a bearer token.

mod guesses;
mod routes;
mod sessions;
mod tokens;

use std::{
    net::IpAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{
        SaltString,
        rand_core::{OsRng, RngCore},
    },
};
use axum::{
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use self::{guesses::Guesses, sessions::Sessions, tokens::Tokens};
use super::{answer::Refusal, proxy::Client};
use crate::hub::UNTOLD;
use crate::model::{MayToken, Secret, WebSettings};
pub(super) use routes::routes;

/// The session's cookie.
pub(super) const COOKIE: &str = "heattrax_session";
/// What a token in the address is good for.
pub(super) const CALENDAR: &str = "/calendar.ics";
/// Hashing a password takes tens of megabytes.
const HASHES_AT_ONCE: usize = 2;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum May {
    /// Nothing but what is open to all.
    Nothing,
    /// Look.
    Read,
    /// Look, and switch outlets: who knows the PIN.
    Control,
    /// Everything.
    All,
}

impl May {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Read => "read",
            Self::Control => "control",
            Self::All => "all",
        }
    }
}

/// The door.
pub(super) struct Access {
    settings: Settings,
    is_loopback: bool,
    /// Nothing that is served is kept from anybody.
    is_open: bool,
    /// As long as there is no password in the config: who can read the log is its owner.
    code: Mutex<Option<String>>,
    sessions: Arc<Sessions>,
    tokens: Tokens,
    guesses: Guesses,
    /// Those that came over one trusted proxy, whoever it says they are from.
    crowds: Guesses,
    hashing: Arc<Semaphore>,
}

struct Settings {
    password: Option<Secret>,
    pin: Option<Secret>,
    lasts: SignedDuration,
    must_sign_in: bool,
}

impl Access {
    /// The door of a server on such an address. Sessions are kept in `data`, so that they survive a restart.
    pub(super) fn new(settings: &WebSettings, is_loopback: bool, data: Option<&Path>, now: Timestamp) -> Self {
        let may = |may| if may == MayToken::All { May::All } else { May::Read };
        let tokens = Tokens::new(settings.tokens.iter().map(|it| (it.token.clone(), may(it.may))).collect());
        let settings = Settings {
            password: settings.password.clone(),
            pin: settings.pin.clone(),
            lasts: settings.session_lasts,
            must_sign_in: settings.must_sign_in,
        };
        // Another password ends the sessions that were opened with the one before.
        let secrets = [&settings.password, &settings.pin].map(|it| it.as_ref().map(|it| it.reveal().to_owned()));
        let sessions = Sessions::open(data, &format!("{secrets:?}"), now);
        let hashing = Arc::new(Semaphore::new(HASHES_AT_ONCE));
        let (guesses, crowds) = (Guesses::of_one(), Guesses::of_many());
        let code = Mutex::default();
        Self { settings, is_loopback, is_open: false, code, sessions, tokens, guesses, crowds, hashing }
    }

    /// No door: what is served is for all.
    pub(super) fn open() -> Self {
        let nothing = WebSettings::at("127.0.0.1", 0);
        Self { is_open: true, ..Self::new(&nothing, true, None, Timestamp::UNIX_EPOCH) }
    }

    /// Without a password there is a code as soon as somebody needs it: nobody shall need a shell to come on.
    pub(super) fn has_code(&self) -> bool {
        if self.settings.password.is_some() {
            return false;
        }
        if self.code.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            self.draw_code();
        }
        true
    }

    /// Another code for whoever reads the log: each is good once.
    fn draw_code(&self) {
        let mut bytes = [0; 8];
        OsRng.fill_bytes(&mut bytes);
        // Letters and digits that nobody confuses.
        const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let code: String = bytes.iter().map(|it| char::from(LETTERS[usize::from(*it) % LETTERS.len()])).collect();
        tracing::warn!(
            target: UNTOLD,
            "somebody at the page has to say who they are, and no web.password is set: its one-time code is {code}"
        );
        *self.code.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
    }

    /// Is it the code? Then it has been.
    fn takes_code(&self, given: &str) -> bool {
        let mut code = self.code.lock().unwrap_or_else(PoisonError::into_inner);
        let given = given.trim().to_uppercase();
        let is_it = code.as_ref().is_some_and(|it| bool::from(it.as_bytes().ct_eq(given.as_bytes())));
        if is_it {
            *code = None;
        }
        is_it
    }

    /// Does whoever asks have to say who they are?
    pub(super) fn needs_secret(&self, client: Client) -> bool {
        !self.is_open && (!self.is_loopback || client.is_handed_on || self.has_secret())
    }

    fn has_secret(&self) -> bool {
        let it = &self.settings;
        it.must_sign_in || it.password.is_some() || it.pin.is_some() || !self.tokens.is_empty()
    }

    /// Is there a PIN?
    pub(super) fn has_pin(&self) -> bool {
        self.settings.pin.is_some()
    }

    /// What may whoever sent this do?
    ///
    /// # Errors
    /// Too many wrong tokens came from there: they have to wait so long.
    pub(super) fn may(
        &self,
        headers: &HeaderMap,
        query: Option<&str>,
        path: &str,
        client: Client,
        now: Timestamp,
    ) -> Result<May, Duration> {
        if !self.needs_secret(client) {
            return Ok(May::All);
        }
        let shown = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        let bearer = shown.and_then(|it| it.split_once(' ')).filter(|(it, _)| it.eq_ignore_ascii_case("bearer"));
        if let Some((_, token)) = bearer {
            return self.tokens.may(token.trim(), guesser(client.address));
        }
        // A calendar cannot send a header.
        if path == CALENDAR
            && let Some(token) = query.and_then(|it| it.split('&').find_map(|part| part.strip_prefix("token=")))
        {
            return self.tokens.may(token, guesser(client.address));
        }
        Ok(cookie(headers).and_then(|it| self.sessions.may(it, now)).unwrap_or(May::Nothing))
    }

    /// Is it the password, or the PIN? One that is given in both places may be either; of two that differ both have to be right, or
    /// whoever has the one could guess the other beside it.
    async fn knows(&self, password: Option<String>, pin: Option<String>) -> May {
        if password.as_ref().is_some_and(|it| self.takes_code(it)) {
            return May::All;
        }
        let differ = matches!((&password, &pin), (Some(password), Some(pin)) if password != pin);
        let Ok(_turn) = self.hashing.acquire().await else { return May::Nothing };
        let (known_password, known_pin) = (self.settings.password.clone(), self.settings.pin.clone());
        let looking = tokio::task::spawn_blocking(move || {
            let is_it = |known: Option<Secret>, given: Option<String>| match (known, given) {
                (Some(known), Some(given)) => matches(known.reveal(), &given),
                _ => false,
            };
            let is_password = is_it(known_password, password);
            let is_pin = (differ || !is_password) && is_it(known_pin, pin);
            match (is_password, is_pin) {
                (true, true) => May::All,
                (true, false) if !differ => May::All,
                (false, true) if !differ => May::Control,
                _ => May::Nothing,
            }
        });
        looking.await.unwrap_or(May::Nothing)
    }
}

/// A hash of the config (`$argon2id$…`), or the text itself.
fn matches(known: &str, given: &str) -> bool {
    if known.starts_with("$argon2") {
        let Ok(hash) = PasswordHash::new(known) else { return false };
        return Argon2::default().verify_password(given.as_bytes(), &hash).is_ok();
    }
    bool::from(known.as_bytes().ct_eq(given.as_bytes()))
}

/// A hash of a password, for the config.
///
/// # Errors
/// In words: it is empty, or cannot be hashed.
pub fn hash_password(password: &str) -> Result<String, String> {
    if password.is_empty() {
        return Err("give the password on the standard input: an empty one lets everybody in".to_owned());
    }
    let salt = SaltString::generate(&mut OsRng);
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
    hash.map(|it| it.to_string()).map_err(|error| format!("the password cannot be hashed: {error}"))
}

/// What a request needs.
pub(super) fn needed(method: &Method, path: &str) -> May {
    let is_open = matches!(
        path,
        "/" | "/ui"
            | "/control"
            | "/control/login"
            | "/healthz"
            | "/readyz"
            | "/api/ping"
            | "/health"
            | "/health/weather"
    ) || path.starts_with("/static/")
        || path.starts_with("/api/auth/");
    if is_open {
        return May::Nothing;
    }
    // The config holds secrets, and what is wrong with it may tell of them.
    if path.starts_with("/api/config") || path.starts_with("/api/setup") {
        return May::All;
    }
    if method.is_safe() {
        return May::Read;
    }
    let levels: Vec<&str> = path.split('/').collect();
    match levels[..] {
        ["", "api", "outlets", ..] | ["", "api", "mat", ..] | ["", "api", "devices", "control"] => May::Control,
        ["", "api", "groups", _, "set" | "control-mode" | "control" | "ack"] => May::Control,
        _ => May::All,
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    all.flat_map(|it| it.split(';')).find_map(|it| it.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Whoever guesses has to wait so long.
pub(super) fn too_often(left: Duration) -> Response {
    let seconds = left.as_secs() + 1;
    let words = format!("wrong too often: try again in {seconds} s");
    let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, words).with("success", json!(false));
    ([(header::RETRY_AFTER, seconds.to_string())], refusal).into_response()
}

/// Whose guesses and connections are counted together: an address, of IPv6 the network.
pub(super) fn guesser(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) => {
            let parts = it.segments();
            IpAddr::V6([parts[0], parts[1], parts[2], parts[3], 0, 0, 0, 0].into())
        }
        v4 => v4,
    }
}
