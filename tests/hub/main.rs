//! The one loop, with the clock in hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use heattrax::{
    config,
    control::Controller,
    hub::{Clock, Handle, Hub},
    model::{
        Cause, Command, Event, Housing, Lasting, Memory, Orders, Origin, OutletId, Report, Slug, Socket, Switch,
        Target, Verb,
    },
};
use jiff::Timestamp;
use tokio::{sync::watch, task::JoinHandle, time::Instant};

const HOUSE: &str = r#"
location: { latitude: 40.7, longitude: -74.0, timezone: America/New_York }
safety: { max_runtime_hours: 6, cooldown_minutes: 30 }
weather_api: { enabled: false }
mqtt: { host: localhost }
devices:
  credentials: { username: me@example.com, password: secret }
  groups:
    porch:
      items: [ { name: Porch, ip_address: 192.0.2.1 } ]
      schedules:
        - { name: Noon, "on": { type: time, value: "12:00" }, "off": { type: time, value: "13:00" } }
"#;

struct Loop {
    handle: Handle,
    orders: watch::Receiver<Arc<Orders>>,
    clock: Clock,
    task: JoinHandle<()>,
}

/// A hub whose clock shows 11:30 in New York and moves with the runtime's.
async fn hub() -> Loop {
    let settings = config::parse("house.yaml", HOUSE, &BTreeMap::new(), &<_>::default()).unwrap();
    let clock = Clock::driven("2026-01-10T16:30:00Z".parse().unwrap(), 1.0);
    let controller = Controller::new(settings.control, &Memory::default(), clock.now());
    let (hub, handle) = Hub::new(controller, clock.clone());
    let orders = hub.orders(&porch()).unwrap();
    let task = tokio::spawn(hub.run());
    let mut it = Loop { handle, orders, clock, task };
    it.handle.send(identified()).await.unwrap();
    it.report(Switch::Off).await;
    it.seen(Switch::Off).await;
    it.orders.borrow_and_update();
    it
}

impl Loop {
    async fn report(&self, switch: Switch) {
        let report = Report {
            slot: 1,
            switch,
            on_time: None,
            energy: None,
            fault: None,
            timer: None,
            cause: Cause::Switched,
            answers: self.orders.borrow().commanded,
        };
        self.handle.send(Event::DeviceReported { device: porch(), reports: vec![report], rssi: None }).await.unwrap();
    }

    async fn seen(&mut self, switch: Switch) {
        let outlet = OutletId::new(porch(), 1);
        let seen = |house: &Arc<heattrax::model::House>| house.outlets.get(&outlet).and_then(|it| it.switch());
        self.handle.house.wait_for(|house| seen(house) == Some(switch)).await.unwrap();
    }
}

fn porch() -> Slug {
    "porch".parse().unwrap()
}

fn identified() -> Event {
    let socket = Socket { slot: 1, label: String::new(), meters_energy: false, meters_voltage: false };
    let housing = Housing {
        model: "EP40M".to_owned(),
        firmware: "1".to_owned(),
        hardware: "1".to_owned(),
        mac: "A0:B1:C2:D3:E4:F5".parse().unwrap(),
        device_id: "8022".to_owned(),
        address: "192.0.2.1".to_owned(),
        rssi: None,
        protocol: None,
        led: None,
        sockets: vec![socket],
    };
    Event::DeviceIdentified { device: porch(), housing: Arc::new(housing) }
}

fn turn(switch: Switch) -> Event {
    let target = Target::Outlet(OutletId::new(porch(), 1));
    Event::Commanded(Command::new(target, Verb::Set(switch, Lasting::Default), Origin::Mqtt))
}

#[tokio::test(start_paused = true)]
async fn a_window_opens_on_the_second_although_nothing_happens() {
    let mut house = hub().await;
    house.orders.wait_for(|it| it.wanted.get(&1).is_some_and(|it| it.switch == Switch::On)).await.unwrap();
    let opened = house.clock.now();
    let noon: Timestamp = "2026-01-10T17:00:00Z".parse().unwrap();
    assert!(opened >= noon && opened.duration_since(noon).as_secs_f64() < 0.1, "at {opened}");
    house.report(Switch::On).await;
    house.orders.wait_for(|it| it.wanted.get(&1).is_some_and(|it| it.switch == Switch::Off)).await.unwrap();
    let shut = house.clock.now().duration_since(noon).as_secs_f64();
    assert!((3600.0..3600.1).contains(&shut), "after {shut} s");
}

#[tokio::test(start_paused = true)]
async fn a_command_is_on_the_orders_board_at_once_and_a_report_that_agrees_changes_nothing_there() {
    let mut house = hub().await;
    let before = Instant::now();
    house.handle.send(turn(Switch::On)).await.unwrap();
    let orders =
        house.orders.wait_for(|it| it.wanted.get(&1).is_some_and(|it| it.switch == Switch::On)).await.unwrap().clone();
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(orders.commanded, 1);
    house.report(Switch::On).await;
    house.seen(Switch::On).await;
    assert!(!house.orders.has_changed().unwrap(), "the plug's task is not woken for nothing");
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_never_listens_holds_nobody_up() {
    let mut house = hub().await;
    let _deaf = house.handle.listen();
    let _blind = house.handle.house.clone();
    for round in 0..2000 {
        house.report(Switch::from_bool(round % 2 == 0)).await;
    }
    house.report(Switch::On).await;
    house.seen(Switch::On).await;
}

#[tokio::test(start_paused = true)]
async fn the_pulse_beats_while_the_loop_lives_and_not_longer() {
    let house = hub().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(house.handle.pulse.is_alive());
    house.task.abort();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!house.handle.pulse.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_said_to_those_who_cannot_wait() {
    let settings = config::parse("house.yaml", HOUSE, &BTreeMap::new(), &<_>::default()).unwrap();
    let clock = Clock::driven(Timestamp::UNIX_EPOCH, 1.0);
    let controller = Controller::new(settings.control, &Memory::default(), clock.now());
    // The hub is built and never run.
    let (_hub, handle) = Hub::new(controller, clock);
    let taken = (0..5000).take_while(|_| handle.try_send(Event::DeadlinePassed).is_ok()).count();
    assert!((100..5000).contains(&taken), "{taken} events wait");
}

#[test]
fn a_fast_clock_shows_more_time_than_passes() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let begin: Timestamp = "2013-02-08T09:30:00Z".parse().unwrap();
        let clock = Clock::driven(begin, 60.0);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(clock.now().duration_since(begin).as_mins(), 60);
        assert_eq!(clock.real(Duration::from_secs(3600)), Duration::from_secs(60));
    });
}

/// A house with so many plugs of one outlet, all of them heard and off.
async fn large(plugs: usize) -> (Handle, JoinHandle<()>) {
    let items: String = (0..plugs)
        .map(|it| {
            format!("        - {{ name: P{it}, ip_address: 10.0.{}.{}, outlets: [0] }}\n", it / 250, it % 250 + 1)
        })
        .collect();
    let begin = HOUSE.split("  groups:").next().unwrap();
    let text = format!("{begin}  groups:\n    lamps:\n      class: light\n      items:\n{items}");
    let settings = config::parse("large.yaml", &text, &BTreeMap::new(), &<_>::default()).unwrap();
    let clock = Clock::driven("2026-01-10T16:30:00Z".parse().unwrap(), 1.0);
    let controller = Controller::new(settings.control, &Memory::default(), clock.now());
    let (hub, handle) = Hub::new(controller, clock);
    let task = tokio::spawn(hub.run());
    for plug in 0..plugs {
        says(&handle, plug, Switch::Off).await;
    }
    let all = |house: &Arc<heattrax::model::House>| {
        house.outlets.len() == plugs && house.outlets.values().all(|it| it.switch() == Some(Switch::Off))
    };
    handle.house.clone().wait_for(all).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    (handle, task)
}

async fn says(handle: &Handle, plug: usize, switch: Switch) {
    let report = Report {
        slot: 1,
        switch,
        on_time: None,
        energy: None,
        fault: None,
        timer: None,
        cause: Cause::Polled,
        answers: 0,
    };
    let device = format!("p{plug}").parse().unwrap();
    handle.send(Event::DeviceReported { device, reports: vec![report], rssi: None }).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_a_large_house_what_is_no_news_waits_for_more_of_it_and_news_does_not() {
    let (handle, _task) = large(600).await;
    let mut house = handle.house.clone();
    house.borrow_and_update();
    let start = Instant::now();
    let mut shown = 0;
    for plug in 0..200 {
        says(&handle, plug, Switch::Off).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        shown += u32::from(house.has_changed().unwrap());
        house.borrow_and_update();
    }
    assert!((2..=5).contains(&shown), "shown {shown} times in {:?}", start.elapsed());
    // Somebody presses a button, and everybody knows at once.
    let pressed = Instant::now();
    says(&handle, 7, Switch::On).await;
    let id = OutletId::new("p7".parse().unwrap(), 1);
    house.wait_for(|it| it.outlets[&id].switch() == Some(Switch::On)).await.unwrap();
    assert_eq!(pressed.elapsed(), Duration::ZERO);
    // The last of what was no news is shown too.
    says(&handle, 9, Switch::Off).await;
    let before = house.borrow_and_update().outlets[&OutletId::new("p9".parse().unwrap(), 1)].reported_at;
    let later =
        |it: &Arc<heattrax::model::House>| it.outlets[&OutletId::new("p9".parse().unwrap(), 1)].reported_at > before;
    tokio::time::timeout(Duration::from_secs(1), house.wait_for(later)).await.expect("within a second").unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_a_small_house_everything_is_shown_at_once() {
    let (handle, _task) = large(8).await;
    let mut house = handle.house.clone();
    house.borrow_and_update();
    let start = Instant::now();
    says(&handle, 3, Switch::Off).await;
    house.changed().await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}
