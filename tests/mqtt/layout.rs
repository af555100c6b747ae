//! A house whose devices say one after the other what they are.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use heattrax::{
    model::{Group, House, Switch},
    mqtt::parts::{Entries, Truth},
};

use crate::{
    house::{device, empty, housing, id, outbound, outlet, owed, rendered, report, slug, topics},
    peer::{Bridge, Peer, broker},
};

fn name(number: usize) -> String {
    format!("Plug {number}")
}

fn identify(house: &mut House, number: usize) {
    let mac = format!("A0:B1:C2:D3:{:02X}:{:02X}", number / 256, number % 256);
    let device = device(&name(number), Some(housing("P210M", &mac, true, 2)));
    for slot in 1..=2 {
        let id = id(device.slug.as_str(), slot);
        let group = (slot == 1).then_some("mats");
        let it = outlet(id.clone(), &format!("Mat {number}.{slot}"), group, Some(report(slot, Switch::Off, None)));
        house.outlets.insert(id, Arc::new(it));
    }
    house.devices.insert(device.slug.clone(), Arc::new(device));
}

/// Devices with two outlets each, of which none has answered yet.
fn silent(number: usize) -> House {
    let mut house = empty();
    for number in 0..number {
        let device = device(&name(number), None);
        house.devices.insert(device.slug.clone(), Arc::new(device));
    }
    let outlets = (0..number).map(|number| id(device(&name(number), None).slug.as_str(), 1)).collect();
    let mats = Group { slug: slug("mats"), name: "Mats".to_owned(), outlets, schedules: [].into(), lead: None };
    house.groups = [(slug("mats"), Arc::new(mats))].into();
    house
}

/// What is held after each topic's last word.
fn held(truth: &mut Truth) -> Entries {
    truth.owe_everything();
    let topics: Vec<_> = owed(truth).into_iter().map(|it| it.0).collect();
    topics.into_iter().map(|topic| (topic.clone(), truth.held(&topic).unwrap().clone())).collect()
}

#[test]
fn a_device_that_says_what_it_is_costs_no_more_in_a_large_house() {
    const DEVICES: usize = 150;
    let mut house = silent(DEVICES);
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    outbound.look(&Arc::new(house.clone()), &mut truth);
    let mut spent = Duration::ZERO;
    for number in 0..DEVICES {
        identify(&mut house, number);
        let picture = Arc::new(house.clone());
        let began = Instant::now();
        outbound.look(&picture, &mut truth);
        spent += began.elapsed();
    }
    // The slowest of three, for the machine may be busy with something else in one or the other.
    let once = (0..3).map(|_| {
        let began = Instant::now();
        rendered(&house);
        began.elapsed()
    });
    let once = once.max().unwrap();
    assert!(spent < 15 * once, "{spent:?} one by one, {once:?} at once");
}

#[test]
fn a_new_device_is_announced_before_its_state_and_nothing_else_is_announced_again() {
    let mut house = silent(3);
    identify(&mut house, 0);
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    outbound.look(&Arc::new(house.clone()), &mut truth);
    owed(&mut truth);
    identify(&mut house, 1);
    outbound.look(&Arc::new(house), &mut truth);
    let said: Vec<_> = owed(&mut truth).into_iter().map(|it| it.0).collect();
    let announced: Vec<_> = said.iter().filter(|it| it.starts_with("homeassistant/")).collect();
    let expected = ["tapo_a0b1c2d30001", "tapo_a0b1c2d30001_1", "tapo_a0b1c2d30001_2"].map(|it| topics().announced(it));
    assert_eq!(announced, expected.iter().collect::<Vec<_>>());
    let place = |topic: &str| said.iter().position(|it| it == topic).unwrap_or_else(|| panic!("{topic}"));
    assert!(place(&expected[2]) < place("heattrax/plug_1/availability"));
    assert!(place("heattrax/plug_1/availability") < place("heattrax/plug_1/1"));
}

#[test]
fn step_by_step_comes_to_the_same_as_at_once() {
    let mut house = silent(4);
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    outbound.look(&Arc::new(house.clone()), &mut truth);
    for number in 0..4 {
        identify(&mut house, number);
        outbound.look(&Arc::new(house.clone()), &mut truth);
    }
    let mut renamed = (*house.groups[&slug("mats")]).clone();
    renamed.name = "All mats".to_owned();
    house.groups.insert(slug("mats"), Arc::new(renamed));
    outbound.look(&Arc::new(house.clone()), &mut truth);
    assert!(outbound.has_new_inventory());
    outbound.write_inventory(&Arc::new(house.clone()), &mut truth);
    assert!(!outbound.has_new_inventory());
    assert_eq!(held(&mut truth), held(&mut rendered(&house)));
}

#[test]
fn what_is_gone_is_taken_back_unless_another_entry_has_it_now() {
    let mut house = silent(3);
    (0..3).for_each(|number| identify(&mut house, number));
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    outbound.look(&Arc::new(house.clone()), &mut truth);
    // The plug of the last entry is now found behind the second one, whose own is gone.
    let moved = house.devices[&slug("plug_2")].housing.clone();
    for gone in ["plug_1", "plug_2"] {
        house.devices.remove(&slug(gone));
        house.outlets.retain(|id, _| id.device != slug(gone));
    }
    let device = device("Plug 1", moved);
    house.devices.insert(device.slug.clone(), Arc::new(device));
    outbound.look(&Arc::new(house), &mut truth);
    let is_held = |unique: &str| !truth.held(&topics().announced(unique)).unwrap().payload.is_empty();
    assert!(is_held("tapo_a0b1c2d30000_1"));
    assert!(!is_held("tapo_a0b1c2d30001"));
    assert!(is_held("tapo_a0b1c2d30002"));
    assert!(!is_held("tapo_a0b1c2d30002_1"));
}

#[test]
fn the_inventory_is_written_once_for_many_changes() {
    let mut house = silent(3);
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    outbound.look(&Arc::new(house.clone()), &mut truth);
    owed(&mut truth);
    let inventory = topics().bridge_devices();
    for number in 0..3 {
        identify(&mut house, number);
        outbound.look(&Arc::new(house.clone()), &mut truth);
        assert!(owed(&mut truth).iter().all(|(topic, _)| *topic != inventory));
    }
    outbound.write_inventory(&Arc::new(house), &mut truth);
    let said = owed(&mut truth);
    let [(_, written)] = &said.iter().filter(|it| it.0 == inventory).collect::<Vec<_>>()[..] else {
        panic!("{said:#?}");
    };
    assert_eq!(written.matches("P210M").count(), 3);
}

#[tokio::test]
async fn the_inventory_follows_a_new_device_within_a_moment() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let bridge = Bridge::at(broker.address(), silent(2));
    peer.wait("the last topic", |it| it.topic == "heattrax/vacation").await;
    let mut house = silent(2);
    let changed = Instant::now();
    for number in 0..2 {
        identify(&mut house, number);
        bridge.board.send_replace(Arc::new(house.clone()));
    }
    peer.wait("the inventory", |it| it.topic == "heattrax/bridge/devices" && it.payload.matches("P210M").count() == 2)
        .await;
    assert!(changed.elapsed() < Duration::from_secs(1), "{:?}", changed.elapsed());
}
