//! Who may look, and who may change something.

use std::{sync::Arc, time::Duration};

use argon2::{
    Argon2, PasswordHasher,
    password_hash::{SaltString, rand_core::OsRng},
};
use heattrax::{
    model::{AccessToken, Availability, Broker, House, MayToken, Secret, WebSettings},
    web::WebInfo,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Room, house, info, split, turn};

const READS: [&str; 5] = ["/api/house", "/api/plan", "/api/logs", "/openapi.json", "/metrics"];

/// There is nothing to be switched here: whoever is let in hears that.
const LET_IN: u16 = 503;

fn with(change: impl FnOnce(&mut WebSettings)) -> WebInfo {
    let mut settings = WebSettings::at("127.0.0.1", 0);
    change(&mut settings);
    WebInfo { access: Some(settings), ..info() }
}

fn secret(text: &str) -> Option<Secret> {
    Some(Secret::new(text))
}

async fn room(info: WebInfo) -> Room {
    Room::start(info, house(Broker::Connected, Availability::Online)).await
}

impl Room {
    async fn asks(&self, method: &str, path: &str, headers: &str, body: &Value) -> (u16, String, String) {
        let body = body.to_string();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{headers}\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        let answer = self.raw(&request).await;
        let cookie = answer.lines().find_map(|it| it.strip_prefix("set-cookie: ")).unwrap_or_default().to_owned();
        let (status, body) = split(&answer);
        (status, body, cookie)
    }

    /// The cookie of a session.
    async fn signs_in(&self, with: Value) -> String {
        let (status, body, cookie) = self.asks("POST", "/api/auth/login", "", &with).await;
        assert_eq!(status, 200, "{body}");
        assert!(cookie.contains("HttpOnly; SameSite=Strict") && body.contains("session_expires"), "{cookie} {body}");
        format!("Cookie: {}\r\n", cookie.split(';').next().unwrap())
    }

    async fn reads(&self, path: &str, headers: &str) -> u16 {
        split(&self.say(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}")).await).0
    }

    async fn switches(&self, headers: &str) -> u16 {
        self.asks("POST", "/api/outlets/nowhere/1/set", headers, &json!({ "state": "OFF" })).await.0
    }

    async fn changes(&self, headers: &str) -> u16 {
        self.asks("POST", "/api/log-level", headers, &json!({ "level": "no such level" })).await.0
    }
}

#[tokio::test]
async fn whoever_has_the_pin_guesses_at_the_password_no_faster() {
    let room = room(with(|it| (it.pin, it.password) = (secret("2468"), secret("open sesame")))).await;
    let status = async |with: Value| room.asks("POST", "/api/auth/login", "", &with).await.0;
    // Two that differ both have to be right.
    assert_eq!(status(json!({ "pin": "2468", "password": "guess" })).await, 401);
    assert_eq!(status(json!({ "pin": "2468", "password": "2468" })).await, 200);
    assert_eq!(status(json!({ "pin": "2468", "password": "open sesame" })).await, 200);
    // Nor does the PIN take back what was wrong.
    let mut seen = Vec::new();
    for _ in 0..8 {
        seen.push(status(json!({ "password": "guess" })).await);
        seen.push(status(json!({ "pin": "2468" })).await);
    }
    assert_eq!(seen.iter().filter(|it| **it == 429).count(), 5, "{seen:?}");
}

#[tokio::test]
async fn no_number_of_pins_throws_out_who_knows_the_password() {
    let room = room(with(|it| (it.pin, it.password) = (secret("2468"), secret("open sesame")))).await;
    let mine = room.signs_in(json!({ "password": "open sesame" })).await;
    let first = room.signs_in(json!({ "pin": "2468" })).await;
    for _ in 0..64 {
        room.signs_in(json!({ "pin": "2468" })).await;
    }
    assert_eq!((room.reads("/api/house", &mine).await, room.reads("/api/house", &first).await), (200, 401));
}

#[tokio::test]
async fn whoever_signs_out_hears_nothing_more() {
    let room = room(with(|it| it.pin = secret("2468"))).await;
    let mine = room.signs_in(json!({ "pin": "2468" })).await;
    let mut line = room.connect().await;
    line.write_all(
        format!("GET /api/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{mine}\r\n").as_bytes(),
    )
    .await
    .unwrap();
    let mut heard = String::new();
    while !heard.contains("event: plan") {
        let mut bytes = [0; 4096];
        let count = line.read(&mut bytes).await.unwrap();
        assert_ne!(count, 0, "{heard}");
        heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    assert_eq!(room.asks("POST", "/api/auth/logout", &mine, &json!({})).await.0, 200);
    let mut changed = House::clone(&room.handle.picture());
    changed.vacation = true;
    room.board.send_replace(Arc::new(changed));
    tokio::time::sleep(Duration::from_millis(80)).await;
    turn(Duration::from_millis(500)).await;
    let mut rest = String::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), line.read_to_string(&mut rest)).await;
    assert!(ended.is_ok() && !rest.contains("event:"), "{rest}");
}

#[tokio::test]
async fn without_a_secret_this_machine_may_do_everything() {
    let room = room(with(|_| {})).await;
    assert_eq!(room.reads("/api/house", "").await, 200);
    assert_ne!(room.changes("").await, 401);
    let told: Value = serde_json::from_str(&room.get("/api/auth/session").await.1).unwrap();
    assert_eq!(told, json!({ "needs": "none", "signed_in": true, "may": "all" }));
}

#[tokio::test]
async fn with_a_password_nothing_of_the_house_is_shown_without_it() {
    let room = room(with(|it| it.password = secret("correct horse"))).await;
    for path in ["/", "/ui", "/static/main.js", "/healthz", "/readyz", "/api/auth/session"] {
        assert_ne!(room.reads(path, "").await, 401, "{path}");
    }
    for path in
        READS.iter().chain(&["/api/events", "/calendar.ics", "/api/weather/forecast", "/api/groups/x/schedules"])
    {
        assert_eq!(room.reads(path, "").await, 401, "{path}");
        assert_eq!(room.reads(path, "Cookie: heattrax_session=guess\r\n").await, 401, "{path}");
    }
    assert_eq!((room.switches("").await, room.changes("").await), (401, 401));
    assert_eq!(room.asks("POST", "/api/auth/login", "", &json!({ "password": "correct hors" })).await.0, 401);
    let cookie = room.signs_in(json!({ "password": "correct horse" })).await;
    assert_eq!((room.reads("/api/house", &cookie).await, room.switches(&cookie).await), (200, LET_IN));
    assert_ne!(room.changes(&cookie).await, 401);
    // It ends when its owner says so.
    assert_eq!(room.asks("POST", "/api/auth/logout", &cookie, &json!({})).await.0, 200);
    assert_eq!(room.reads("/api/house", &cookie).await, 401);
}

#[tokio::test]
async fn a_pin_lets_look_and_switch_and_no_more() {
    let room = room(with(|it| it.pin = secret("1234"))).await;
    assert_eq!(room.asks("POST", "/api/auth/login", "", &json!({ "pin": "0000" })).await.0, 401);
    let said = room.asks("POST", "/api/auth/login", "", &json!({})).await;
    assert!(said.0 == 400 && said.1.contains("PIN is required"), "{said:?}");
    let cookie = room.signs_in(json!({ "pin": "1234" })).await;
    assert_eq!((room.reads("/api/house", &cookie).await, room.switches(&cookie).await), (200, LET_IN));
    assert_eq!(room.changes(&cookie).await, 403);
    // What would help is said: here it is the code, for there is no password.
    let said = room.asks("POST", "/api/log-level", &cookie, &json!({ "level": "warn" })).await.1;
    assert!(said.contains("one-time code") && said.contains("web.password"), "{said}");
}

#[tokio::test]
async fn a_password_may_be_kept_as_a_hash() {
    let hash =
        Argon2::default().hash_password(b"correct horse", &SaltString::generate(&mut OsRng)).unwrap().to_string();
    let room = room(with(|it| it.password = secret(&hash))).await;
    assert_eq!(room.asks("POST", "/api/auth/login", "", &json!({ "password": hash })).await.0, 401);
    room.signs_in(json!({ "password": "correct horse" })).await;
}

#[tokio::test]
async fn programs_show_a_token() {
    let token = |name: &str, text: &str, may| AccessToken { name: name.to_owned(), token: Secret::new(text), may };
    let room = room(with(|it| {
        it.tokens = vec![
            token("node-red", "all-0123456789abcdef", MayToken::All),
            token("prometheus", "read-0123456789abcdef", MayToken::Read),
        ];
    }))
    .await;
    let all = "Authorization: Bearer all-0123456789abcdef\r\n";
    let read = "Authorization: Bearer read-0123456789abcdef\r\n";
    assert_eq!((room.reads("/api/house", "").await, room.reads("/api/house", read).await), (401, 200));
    assert_eq!((room.switches(read).await, room.changes(read).await), (403, 403));
    assert_eq!(room.switches(all).await, LET_IN);
    assert_ne!(room.changes(all).await, 403);
    // A calendar cannot send a header, and nothing else may do without one.
    assert_ne!(room.reads("/calendar.ics?token=read-0123456789abcdef", "").await, 401);
    assert_eq!(room.reads("/api/house?token=read-0123456789abcdef", "").await, 401);
    // People can sign in with the code of the log alone.
    assert_eq!(room.asks("POST", "/api/auth/login", "", &json!({ "pin": "1" })).await.0, 401);
    let told: Value = serde_json::from_str(&room.get("/api/auth/session").await.1).unwrap();
    assert_eq!(told["needs"], "code");
}

#[tokio::test]
async fn guessing_at_tokens_takes_ever_longer_and_keeps_nobody_else_out() {
    let token =
        |name: &str, text: &str| AccessToken { name: name.to_owned(), token: Secret::new(text), may: MayToken::Read };
    let room = room(with(|it| {
        it.password = secret("open sesame");
        it.tokens = vec![token("one", "one-0123456789abcdef"), token("other", "other-0123456789abcdef")];
    }))
    .await;
    // The scheme's name is read in any case.
    for scheme in ["Bearer", "bearer", "BEARER", "bEARER "] {
        let header = format!("Authorization: {scheme} one-0123456789abcdef\r\n");
        assert_eq!(room.reads("/api/house", &header).await, 200, "{header}");
    }
    let mut seen = Vec::new();
    for guess in 0..8 {
        // Where guesses are not refused nothing is told of them either.
        let header = format!("Authorization: Bearer guess-{guess}\r\n");
        let told = room.say(&format!("GET /api/auth/session HTTP/1.1\r\nHost: localhost\r\n{header}")).await;
        assert!(told.contains("\"may\":\"none\""), "{told}");
        seen.push(room.reads("/api/house", &format!("Authorization: Bearer other-{guess}\r\n")).await);
    }
    assert!(seen.starts_with(&[401, 401, 401, 429]) && seen[3..].iter().all(|it| *it == 429), "{seen:?}");
    let told = room.say("GET /api/house HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer guess\r\n").await;
    assert!(told.contains("retry-after: ") && told.contains("wrong too often"), "{told}");
    assert_eq!(room.reads("/calendar.ics?token=guess", "").await, 429);
    // A program that was let in before, and people, are let in all the same; what was never shown from here waits.
    assert_eq!(room.reads("/api/house", "Authorization: Bearer one-0123456789abcdef\r\n").await, 200);
    let mine = room.signs_in(json!({ "password": "open sesame" })).await;
    assert_eq!(room.reads("/api/house", &mine).await, 200);
    let other = "Authorization: Bearer other-0123456789abcdef\r\n";
    assert_eq!(room.reads("/api/house", other).await, 429);
    turn(Duration::from_secs(3)).await;
    assert_eq!(room.reads("/api/house", other).await, 200);
}

#[tokio::test]
async fn guessing_takes_ever_longer_and_waiting_helps() {
    let room = room(with(|it| it.pin = secret("1234"))).await;
    let guess = json!({ "pin": "0000" });
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(room.asks("POST", "/api/auth/login", "", &guess).await.0);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 401, 429, 429]);
    // Nor is the right one heard while whoever guesses has to wait.
    let (status, body, _) = room.asks("POST", "/api/auth/login", "", &json!({ "pin": "1234" })).await;
    assert_eq!(status, 429, "{body}");
    turn(Duration::from_secs(3)).await;
    room.signs_in(json!({ "pin": "1234" })).await;
    assert_eq!(room.asks("POST", "/api/auth/login", "", &guess).await.0, 401);
}

#[tokio::test]
async fn a_session_survives_a_restart_and_ends_with_another_password() {
    let folder = tempfile::tempdir().unwrap();
    let with_password = |password: &str| {
        let mut it = with(|it| it.password = secret(password));
        it.data = Some(folder.path().to_owned());
        it
    };
    let first = room(with_password("one")).await;
    let cookie = first.signs_in(json!({ "password": "one" })).await;
    let file = folder.path().join("sessions.json");
    crate::until(|| file.exists()).await;
    let kept = std::fs::read_to_string(&file).unwrap();
    let shown = cookie.trim().split_once('=').unwrap().1;
    assert!(!kept.contains(shown) && !kept.contains("one\""), "{kept}");
    drop(first);
    assert_eq!(room(with_password("one")).await.reads("/api/house", &cookie).await, 200);
    assert_eq!(room(with_password("two")).await.reads("/api/house", &cookie).await, 401);
}
