//! Brokers that are there and do not answer, or not in time. The clock is turned: nothing here waits for real.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use heattrax::model::{Event, House, MqttSettings, Protocol};

use crate::{
    byhand::{ByHand, CONNECT, Got, PUBLISH, SUBSCRIBE},
    house::{house, identity, settings},
    peer::{Bridge, SET},
};

const PINGREQ: u8 = 12;
const DISCONNECT: u8 = 14;

/// It asks whether the broker is there every five seconds.
fn hasty(port: u16) -> MqttSettings {
    MqttSettings { keep_alive: Duration::from_secs(5), ..settings(port) }
}

/// A PUBLISH to MQTT 5 with QoS 0.
fn said(topic: &str, payload: &str) -> Vec<u8> {
    let length = u8::try_from(2 + topic.len() + 1 + payload.len()).unwrap();
    let head = [0x30, length, 0, u8::try_from(topic.len()).unwrap()];
    [&head[..], topic.as_bytes(), &[0], payload.as_bytes()].concat()
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_never_accepts_is_given_up_and_tried_again() {
    // Both protocols of the first attempt are left without a word.
    let mut broker = ByHand::start(|got| if got.connection < 2 { Some(Vec::new()) } else { Some(got.welcome()) }).await;
    let mut bridge = Bridge::with(hasty(broker.address.port()), identity(), house());
    let lost = bridge.event(|it| matches!(it, Event::BrokerLost { .. })).await;
    let Event::BrokerLost { trouble } = lost else { panic!("{lost:?}") };
    assert!(trouble.text.contains("did not answer in time"), "{}", trouble.text);
    bridge.connected().await;
    let levels: Vec<u8> = std::iter::from_fn(|| broker.got.try_recv().ok())
        .filter(|it| it.kind() == CONNECT)
        .map(|it| it.level)
        .collect();
    assert_eq!(levels, [5, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_falls_silent_is_noticed_by_its_missing_answers() {
    for protocol in [Protocol::V5, Protocol::V4] {
        let mut broker = ByHand::start(|got| {
            Some(if got.kind() == PINGREQ && got.connection == 0 { Vec::new() } else { got.welcome() })
        })
        .await;
        let mut settings = hasty(broker.address.port());
        settings.protocol = protocol;
        let mut bridge = Bridge::with(settings, identity(), house());
        bridge.connected().await;
        bridge.event(|it| matches!(it, Event::BrokerLost { .. })).await;
        bridge.connected().await;
        broker.wait("all of it again", |it| it.connection == 1 && is_last(it)).await;
    }
}

fn is_last(got: &Got) -> bool {
    got.kind() == PUBLISH && got.topic() == "heattrax/vacation"
}

/// A broker that only knew MQTT 3.1.1 has been renewed.
#[tokio::test(start_paused = true)]
async fn mqtt_5_is_tried_again_at_the_next_connection() {
    let mut broker = ByHand::start(|got| match (got.connection, got.kind()) {
        (0, CONNECT) => Some(vec![0x20, 2, 0, 1]),
        // It is restarted.
        (1, PINGREQ) => None,
        _ => Some(got.welcome()),
    })
    .await;
    let mut bridge = Bridge::with(hasty(broker.address.port()), identity(), house());
    for _ in 0..2 {
        bridge.connected().await;
    }
    let mut levels = Vec::new();
    while levels.len() < 3 {
        levels.push(broker.wait("a connection", |it| it.kind() == CONNECT).await.level);
    }
    assert_eq!(levels, [5, 4, 5]);
}

/// A broker may say how often it wants to hear from its clients: 0 for "as you like" (CONNACK with Server Keep Alive, property 0x13).
#[tokio::test(start_paused = true)]
async fn a_broker_that_does_not_care_when_it_hears_from_us_is_not_asked_all_the_time() {
    let mut broker = ByHand::start(|got| match got.kind() {
        CONNECT => Some(vec![0x20, 6, 0, 0, 3, 0x13, 0, 0]),
        _ => Some(got.welcome()),
    })
    .await;
    let mut bridge = Bridge::with(hasty(broker.address.port()), identity(), house());
    bridge.connected().await;
    broker.wait("the first question", |it| it.kind() == PINGREQ).await;
    let began = tokio::time::Instant::now();
    for _ in 0..3 {
        let asked = broker.wait("the next one", |it| it.kind() == PINGREQ).await;
        assert_eq!(asked.connection, 0);
    }
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(14_900), "{took:?}");
    while let Ok(event) = bridge.events.try_recv() {
        assert!(!matches!(event, Event::BrokerLost { .. }), "{event:?}");
    }
}

/// Publishes are not acknowledged for a while. What is said meanwhile waits where newer words replace older ones, and commands are
/// heard all the time.
#[tokio::test(start_paused = true)]
async fn a_broker_that_cannot_keep_up_gets_the_latest_and_is_heard_meanwhile() {
    let recovered = Arc::new(AtomicBool::new(false));
    let (held_back, is_well) = (Arc::new(std::sync::Mutex::new(Vec::<u8>::new())), recovered.clone());
    let broker = ByHand::start(move |got| {
        let mut held_back = held_back.lock().unwrap();
        let (is_well, welcome) = (is_well.load(Ordering::SeqCst), got.welcome());
        match got.kind() {
            PUBLISH if !is_well => {
                held_back.extend(welcome);
                Some(Vec::new())
            }
            PINGREQ if is_well => Some([welcome, std::mem::take(&mut held_back)].concat()),
            PINGREQ => Some([welcome, said(SET, "ON")].concat()),
            _ => Some(welcome),
        }
    });
    let mut broker = broker.await;
    let mut bridge = Bridge::with(hasty(broker.address.port()), identity(), house());
    bridge.connected().await;
    broker.wait("the subscription", |it| it.kind() == SUBSCRIBE).await;
    for turn in 1..=200 {
        bridge.board.send_replace(Arc::new(House { vacation: turn % 2 == 0, ..house() }));
        tokio::task::yield_now().await;
    }
    bridge.event(|it| matches!(it, Event::Commanded(_))).await;
    let sent: Vec<Got> = std::iter::from_fn(|| broker.got.try_recv().ok()).filter(|it| it.kind() == PUBLISH).collect();
    assert!((1..=50).contains(&sent.len()), "{} are under way without an answer", sent.len());
    recovered.store(true, Ordering::SeqCst);
    let is_newest = |got: &Got| is_last(got) && got.body.ends_with(b"ON");
    if !sent.iter().rfind(|it| is_last(it)).is_some_and(is_newest) {
        broker.wait("the newest word", is_newest).await;
    }
    // And the rest, which had to wait.
    bridge.board.send_replace(Arc::new(House { vacation: false, ..house() }));
    broker.wait("what is new", |it| is_last(it) && it.body.ends_with(b"OFF")).await;
    assert!(!bridge.task.is_finished());
}

/// Who closes the socket first, over bytes that it has not read, may lose the goodbye: the broker would publish the will.
#[tokio::test(start_paused = true)]
async fn a_goodbye_waits_until_the_broker_hangs_up_and_not_for_long() {
    for (protocol, hangs_up) in
        [(Protocol::V5, true), (Protocol::V4, true), (Protocol::V5, false), (Protocol::V4, false)]
    {
        let mut broker = ByHand::start(move |got| (got.kind() != DISCONNECT || !hangs_up).then(|| got.welcome())).await;
        let mut settings = hasty(broker.address.port());
        settings.protocol = protocol;
        let bridge = Bridge::with(settings, identity(), house());
        broker.wait("everything", is_last).await;
        let began = tokio::time::Instant::now();
        bridge.stop.cancel();
        bridge.task.await.unwrap();
        let took = began.elapsed();
        assert_eq!(took < Duration::from_millis(400), hangs_up, "{protocol:?}: {took:?}");
        assert!(took < Duration::from_millis(1500), "{protocol:?}: {took:?}");
    }
}
