//! The room and a broker.

use std::{sync::Arc, time::Duration};

use heattrax::{
    hub::Operation,
    model::{Command, Event, Lasting, Notice, NoticeKind, Protocol, Switch, Target, Verb},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    house::{change, house, id, identity, now, settings},
    peer::{Bridge, Peer, SET, broker, retained, topics},
};

#[tokio::test]
async fn everything_is_published_and_retained_at_the_connect() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    bridge.connected().await;
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    let seen = peer.seen();
    let place = |topic: &str| topics(&seen).iter().position(|it| *it == topic).unwrap_or_else(|| panic!("{topic}"));
    assert!(place("homeassistant/device/heattrax_k7/config") < place("homeassistant/device/tapo_a0b1c2d3e4f5/config"));
    assert!(
        place("homeassistant/device/tapo_a0b1c2d3e4f5/config")
            < place("homeassistant/device/tapo_a0b1c2d3e4f5_1/config")
    );
    assert!(place("homeassistant/device/heattrax_k7_group_mats/config") < place("heattrax/bridge/availability"));
    assert!(place("heattrax/bridge/availability") < place("heattrax/driveway/availability"));
    assert!(place("heattrax/shed/availability") < place("heattrax/driveway/1"));
    let held = retained(broker.address()).await;
    assert_eq!(held.len(), seen.iter().filter(|it| !it.topic.starts_with("peer/")).count());
    let info = held.iter().find(|it| it.topic == "heattrax/bridge/info").unwrap().json();
    assert_eq!(info["mqtt"]["protocol"], "5");
}

#[tokio::test]
async fn how_the_bridge_itself_does_is_told_with_every_device_at_the_connect() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let bridge = Bridge::at(broker.address(), house());
    let driveway = bridge.handle.vitals.of(&"driveway".parse().unwrap());
    driveway.note(Operation::Poll, Duration::from_millis(20), false);
    driveway.note(Operation::Poll, Duration::from_millis(40), true);
    driveway.note(Operation::Connect, Duration::from_millis(80), false);
    driveway.note_lost();
    peer.wait("the health", |it| it.topic == "heattrax/bridge/health").await;
    let held = retained(broker.address()).await;
    let health = held.iter().find(|it| it.topic == "heattrax/bridge/health").unwrap().json();
    assert_eq!(health["control_loop"], "alive");
    assert!(health["memory_mib"].is_null() || health["memory_mib"].as_f64().unwrap() > 1.0, "{health}");
    let said = json!({
        "online": true, "requests": 3, "failures": 1, "polls": 2, "logins": 1, "lost": 1, "latency_ms": 40.0,
        "latency_mean_ms": 30.0,
    });
    assert_eq!(health["devices"]["driveway"], said);
    assert_eq!(health["devices"]["shed"]["latency_ms"], Value::Null);
}

#[tokio::test]
async fn a_command_reaches_the_hub() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    bridge.connected().await;
    peer.wait_for("heattrax/bridge/availability", "online").await;
    peer.say(SET, r#"{"state":"OFF","transaction":"t1"}"#).await;
    match bridge.event(|it| matches!(it, Event::Commanded(_))).await {
        Event::Commanded(Command { target, verb, transaction, .. }) => {
            assert_eq!(target, Target::Outlet(id("driveway", 1)));
            assert_eq!(verb, Verb::Set(Switch::Off, Lasting::Default));
            assert_eq!(transaction, Some("t1".to_owned()));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_change_is_published_and_so_is_an_answer_without_a_change() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    peer.forget();
    let mut house = house();
    change(&mut house, &id("porch", 2), |it| it.reported.as_mut().unwrap().switch = Switch::On);
    bridge.board.send_replace(Arc::new(house.clone()));
    peer.wait("the change", |it| it.topic == "heattrax/porch/2" && it.json()["state"] == "ON").await;
    peer.forget();
    change(&mut house, &id("porch", 2), |it| it.answered = 1);
    bridge.board.send_replace(Arc::new(house));
    peer.wait("the answer", |it| it.topic == "heattrax/porch/2" && it.json()["state"] == "ON").await;
}

#[tokio::test]
async fn a_retained_command_is_refused_cleared_and_reported() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    // One waits at the broker already, one comes while the bridge is there, and one is none of the bridge's own.
    peer.say_retained(SET, "ON").await;
    peer.say_retained("other/driveway/1/set", "ON").await;
    peer.wait_for("other/driveway/1/set", "ON").await;
    let mut bridge = Bridge::at(broker.address(), house());
    peer.wait_for(SET, "").await;
    let event = peer.wait_for_event("retained_command_ignored").await;
    assert_eq!((event["device"].clone(), event["slot"].clone()), (json!("driveway"), json!(1)));
    peer.forget();
    peer.say_retained("heattrax/group/mats/set", "ON").await;
    peer.wait_for("heattrax/group/mats/set", "").await;
    peer.wait_for_event("retained_command_ignored").await;
    peer.say(SET, "OFF").await;
    // The first command that is followed is the one without the flag.
    match bridge.event(|it| matches!(it, Event::Commanded(_))).await {
        Event::Commanded(command) => assert_eq!(command.verb, Verb::Set(Switch::Off, Lasting::Default)),
        other => panic!("{other:?}"),
    }
    let held = retained(broker.address()).await;
    let set: Vec<_> = held.iter().filter(|it| it.topic.ends_with("/set")).map(|it| it.topic.as_str()).collect();
    assert_eq!(set, ["other/driveway/1/set"]);
}

#[tokio::test]
async fn a_retained_command_that_waits_is_refused_by_the_older_protocol_too() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    peer.say_retained(SET, "ON").await;
    peer.wait_for(SET, "ON").await;
    let mut older = settings(broker.address().port());
    older.protocol = Protocol::V4;
    let mut bridge = Bridge::with(older, identity(), house());
    peer.wait_for(SET, "").await;
    peer.wait_for_event("retained_command_ignored").await;
    let info = peer.wait("info", |it| it.topic == "heattrax/bridge/info").await.json();
    assert_eq!(info["mqtt"]["protocol"], "3.1.1");
    peer.say(SET, "OFF").await;
    match bridge.event(|it| matches!(it, Event::Commanded(_))).await {
        Event::Commanded(command) => assert_eq!(command.verb, Verb::Set(Switch::Off, Lasting::Default)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_birth_brings_everything_again_within_a_second() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let _bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    peer.settle().await;
    let first = peer.seen().into_iter().filter(|it| !it.topic.starts_with("peer/")).collect::<Vec<_>>();
    peer.forget();
    let asked = Instant::now();
    for _ in 0..20 {
        peer.say("homeassistant/status", "online").await;
    }
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    // The pause is up to 0.9 s; the rest is for a slow machine.
    assert!(asked.elapsed() < Duration::from_millis(2500), "{:?}", asked.elapsed());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let said = || -> Vec<_> {
        let seen = peer.seen().into_iter();
        seen.filter(|it| !it.topic.ends_with("/status") && !it.topic.starts_with("peer/")).collect()
    };
    // Not twenty times: once, and once more if the last births came after a short pause.
    let (again, once) = (said(), topics(&first));
    let twice = [once.clone(), once.clone()].concat();
    assert!(topics(&again) == once || topics(&again) == twice, "{:?}", topics(&again));
    // And not once more after the death.
    peer.forget();
    peer.say("homeassistant/status", "offline").await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(said(), []);
}

#[tokio::test]
async fn a_birth_that_was_retained_tells_nothing_new() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    peer.say_retained("homeassistant/status", "online").await;
    peer.settle().await;
    let _bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let seen = peer.seen();
    assert_eq!(topics(&seen).iter().filter(|it| **it == "heattrax/vacation").count(), 1);
    // Fresh ones still count, although they are retained too.
    peer.forget();
    peer.say_retained("homeassistant/status", "online").await;
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
}

#[tokio::test]
async fn the_end_of_a_retained_request_is_no_request() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    const REQUEST: &str = "heattrax/bridge/request/info";
    peer.say_retained(REQUEST, "{}").await;
    let mut older = settings(broker.address().port());
    older.protocol = Protocol::V4;
    let _bridge = Bridge::with(older, identity(), house());
    peer.wait_for(REQUEST, "").await;
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    peer.settle().await;
    assert!(!topics(&peer.seen()).contains(&"heattrax/bridge/response/info"));
    peer.say(REQUEST, "").await;
    peer.wait("the answer", |it| it.topic == "heattrax/bridge/response/info").await;
}

/// MQTT 3.1.1 shows the RETAIN flag on a replay only: who clears a retained request sends what looks like an empty one.
#[tokio::test]
async fn who_clears_a_retained_request_asks_for_nothing_in_the_older_protocol() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut older = settings(broker.address().port());
    older.protocol = Protocol::V4;
    let mut bridge = Bridge::with(older, identity(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    peer.say_retained("heattrax/bridge/request/automation/pause", "").await;
    let answer = peer.wait("the answer", |it| it.topic == "heattrax/bridge/response/automation/pause").await.json();
    assert!(answer["error"].as_str().unwrap().contains("send {}"), "{answer}");
    peer.say("heattrax/bridge/request/automation/resume", "{}").await;
    match bridge.event(|it| matches!(it, Event::Commanded(_))).await {
        Event::Commanded(command) => assert_eq!(command.verb, Verb::Resume),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_is_answered_where_the_asker_wants_it() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let _bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    peer.ask("heattrax/bridge/request/info", r#"{"transaction":"t"}"#, "my/answers", &[7, 0, 255]).await;
    let answer = peer.wait("the answer", |it| it.topic == "my/answers").await;
    assert_eq!(answer.correlation, Some(vec![7, 0, 255]));
    assert_eq!(answer.json()["data"]["version"], "0.1.0");
    assert_eq!(answer.json()["transaction"], "t");
    peer.say("heattrax/bridge/request/health_check", "").await;
    let answer = peer.wait("the health", |it| it.topic == "heattrax/bridge/response/health_check").await.json();
    assert_eq!(answer["data"]["devices"], json!({ "total": 3, "online": 2 }));
    // A retained one is not answered.
    peer.forget();
    peer.say_retained("heattrax/bridge/request/info", "{}").await;
    peer.wait_for("heattrax/bridge/request/info", "").await;
    peer.wait_for_event("retained_command_ignored").await;
    peer.settle().await;
    assert!(!topics(&peer.seen()).contains(&"heattrax/bridge/response/info"));
}

#[tokio::test]
async fn half_a_mebibyte_is_refused_with_an_event_and_the_connection_holds() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    peer.say(SET, vec![b'O'; 512 * 1024]).await;
    let event = peer.wait_for_event("bad_payload").await;
    assert!(event["message"].as_str().unwrap().contains("524288"), "{event}");
    peer.say(SET, "ON").await;
    bridge.event(|it| matches!(it, Event::Commanded(_))).await;
    let again = bridge.events.try_recv();
    assert!(again.is_err(), "{again:?}");
}

#[tokio::test]
async fn a_flood_of_nonsense_is_reported_twenty_times_and_then_counted() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let _bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    for _ in 0..100 {
        peer.say(SET, "nonsense").await;
    }
    peer.wait("the count", |it| it.topic == "heattrax/bridge/event" && it.payload.contains("more messages")).await;
    let counted: Vec<Value> =
        peer.seen().iter().filter(|it| it.topic == "heattrax/bridge/event").map(|it| it.json()).collect();
    let told: u64 = counted.iter().map(|it| it["detail"]["count"].as_str().map_or(1, |it| it.parse().unwrap())).sum();
    assert_eq!(told, 100);
    assert!(counted.len() <= 43, "{}", counted.len());
}

#[tokio::test]
async fn a_command_that_the_hub_cannot_take_is_refused_aloud() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    bridge.events.close();
    peer.say(SET, r#"{"state":"ON","transaction":"t9"}"#).await;
    let event = peer.wait_for_event("refused").await;
    assert_eq!(event["detail"]["transaction"], "t9");
    assert_eq!(event["slot"], 1);
}

#[tokio::test]
async fn notices_are_published_and_not_retained() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    let notice = Notice::new(now(), NoticeKind::Switched, "the mat is on").about_outlet(&id("driveway", 1));
    bridge.handle.notify(notice.with("by", "schedule"));
    let expected = json!({
        "event_type": "switched",
        "ts": "2026-11-24T12:00:00Z",
        "device": "driveway",
        "slot": 1,
        "group": null,
        "message": "the mat is on",
        "detail": { "by": "schedule" },
    });
    assert_eq!(peer.wait_for_event("switched").await, expected);
    assert!(!topics(&retained(broker.address()).await).contains(&"heattrax/bridge/event"));
}
