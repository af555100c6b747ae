//! What is published again by and by, what is held back, and a password that changes in its file.

use std::{sync::Arc, time::Duration};

use heattrax::{
    model::Secret,
    mqtt::parts::{Truth, is_close},
};
use serde_json::json;

use crate::{
    byhand::{ByHand, CONNECT},
    house::{change, house, id, identity, outbound, owed, settings},
    peer::{Bridge, Peer, broker},
};

#[tokio::test]
async fn a_password_that_changes_in_its_file_is_used_at_the_next_connection() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mqtt-password");
    std::fs::write(&file, "before\n").unwrap();
    // Refuses the login (bad user name or password).
    let mut broker = ByHand::start(|_| Some(vec![0x20, 3, 0, 0x86, 0])).await;
    let mut settings = settings(broker.address.port());
    settings.username = Some("bridge".to_owned());
    settings.password = Some(Secret::new("at the start"));
    settings.password_file = Some(file.clone());
    let _bridge = Bridge::with(settings, identity(), house());
    let first = broker.wait("a login", |it| it.kind() == CONNECT).await;
    assert!(first.body.ends_with(b"\x00\x06before"), "{first:?}");
    std::fs::write(&file, "after\n").unwrap();
    broker.wait("the new password", |it| it.kind() == CONNECT && it.body.ends_with(b"\x00\x05after")).await;
    // A file that is gone for a moment leaves the password that is known: the one of the start.
    std::fs::remove_file(&file).unwrap();
    broker.wait("the known one", |it| it.kind() == CONNECT && it.body.ends_with(b"\x00\x0cat the start")).await;
}

#[tokio::test]
async fn all_state_is_published_again_by_and_by() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut settings = settings(broker.address().port());
    settings.republish = Some(Duration::from_millis(800));
    let _bridge = Bridge::with(settings, identity(), house());
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    // Somebody else has overwritten what the bridge said.
    peer.say_retained("heattrax/driveway/1", "nonsense").await;
    peer.wait_for("heattrax/driveway/1", "nonsense").await;
    peer.forget();
    peer.wait("the truth", |it| it.topic == "heattrax/driveway/1" && it.payload.starts_with('{')).await;
    peer.wait("the rest", |it| it.topic == "heattrax/vacation").await;
    // What Home Assistant is told about a device is long, and it asks for that itself when it starts.
    assert!(!peer.seen().iter().any(|it| it.topic.starts_with("homeassistant/")));
}

/// A figure that moves at each look would take all the others along.
#[test]
fn a_heater_that_draws_power_says_so_once() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let mut house = house();
    let mut look = |kwh: f64| {
        change(&mut house, &id("driveway", 1), |it| {
            let energy = it.reported.as_mut().unwrap().energy.as_mut().unwrap();
            (energy.today, energy.month) = (Some(1.92 + kwh), Some(40.0 + kwh));
            it.energy_total = Some(418.337 + kwh);
        });
        outbound.look(&Arc::new(house.clone()), &mut truth);
        owed(&mut truth).len()
    };
    assert!(look(0.0) > 0);
    assert_eq!((look(0.003), look(0.006)), (0, 0));
    assert_eq!(look(0.011), 1);
}

#[test]
fn a_figure_that_trembles_is_no_news_and_anything_else_is() {
    let before = json!({"state": "ON", "power": 1500.0, "voltage": 120.0, "current": 0.5, "safety": {"run_min": 3}});
    for (field, value, close) in [
        ("power", json!(1529.0), true),
        ("power", json!(1531.0), false),
        ("power", json!(0.0), false),
        ("power", json!(null), false),
        ("voltage", json!(120.9), true),
        ("voltage", json!(121.0), false),
        ("current", json!(0.519), true),
        ("current", json!(0.521), false),
        ("safety", json!({"run_min": 7}), true),
        ("safety", json!({"run_min": 8}), false),
        ("safety", json!({"run_min": 0}), false),
        ("state", json!("OFF"), false),
        ("another", json!(1), false),
    ] {
        let mut now = before.clone();
        now[field] = value.clone();
        assert_eq!(is_close(&before, &now), close, "{field} {value}");
    }
    // What trembles goes along with what is news.
    let mut both = before.clone();
    (both["state"], both["power"]) = (json!("OFF"), json!(1499.9));
    assert!(!is_close(&before, &both));
}
