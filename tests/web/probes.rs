use std::{sync::Arc, time::Duration};

use heattrax::{
    model::{Availability, Broker, Trouble, TroubleKind},
    web::WebInfo,
};
use serde_json::{Value, json};

use crate::{Room, house, info, split, turn};

fn lost() -> Broker {
    Broker::Lost(Trouble { kind: TroubleKind::Passing, text: "secret-broker.lan refused the connection".to_owned() })
}

async fn ready(room: &Room) -> (u16, Value) {
    let (status, body) = room.get("/readyz").await;
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn healthz_says_whether_the_loop_comes_round() {
    let room = Room::start(info(), house(lost(), Availability::Offline)).await;
    assert_eq!(room.get("/healthz").await, (200, "ok".to_owned()));
    turn(Duration::from_secs(16)).await;
    let (status, words) = room.get("/healthz").await;
    assert_eq!((status, words.as_str()), (503, "the control loop has not come round for 16 s"));
    assert_eq!(ready(&room).await.1["missing"][0], "the control loop does not come round");
}

#[tokio::test]
async fn readyz_lists_what_is_missing() {
    let room = Room::start(info(), house(Broker::Unknown, Availability::Unknown)).await;
    let missing = ["the broker is not connected", "1 of 1 devices have not been asked yet"];
    assert_eq!(ready(&room).await, (503, json!({ "ready": false, "missing": missing })));
    room.board.send_replace(Arc::new(house(lost(), Availability::Offline)));
    assert_eq!(ready(&room).await, (503, json!({ "ready": false, "missing": missing[..1] })));
    room.board.send_replace(Arc::new(house(Broker::Connected, Availability::Offline)));
    assert_eq!(ready(&room).await, (200, json!({ "ready": true, "missing": [] })));
}

#[tokio::test]
async fn without_mqtt_no_broker_is_needed() {
    let room = Room::start(WebInfo { mqtt: false, ..info() }, house(Broker::Unknown, Availability::Online)).await;
    assert_eq!(ready(&room).await.0, 200);
}

#[tokio::test]
async fn setup_mode_is_alive_but_not_ready_and_keeps_the_problems_to_itself() {
    let setup = vec!["heattrax.yaml:3:5: mqtt.password: `hunter2` is too short".to_owned()];
    let room = Room::start(WebInfo { setup, ..info() }, house(Broker::Connected, Availability::Online)).await;
    assert_eq!(room.get("/healthz").await.0, 200);
    assert_eq!(ready(&room).await, (503, json!({ "ready": false, "missing": ["setup mode"] })));
    let (status, page) = room.get("/").await;
    assert_eq!(status, 200);
    assert!(!page.contains("hunter2") && !page.contains("yaml") && !page.contains("porch"));
}

#[tokio::test]
async fn beyond_loopback_nothing_of_the_house_is_shown() {
    let room = Room::listen("0.0.0.0:0", info(), house(lost(), Availability::Unknown)).await;
    let (status, page) = room.get("/").await;
    assert_eq!(status, 200);
    assert!(!page.contains("porch") && !page.contains("storm"));
    for path in
        ["/api/house", "/api/events", "/api/explain", "/api/logs", "/metrics", "/calendar.ics", "/api/config/text"]
    {
        assert_eq!(room.get(path).await.0, 401, "{path}");
    }
    assert_eq!(room.get("/healthz").await.0, 200);
    let (status, body) = room.get("/readyz").await;
    assert!(status == 503 && !body.contains("porch") && !body.contains("secret-broker"));
}

#[tokio::test]
async fn unknown_host_names_are_refused() {
    let room = Room::start(info(), house(Broker::Connected, Availability::Online)).await;
    for (host, status) in [
        ("localhost", 200),
        ("LOCALHOST:4328", 200),
        ("localhost.", 200),
        ("127.0.0.1", 200),
        ("192.0.2.1:80", 200),
        ("[::1]", 200),
        ("[::1]:4328", 200),
        ("porch.example:4328", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("porch.example.evil", 403),
        ("[evil]", 403),
        ("[127.0.0.1]", 403),
        ("[::1", 403),
        ("localhost:http", 403),
        ("", 403),
        ("user@localhost", 403),
    ] {
        for path in ["/", "/healthz", "/readyz", "/nothing"] {
            let answer = room.say(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n")).await;
            let expected = if path == "/nothing" && status == 200 { 404 } else { status };
            assert_eq!(split(&answer).0, expected, "{host} {path}");
        }
    }
}

#[tokio::test]
async fn exactly_one_host_is_needed_and_an_absolute_target_counts_too() {
    let room = Room::start(info(), house(Broker::Connected, Availability::Online)).await;
    for (request, status) in [
        ("GET / HTTP/1.1\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n", 400),
        ("GET / HTTP/1.0\r\n", 200),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n", 403),
        ("GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n", 200),
    ] {
        assert_eq!(split(&room.say(request).await).0, status, "{request:?}");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_read_is_refused_in_json() {
    let room = Room::start(info(), house(Broker::Connected, Availability::Online)).await;
    for path in ["/api/groups/%ff/schedules", "/static/%zz", "/%"] {
        let answer = room.say(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n")).await;
        let (status, body) = split(&answer);
        assert!(
            status == 400 && body.starts_with("{\"error\":") && answer.contains("application/json"),
            "{path}: {answer}"
        );
    }
}

#[tokio::test]
async fn head_works_and_nothing_else_than_reading() {
    let room = Room::start(info(), house(Broker::Connected, Availability::Online)).await;
    for path in ["/", "/healthz", "/readyz"] {
        let (status, body) = split(&room.say(&format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n")).await);
        assert_eq!((status, body.as_str()), (200, ""), "{path}");
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n");
            assert_eq!(split(&room.say(&request).await).0, 405, "{method} {path}");
        }
    }
    assert_eq!(room.get("/nowhere").await.0, 404);
    assert_eq!(room.get("/../../etc/passwd").await.0, 404);
}
