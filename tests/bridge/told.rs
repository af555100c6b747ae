//! What is told over HTTP while something happens: events that were missed, times at the house, and what an edit has changed.

use std::{net::SocketAddr, time::Duration};

use heattrax::{app::Ended, hub::Clock};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    PEOPLE_ONLY,
    home::Home,
    noon,
    served::home,
    site::{Site, WHOLE, send},
};

/// Somebody who listens to events.
struct Listener {
    stream: TcpStream,
    heard: String,
}

impl Listener {
    /// Comes back after the event with this id; for the first time without one.
    async fn new(at: SocketAddr, last: Option<&str>) -> Self {
        let last = last.map(|it| format!("Last-Event-ID: {it}\r\n")).unwrap_or_default();
        let mut stream = TcpStream::connect(at).await.unwrap();
        let request = format!("GET /api/events HTTP/1.1\r\nHost: localhost\r\n{last}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut listener = Self { stream, heard: String::new() };
        // These come at once, whoever it is.
        listener.until(&["event: house", "event: plan"]).await;
        listener
    }

    /// Listens until all that is asked for has come.
    async fn until(&mut self, needles: &[&str]) {
        let Self { stream, heard } = self;
        let listening = async {
            let mut bytes = [0; 4096];
            while !needles.iter().all(|it| heard.contains(it)) {
                let count = stream.read(&mut bytes).await.unwrap();
                assert_ne!(count, 0, "{heard}");
                heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        };
        let came = timeout(Duration::from_secs(20), listening).await;
        assert!(came.is_ok(), "no {needles:?} in {heard}");
    }
}

/// The ids of notices, in the order in which they came.
fn ids(text: &str) -> Vec<String> {
    text.lines().filter_map(|it| it.strip_prefix("id: ")).map(str::to_owned).collect()
}

async fn switch(home: &Home, slot: u8, state: &str) {
    let path = format!("/api/outlets/porch/{slot}/set");
    assert_eq!(home.http("POST", &path, Some(json!({ "state": state }))).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_hears_what_was_missed_once_and_the_house_at_once() {
    let mut home = home().await;
    let mut listener = Listener::new(home.web(), None).await;
    switch(&home, 1, "ON").await;
    listener.until(&["event: notice", "\"slot\":1"]).await;
    let seen = ids(&listener.heard).last().unwrap().clone();
    drop(listener);
    switch(&home, 2, "ON").await;
    let mut listener = Listener::new(home.web(), Some(&seen)).await;
    listener.until(&["event: notice", "\"slot\":2"]).await;
    let missed = ids(&listener.heard);
    assert!(!missed.is_empty() && !missed.contains(&seen), "{seen}: {missed:?}");
    let number = |id: &String| id.split_once('-').unwrap().1.parse::<u64>().unwrap();
    assert!(missed.iter().map(number).is_sorted() && missed.iter().all(|it| number(it) > number(&seen)), "{missed:?}");
    // Who was there before this start has missed everything of it.
    let mut listener = Listener::new(home.web(), Some("1768000000-7")).await;
    listener.until(&["event: notice", "\"slot\":2"]).await;
    assert_eq!(number(&ids(&listener.heard)[0]), 1, "{}", listener.heard);
    // What is no id of ours says nothing: the house is told, and nothing from before.
    for strange in ["9999999999-1", "nonsense", "-"] {
        let mut listener = Listener::new(home.web(), Some(strange)).await;
        switch(&home, 1, "OFF").await;
        listener.until(&["event: notice"]).await;
        switch(&home, 1, "ON").await;
        let first = ids(&listener.heard)[0].clone();
        assert!(
            number(&first) > *missed.iter().map(number).max().as_ref().unwrap(),
            "{strange}: {first} after {missed:?}"
        );
    }
    home.stop().await;
}

/// Every value that is a time.
fn times(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let is_time = text.len() >= 20 && text.as_bytes()[10] == b'T' && text[..4].parse::<u16>().is_ok();
            if is_time {
                found.push(text.clone());
            }
        }
        Value::Array(list) => list.iter().for_each(|it| times(it, found)),
        Value::Object(fields) => fields.values().for_each(|it| times(it, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_time_over_http_has_the_offset_of_the_house() {
    // What was is written down by and by: that is sooner where the house lives faster.
    let mut home = Home::new(PEOPLE_ONLY, Clock::driven(noon(), 5.0)).await;
    home.peer.wait("heattrax/porch/1", &["\"state\":\"OFF\""]).await;
    switch(&home, 1, "ON").await;
    let written = async {
        while home.http("GET", "/api/history/events", None).await.1["events"].as_array().is_none_or(Vec::is_empty) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), written).await.expect("the history has an event");
    let told = [
        "house",
        "status",
        "plan",
        "devices/status",
        "mat/status",
        "weather/forecast",
        "weather/mat-forecast",
        "history/events",
        "history/samples?outlet=porch/1",
        "health",
    ];
    for path in told {
        let (status, told) = home.http("GET", &format!("/api/{path}"), None).await;
        let mut found = Vec::new();
        times(&told, &mut found);
        assert!(status == 200 && found.iter().all(|it| it.ends_with("-05:00")), "{path}: {found:?}");
        assert!(!found.is_empty() || path.starts_with("weather") || path == "plan", "{path} tells no time: {told:#}");
    }
    let csv = home.http("GET", "/api/history/events.csv", None).await.1;
    assert!(csv.as_str().unwrap().lines().skip(1).all(|it| it.contains("-05:00")), "{csv}");
    let mut listener = Listener::new(home.web(), None).await;
    switch(&home, 2, "ON").await;
    listener.until(&["event: notice", "\"slot\":2"]).await;
    // What is cut off in the middle is left out.
    let data = listener.heard.split("\n\n").flat_map(str::lines).filter_map(|it| it.strip_prefix("data: "));
    let data: Vec<Value> = data.filter_map(|it| serde_json::from_str(it).ok()).collect();
    assert!(data.iter().any(|it| it["ts"].is_string()), "{}", listener.heard);
    for told in data {
        let mut found = Vec::new();
        times(&told, &mut found);
        assert!(found.iter().all(|it| it.ends_with("-05:00")), "{told}");
    }
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_edit_has_changed_is_in_the_status_at_once() {
    let mut home = Home::new(PEOPLE_ONLY, Clock::driven(noon(), 1.0)).await;
    let shown = async |home: &Home| home.http("GET", "/api/system/status", None).await.1["status"].clone();
    let before = shown(&home).await;
    assert_eq!((&before["notifications_available"], &before["pin_configured"]), (&json!(false), &json!(false)));
    let ntfy = "notifications: { ntfy: { enabled: true, server: \"http://127.0.0.1:9\", topic: snow } }\nsafety: {";
    assert_eq!(home.rewrites("safety: {", ntfy).await, None);
    assert_eq!(shown(&home).await["notifications_available"], json!(true));
    home.stop().await;
    let site = Site::new(&format!("{WHOLE}web: {{ pin: \"4711\" }}\n")).await;
    let login = send(site.at, "POST", "/api/auth/login", "", &json!({ "pin": "4711" })).await;
    let cookie = format!("Cookie: {}\r\n", login.header("set-cookie").unwrap().split(';').next().unwrap());
    let told = send(site.at, "GET", "/api/system/status", &cookie, &Value::Null).await.json();
    assert_eq!(told["status"]["pin_configured"], json!(true), "{told:#}");
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_answered_first_and_what_people_wish_outlasts_it() {
    let mut home = home().await;
    switch(&home, 1, "ON").await;
    let (status, told) = home.http("POST", "/api/restart", None).await;
    assert_eq!((status, &told["status"]), (200, &json!("ok")), "{told:#}");
    assert_eq!(home.ended().await, Ended::Restart);
    home.peer.forget();
    home.start().await;
    home.peer.wait("heattrax/porch/1/decision", &["\"ON\"", "manual_on"]).await;
    assert!(home.lights.relay(1));
    home.stop().await;
}

#[tokio::test]
async fn what_is_refused_says_what_would_be_right() {
    let site = Site::new(WHOLE).await;
    let limits = json!({ "name": "Evening", "on": { "type": "time", "value": "18:00" }, "off": { "type": "time", "value": "23:00" }, "safety": { "max_runtime_hours": 9 } });
    let (status, told) = site.http("PUT", "/api/groups/porch/schedules/0", limits).await;
    let words = told["details"][0].as_str().unwrap_or_default();
    assert!(status == 400 && words.contains("`safety`") && words.contains("for the file"), "{status} {told:#}");
    let (_, told) = site.http("PATCH", "/api/config", json!({ "changes": [] , "etag": 1 })).await;
    assert!(told["error"].as_str().unwrap().contains("expected `changes`"), "{told:#}");
    let old = send(site.at, "PATCH", "/api/config", "If-Match: \"0\"\r\n", &json!({ "changes": [] })).await;
    assert!(old.status == 412 && old.body.contains("look at it again"), "{}", old.body);
    // Without a mark, whoever comes last has it: that is how programs set one value.
    let change = json!({ "changes": [{ "path": "safety.max_runtime_hours", "value": 5 }] });
    let (status, told) = site.http("PATCH", "/api/config", change).await;
    assert_eq!((status, &told["changed"]), (200, &json!(["safety.max_runtime_hours"])), "{told:#}");
    site.stop().await;
}
