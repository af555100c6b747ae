//! What is served beside the probes: the document, events, metrics.

use heattrax::model::{Availability, Broker, Notice, NoticeKind};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Room, house, info, noon, split};

async fn room() -> Room {
    Room::start(info(), house(Broker::Connected, Availability::Online)).await
}

async fn json(room: &Room, path: &str) -> Value {
    let (status, body) = room.get(path).await;
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn every_path_of_the_document_is_served() {
    let room = room().await;
    let document = json(&room, "/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 30, "{}", paths.len());
    for (path, item) in paths {
        let target =
            path.replace("{device}", "porch").replace("{slot}", "2").replace("{group}", "x").replace("{index}", "0");
        let target = target.replace("{name}", "main.js");
        for method in item.as_object().unwrap().keys().filter(|it| *it != "parameters") {
            let answers = &item[method]["responses"];
            let says = ["200", "201", "202", "303"].iter().any(|it| answers[it].is_object());
            assert!(says, "{method} {path} does not say what comes of it");
        }
        // What no route has is answered with 405, what is nowhere with 404.
        let answer = room.say(&format!("PATCH {target} HTTP/1.1\r\nHost: localhost\r\n")).await;
        let has_it = item.get("patch").is_some();
        assert!(has_it || split(&answer).0 == 405, "{path}: {answer}");
    }
}

#[tokio::test]
async fn the_house_is_shown_whole_and_with_the_reason_of_every_outlet() {
    let told = json(&room().await, "/api/house").await;
    assert_eq!(told["at"], "2026-01-15T12:00:00+00:00");
    let outlet = &told["outlets"]["porch/2"];
    assert_eq!((outlet["state"].as_str(), outlet["available"].as_bool()), (Some("ON"), Some(true)));
    assert_eq!(outlet["reason"], "schedule");
    assert_eq!(told["devices"]["porch"]["availability"], "online");
    assert_eq!(told["bridge"]["broker"], "connected");
}

#[tokio::test]
async fn a_listener_hears_the_house_at_once_and_each_notice_with_its_id() {
    let room = room().await;
    let mut stream = room.connect().await;
    stream.write_all(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut heard = String::new();
    let mut until = async |needle: &str| {
        let mut bytes = [0; 4096];
        while !heard.contains(needle) {
            let read = tokio::time::timeout(std::time::Duration::from_secs(5), stream.read(&mut bytes));
            let count = read.await.unwrap_or_else(|_| panic!("no {needle} in {heard}")).unwrap();
            assert_ne!(count, 0, "{heard}");
            heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    };
    until("event: house").await;
    until("event: plan").await;
    room.handle.notify(Notice::new(noon(), NoticeKind::Switched, "the mat is ON").with("until", noon().to_string()));
    until("event: notice").await;
    until("the mat is ON").await;
    until("\"until\":\"2026-01-15T12:00:00+00:00\"").await;
    until("id: ").await;
}

#[tokio::test]
async fn metrics_are_written_by_the_rules_of_the_format() {
    let room = room().await;
    let (status, body) = room.get("/metrics").await;
    assert_eq!(status, 200);
    let (mut helped, mut typed) = (Vec::new(), Vec::new());
    let is_name =
        |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_alphanumeric() || it == '_' || it == ':');
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            helped.push(rest.split(' ').next().unwrap().to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
            assert!(!typed.contains(&name.to_owned()), "a family twice: {line}");
            typed.push(name.to_owned());
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
            assert!(is_name(name) && labels.ends_with('}'), "{line}");
            let family = typed.last().unwrap();
            let parts = ["", "_bucket", "_sum", "_count"].map(|it| format!("{family}{it}"));
            assert!(parts.iter().any(|it| it == name), "{line} is not of {family}");
        }
    }
    assert_eq!(helped, typed);
    assert!(body.contains("heattrax_outlet_on{device=\"porch\",slot=\"2\",group=\"\"} 1\n"), "{body}");
    assert!(
        body.contains("heattrax_device_operation_seconds_bucket{device=\"porch\",operation=\"poll\",le=\"+Inf\"} 0\n")
    );
}

#[tokio::test]
async fn in_setup_mode_the_house_says_why_and_nothing_is_switched() {
    let setup = heattrax::web::WebInfo { setup: vec!["location is missing".to_owned()], ..info() };
    let room = Room::start(setup, house(Broker::Unknown, Availability::Unknown)).await;
    assert_eq!(json(&room, "/api/house").await["bridge"]["setup"][0], "location is missing");
    assert_eq!(json(&room, "/api/status").await["setup_mode"], true);
    let (status, body) = room.get("/api/devices/status").await;
    assert!(status == 503 && body.contains("\"setup_mode\":true"), "{status} {body}");
}

#[tokio::test]
async fn the_health_server_serves_its_probes_and_nothing_else() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let room = room().await;
    let address = listener.local_addr().unwrap();
    let serving = heattrax::web::serve_health(listener, info(), room.handle.clone(), room.stop.clone());
    tokio::spawn(serving);
    let room = Room { address, ..room };
    assert_eq!(json(&room, "/health").await["service"], "heattrax_scheduler");
    assert_eq!(room.get("/health/weather").await.0, 503, "no settings, no weather");
    for path in ["/", "/api/house", "/api/status", "/metrics"] {
        assert_eq!(room.get(path).await.0, 404, "{path}");
        // It keeps nothing from anybody, so that nobody is asked for a secret that opens nothing.
        let handed_on = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(split(&room.raw(&handed_on).await).0, 404, "{path}");
    }
}
