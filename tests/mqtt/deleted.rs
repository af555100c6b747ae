//! Somebody deletes in Home Assistant what the bridge has announced.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use heattrax::model::Protocol;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use crate::{
    house::{complete, house, id, identity, settings, topics},
    peer::{Bridge, Peer, broker},
};

fn outlet() -> String {
    topics().announced("tapo_a0b1c2d3e4f5_1")
}

#[tokio::test]
async fn an_announcement_that_somebody_clears_is_told_of_and_comes_back_with_home_assistant_only() {
    for protocol in [Protocol::V5, Protocol::V4] {
        let broker = broker().await;
        let peer = Peer::at(broker.address()).await;
        let mut settings = settings(broker.address().port());
        settings.protocol = protocol;
        let bridge = Bridge::with(settings, identity(), complete());
        peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
        // Past the time in which the broker's replays are heard.
        tokio::time::sleep(Duration::from_millis(2300)).await;
        peer.forget();
        peer.say_retained(&outlet(), "").await;
        let event = peer.wait_for_event("announcement_cleared").await;
        assert_eq!(event["detail"]["topic"], outlet());
        peer.settle().await;
        let said = || peer.seen().into_iter().filter(|it| it.topic == outlet() && !it.payload.is_empty()).count();
        assert_eq!(said(), 0);
        peer.say("homeassistant/status", "online").await;
        peer.wait("the announcement", |it| it.topic == outlet() && !it.payload.is_empty()).await;
        drop(bridge);
    }
}

#[tokio::test]
async fn what_the_bridge_itself_takes_back_is_no_news() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    tokio::time::sleep(Duration::from_millis(2300)).await;
    peer.forget();
    let events = || -> Vec<_> {
        let seen = peer.seen().into_iter().filter(|it| it.topic == "heattrax/bridge/event");
        seen.filter(|it| it.payload.contains("announcement_cleared")).collect()
    };
    let mut without = house();
    without.outlets.remove(&id("driveway", 2));
    let tree = topics().announced("tapo_a0b1c2d3e4f5_2");
    // Gone, and back, and gone again: now and then before the first echo has come.
    for moments in 0..40 {
        bridge.board.send_replace(Arc::new(without.clone()));
        for _ in 0..moments {
            tokio::task::yield_now().await;
        }
        bridge.board.send_replace(Arc::new(house()));
        for _ in 0..moments {
            tokio::task::yield_now().await;
        }
    }
    peer.wait("the tree again", |it| it.topic == tree && !it.payload.is_empty()).await;
    peer.say("homeassistant/status", "online").await;
    peer.wait("the birth", |it| it.topic == outlet() && !it.payload.is_empty()).await;
    peer.settle().await;
    assert_eq!(events(), []);
    let last = peer.seen().into_iter().rfind(|it| it.topic == tree);
    assert!(last.is_some_and(|it| !it.payload.is_empty()));
}

/// A broker that acknowledges at once, and whose messages come when they may.
struct Slow {
    address: SocketAddr,
    holds: watch::Sender<bool>,
    _task: JoinSet<()>,
}

impl Slow {
    async fn before(broker: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (holds, held) = watch::channel(false);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let (near, _) = listener.accept().await.unwrap();
            let (mut from_bridge, to_bridge) = near.into_split();
            let (from_broker, mut to_broker) = TcpStream::connect(broker).await.unwrap().into_split();
            tokio::join!(tokio::io::copy(&mut from_bridge, &mut to_broker), hand_on(from_broker, to_bridge, held)).1
        });
        Self { address, holds, _task: task }
    }
}

/// Packet by packet, those with messages last while they are held.
async fn hand_on(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut held: watch::Receiver<bool>,
) {
    let (packets, mut read) = tokio::sync::mpsc::unbounded_channel();
    let reading = async move {
        while let Ok(kind) = from.read_u8().await {
            let (mut packet, mut length) = (vec![kind], 0);
            for place in 0..4 {
                let byte = from.read_u8().await.unwrap();
                packet.push(byte);
                length |= usize::from(byte & 0x7f) << (7 * place);
                if byte < 0x80 {
                    break;
                }
            }
            let head = packet.len();
            packet.resize(head + length, 0);
            from.read_exact(&mut packet[head..]).await.unwrap();
            packets.send(packet).unwrap();
        }
    };
    let writing = async move {
        let mut later = Vec::<Vec<u8>>::new();
        loop {
            tokio::select! {
                biased;
                Ok(()) = held.changed() => if !*held.borrow_and_update() {
                    for packet in later.drain(..) {
                        to.write_all(&packet).await.unwrap();
                    }
                },
                Some(packet) = read.recv() => {
                    let waits = packet[0] >> 4 == 3 && *held.borrow();
                    if waits { later.push(packet) } else { to.write_all(&packet).await.unwrap() }
                }
                else => return,
            }
        }
    };
    tokio::join!(reading, writing);
}

#[tokio::test]
async fn what_is_taken_back_again_before_the_first_echo_is_no_news_either() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let slow = Slow::before(broker.address()).await;
    let bridge = Bridge::at(slow.address, house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    tokio::time::sleep(Duration::from_millis(2300)).await;
    let mut without = house();
    without.outlets.remove(&id("driveway", 2));
    let tree = topics().announced("tapo_a0b1c2d3e4f5_2");
    slow.holds.send_replace(true);
    for _ in 0..3 {
        peer.forget();
        bridge.board.send_replace(Arc::new(without.clone()));
        peer.wait_for(&tree, "").await;
        bridge.board.send_replace(Arc::new(house()));
        peer.wait("the tree again", |it| it.topic == tree && !it.payload.is_empty()).await;
    }
    peer.forget();
    slow.holds.send_replace(false);
    // A stranger's is one all the same.
    peer.say_retained(&outlet(), "").await;
    let event = peer.wait_for_event("announcement_cleared").await;
    assert_eq!(event["detail"]["topic"], outlet());
    peer.settle().await;
    let events = peer.seen().into_iter().filter(|it| it.payload.contains("announcement_cleared")).count();
    assert_eq!(events, 1);
}
