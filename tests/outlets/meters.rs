//! Figures are what the meter says, in W, V, A and kWh, and what it does not say is unknown: never a false zero.

use std::time::Duration;

use heattrax::{
    emulator::{Fault, Model, Plug, PlugOptions, Relay},
    model::{Cause, Energy, Event, Metered, Pin, Switch},
};

use crate::bench::{Setup, plug, wanted};

async fn loaded(model: Model) -> Plug {
    // An hour of the device passes in a second, so that energy adds up.
    Plug::start(PlugOptions { load: 1500.0, speed: 3600.0, ..PlugOptions::new(model) }).await.unwrap()
}

#[tokio::test]
async fn power_is_in_watts_and_energy_in_kilowatt_hours_on_every_meter() {
    for (model, has_voltage) in [(Model::P210M, true), (Model::P304m, true), (Model::P110m, true), (Model::P110, false)]
    {
        let plug = loaded(model).await;
        let mut setup = Setup::of(&plug);
        setup.orders = wanted(&[(1, Switch::On)], 0);
        let mut bench = setup.start();
        let socket = bench.metered_housing().await.sockets[0].clone();
        assert_eq!((socket.meters_energy, socket.meters_voltage), (true, has_voltage), "{model:?}");
        let report = bench.report(1, |it| it.energy.is_some_and(|it| it.power.is_some_and(|it| it > 0.0))).await;
        assert_eq!(report.switch, Switch::On);
        let energy = report.energy.unwrap();
        assert!((energy.power.unwrap() - 1500.0).abs() < 15.0, "{model:?}: {energy:?}");
        if socket.meters_voltage {
            assert!((90.0..260.0).contains(&energy.voltage.unwrap()), "{model:?}: {energy:?}");
            assert!((5.0..17.0).contains(&energy.current.unwrap()), "{model:?}: {energy:?}");
        } else {
            assert_eq!((energy.voltage, energy.current), (None, None), "{model:?}");
        }
        let today = bench.report(1, |it| it.energy.is_some_and(|it| it.today.is_some_and(|it| it > 0.1))).await;
        let energy = today.energy.unwrap();
        assert!(energy.today.unwrap() < 60.0 && energy.month >= energy.today, "{model:?}: {energy:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn an_outlet_without_a_meter_has_no_energy() {
    let plug = plug(Model::Ep40m).await;
    let mut bench = Setup::of(&plug).start();
    assert_eq!(bench.reports().await[0].energy, None);
    assert_eq!(bench.caused(1, Cause::Polled).await.energy, None);
    bench.stop().await;
}

#[tokio::test]
async fn a_meter_that_fails_costs_its_figures_and_not_the_outlet() {
    let plug = loaded(Model::P304m).await;
    assert!(plug.press(1));
    for method in ["get_current_power", "get_emeter_data"] {
        plug.set_fault(Fault::MethodError { method: method.to_owned(), code: -1001 });
    }
    for field in ["today_energy", "month_energy"] {
        plug.set_fault(Fault::WithoutField(field.to_owned()));
    }
    let mut bench = Setup::of(&plug).start();
    bench.report(1, |it| it.energy.is_some()).await;
    for _ in 0..4 {
        let reports = bench.reports().await;
        assert_eq!(reports[0].energy, Some(Energy::default()));
        assert_eq!(reports[0].switch, Switch::On);
    }
    bench.stop().await;
}

#[tokio::test]
async fn what_was_measured_while_it_was_on_is_not_said_once_it_is_off() {
    let plug = loaded(Model::P210M).await;
    let mut setup = Setup::of(&plug);
    setup.orders = wanted(&[(1, Switch::On)], 0);
    let mut bench = setup.start();
    bench.report(1, |it| it.energy.is_some_and(|it| it.power.is_some_and(|it| it > 0.0))).await;
    bench.order(wanted(&[(1, Switch::Off)], 0));
    let report = bench.caused(1, Cause::Switched).await;
    assert_eq!((report.switch, report.energy.unwrap().power), (Switch::Off, None));
    let report = bench.report(1, |it| it.energy.is_some_and(|it| it.power.is_some())).await;
    assert_eq!(report.energy.unwrap().power, Some(0.0));
    bench.stop().await;
}

#[tokio::test]
async fn the_meters_of_outlets_that_are_off_are_seldom_asked() {
    let plug = loaded(Model::P304m).await;
    let mut setup = Setup::of(&plug);
    setup.settings.poll_every = Duration::from_millis(50);
    let mut bench = setup.start();
    bench.caused(1, Cause::FirstContact).await;
    bench.heard_within(Duration::from_millis(500)).await;
    let before = plug.counts().requests;
    let polls = bench.heard_within(Duration::from_secs(1)).await.len() as u64;
    let requests = plug.counts().requests - before;
    // Each sixth poll asks four outlets two things, and reports them.
    assert!(requests <= polls + polls / 6 * 8 + 16, "{requests} requests for {polls} reports");
    bench.stop().await;
}

#[tokio::test]
async fn a_device_that_was_metered_before_is_metered_from_its_first_word() {
    let plug = plug(Model::P210M).await;
    let metered = (1..=2).map(|slot| (slot, Metered { energy: true, voltage: false })).collect();
    let pin = Pin { metered, device_id: Some(plug.device_id()), ..Pin::of_mac(plug.mac()) };
    let mut bench = Setup { pin: Some(pin), ..Setup::of(&plug) }.start();
    let housing = bench.housing().await;
    assert!(housing.sockets.iter().all(|it| it.meters_energy), "Home Assistant would lose the meters at each start");
}

#[tokio::test(start_paused = true)]
async fn a_figure_is_marked_as_new_once_and_read_at_each_look_where_power_flows_though_it_is_off() {
    let options = PlugOptions { load: 300.0, ..PlugOptions::new(Model::P110m) };
    let (plugs, mut bench) = crate::field::house(options).await;
    bench.report(1, |it| it.cause == Cause::Measured).await;
    let mut measured = async || {
        let heard = bench.heard_within(Duration::from_secs(600)).await;
        let reports = heard.iter().filter_map(|it| match it {
            Event::DeviceReported { reports, .. } => Some(reports[0].clone()),
            _ => None,
        });
        let (news, looks): (Vec<_>, Vec<_>) = reports.partition(|it| it.cause == Cause::Measured);
        (news.len(), looks.len())
    };
    // Sixty looks in ten minutes; each sixth of them reads the meter.
    let (news, looks) = measured().await;
    assert!((8..=12).contains(&news) && looks >= 50, "{news} of {looks}");
    assert!(plugs[0].break_relay(1, Relay::Welded));
    let (news, looks) = measured().await;
    assert!(news >= 45 && looks >= 50, "{news} of {looks}");
    bench.stop().await;
}
