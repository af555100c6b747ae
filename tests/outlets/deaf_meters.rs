//! A meter is a convenience: one that hangs costs its figures, and neither the outlet nor an order.

use std::time::{Duration, Instant};

use heattrax::{
    emulator::{Model, Plug, PlugOptions},
    model::{Cause, Event, Switch},
};

use crate::{
    bench::{Setup, plug, wanted},
    wiretap::Wiretap,
};

const METERS: [&str; 5] =
    ["get_child_device_component_list", "component_nego", "get_emeter_data", "get_energy_usage", "get_current_power"];

#[tokio::test]
async fn a_heater_is_switched_off_before_any_meter_is_asked() {
    for model in [Model::P210M, Model::P110m] {
        let plug = plug(model).await;
        assert!(plug.press(1));
        let wire = Wiretap::swallowing(&plug, &METERS).await;
        let mut setup = Setup::at(wire.port);
        setup.orders = wanted(&[(1, Switch::Off)], 0);
        let mut bench = setup.start();
        let report = bench.reported(1, Switch::Off).await;
        assert_eq!(report.cause, Cause::Switched);
        assert!(!plug.relay(1), "{model:?}");
        assert!(!wire.asked().iter().any(|it| METERS.contains(&it.as_str())), "{:?}", wire.asked());
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_meter_that_hangs_neither_loses_the_device_nor_holds_an_order_up_for_long() {
    for model in [Model::P210M, Model::P110m] {
        let plug = plug(model).await;
        let wire = Wiretap::swallowing(&plug, &["get_emeter_data"]).await;
        let mut bench = Setup::at(wire.port).start();
        bench.caused(1, Cause::FirstContact).await;
        for number in 1..=4 {
            while wire.count("get_emeter_data") < 1 {
                tokio::task::yield_now().await;
            }
            let to = Switch::from_bool(number % 2 == 1);
            let ordered = Instant::now();
            bench.order(wanted(&[(1, to)], number));
            bench.report(1, |it| it.switch == to && it.answers == number).await;
            assert!(ordered.elapsed() < Duration::from_millis(2500), "{model:?}: {:?}", ordered.elapsed());
        }
        let heard = bench.heard_within(Duration::from_secs(4)).await;
        assert!(!heard.iter().any(|it| matches!(it, Event::DeviceLost { .. })), "{model:?}: {heard:?}");
        let asked = wire.count("get_emeter_data");
        assert!(asked <= 2 * usize::from(model.outlets()), "{model:?}: asked {asked} times");
        // It answers the other questions, is announced by what is known, and is looked at in between.
        bench.report(1, |it| it.energy.is_some_and(|it| it.power.is_some())).await;
        bench.stop().await;
    }
}

#[tokio::test]
async fn meters_that_all_hang_are_asked_less_and_less() {
    let plug = plug(Model::P304m).await;
    let wire = Wiretap::swallowing(&plug, &METERS).await;
    let mut setup = Setup::at(wire.port);
    setup.settings.timeout = Duration::from_millis(300);
    let mut bench = setup.start();
    bench.caused(1, Cause::FirstContact).await;
    let heard = bench.heard_within(Duration::from_secs(8)).await;
    assert!(!heard.iter().any(|it| matches!(it, Event::DeviceLost { .. })), "{heard:?}");
    let asked = wire.asked().iter().filter(|it| METERS.contains(&it.as_str())).count();
    // The list of components once, and each of four outlets now and once more.
    assert!((5..=9).contains(&asked), "asked {asked} times: {:?}", wire.asked());
    assert!(heard.len() > 12, "only {} reports", heard.len());
    bench.stop().await;
}

#[tokio::test]
async fn a_slow_strip_gets_all_its_offs_before_the_one_look() {
    let options = PlugOptions { latency: Duration::from_millis(300), ..PlugOptions::new(Model::P304m) };
    let plug = Plug::start(options).await.unwrap();
    (1..=4).for_each(|slot| assert!(plug.press(slot)));
    let wire = Wiretap::swallowing(&plug, &[]).await;
    let mut setup = Setup::at(wire.port);
    setup.settings.poll_every = Duration::from_secs(3600);
    setup.orders = wanted(&[(1, Switch::Off), (2, Switch::Off), (3, Switch::Off), (4, Switch::Off)], 0);
    let mut bench = setup.start();
    bench.reported(4, Switch::Off).await;
    let asked = wire.asked();
    let first = asked.iter().position(|it| it == "set_device_info").unwrap();
    let expected = [["set_device_info"; 4].as_slice(), &["get_child_device_list"]].concat();
    assert_eq!(asked[first..], expected);
    bench.stop().await;
}
