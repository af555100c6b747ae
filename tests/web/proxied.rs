//! What comes through a proxy.

use heattrax::{
    model::{Availability, Broker, Secret, WebSettings},
    web::WebInfo,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Room, house, info, split};

fn with(change: impl FnOnce(&mut WebSettings)) -> WebInfo {
    let mut settings = WebSettings::at("127.0.0.1", 0);
    change(&mut settings);
    WebInfo { access: Some(settings), ..info() }
}

fn trusting(it: &mut WebSettings) {
    it.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
}

async fn room(info: WebInfo) -> Room {
    Room::start(info, house(Broker::Connected, Availability::Online)).await
}

impl Room {
    /// Status, head and body of a request with these lines.
    async fn through(&self, request: &str, lines: &str, body: &Value) -> (u16, String) {
        let body = body.to_string();
        let length = body.len();
        let host = if lines.starts_with("Host:") { "" } else { "Host: localhost\r\n" };
        let answer = self
            .raw(&format!(
                "{request} HTTP/1.1\r\n{host}Content-Type: application/json\r\nContent-Length: {length}\r\n{lines}Connection: close\r\n\r\n{body}"
            ))
            .await;
        (split(&answer).0, answer)
    }

    async fn signs_in_through(&self, lines: &str) -> (u16, String) {
        self.through("POST /api/auth/login", lines, &json!({ "password": "open sesame" })).await
    }
}

fn cookie(answer: &str) -> &str {
    answer.lines().find_map(|it| it.strip_prefix("set-cookie: ")).unwrap()
}

#[tokio::test]
async fn without_a_secret_who_comes_through_a_proxy_is_not_this_machine() {
    let room = room(info()).await;
    assert_eq!(room.through("GET /api/house", "", &Value::Null).await.0, 200);
    for mark in [
        "X-Forwarded-For: 203.0.113.9",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: heat.example",
        "Forwarded: for=203.0.113.9",
        "X-Real-IP: 127.0.0.1",
        "X-Ingress-Path: /x",
        "Via: 1.1 it",
        "Sec-Fetch-Site: same-origin\r\nReferer: https://heat.example/",
        "Sec-Fetch-Site: same-origin\r\nOrigin: https://heat.example",
    ] {
        let mark = format!("{mark}\r\n");
        assert_eq!(room.through("GET /api/house", &mark, &Value::Null).await.0, 401, "{mark}");
        assert_eq!(room.through("GET /api/events", &mark, &Value::Null).await.0, 401, "{mark}");
        assert_eq!(room.through("POST /api/restart", &mark, &json!({})).await.0, 401, "{mark}");
        assert_eq!(room.through("GET /healthz", &mark, &Value::Null).await.0, 200, "{mark}");
        let told = room.through("GET /api/auth/session", &mark, &Value::Null).await.1;
        assert!(told.contains(r#"{"needs":"code","signed_in":false,"may":"none"}"#), "{mark} {told}");
    }
    // Nor does the proxy's other way to be known: most say nothing of themselves but speak HTTP/1.0.
    let old = room.raw("GET /api/house HTTP/1.0\r\n\r\n").await;
    assert_eq!(split(&old).0, 401, "{old}");
    assert_eq!(split(&room.raw("GET /healthz HTTP/1.0\r\n\r\n").await).0, 200);
}

#[tokio::test]
async fn a_trusted_proxy_lets_nobody_in_who_does_not_say_who_they_are() {
    let room = room(with(trusting)).await;
    assert_eq!(room.through("GET /api/house", "", &Value::Null).await.0, 401);
    assert_eq!(room.through("GET /healthz", "", &Value::Null).await.0, 200);
}

#[tokio::test]
async fn names_are_the_business_of_a_trusted_proxy_and_of_no_other() {
    let name = "Host: heat.example\r\nX-Forwarded-For: 203.0.113.9\r\n";
    let trusted = room(with(trusting)).await;
    assert_eq!(trusted.through("GET /healthz", name, &Value::Null).await.0, 200);
    let any = room(with(|it| it.password = Some(Secret::new("open sesame")))).await;
    assert_eq!(any.through("GET /healthz", name, &Value::Null).await.0, 403);
}

#[tokio::test]
async fn guesses_are_counted_for_whoever_is_behind_a_trusted_proxy() {
    let password = |it: &mut WebSettings| it.password = Some(Secret::new("open sesame"));
    let wrong = json!({ "password": "open" });
    let from = |address: &str| format!("X-Forwarded-For: {address}\r\n");
    let trusted = room(with(|it| (password(it), trusting(it)).0)).await;
    let any = room(with(password)).await;
    for (room, others) in [(&trusted, 200), (&any, 429)] {
        for _ in 0..6 {
            assert_eq!(room.through("POST /api/auth/login", &from("203.0.113.9"), &wrong).await.0, 401);
        }
        assert_eq!(room.signs_in_through(&from("203.0.113.9")).await.0, 429);
        // Whoever writes the first address writes what they like.
        assert_eq!(room.signs_in_through(&from("198.51.100.1, 203.0.113.9")).await.0, 429);
        assert_eq!(room.signs_in_through(&from("198.51.100.1")).await.0, others);
    }
}

#[tokio::test]
async fn whoever_invents_an_address_for_each_guess_is_one_of_a_crowd() {
    let room = room(with(|it| (it.pin = Some(Secret::new("2468")), trusting(it)).0)).await;
    let mut seen = std::collections::BTreeMap::new();
    for guess in 0..110 {
        let from = format!("X-Forwarded-For: 203.0.113.{guess}\r\n");
        let body = json!({ "pin": format!("{guess:04}") });
        *seen.entry(room.through("POST /api/auth/login", &from, &body).await.0).or_insert(0) += 1;
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [(401, 101), (429, 9)]);
}

#[tokio::test]
async fn the_cookie_is_for_the_path_that_the_page_is_under() {
    let room = room(with(|it| it.password = Some(Secret::new("open sesame")))).await;
    for (lines, path) in [
        ("", "; Path=/; Max-Age=86400"),
        ("X-Forwarded-Proto: https\r\n", "; Path=/; Max-Age=86400; Secure"),
        ("X-Ingress-Path: /api/hassio_ingress/t0ken\r\n", "; Path=/api/hassio_ingress/t0ken/; Max-Age=86400"),
        ("X-Forwarded-Prefix: /heat/\r\n", "; Path=/heat/; Max-Age=86400"),
        ("X-Forwarded-Prefix: /heat; Domain=example\r\n", "; Path=/; Max-Age=86400"),
    ] {
        let (status, answer) = room.signs_in_through(lines).await;
        let shown = cookie(&answer);
        assert!(status == 200 && shown.ends_with(path), "{lines} {answer}");
        let mine = format!("{lines}Cookie: {}\r\n", shown.split(';').next().unwrap());
        assert_eq!(room.through("GET /api/house", &mine, &Value::Null).await.0, 200, "{lines}");
        // It is taken away where it was given.
        let gone = room.through("POST /api/auth/logout", &mine, &json!({})).await.1;
        assert!(cookie(&gone).contains(path.split("; Max-Age").next().unwrap()), "{lines} {gone}");
        assert_eq!(room.through("GET /api/house", &mine, &Value::Null).await.0, 401, "{lines}");
    }
}

#[tokio::test]
async fn a_trusted_proxy_may_change_the_host_and_a_page_of_another_site_gains_nothing() {
    let room = room(with(|it| (it.password = Some(Secret::new("open sesame")), trusting(it)).0)).await;
    let lines = |origin: &str| format!("X-Forwarded-Host: heat.example\r\nOrigin: https://{origin}\r\n");
    assert_eq!(room.signs_in_through(&lines("heat.example")).await.0, 200);
    assert_eq!(room.signs_in_through(&lines("evil.example")).await.0, 403);
}

#[tokio::test]
async fn a_proxy_is_asked_not_to_hold_events_back() {
    let room = room(info()).await;
    let mut line = room.connect().await;
    line.write_all(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut head = [0; 512];
    let count = line.read(&mut head).await.unwrap();
    assert!(String::from_utf8_lossy(&head[..count]).contains("x-accel-buffering: no\r\n"));
}
