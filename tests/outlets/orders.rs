//! The outlets agree with the newest orders, and every command is answered.

use std::time::{Duration, Instant};

use heattrax::{
    emulator::{Cause as Mover, Fault, Model, PlugOptions, Protection},
    model::{self, Cause, Event, Switch},
};

use crate::bench::{Setup, plug, wanted};

#[tokio::test]
async fn a_press_of_the_button_is_seen_as_polled() {
    let plug = plug(Model::Ep40m).await;
    let mut bench = Setup::of(&plug).start();
    bench.caused(2, Cause::FirstContact).await;
    assert!(plug.press(2));
    let report = bench.reported(2, Switch::On).await;
    assert_eq!(report.cause, Cause::Polled);
    bench.stop().await;
}

#[tokio::test]
async fn a_command_that_changes_nothing_is_answered_by_a_fresh_look() {
    let plug = plug(Model::P210M).await;
    let mut setup = Setup::of(&plug);
    setup.settings.poll_every = Duration::from_secs(3600);
    let mut bench = setup.start();
    bench.caused(2, Cause::FirstContact).await;
    bench.order(wanted(&[(1, Switch::Off), (2, Switch::Off)], 7));
    let report = bench.report(2, |it| it.answers == 7).await;
    assert_eq!((report.switch, report.cause), (Switch::Off, Cause::Polled));
    assert_eq!(plug.log(), []);
    bench.stop().await;
}

#[tokio::test]
async fn a_switch_costs_one_request_and_one_look() {
    for model in [Model::Ep40m, Model::P100] {
        let plug = plug(model).await;
        let mut setup = Setup::of(&plug);
        setup.settings.poll_every = Duration::from_secs(3600);
        let mut bench = setup.start();
        bench.caused(1, Cause::FirstContact).await;
        // Whatever else it asks at first has been asked.
        let mut before = 0;
        while before != plug.counts().requests {
            before = plug.counts().requests;
            bench.heard_within(Duration::from_millis(500)).await;
        }
        bench.order(wanted(&[(1, Switch::On)], 1));
        bench.caused(1, Cause::Switched).await;
        assert_eq!(plug.counts().requests - before, 2, "{model:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn an_off_jumps_the_queue() {
    let plug = plug(Model::P304m).await;
    assert!(plug.press(3) && plug.press(4));
    let mut setup = Setup::of(&plug);
    setup.orders = wanted(&[(1, Switch::On), (2, Switch::On), (3, Switch::Off), (4, Switch::Off)], 0);
    let mut bench = setup.start();
    bench.reported(2, Switch::On).await;
    let moved: Vec<_> = plug.log().iter().filter(|it| it.cause == Mover::Client).map(|it| (it.slot, it.on)).collect();
    assert_eq!(moved, [(3, false), (4, false), (1, true), (2, true)]);
    bench.stop().await;
}

#[tokio::test]
async fn in_a_storm_of_orders_one_request_is_under_way_and_the_newest_wins() {
    for model in [Model::P210M, Model::P110m] {
        let options = PlugOptions { latency: Duration::from_millis(5), ..PlugOptions::new(model) };
        let plug = heattrax::emulator::Plug::start(options).await.unwrap();
        let mut bench = Setup::of(&plug).start();
        bench.caused(1, Cause::FirstContact).await;
        for number in 1..=300 {
            let to = Switch::from_bool(number % 2 == 0);
            bench.order(wanted(&[(1, to), (model.outlets(), to)], number));
            if number % 10 == 0 {
                bench.reports().await;
            }
        }
        let report = bench.report(model.outlets(), |it| it.answers == 300).await;
        assert_eq!(report.switch, Switch::On);
        assert!(plug.relay(1) && plug.relay(model.outlets()));
        let counts = plug.counts();
        assert_eq!((counts.most_in_flight, counts.refused), (1, 0), "{model:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_lost_reply_is_looked_at_again_and_is_ours() {
    for model in [Model::Ep40m, Model::P100] {
        let plug = plug(model).await;
        let mut setup = Setup::of(&plug);
        setup.settings.poll_every = Duration::from_secs(3600);
        let mut bench = setup.start();
        bench.caused(1, Cause::FirstContact).await;
        plug.set_fault_for(Fault::DropAfter, 1);
        bench.order(wanted(&[(1, Switch::On)], 1));
        let event = bench.event().await;
        let Event::DeviceReported { reports, .. } = &event else { panic!("{event:?}") };
        assert_eq!((reports[0].switch, reports[0].cause), (Switch::On, Cause::Switched), "{model:?}");
        assert_eq!(plug.log().len(), 1, "{model:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_lost_request_is_repeated() {
    let plug = plug(Model::P210M).await;
    let mut bench = Setup::of(&plug).start();
    bench.caused(1, Cause::FirstContact).await;
    plug.set_fault_for(Fault::Drop, 1);
    bench.order(wanted(&[(1, Switch::On)], 1));
    bench.reported(1, Switch::On).await;
    assert!(plug.relay(1));
    bench.stop().await;
}

#[tokio::test]
async fn a_switch_that_fails_is_told_once_and_not_hammered_until_there_are_new_orders() {
    let plug = plug(Model::P100).await;
    let mut setup = Setup::of(&plug);
    setup.settings.poll_every = Duration::from_secs(3600);
    let mut bench = setup.start();
    bench.caused(1, Cause::FirstContact).await;
    plug.set_fault(Fault::MethodError { method: "set_device_info".to_owned(), code: -1001 });
    bench.order(wanted(&[(1, Switch::On)], 1));
    let (outlet, to, trouble) = bench.switch_failed().await;
    assert_eq!((outlet.to_string().as_str(), to), ("porch/1", Switch::On));
    assert_eq!(trouble.text, format!("Porch at {} says no: error -1001: something went wrong", plug.address()));
    let before = plug.counts().requests;
    let told = bench.heard_within(Duration::from_millis(1500)).await;
    assert!(!told.iter().any(|it| matches!(it, Event::SwitchFailed { .. } | Event::DeviceLost { .. })), "{told:?}");
    let tries = plug.counts().requests - before;
    assert!(tries <= 6, "{tries} requests in 1.5 s");

    // Somebody insists: tried at once, told again.
    let insisted = Instant::now();
    bench.order(wanted(&[(1, Switch::On)], 2));
    bench.switch_failed().await;
    assert!(insisted.elapsed() < Duration::from_millis(1200), "{:?}", insisted.elapsed());
    // The pause for ON does not hold an OFF up.
    plug.clear_faults();
    assert!(plug.press(1));
    bench.order(wanted(&[(1, Switch::On)], 3));
    bench.reported(1, Switch::On).await;
    let insisted = Instant::now();
    bench.order(wanted(&[(1, Switch::Off)], 3));
    bench.reported(1, Switch::Off).await;
    assert!(insisted.elapsed() < Duration::from_millis(1200), "{:?}", insisted.elapsed());
    bench.stop().await;
}

#[tokio::test]
async fn faults_of_the_device_are_reported() {
    let table = [
        (Model::P210M, Protection::Overheated, model::Fault::Overheat),
        (Model::P100, Protection::Overheated, model::Fault::Overheat),
        (Model::P110m, Protection::Overloaded, model::Fault::Overload),
    ];
    for (model, protection, fault) in table {
        let plug = plug(model).await;
        let mut bench = Setup::of(&plug).start();
        bench.caused(1, Cause::FirstContact).await;
        assert!(plug.protect(1, protection));
        assert_eq!(bench.report(1, |it| it.fault.is_some()).await.fault, Some(fault), "{model:?}");
        assert!(plug.protect(1, Protection::Normal));
        bench.report(1, |it| it.fault.is_none()).await;
        bench.stop().await;
    }
}

#[tokio::test]
async fn an_outlet_that_does_not_say_where_it_is_is_sent_an_off_and_never_an_on() {
    let plug = plug(Model::P210M).await;
    assert!(plug.press(1));
    plug.set_fault(Fault::WithoutField("device_on".to_owned()));
    let mut setup = Setup::of(&plug);
    setup.orders = wanted(&[(1, Switch::Off), (2, Switch::On)], 0);
    let mut bench = setup.start();
    bench.heard_within(Duration::from_millis(1500)).await;
    let relays = (plug.relay(1), plug.relay(2));
    assert_eq!(relays, (false, false));
    let moved: Vec<_> = plug.log().iter().filter(|it| it.cause == Mover::Client).map(|it| it.slot).collect();
    assert!(!moved.is_empty() && moved.iter().all(|it| *it == 1), "{moved:?}");
    bench.stop().await;
}

#[tokio::test]
async fn a_press_is_shown_to_the_hub_before_old_orders_are_followed() {
    for model in [Model::P210M, Model::P110m] {
        let plug = plug(model).await;
        let mut bench = Setup::of(&plug).start();
        bench.caused(1, Cause::FirstContact).await;
        bench.order(wanted(&[(1, Switch::On)], 1));
        bench.reported(1, Switch::On).await;
        assert!(plug.press(1));
        let report = bench.reported(1, Switch::Off).await;
        assert_eq!(report.cause, Cause::Polled);
        // The hub thinks for a moment before it follows the person.
        bench.heard_within(Duration::from_millis(50)).await;
        bench.order(wanted(&[(1, Switch::Off)], 1));
        bench.heard_within(Duration::from_millis(600)).await;
        let ours = plug.log().iter().filter(|it| it.cause == Mover::Client).count();
        assert_eq!((plug.relay(1), ours), (false, 1), "{model:?}: the press was undone");
        bench.stop().await;
    }
}
