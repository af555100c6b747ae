//! Brokers that come and go, hang, refuse, or are old.

use std::{sync::Arc, time::Duration};

use heattrax::model::{Event, Protocol, TlsFiles, Trouble, TroubleKind};
use tokio::time::Instant;

use crate::{
    house::{house, identity, settings},
    peer::{Bridge, Peer, Pretender, SET, broker, broker_on, retained, topics},
};

#[tokio::test]
async fn a_broker_that_comes_back_empty_is_told_everything_again() {
    let first = broker().await;
    let address = first.address();
    let mut bridge = Bridge::at(address, house());
    bridge.connected().await;
    first.stop().await;
    let trouble = trouble(&mut bridge).await;
    assert_eq!(trouble.kind, TroubleKind::Passing);
    assert!(trouble.text.contains(&address.to_string()), "{}", trouble.text);
    // What happens meanwhile is not lost.
    let mut changed = house();
    changed.vacation = true;
    bridge.board.send_replace(Arc::new(changed));
    let second = broker_on(address).await;
    let peer = Peer::at(second.address()).await;
    peer.wait_for("heattrax/vacation", "ON").await;
    peer.wait_for("heattrax/bridge/availability", "online").await;
    let held = retained(second.address()).await;
    assert!(topics(&held).contains(&"homeassistant/device/tapo_a0b1c2d3e4f5_1/config"));
    assert!(topics(&held).contains(&"heattrax/driveway/1"));
    // And commands are heard again.
    peer.say(SET, "ON").await;
    bridge.event(|it| matches!(it, Event::Commanded(_))).await;
}

#[tokio::test]
async fn the_will_says_offline_when_the_bridge_is_gone_in_a_moment() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let bridge = Bridge::at(broker.address(), house());
    peer.wait_for("heattrax/bridge/availability", "online").await;
    bridge.task.abort();
    peer.wait_for("heattrax/bridge/availability", "offline").await;
    let held = retained(broker.address()).await;
    assert!(held.iter().any(|it| it.topic == "heattrax/bridge/availability" && it.payload == "offline"));
}

#[tokio::test]
async fn a_clean_stop_leaves_offline_behind() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    let asked = Instant::now();
    bridge.stop.cancel();
    bridge.task.await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    peer.wait_for("heattrax/bridge/availability", "offline").await;
    // The will, which says the same, was not needed.
    peer.settle().await;
    let said = peer.seen().into_iter().filter(|it| it.payload == "offline" && it.topic.contains("bridge/")).count();
    assert_eq!(said, 1);
}

/// Accepts MQTT 5 and never says anything again.
fn frozen(_: u8) -> (&'static [u8], bool) {
    (&[0x20, 0x03, 0, 0, 0], true)
}

#[tokio::test]
async fn a_frozen_broker_cannot_hold_a_stop_up() {
    let broker = Pretender::start(frozen).await;
    let mut bridge = Bridge::at(broker.address, house());
    bridge.connected().await;
    let asked = Instant::now();
    bridge.stop.cancel();
    bridge.task.await.unwrap();
    // It had its second to take the last message.
    assert!(asked.elapsed() >= Duration::from_secs(1), "{:?}", asked.elapsed());
    assert!(asked.elapsed() < Duration::from_millis(2500), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_broker_that_is_not_there_cannot_hold_a_stop_up() {
    let bridge = Bridge::with(settings(1), identity(), house());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let asked = Instant::now();
    bridge.stop.cancel();
    bridge.task.await.unwrap();
    assert!(asked.elapsed() < Duration::from_millis(900), "{:?}", asked.elapsed());
}

/// Knows only MQTT 3.1.1.
fn older(level: u8) -> (&'static [u8], bool) {
    if level == 4 { (&[0x20, 0x02, 0, 0], true) } else { (&[0x20, 0x02, 0, 1], false) }
}

/// Says in the words of MQTT 5 that it does not speak it.
fn polite(level: u8) -> (&'static [u8], bool) {
    if level == 4 { (&[0x20, 0x02, 0, 0], true) } else { (&[0x20, 0x03, 0, 0x84, 0], false) }
}

/// Hangs up on what it does not know.
fn rude(level: u8) -> (&'static [u8], bool) {
    if level == 4 { (&[0x20, 0x02, 0, 0], true) } else { (&[], false) }
}

#[tokio::test]
async fn a_broker_that_knows_only_the_older_protocol_is_spoken_to_in_it() {
    for answer in [older, polite, rude] {
        let mut broker = Pretender::start(answer).await;
        let mut bridge = Bridge::at(broker.address, house());
        bridge.connected().await;
        assert_eq!(broker.levels.recv().await, Some(5));
        assert_eq!(broker.levels.recv().await, Some(4));
    }
}

/// Refuses the login.
fn closed(_: u8) -> (&'static [u8], bool) {
    (&[0x20, 0x03, 0, 0x86, 0], false)
}

#[tokio::test]
async fn a_refused_login_needs_a_person_and_not_another_protocol() {
    let mut broker = Pretender::start(closed).await;
    let mut bridge = Bridge::at(broker.address, house());
    let trouble = trouble(&mut bridge).await;
    assert_eq!(trouble.kind, TroubleKind::NeedsPerson);
    assert!(trouble.text.contains("refused the login"), "{}", trouble.text);
    assert_eq!(broker.levels.recv().await, Some(5));
    assert_eq!(broker.levels.recv().await, Some(5));
}

/// Has no time for anybody: MQTT 3.1.1, server unavailable.
fn starting(_: u8) -> (&'static [u8], bool) {
    (&[0x20, 0x02, 0, 3], false)
}

#[tokio::test]
async fn an_older_broker_that_is_not_ready_yet_needs_no_person() {
    let broker = Pretender::start(starting).await;
    let mut settings = settings(broker.address.port());
    settings.protocol = Protocol::V4;
    let trouble = trouble(&mut Bridge::with(settings, identity(), house())).await;
    assert_eq!(trouble.kind, TroubleKind::Passing, "{}", trouble.text);
}

async fn trouble(bridge: &mut Bridge) -> Trouble {
    match bridge.event(|it| matches!(it, Event::BrokerLost { .. })).await {
        Event::BrokerLost { trouble } => trouble,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_tls_file_that_is_missing_is_named() {
    let mut settings = settings(1);
    settings.tls = Some(TlsFiles { ca_file: Some("/nowhere/ca.pem".into()), ..TlsFiles::default() });
    let trouble = trouble(&mut Bridge::with(settings, identity(), house())).await;
    assert_eq!(trouble.kind, TroubleKind::NeedsPerson);
    assert!(trouble.text.contains("/nowhere/ca.pem"), "{}", trouble.text);
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_named_and_will_pass() {
    let trouble = trouble(&mut Bridge::with(settings(1), identity(), house())).await;
    assert_eq!(trouble.kind, TroubleKind::Passing);
    assert!(trouble.text.starts_with("the broker at 127.0.0.1:1 cannot be reached"), "{}", trouble.text);
}
