//! Somebody deletes in Home Assistant what the bridge has announced.

use std::{sync::Arc, time::Duration};

use heattrax::model::Protocol;

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
    // Gone, and back: now and then before the echo has come.
    for moments in 0..40 {
        peer.forget();
        bridge.board.send_replace(Arc::new(without.clone()));
        for _ in 0..moments {
            tokio::task::yield_now().await;
        }
        bridge.board.send_replace(Arc::new(house()));
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(events(), []);
    }
    peer.wait("the tree again", |it| it.topic == tree && !it.payload.is_empty()).await;
    peer.say("homeassistant/status", "online").await;
    peer.wait("the birth", |it| it.topic == outlet() && !it.payload.is_empty()).await;
    peer.settle().await;
    assert_eq!(events(), []);
}
