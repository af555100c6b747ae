//! The config is changed by one message after the other.

use std::sync::Arc;

use heattrax::{
    emulator::broker::Broker,
    model::{ConfigEdit, Group, House, Schedule},
};
use jiff::SignedDuration;
use serde_json::json;

use crate::{
    house::{house, morning, slug},
    peer::{Desk, Peer, broker},
};

const ENABLED: &str = "heattrax/group/mats/schedule/morning/enabled/set";
const LEAD: &str = "heattrax/group/mats/preheat_lead/set";

fn with(change: impl FnOnce(&mut Group)) -> House {
    let mut house = house();
    change(Arc::make_mut(house.groups.get_mut(&slug("mats")).unwrap()));
    house
}

fn enabled(enabled: bool) -> House {
    with(|mats| mats.schedules = [Schedule { enabled, ..morning() }].into())
}

fn lead(minutes: i64) -> House {
    with(|mats| mats.lead = Some(SignedDuration::from_mins(minutes)))
}

async fn started(house: House) -> (Broker, Peer, Desk) {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let desk = Desk::at(broker.address(), house);
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    (broker, peer, desk)
}

/// Waits until the room has heard all that was said to it.
async fn heard(peer: &Peer) {
    peer.forget();
    peer.say("heattrax/bridge/request/health_check", "").await;
    peer.wait("the answer", |it| it.topic == "heattrax/bridge/response/health_check").await;
}

fn is_enabled(edit: &ConfigEdit) -> bool {
    match edit {
        ConfigEdit::EnableSchedule { enabled, .. } => *enabled,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_newest_wish_for_a_schedule_wins() {
    let (_broker, peer, mut desk) = started(enabled(true)).await;
    peer.say(ENABLED, "OFF").await;
    let (edit, answer) = desk.change().await;
    assert!(!is_enabled(&edit));
    // The board still shows it as it was.
    peer.say(ENABLED, "ON").await;
    heard(&peer).await;
    assert!(desk.errands.try_recv().is_err(), "one after the other");
    desk.board.send_replace(Arc::new(enabled(false)));
    answer.send(Ok(json!({}))).unwrap();
    assert!(is_enabled(&desk.change().await.0));
}

#[tokio::test]
async fn the_newest_wish_wins_over_a_request_too() {
    let (_broker, peer, mut desk) = started(enabled(true)).await;
    peer.say(
        "heattrax/bridge/request/schedule/enable",
        r#"{"group":"mats","name":"Morning","enabled":false,"transaction":1}"#,
    )
    .await;
    let (edit, answer) = desk.change().await;
    assert!(!is_enabled(&edit));
    peer.say(ENABLED, "ON").await;
    heard(&peer).await;
    desk.board.send_replace(Arc::new(enabled(false)));
    answer.send(Ok(json!({ "changed": ["x"] }))).unwrap();
    let told = peer.wait("the answer", |it| it.topic == "heattrax/bridge/response/schedule/enable").await.json();
    assert_eq!((&told["transaction"], &told["data"]["changed"]), (&json!(1), &json!(["x"])));
    assert!(is_enabled(&desk.change().await.0));
}

/// The page has just asked for an OFF, which is not in force yet: what MQTT says after it is the last word.
#[tokio::test]
async fn what_seems_to_be_so_already_is_looked_at_again_when_the_changes_of_others_are_in_force() {
    let (_broker, peer, mut desk) = started(enabled(true)).await;
    peer.ask(ENABLED, "ON", "my/answers", b"m").await;
    let settled = desk.settled().await;
    desk.board.send_replace(Arc::new(enabled(false)));
    settled.send(Ok(json!({}))).unwrap();
    let (edit, answer) = desk.change().await;
    assert!(is_enabled(&edit));
    desk.board.send_replace(Arc::new(enabled(true)));
    answer.send(Ok(json!({ "changed": ["x"] }))).unwrap();
    let told = peer.wait("the answer", |it| it.topic == "my/answers").await.json();
    assert_eq!(told["data"]["changed"], json!(["x"]));
    // Where nobody changes anything it is so already.
    peer.forget();
    peer.ask(ENABLED, "ON", "my/answers", b"m").await;
    desk.settled().await.send(Ok(json!({}))).unwrap();
    let told = peer.wait("the answer", |it| it.topic == "my/answers").await.json();
    assert_eq!(told["data"]["changed"], json!([]));
    peer.wait("the switch", |it| it.topic == "heattrax/group/mats/schedule/morning").await;
}

#[tokio::test]
async fn of_what_waits_on_one_topic_the_last_word_counts() {
    let (_broker, peer, mut desk) = started(lead(60)).await;
    let minutes = |edit: ConfigEdit| match edit {
        ConfigEdit::SetGroup { options, .. } => options["melt.lead_minutes"].as_i64().unwrap(),
        other => panic!("{other:?}"),
    };
    peer.say(LEAD, "65").await;
    let (edit, answer) = desk.change().await;
    assert_eq!(minutes(edit), 65);
    peer.ask(LEAD, "70", "my/answers", b"m").await;
    peer.wait("the room", |it| it.topic == LEAD && it.payload == "70").await;
    peer.say(LEAD, "60").await;
    // What cannot be read takes nobody's place.
    peer.say(LEAD, "soon").await;
    let overtaken = peer.wait("an answer", |it| it.topic == "my/answers").await.json();
    assert!(overtaken["error"].as_str().unwrap().contains("newer command"), "{overtaken}");
    peer.wait_for_event("bad_payload").await;
    desk.board.send_replace(Arc::new(lead(65)));
    answer.send(Ok(json!({}))).unwrap();
    let (edit, answer) = desk.change().await;
    assert_eq!(minutes(edit), 60);
    desk.board.send_replace(Arc::new(lead(60)));
    answer.send(Ok(json!({}))).unwrap();
    heard(&peer).await;
    assert!(desk.errands.try_recv().is_err(), "nothing else is wanted");
}

fn many(number: usize) -> House {
    let named = |at| Schedule { name: format!("S{at}"), ..morning() };
    with(|mats| mats.schedules = (0..number).map(named).collect())
}

/// A scene of Home Assistant switches them all in one breath.
#[tokio::test]
async fn a_whole_list_of_schedules_is_switched_and_what_is_beyond_any_list_is_refused() {
    let (_broker, peer, mut desk) = started(many(66)).await;
    for at in 0..66 {
        peer.say(&format!("heattrax/group/mats/schedule/s{at}/enabled/set"), "OFF").await;
    }
    // One is under way, 64 wait.
    let refused = peer.wait_for_event("refused").await;
    assert!(
        refused["message"].as_str().unwrap().contains("/s65/enabled/set cannot be followed: too many"),
        "{refused}"
    );
    for at in 0..65 {
        let (edit, answer) = desk.change().await;
        assert!(matches!(&edit, ConfigEdit::EnableSchedule { which, .. } if which.place == Some(at)), "{edit:?}");
        answer.send(Ok(json!({}))).unwrap();
    }
    let refused = peer.seen().iter().filter(|it| it.topic == "heattrax/bridge/event").count();
    assert_eq!(refused, 1);
}

/// Who does the errands has dropped one.
#[tokio::test]
async fn what_waits_goes_on_when_a_change_cannot_be_made() {
    let (_broker, peer, mut desk) = started(many(2)).await;
    for at in 0..2 {
        peer.say(&format!("heattrax/group/mats/schedule/s{at}/enabled/set"), "OFF").await;
    }
    drop(desk.change().await.1);
    let (edit, _answer) = desk.change().await;
    assert!(matches!(&edit, ConfigEdit::EnableSchedule { which, .. } if which.name == "S1"), "{edit:?}");
    peer.wait_for_event("refused").await;
}

/// The page has changed the settings of MQTT, say: the session begins anew, and what it was asked for is not forgotten in silence.
#[tokio::test]
async fn whoever_still_waits_when_the_session_ends_is_told_so() {
    let (_broker, peer, mut desk) = started(enabled(true)).await;
    let request = |mark: u8| json!({"group":"mats","name":"Morning","enabled":false,"transaction":mark}).to_string();
    let verb = "heattrax/bridge/request/schedule/enable";
    peer.say(verb, request(1)).await;
    let (_, mut under_way) = desk.change().await;
    // With a response topic and without; and a message, which is answered only where its asker says.
    peer.say(verb, request(2)).await;
    peer.ask(verb, &request(3), "my/answers", b"m").await;
    peer.ask(ENABLED, "OFF", "my/switch", b"m").await;
    peer.say(LEAD, "70").await;
    heard(&peer).await;
    desk.stop.cancel();
    let response = "heattrax/bridge/response/schedule/enable";
    for (topic, mark, words) in [
        (response, json!(1), "look whether it is"),
        (response, json!(2), "ask again"),
        ("my/answers", json!(3), "ask again"),
        ("my/switch", json!(null), "ask again"),
    ] {
        let told = peer.wait(words, |it| it.topic == topic && it.json()["transaction"] == mark).await.json();
        assert_eq!(told["status"], "error", "{told}");
        assert!(told["error"].as_str().unwrap().contains(words), "{told}");
    }
    peer.wait_for("heattrax/bridge/availability", "offline").await;
    // Nobody waits for it any more: where it is not begun yet it is not made.
    under_way.closed().await;
    assert!(desk.errands.try_recv().is_err(), "nothing else is begun");
}
