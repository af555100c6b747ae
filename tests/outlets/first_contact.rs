//! Who is it, what can it do, where are its relays? Nothing is switched before that is known.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use heattrax::{
    emulator::{Fault, Model, PlugOptions},
    model::{
        Availability, Cause, Class, Control, Decision, Device, Event, House, Outlet, OutletId, Pin, Reason, Remembered,
        Switch, TroubleKind,
    },
};
use jiff::SignedDuration;
use tokio::time::timeout;

use crate::bench::{SOON, Setup, empty_house, plug, porch, wanted};

/// The night light of a P306 is no outlet.
fn sockets(model: Model) -> u8 {
    if model == Model::P306 { 4 } else { model.outlets() }
}

#[tokio::test]
async fn every_model_is_recognised_and_each_slot_moves_its_own_relay() {
    for model in Model::ALL {
        let plug = plug(model).await;
        let mut bench = Setup::of(&plug).start();
        let housing = bench.housing().await;
        assert_eq!(housing.model, model.name());
        assert_eq!((housing.mac, &housing.device_id), (plug.mac(), &plug.device_id()));
        assert_eq!(housing.address, plug.address().to_string());
        let slots: Vec<_> = housing.sockets.iter().map(|it| it.slot).collect();
        assert_eq!(slots, (1..=sockets(model)).collect::<Vec<_>>(), "{model:?}");
        assert!(bench.reports().await.iter().all(|it| it.cause == Cause::FirstContact), "{model:?}");
        if model.meters_energy() {
            let housing = bench.metered_housing().await;
            assert!(housing.sockets.iter().all(|it| it.meters_energy), "{model:?}");
        }
        for slot in slots {
            bench.order(wanted(&[(slot, Switch::On)], u64::from(slot)));
            let report = bench.reported(slot, Switch::On).await;
            assert_eq!((report.cause, report.answers), (Cause::Switched, u64::from(slot)), "{model:?} {slot}");
            let closed: Vec<_> = (1..=sockets(model)).filter(|it| plug.relay(*it)).collect();
            assert_eq!(closed, [slot], "{model:?}");
            bench.order(wanted(&[(slot, Switch::Off)], u64::from(slot)));
            bench.reported(slot, Switch::Off).await;
            assert!(!plug.relay(slot), "{model:?} {slot}");
        }
        assert!(bench.reports().await.iter().all(|it| it.energy.is_some() == model.meters_energy()), "{model:?}");
        assert_eq!(plug.counts().most_in_flight, 1, "{model:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_missing_field_never_costs_the_outlet() {
    let fields = [
        "auto_off_remain_time",
        "charging_status",
        "overheat_status",
        "power_protection_status",
        "overcurrent_status",
        "on_time",
        "nickname",
        "category",
        "rssi",
        "fw_ver",
        "hw_ver",
        "model",
        "position",
        "slot_number",
        "overheated",
        "region",
        "type",
        "default_states",
        "component_list",
    ];
    for model in [Model::P210M, Model::Ep40m, Model::P110m, Model::P100] {
        let plug = plug(model).await;
        for field in fields {
            plug.set_fault(Fault::WithoutField(field.to_owned()));
        }
        let mut bench = Setup::of(&plug).start();
        let reports = bench.reports().await;
        let slots: Vec<_> = reports.iter().map(|it| it.slot).collect();
        assert_eq!(slots, (1..=model.outlets()).collect::<Vec<_>>(), "{model:?}");
        bench.order(wanted(&[(model.outlets(), Switch::On)], 1));
        bench.reported(model.outlets(), Switch::On).await;
        assert!(plug.relay(model.outlets()), "{model:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn without_a_list_of_components_the_meters_are_asked() {
    for (model, metered) in [(Model::P210M, true), (Model::Ep40m, false), (Model::P110, true), (Model::P100, false)] {
        let plug = plug(model).await;
        for method in ["component_nego", "get_child_device_component_list"] {
            plug.set_fault(Fault::MethodError { method: method.to_owned(), code: -1002 });
        }
        let mut bench = Setup::of(&plug).start();
        if metered {
            assert!(bench.metered_housing().await.sockets.iter().all(|it| it.meters_energy), "{model:?}");
        } else {
            let mut lights = Vec::new();
            let mut note = |it: &Event| {
                if let Event::DeviceIdentified { housing, .. } = it {
                    lights.push(housing.led);
                }
            };
            bench
                .first("the light", |it| {
                    note(it);
                    matches!(it, Event::DeviceIdentified { housing, .. } if housing.led.is_some()).then_some(())
                })
                .await;
            bench.heard_within(Duration::from_millis(300)).await.iter().for_each(note);
            // The second time with its light.
            assert_eq!(lights, [None, Some(true)], "{model:?}");
        }
        bench.stop().await;
    }
}

#[tokio::test]
async fn another_device_at_the_address_is_never_switched() {
    let plug = plug(Model::P110m).await;
    let other = "02:00:00:00:00:99".parse().unwrap();
    let own = Pin { device_id: Some(plug.device_id()), ..Pin::of_mac(plug.mac()) };
    let twin = Pin { device_id: Some("8022".to_owned()), ..own.clone() };
    let cases = [
        (None, Some(Pin::of_mac(other)), false),
        (Some(other), Some(own.clone()), false),
        (None, Some(twin.clone()), false),
        (None, Some(own), true),
        // What the config says beats what was pinned.
        (Some(plug.mac()), Some(twin), true),
        (Some(plug.mac()), Some(Pin::of_mac(other)), true),
    ];
    for (mac, pin, is_right) in cases {
        let mut setup = Setup::of(&plug);
        (setup.settings.mac, setup.pin) = (mac, pin);
        setup.orders = wanted(&[(1, Switch::On)], 1);
        let mut bench = setup.start();
        if is_right {
            bench.reported(1, Switch::On).await;
            assert!(plug.press(1));
        } else {
            let trouble = bench.lost().await;
            assert_eq!(trouble.kind, TroubleKind::WrongDevice);
            let start = format!("another device (P110M, {}", plug.mac());
            assert!(trouble.text.starts_with(&start), "{}", trouble.text);
            let end = if mac.is_some() || !trouble.text.contains("device id") { "02:00:00:00:00:99" } else { "" };
            assert!(trouble.text.contains(end) && trouble.text.ends_with("); nothing is switched"), "{}", trouble.text);
            assert!(trouble.text.contains(&format!("answers at {}", plug.address())), "{}", trouble.text);
            let heard = bench.heard_within(Duration::from_millis(300)).await;
            assert!(heard.is_empty(), "{heard:?}");
            assert!(!plug.relay(1));
        }
        bench.stop().await;
    }
}

#[tokio::test]
async fn the_pin_that_was_drawn_at_first_contact_holds_over_a_reconnect() {
    let first = plug(Model::P110m).await;
    let mut bench = Setup::of(&first).start();
    bench.caused(1, Cause::FirstContact).await;
    let address = first.address();
    first.vanish().await;
    let second = PlugOptions { listen: address, seed: 2, ..PlugOptions::new(Model::P110m) };
    let second = heattrax::emulator::Plug::start(second).await.unwrap();
    bench.order(wanted(&[(1, Switch::On)], 1));
    let words = bench
        .first("stranger", |it| match it {
            Event::DeviceLost { trouble, .. } if trouble.kind == TroubleKind::WrongDevice => Some(trouble.text.clone()),
            _ => None,
        })
        .await;
    assert!(words.contains(&first.mac().to_string()) && words.contains(&second.mac().to_string()), "{words}");
    assert!(!second.relay(1));
    bench.stop().await;
}

/// A board as the hub would show it after a report at this moment.
fn board(bench: &crate::bench::Bench, slots: &[u8]) -> House {
    let device = Device {
        slug: porch(),
        name: "Porch".to_owned(),
        address: String::new(),
        housing: None,
        availability: Availability::Online,
        trouble: None,
        rssi: None,
        pin: None,
    };
    let outlet = |slot: &u8| {
        let id = OutletId::new(porch(), *slot);
        let decision = Decision {
            switch: Switch::Off,
            reason: Reason::NothingAsks,
            since: bench.clock.now(),
            until: None,
            review_at: None,
            next: None,
            opinions: Vec::new(),
        };
        let outlet = Outlet {
            id: id.clone(),
            name: String::new(),
            group: None,
            class: Class::Generic,
            availability: Availability::Online,
            reported: None,
            reported_at: Some(bench.clock.now()),
            on_since: None,
            memory: Remembered { control: Control::Auto, ..Remembered::default() },
            decision,
            commanded: 0,
            answered: 0,
            pending: None,
            longest_on: SignedDuration::from_hours(6),
            runtime_today: SignedDuration::ZERO,
            alarm: None,
            energy_total: None,
        };
        (id, Arc::new(outlet))
    };
    let outlets: BTreeMap<_, _> = slots.iter().map(outlet).collect();
    House { devices: BTreeMap::from([(porch(), Arc::new(device))]), outlets, ..empty_house() }
}

#[tokio::test]
async fn orders_from_before_the_first_report_are_not_followed() {
    for model in [Model::P210M, Model::P110m] {
        let plug = plug(model).await;
        let mut setup = Setup::of(&plug);
        setup.orders = wanted(&[(1, Switch::On)], 0);
        let mut bench = setup.start();
        // An old picture, in which the device was seen before, proves nothing.
        let slots: Vec<_> = (1..=model.outlets()).collect();
        bench.board.send_replace(Arc::new(board(&bench, &slots)));
        bench.caused(1, Cause::FirstContact).await;
        // The hub thinks about the report for a while, changes its mind, and then shows it.
        bench.heard_within(Duration::from_millis(100)).await;
        bench.order(wanted(&[(1, Switch::Off)], 1));
        bench.board.send_replace(Arc::new(board(&bench, &slots)));
        bench.report(1, |it| it.answers == 1).await;
        assert_eq!(plug.log(), [], "{model:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn orders_that_still_hold_are_followed_as_soon_as_the_board_shows_the_report() {
    let mut times = Vec::new();
    // The best of three, for the machine may be busy.
    for _ in 0..3 {
        let plug = plug(Model::P110m).await;
        let mut setup = Setup::of(&plug);
        setup.orders = wanted(&[(1, Switch::On)], 0);
        let mut bench = setup.start();
        bench.caused(1, Cause::FirstContact).await;
        let shown = Instant::now();
        bench.board.send_replace(Arc::new(board(&bench, &[1])));
        assert_eq!(bench.caused(1, Cause::Switched).await.switch, Switch::On);
        times.push(shown.elapsed());
        bench.stop().await;
    }
    assert!(times.iter().any(|it| *it < Duration::from_millis(200)), "{times:?}, as if nobody looked at the board");
}

#[tokio::test]
async fn a_slot_that_does_not_exist_is_named() {
    let plug = plug(Model::Ep40m).await;
    let mut setup = Setup::of(&plug);
    setup.orders = wanted(&[(3, Switch::On)], 0);
    let mut bench = setup.start();
    let (outlet, _, trouble) = bench.switch_failed().await;
    assert_eq!(outlet.slot, 3);
    assert_eq!(trouble.text, format!("Porch at {} has no outlet 3, only 1, 2", plug.address()));
    bench.stop().await;
}

#[tokio::test]
async fn the_task_stops_whatever_it_waits_for() {
    let plug = plug(Model::P210M).await;
    plug.set_fault(Fault::Hang);
    let bench = Setup::of(&plug).start();
    timeout(SOON, async {
        while plug.counts().in_flight == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    timeout(Duration::from_secs(1), bench.stop()).await.expect("at once");
}
