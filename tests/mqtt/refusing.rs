//! Brokers that do not allow everything, and other programs with our name: said once, in words, with the topic.

use std::time::Duration;

use heattrax::model::{Event, Notice, NoticeKind, Protocol, TroubleKind};
use tokio::sync::broadcast::Receiver;

use crate::{
    byhand::{ByHand, CONNECT, PUBLISH, SUBSCRIBE},
    house::{house, identity, settings},
    peer::Bridge,
};

type Notices = Receiver<std::sync::Arc<Notice>>;

async fn told(notices: &mut Notices) -> Notice {
    let told = tokio::time::timeout(Duration::from_secs(15), async {
        loop {
            let notice = notices.recv().await.unwrap();
            if notice.kind == NoticeKind::BrokerRefused {
                return Notice::clone(&notice);
            }
        }
    });
    told.await.expect("it is told")
}

fn is_last_of(connection: usize) -> impl Fn(&crate::byhand::Got) -> bool {
    move |it| it.connection == connection && it.kind() == PUBLISH && it.topic() == "heattrax/vacation"
}

const FORBIDDEN: &str = "heattrax/driveway/1";

#[tokio::test]
async fn a_topic_that_we_may_not_publish_on_is_told_once_by_its_name() {
    // The first connection ends after the last topic, so that everything is refused a second time.
    let mut broker = ByHand::start(|got| {
        let forbids = |topic: &str| topic == FORBIDDEN || topic == "heattrax/vacation";
        let answer = got.judge(|topic| if forbids(topic) { 0x87 } else { 0 }, |_| 1);
        (!is_last_of(0)(got)).then_some(answer)
    })
    .await;
    let bridge = Bridge::at(broker.address, house());
    let mut notices = bridge.handle.listen();
    let notice = told(&mut notices).await;
    assert!(notice.message.contains(&format!("to publish on {FORBIDDEN} (NotAuthorized)")), "{}", notice.message);
    broker.wait("the second connection", is_last_of(1)).await;
    // The next word is about the last topic: none about the first in between.
    let notice = told(&mut notices).await;
    assert!(notice.message.contains("heattrax/vacation"), "{}", notice.message);
}

#[tokio::test]
async fn a_filter_that_we_may_not_subscribe_to_is_told_by_its_name_in_both_protocols() {
    for (protocol, code) in [(Protocol::V5, 0x87), (Protocol::V4, 0x80)] {
        let broker = ByHand::start(move |got| {
            Some(got.judge(|_| 0, |filter| if filter == "homeassistant/status" { code } else { 1 }))
        })
        .await;
        let mut settings = settings(broker.address.port());
        settings.protocol = protocol;
        let bridge = Bridge::with(settings, identity(), house());
        let notice = told(&mut bridge.handle.listen()).await;
        assert!(notice.message.contains("to subscribe to homeassistant/status ("), "{}", notice.message);
    }
}

#[tokio::test]
async fn what_is_too_large_for_the_broker_is_left_out_by_name_and_the_connection_holds() {
    // CONNACK with Maximum Packet Size 1,000 (property 0x27).
    let mut broker = ByHand::start(|got| match got.kind() {
        CONNECT => Some(vec![0x20, 8, 0, 0, 5, 0x27, 0, 0, 0x03, 0xE8]),
        _ => Some(got.welcome()),
    })
    .await;
    let bridge = Bridge::at(broker.address, house());
    let mut notices = bridge.handle.listen();
    let notice = told(&mut notices).await;
    assert!(notice.message.contains("takes packets of at most 1000"), "{}", notice.message);
    assert!(notice.message.contains("homeassistant/device/"), "{}", notice.message);
    let last =
        broker.wait("what is small enough", |it| it.kind() == PUBLISH && it.topic() == "heattrax/vacation").await;
    assert_eq!(last.connection, 0);
}

/// A PUBLISH to MQTT 5 with QoS 0, a response topic (property 0x08) and correlation data (0x09).
fn asked(topic: &str, answer_to: &str, mark: &[u8]) -> Vec<u8> {
    let prefixed = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
    let varied = |length: usize| [u8::try_from(length % 128).unwrap() | 0x80, u8::try_from(length / 128).unwrap()];
    let properties = [&[0x08][..], &prefixed(answer_to.as_bytes()), &[0x09], &prefixed(mark)].concat();
    let body = [&prefixed(topic.as_bytes())[..], &varied(properties.len()), &properties, b"{}"].concat();
    [&[0x30][..], &varied(body.len()), &body].concat()
}

#[tokio::test]
async fn a_mark_that_is_too_large_for_the_broker_to_take_back_ends_no_connection() {
    // CONNACK with Maximum Packet Size 1,000, which binds us alone.
    let mut broker = ByHand::start(|got| match got.kind() {
        CONNECT => Some(vec![0x20, 8, 0, 0, 5, 0x27, 0, 0, 0x03, 0xE8]),
        SUBSCRIBE => {
            let asked = asked("heattrax/bridge/request/health_check", "my/answers", &[7; 950]);
            Some([got.welcome(), asked].concat())
        }
        _ => Some(got.welcome()),
    })
    .await;
    let bridge = Bridge::at(broker.address, house());
    let mut notices = bridge.handle.listen();
    while !told(&mut notices).await.message.contains("my/answers") {}
    let last = broker.wait("the rest", |it| it.kind() == PUBLISH && it.topic() == "heattrax/vacation").await;
    assert_eq!(last.connection, 0);
}

#[tokio::test]
async fn another_program_with_our_id_is_recognised_at_once_where_the_broker_says_so() {
    // DISCONNECT, session taken over.
    let broker = ByHand::start(|got| match got.kind() {
        PUBLISH => Some(vec![0xE0, 2, 0x8E, 0]),
        _ => Some(got.welcome()),
    })
    .await;
    let mut bridge = Bridge::at(broker.address, house());
    match bridge.event(|it| matches!(it, Event::BrokerLost { .. })).await {
        Event::BrokerLost { trouble } => {
            assert_eq!(trouble.kind, TroubleKind::NeedsPerson);
            assert!(trouble.text.contains("another program with our client id `heattrax-test`"), "{}", trouble.text);
        }
        other => panic!("{other:?}"),
    }
}
