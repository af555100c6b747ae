//! Those who want to know what became of their command, and those who ask for what is known.

use std::time::Duration;

use heattrax::{
    model::{Command, Event, Notice, NoticeKind, OutletId, Switch, Target, Verb},
    mqtt::parts::{Address, Askers, Heard, Knob, Look, Message, Payload},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    house::{house, id, now, slug, topics},
    peer::{Bridge, Peer, SET, broker},
};

fn address() -> Address {
    Address { topic: "my/answers".to_owned(), correlation: Some(vec![7]) }
}

fn notice(kind: NoticeKind, outlet: Option<&OutletId>, ticket: u64) -> Notice {
    let notice = Notice::new(now(), kind, "what became of it").answering(Some(ticket));
    outlet.into_iter().fold(notice, Notice::about_outlet)
}

fn body(payload: &str) -> Value {
    serde_json::from_str(payload).unwrap()
}

#[test]
fn an_asker_hears_when_all_outlets_have_answered() {
    let (mut askers, start) = (Askers::default(), Instant::now());
    let (one, two) = (id("driveway", 1), id("driveway", 2));
    let ticket = askers.wait(address(), json!("t1"), 2, start).unwrap();
    assert_eq!(askers.hear(&notice(NoticeKind::Answered, Some(&one), ticket + 1)), None);
    assert_eq!(askers.hear(&notice(NoticeKind::Answered, Some(&one), ticket)), None);
    let answer = askers.hear(&notice(NoticeKind::Answered, Some(&two), ticket)).unwrap();
    assert_eq!((answer.topic.as_str(), answer.correlation.as_deref()), ("my/answers", Some(&[7][..])));
    let body = body(&answer.payload);
    assert_eq!((&body["status"], &body["transaction"]), (&json!("ok"), &json!("t1")));
    assert_eq!(body["data"]["answers"][1], json!({"device": "driveway", "slot": 2, "message": "what became of it"}));
    assert_eq!(askers.hear(&notice(NoticeKind::Answered, Some(&two), ticket)), None, "once is enough");
}

#[test]
fn one_that_failed_or_was_refused_as_a_whole_is_an_error() {
    let (mut askers, start) = (Askers::default(), Instant::now());
    let one = id("driveway", 1);
    let ticket = askers.wait(address(), Value::Null, 1, start).unwrap();
    let answer = askers.hear(&notice(NoticeKind::SwitchFailed, Some(&one), ticket)).unwrap();
    assert_eq!(body(&answer.payload), json!({"status": "error", "data": {}, "error": "what became of it"}));
    let ticket = askers.wait(address(), Value::Null, 5, start).unwrap();
    assert!(askers.hear(&notice(NoticeKind::Refused, None, ticket)).is_some());
}

#[test]
fn nobody_waits_for_ever_and_only_so_many_wait() {
    let (mut askers, start) = (Askers::default(), Instant::now());
    for _ in 0..256 {
        askers.wait(address(), Value::Null, 1, start).unwrap();
    }
    let full = askers.wait(address(), json!(1), 1, start).unwrap_err();
    assert_eq!(body(&full.payload)["status"], "error");
    let due = askers.due().unwrap();
    assert!(askers.overdue(due - Duration::from_millis(1)).is_empty());
    assert_eq!(askers.overdue(due).len(), 256);
    assert_eq!(askers.due(), None);
}

#[test]
fn a_second_delivery_is_no_second_command() {
    let (mut askers, start) = (Askers::default(), Instant::now());
    let message = |topic: &str, payload: &str| Message {
        topic: topic.to_owned(),
        payload: Payload::Bytes(payload.into()),
        retain: false,
        reply: None,
    };
    let first = message(SET, r#"{"state":"ON","transaction":"1"}"#);
    assert!(!askers.is_repeated(&first, "1", start));
    assert!(askers.is_repeated(&first, "1", start + Duration::from_secs(599)));
    // Somebody who counts from 1 after each start means something else.
    assert!(!askers.is_repeated(&message(SET, r#"{"state":"OFF","transaction":"1"}"#), "1", start));
    assert!(!askers.is_repeated(&message("heattrax/porch/1/set", r#"{"state":"ON","transaction":"1"}"#), "1", start));
    assert!(!askers.is_repeated(&first, "1", start + Duration::from_secs(600)), "after ten minutes it is a new one");
}

#[test]
fn each_attribute_has_a_topic_of_its_own() {
    let topics = topics();
    let table = [
        ("heattrax/driveway/1/set/state", Heard::Command(Knob::Outlet("driveway", "1"))),
        ("heattrax/driveway/1/set/control", Heard::Command(Knob::OutletControl("driveway", "1"))),
        ("heattrax/group/mats/set/state", Heard::Command(Knob::Group("mats"))),
        ("heattrax/group/mats/set/control", Heard::Command(Knob::GroupControl("mats"))),
        ("heattrax/driveway/get", Heard::Get(Look::Device("driveway"))),
        ("heattrax/driveway/1/get", Heard::Get(Look::Outlet("driveway", "1"))),
        ("heattrax/group/mats/get", Heard::Get(Look::Group("mats"))),
        ("heattrax/driveway/1/set/nonsense", Heard::Foreign),
        ("heattrax/automation/pause/set", Heard::Command(Knob::Pause)),
        ("heattrax/automation/1/set", Heard::Foreign),
        ("heattrax/vacation/get", Heard::Foreign),
    ];
    for (topic, heard) in table {
        assert_eq!(topics.sort(topic), heard, "{topic}");
    }
}

#[tokio::test]
async fn a_command_is_answered_where_its_asker_wants_it() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    bridge.connected().await;
    peer.wait_for("heattrax/bridge/availability", "online").await;
    peer.ask(SET, r#"{"state":"ON","reason":"guests","transaction":"t1"}"#, "my/answers", b"m").await;
    let Event::Commanded(Command { ticket, reason, .. }) = bridge.event(|it| matches!(it, Event::Commanded(_))).await
    else {
        panic!()
    };
    assert_eq!(reason.as_deref(), Some("guests"));
    bridge.handle.notify(notice(NoticeKind::Answered, Some(&id("driveway", 1)), ticket.unwrap()));
    let answer = peer.wait("the answer", |it| it.topic == "my/answers").await;
    assert_eq!(answer.correlation.as_deref(), Some(&b"m"[..]));
    assert_eq!((&answer.json()["status"], &answer.json()["transaction"]), (&json!("ok"), &json!("t1")));
    assert!(!peer.seen().iter().any(|it| it.topic == "heattrax/bridge/event" && it.json()["event_type"] == "answered"));
    // The same once more is a second delivery; what cannot be read is answered too.
    peer.forget();
    peer.ask(SET, r#"{"state":"ON","reason":"guests","transaction":"t1"}"#, "my/answers", b"m").await;
    let again = peer.wait("the answer", |it| it.topic == "my/answers").await;
    assert_eq!(again.json()["data"], json!({ "repeated": true }));
    peer.wait("the state", |it| it.topic == "heattrax/driveway/1").await;
    peer.forget();
    peer.ask(SET, r#"{"state":"PERHAPS"}"#, "my/answers", b"m").await;
    assert_eq!(peer.wait("the answer", |it| it.topic == "my/answers").await.json()["status"], "error");
    peer.say("heattrax/porch/2/set", "OFF").await;
    match bridge.event(|it| matches!(it, Event::Commanded(_))).await {
        Event::Commanded(next) => assert_eq!(next.target, Target::Outlet(id("porch", 2)), "nothing came twice"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_asks_gets_what_is_known_and_a_fresh_look() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    bridge.connected().await;
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    peer.forget();
    peer.say("heattrax/group/mats/get", "").await;
    for topic in ["heattrax/group/mats", "heattrax/driveway/1", "heattrax/driveway/1/decision", "heattrax/driveway"] {
        peer.wait(topic, |it| it.topic == topic).await;
    }
    match bridge.event(|it| matches!(it, Event::LookAsked { .. } | Event::Commanded(_))).await {
        Event::LookAsked { device } => assert_eq!(device, slug("driveway")),
        other => panic!("{other:?}"),
    }
    peer.say("heattrax/nope/get", "").await;
    assert!(peer.wait_for_event("bad_payload").await["message"].as_str().unwrap().contains("no device `nope`"));
}

#[tokio::test]
async fn a_pause_is_a_command_that_the_hub_answers_and_an_errand_needs_somebody_to_do_it() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    bridge.connected().await;
    peer.wait_for("heattrax/bridge/availability", "online").await;
    peer.say("heattrax/bridge/request/automation/pause", r#"{"for":"2h","transaction":9}"#).await;
    let Event::Commanded(Command { ticket, verb, .. }) = bridge.event(|it| matches!(it, Event::Commanded(_))).await
    else {
        panic!()
    };
    assert!(matches!(verb, Verb::Pause(_)));
    bridge.handle.notify(notice(NoticeKind::AutomationPaused, None, ticket.unwrap()));
    let answer = peer.wait("the answer", |it| it.topic == "heattrax/bridge/response/automation/pause").await.json();
    assert_eq!((&answer["status"], &answer["transaction"]), (&json!("ok"), &json!(9)));
    peer.say("heattrax/bridge/request/restart", "").await;
    let answer = peer.wait("the answer", |it| it.topic == "heattrax/bridge/response/restart").await.json();
    assert_eq!(answer["status"], "error");
    assert!(!matches!(verb, Verb::Set(Switch::On, _)));
}
