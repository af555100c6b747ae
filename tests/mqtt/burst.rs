//! More commands at once than anybody gives by hand: none is lost, or it is said so.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use heattrax::{
    hub::{Clock, Handle},
    model::{Command, Event, NoticeKind},
    mqtt::parts::{Complaints, Inbox, Message, Payload, Reply, Slot, Weight, inbox},
};
use tokio::{
    sync::{Notify, broadcast::error::TryRecvError},
    time::Instant,
};

use crate::{
    house::{empty, house, now},
    peer::{Bridge, PATIENCE, Peer, SET, broker},
};

/// What the hub's queue holds.
const HUB: usize = 1024;

fn numbered(number: usize) -> String {
    format!(r#"{{"state":"OFF","transaction":"{number}"}}"#)
}

async fn filled(bridge: &Bridge) {
    let full = async {
        while bridge.events.len() < HUB {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, full).await.expect("the hub's queue fills");
}

#[tokio::test]
async fn two_thousand_commands_at_once_reach_a_hub_that_is_slow_for_a_moment() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    for number in 0..2000 {
        peer.say(SET, numbered(number)).await;
    }
    filled(&bridge).await;
    // Its queue is full and stays so for a moment. It may take 200 ms, which pass in no time where others have the machine.
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(50)).await;
    for expected in 0..2000 {
        if expected == HUB / 2 {
            tokio::time::resume();
        }
        match bridge.event(|it| matches!(it, Event::Commanded(_))).await {
            Event::Commanded(Command { transaction, .. }) => assert_eq!(transaction, Some(expected.to_string())),
            other => panic!("{other:?}"),
        }
    }
    peer.settle().await;
    assert!(!peer.seen().iter().any(|it| it.topic == "heattrax/bridge/event"));
}

#[tokio::test]
async fn each_command_that_a_hanging_hub_cannot_take_is_refused_with_its_mark() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    // The first event in the hub's queue is the broker's.
    let taken = HUB - 1;
    let total = taken + 600;
    for number in 0..total {
        peer.say(SET, numbered(number)).await;
    }
    let last = format!("\"transaction\":\"{}\"", total - 1);
    peer.wait("the last refusal", |it| it.topic == "heattrax/bridge/event" && it.payload.contains(&last)).await;
    let events = peer.seen().into_iter().filter(|it| it.topic == "heattrax/bridge/event").map(|it| it.json());
    let marks: BTreeSet<usize> = events
        .filter(|event| event["event_type"] == "refused")
        .map(|event| event["detail"]["transaction"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(marks, (taken..total).collect());
    assert_eq!(bridge.events.len(), HUB);
}

#[tokio::test]
async fn who_tries_again_after_a_busy_hub_is_followed() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    (0..HUB - 1).for_each(|_| bridge.handle.try_send(Event::DeadlinePassed).unwrap());
    const ON: &str = r#"{"state":"ON","transaction":"again"}"#;
    peer.say(SET, ON).await;
    peer.wait_for_event("refused").await;
    while bridge.events.try_recv().is_ok() {}
    peer.say(SET, ON).await;
    bridge.event(|it| matches!(it, Event::Commanded(_))).await;
}

fn message(payload: Vec<u8>) -> Message {
    Message { topic: SET.to_owned(), payload: Payload::Bytes(payload), retain: false, reply: None }
}

fn put(slot: &Slot, number: usize, weight: Weight) {
    (0..number).for_each(|_| slot.put(message(b"OFF".to_vec()), weight));
}

fn taken(inbox: &mut Inbox) -> usize {
    std::iter::from_fn(|| inbox.waiting()).count()
}

#[tokio::test]
async fn thousands_of_commands_may_wait_and_those_beyond_are_counted() {
    let wake = Arc::new(Notify::new());
    let (slot, mut inbox) = inbox(wake.clone());
    put(&slot, 2000, Weight::Command);
    assert_eq!(inbox.missed(), 0);
    put(&slot, 3000, Weight::Command);
    assert_eq!(taken(&mut inbox), 4096);
    // The reader is woken for the count alone, and hears it once.
    wake.notified().await;
    assert_eq!((inbox.missed(), inbox.missed()), (904, 0));
    put(&slot, 1, Weight::Command);
    assert_eq!((taken(&mut inbox), inbox.missed()), (1, 0));
}

#[test]
fn replays_leave_half_of_the_room_to_commands() {
    let (slot, mut inbox) = inbox(Arc::default());
    put(&slot, 10_000, Weight::Replay);
    put(&slot, 2000, Weight::Command);
    assert_eq!(inbox.missed(), 0);
    assert!((4000..=4096).contains(&taken(&mut inbox)));
}

#[test]
fn long_messages_cannot_fill_the_memory() {
    let (slot, mut inbox) = inbox(Arc::default());
    let reply = Some(Reply { topic: "x".repeat(40_000), correlation: Some(vec![0; 20_000]) });
    for _ in 0..1000 {
        slot.put(Message { reply: reply.clone(), ..message(vec![b'x'; 60_000]) }, Weight::Command);
    }
    let missed = usize::try_from(inbox.missed()).unwrap();
    assert!(missed >= 1000 - 16 * 1024 * 1024 / 120_000, "{missed}");
    // Room that was taken is given back.
    assert_eq!(taken(&mut inbox), 1000 - missed);
    put(&slot, 4096, Weight::Command);
    assert_eq!((taken(&mut inbox), inbox.missed()), (4096, 0));
}

#[tokio::test(start_paused = true)]
async fn commands_that_found_no_room_are_told_at_once_and_then_counted_again_each_second() {
    let (handle, _events, _board) = Handle::detached(empty(), Clock::driven(now(), 1.0));
    let mut heard = handle.listen();
    let mut complaints = Complaints::new(handle);
    complaints.missed(0);
    assert!(matches!(heard.try_recv(), Err(TryRecvError::Empty)));
    complaints.missed(3);
    let notice = heard.try_recv().unwrap();
    assert_eq!(notice.kind, NoticeKind::Refused);
    assert_eq!(notice.message, "commands arrive faster than they can be read: 3 were not read");
    assert_eq!(notice.detail, [("count", "3".to_owned())]);
    complaints.missed(5);
    complaints.missed(2);
    complaints.time_passed(Instant::now());
    assert!(matches!(heard.try_recv(), Err(TryRecvError::Empty)));
    tokio::time::sleep_until(complaints.due().unwrap()).await;
    complaints.time_passed(Instant::now());
    assert_eq!(heard.try_recv().unwrap().detail, [("count", "7".to_owned())]);
    assert_eq!(complaints.due(), None);
}
