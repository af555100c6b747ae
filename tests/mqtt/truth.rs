//! What the broker is owed.

use heattrax::mqtt::parts::{Entry, Once, Rank, Truth};

use crate::house::{complete, owed, rendered};

fn state(payload: &str) -> Entry {
    Entry { rank: Rank::State, payload: payload.to_owned() }
}

fn said(truth: &mut Truth) -> Vec<(String, String)> {
    owed(truth)
}

fn pair(topic: &str, payload: &str) -> (String, String) {
    (topic.to_owned(), payload.to_owned())
}

#[test]
fn only_the_newest_payload_of_a_topic_is_owed() {
    let mut truth = Truth::default();
    for payload in ["1", "2", "3"] {
        truth.say("a", state(payload));
    }
    assert_eq!(said(&mut truth), [pair("a", "3")]);
    truth.say("a", state("3"));
    assert_eq!(said(&mut truth), []);
}

#[test]
fn everything_is_owed_again_after_a_connect() {
    let mut truth = Truth::default();
    truth.say("a", state("1"));
    truth.say("b", state("2"));
    said(&mut truth);
    truth.owe_everything();
    assert_eq!(said(&mut truth), [pair("a", "1"), pair("b", "2")]);
}

#[test]
fn a_cleared_topic_is_cleared_at_each_connect() {
    let mut truth = Truth::default();
    truth.say("a", state("1"));
    truth.take_back("a");
    assert_eq!(said(&mut truth), [pair("a", "")]);
    truth.owe_everything();
    assert_eq!(said(&mut truth), [pair("a", "")]);
}

#[test]
fn announcements_come_before_availability_and_that_before_state() {
    let mut truth = rendered(&complete());
    let topics: Vec<_> = said(&mut truth).into_iter().map(|it| it.0).collect();
    let kind = |topic: &String| match topic {
        it if it == "homeassistant/device/heattrax_k7/config" => 0,
        it if it.starts_with("homeassistant/device/tapo_") && it.matches('_').count() == 1 => 1,
        it if it.starts_with("homeassistant/") => 2,
        it if it == "heattrax/bridge/availability" => 3,
        it if it.ends_with("/availability") => 4,
        _ => 5,
    };
    let kinds: Vec<_> = topics.iter().map(kind).collect();
    assert!(kinds.is_sorted(), "{topics:#?}");
    for wanted in 0..=5 {
        assert!(kinds.contains(&wanted), "{wanted} in {topics:#?}");
    }
}

#[test]
fn events_wait_for_announcements_but_not_for_state() {
    let mut truth = Truth::default();
    truth.say("state", state("1"));
    truth.say("config", Entry { rank: Rank::AnnounceChild, payload: "2".to_owned() });
    truth.say_once(Once::passing("event".to_owned(), "3".to_owned()));
    assert_eq!(said(&mut truth), [pair("config", "2"), pair("event", "3"), pair("state", "1")]);
}

#[test]
fn the_oldest_event_gives_way_and_is_counted() {
    let mut truth = Truth::default();
    for number in 0..4096 {
        truth.say_once(Once::passing("event".to_owned(), number.to_string()));
    }
    assert_eq!(truth.lost(), 0);
    for number in 4096..4140 {
        truth.say_once(Once::passing("event".to_owned(), number.to_string()));
    }
    assert_eq!(truth.lost(), 44);
    assert_eq!(truth.lost(), 0);
    assert_eq!(said(&mut truth).first(), Some(&pair("event", "44")));
}

/// Somebody retains commands without end.
#[test]
fn what_the_broker_is_to_forget_is_bounded_and_holds_nothing_up() {
    let mut truth = Truth::default();
    for _ in 0..1000 {
        truth.unwanted("heattrax/driveway/1/set");
    }
    truth.say("state", state("1"));
    assert!(!truth.is_settled());
    assert_eq!(said(&mut truth), [pair("state", "1"), pair("heattrax/driveway/1/set", "")]);
    assert!(truth.is_settled());
    for number in 0..1000 {
        truth.unwanted(&format!("heattrax/d{number}/1/set"));
    }
    let message = truth.take_next().unwrap();
    assert!(message.retain && message.payload.is_empty());
    truth.put_back(message);
    assert_eq!(said(&mut truth).len(), 256);
}

#[test]
fn what_could_not_be_handed_over_stays_owed_with_its_newest_payload() {
    let mut truth = Truth::default();
    truth.say("a", state("1"));
    let message = truth.take_next().unwrap();
    truth.put_back(message);
    truth.say("a", state("2"));
    assert_eq!(said(&mut truth), [pair("a", "2")]);
    assert!(truth.is_settled());
}
