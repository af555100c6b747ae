//! What an earlier life of the bridge left at the broker.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use crate::{
    house::{complete, empty, house, identity, payload, rendered, settings},
    peer::{Bridge, Peer, broker, retained, topics},
};

const OLD_OUTLET: &str = "homeassistant/device/tapo_a0b1c2d3e4f6_3/config";
const OLD_PLUG: &str = "homeassistant/device/tapo_000000000001/config";
const FOREIGN_PLUG: &str = "homeassistant/device/tapo_000000000002/config";
const OLD_GROUP: &str = "homeassistant/device/heattrax_k7_group_gone/config";
const FOREIGN_BRIDGE: &str = "homeassistant/device/heattrax_k77/config";
const KEPT: &str = "homeassistant/device/tapo_a0b1c2d3e4f5_1/config";

async fn announce_an_earlier_life(peer: &Peer) {
    let of = |base: &str, via: &str| {
        let components = json!({ "1_switch": { "p": "switch" }, "1_old": { "p": "number" } });
        json!({ "dev": { "ids": ["x"], "via_device": via }, "o": { "name": "heattrax" },
            "avty": [{ "t": format!("{base}/bridge/availability") }], "cmps": components })
        .to_string()
    };
    for (topic, base, via) in [
        (OLD_OUTLET, "heattrax", "tapo_a0b1c2d3e4f6"),
        (OLD_PLUG, "elsewhere", "heattrax_k7"),
        (FOREIGN_PLUG, "elsewhere", "heattrax_zz"),
        (OLD_GROUP, "heattrax", "heattrax_k7"),
        (FOREIGN_BRIDGE, "heattrax", ""),
        (KEPT, "heattrax", "tapo_a0b1c2d3e4f5"),
    ] {
        peer.say_retained(topic, &of(base, via)).await;
    }
    peer.settle().await;
    peer.forget();
}

#[tokio::test]
async fn what_an_earlier_life_announced_is_taken_back_once_every_device_is_known() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    announce_an_earlier_life(&peer).await;
    let bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    // The shed has not said what it is yet.
    let cleared = || -> Vec<String> {
        let seen = peer.seen().into_iter();
        let mut cleared: Vec<_> = seen.filter(|it| it.payload.is_empty()).map(|it| it.topic).collect();
        cleared.sort();
        cleared
    };
    assert_eq!(cleared(), Vec::<String>::new());
    peer.forget();
    bridge.board.send_replace(Arc::new(complete()));
    peer.wait_for(OLD_OUTLET, "").await;
    peer.wait_for(OLD_GROUP, "").await;
    peer.wait("the entity's end", |it| it.topic == KEPT && it.json()["cmps"]["1_old"] == json!({ "p": "number" }))
        .await;
    peer.wait("the rest", |it| it.topic == KEPT && it.json()["cmps"].get("1_old").is_none()).await;
    peer.settle().await;
    assert_eq!(cleared(), [OLD_GROUP, OLD_PLUG, OLD_OUTLET]);
    let held = retained(broker.address()).await;
    assert!(topics(&held).contains(&FOREIGN_PLUG));
    assert!(topics(&held).contains(&FOREIGN_BRIDGE));
    // A Home Assistant that was not there meanwhile keeps what it has not seen go: it is told of it once more, and that it is gone.
    peer.forget();
    peer.say("homeassistant/status", "online").await;
    peer.wait("the end of the birth", |it| it.topic == "heattrax/vacation").await;
    let said = |topic: &str| -> Vec<_> { peer.seen().into_iter().filter(|it| it.topic == topic).collect() };
    for topic in [OLD_GROUP, OLD_PLUG, OLD_OUTLET] {
        let said = said(topic);
        assert_eq!(said.len(), 2, "{topic}");
        assert!(said[0].json()["cmps"]["1_old"] == json!({ "p": "number" }) && said[1].payload.is_empty(), "{said:?}");
    }
    let kept = said(KEPT);
    assert!(kept[0].json()["cmps"].as_object().unwrap().len() == 2, "{kept:?}");
    assert!(
        kept[1].json()["cmps"]["1_old"] == json!({ "p": "number" })
            && kept[1].json()["cmps"].as_object().unwrap().len() > 2
    );
    assert!(kept[2].json()["cmps"].get("1_old").is_none() && kept.len() == 3);
    peer.forget();
    peer.say("homeassistant/status", "online").await;
    peer.wait("the end of the birth", |it| it.topic == "heattrax/vacation").await;
    assert!(said(OLD_GROUP).is_empty() && said(KEPT).len() == 1, "once");
}

#[tokio::test]
async fn a_bridge_in_setup_mode_takes_nothing_back() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    announce_an_earlier_life(&peer).await;
    let mut identity = identity();
    identity.setup = vec!["the config is absent".to_owned()];
    let _bridge = Bridge::with(settings(broker.address().port()), identity, empty());
    let info = peer.wait("info", |it| it.topic == "heattrax/bridge/info").await.json();
    assert_eq!(info["setup"]["problems"], json!(["the config is absent"]));
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(peer.seen().iter().all(|it| !it.payload.is_empty()));
}

/// State of what was removed while the bridge was down, and what others keep nearby.
#[tokio::test]
async fn the_state_of_what_is_no_more_is_cleared_and_nothing_of_others() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let earlier = rendered(&complete());
    let state_of = |topic: &str| payload(&earlier, topic);
    let old = [
        ("heattrax/old_plug", state_of("heattrax/porch")),
        ("heattrax/old_plug/availability", "offline".to_owned()),
        ("heattrax/old_plug/last_seen", state_of("heattrax/porch/last_seen")),
        ("heattrax/old_plug/1", state_of("heattrax/porch/1")),
        ("heattrax/old_plug/1/decision", state_of("heattrax/porch/1/decision")),
        ("heattrax/porch/3", state_of("heattrax/porch/2")),
        ("heattrax/group/gone", state_of("heattrax/group/mats")),
        ("heattrax/group/gone/plan", json!({ "made_at": "2026-11-24T12:00:00Z", "windows": [] }).to_string()),
    ];
    let kept = [
        // Of others: neither the name nor the payload is ours.
        ("heattrax/notes", "buy salt".to_owned()),
        // Other programs have such topics too.
        ("heattrax/printer/availability", "online".to_owned()),
        ("heattrax/printer/last_seen", state_of("heattrax/porch/last_seen")),
        ("heattrax/old_plug/2", json!({ "state": "ON" }).to_string()),
        ("heattrax/old_plug/note/1", state_of("heattrax/porch/1")),
        ("heattrax/Old Plug/1", state_of("heattrax/porch/1")),
        ("elsewhere/old_plug/1", state_of("heattrax/porch/1")),
        // A plan of a group that there is: it will be made again.
        ("heattrax/group/mats/plan", json!({ "made_at": "2026-11-24T12:00:00Z", "windows": [] }).to_string()),
    ];
    for (topic, payload) in old.iter().chain(&kept) {
        peer.say_retained(topic, payload).await;
    }
    peer.settle().await;
    let bridge = Bridge::at(broker.address(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let cleared = || -> Vec<String> {
        let mut cleared: Vec<_> =
            peer.seen().into_iter().filter(|it| it.payload.is_empty()).map(|it| it.topic).collect();
        cleared.sort();
        cleared
    };
    // The shed has not said what it is yet.
    assert_eq!(cleared(), Vec::<String>::new());
    bridge.board.send_replace(Arc::new(complete()));
    peer.wait_for("heattrax/porch/3", "").await;
    peer.settle().await;
    let mut expected: Vec<_> = old.iter().map(|it| it.0).collect();
    expected.sort_unstable();
    assert_eq!(cleared(), expected);
    let held = retained(broker.address()).await;
    assert!(kept.iter().all(|it| topics(&held).contains(&it.0)));
}

/// Which topics hold something after a bridge has lived below `attic`, been stopped, and come back below `heattrax`.
async fn after_a_move(availability: Option<&str>) -> (Vec<String>, Vec<String>) {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut attic = settings(broker.address().port());
    attic.base_topic = "attic".to_owned();
    let bridge = Bridge::with(attic, identity(), complete());
    peer.wait("the last topic", |it| it.topic == "attic/vacation").await;
    bridge.stop.cancel();
    bridge.task.await.unwrap();
    for (topic, payload) in [("attic/notes", "buy salt"), ("attic/box/1", "{}"), ("cellar/vacation", "OFF")] {
        peer.say_retained(topic, payload).await;
    }
    if let Some(availability) = availability {
        peer.say_retained("attic/bridge/availability", availability).await;
    }
    peer.settle().await;
    let before = retained(broker.address()).await.into_iter().map(|it| it.topic).collect();
    let _bridge = Bridge::at(broker.address(), complete());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    // The broker is listened to for two seconds.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    peer.settle().await;
    (before, retained(broker.address()).await.into_iter().map(|it| it.topic).collect())
}

fn below(base: &str, topics: &[String]) -> Vec<String> {
    let mut below: Vec<String> = topics.iter().filter(|it| it.starts_with(base)).cloned().collect();
    below.sort();
    below
}

#[tokio::test]
async fn what_was_left_below_another_base_topic_is_cleared() {
    let (before, after) = after_a_move(None).await;
    assert!(below("attic/", &before).len() > 20, "{before:?}");
    assert_eq!(below("attic/", &after), ["attic/box/1", "attic/notes"]);
    assert_eq!(below("cellar/", &after), ["cellar/vacation"]);
    assert_eq!(below("heattrax/", &after).len(), below("attic/", &before).len() - 2);
}

/// Another bridge has moved in.
#[tokio::test]
async fn where_somebody_lives_nothing_is_cleared() {
    let (before, after) = after_a_move(Some("online")).await;
    assert_eq!(below("attic/", &after), below("attic/", &before));
}
