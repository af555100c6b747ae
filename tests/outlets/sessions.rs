//! Sessions: renewed before they end, and round trips: as few as the device allows.

use std::time::Duration;

use heattrax::{
    emulator::{Fault, Model, Plug, PlugOptions},
    model::{Cause, Event, Switch},
};

use crate::{
    bench::{Setup, plug, wanted},
    wiretap::Wiretap,
};

#[tokio::test]
async fn a_session_is_renewed_before_the_plug_ends_it() {
    let options = PlugOptions { session: Duration::from_secs(2), ..PlugOptions::new(Model::Ep40m) };
    let plug = Plug::start(options).await.unwrap();
    let mut bench = Setup::of(&plug).start();
    bench.caused(1, Cause::FirstContact).await;
    let heard = bench.heard_within(Duration::from_secs(4)).await;
    assert!(!heard.iter().any(|it| matches!(it, Event::DeviceLost { .. })), "{heard:?}");
    let counts = plug.counts();
    assert!(counts.logins >= 2, "{counts:?}");
    assert_eq!(counts.refused, 0, "no request found its session ended: {counts:?}");
    bench.stop().await;
}

#[tokio::test]
async fn the_link_says_which_protocol_it_speaks() {
    let plug = plug(Model::P110m).await;
    let mut bench = Setup::of(&plug).start();
    assert_eq!(bench.housing().await.protocol.as_deref(), Some("KLAP"));
    bench.stop().await;
}

#[tokio::test]
async fn a_poll_is_one_round_trip_and_the_meters_of_an_outlet_another() {
    for (model, look) in [(Model::P210M, "get_child_device_list"), (Model::P110m, "get_device_info")] {
        let plug = plug(model).await;
        let wire = Wiretap::swallowing(&plug, &[]).await;
        let mut setup = Setup::at(wire.port);
        setup.orders = wanted(&[(1, Switch::On)], 0);
        let mut bench = setup.start();
        bench.report(1, |it| it.energy.is_some_and(|it| it.today.is_some())).await;
        bench.heard_within(Duration::from_secs(2)).await;
        let requests = wire.requests();
        let both = ["get_emeter_data", "get_energy_usage"].map(str::to_owned);
        assert!(requests.iter().any(|it| **it == both), "{model:?}: {requests:?}");
        let usual: Vec<_> = requests.iter().rev().take(6).collect();
        let known = [vec![look.to_owned()], vec!["get_emeter_data".to_owned()], both.to_vec()];
        assert!(usual.iter().all(|it| known.contains(it)), "{model:?}: {usual:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_firmware_that_refuses_batches_is_asked_one_by_one_from_then_on() {
    let plug = plug(Model::P210M).await;
    plug.set_fault(Fault::MethodError { method: "multipleRequest".to_owned(), code: -1003 });
    let wire = Wiretap::swallowing(&plug, &[]).await;
    let mut setup = Setup::at(wire.port);
    setup.orders = wanted(&[(1, Switch::On)], 0);
    let mut bench = setup.start();
    let report = bench.report(1, |it| it.energy.is_some_and(|it| it.today.is_some() && it.power.is_some())).await;
    assert_eq!(report.switch, Switch::On);
    bench.heard_within(Duration::from_secs(2)).await;
    let batches = wire.requests().iter().filter(|it| it.len() > 1).count();
    assert_eq!(batches, 1, "{:?}", wire.requests());
    bench.stop().await;
}

#[tokio::test]
async fn a_device_at_rest_is_looked_at_less_often_than_one_that_works() {
    let plug = plug(Model::Ep40m).await;
    let mut bench = Setup::of(&plug).start();
    bench.caused(1, Cause::Polled).await;
    bench.heard_within(Duration::from_millis(300)).await;
    let idle = bench.heard_within(Duration::from_secs(3)).await.len();
    bench.order(wanted(&[(1, Switch::On)], 0));
    bench.reported(1, Switch::On).await;
    let busy = bench.heard_within(Duration::from_secs(3)).await.len();
    assert!((4..=14).contains(&idle), "{idle} looks in 3 s at rest, where 10 are due");
    // A slow machine makes fewer of them, but not as few as at rest.
    assert!(busy > idle + idle / 2, "{busy} looks in 3 s at work, where 30 are due, and {idle} at rest");
    bench.stop().await;
}
