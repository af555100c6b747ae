//! The dead-man's timer on the plug: armed before the relay closes, renewed while it is to stay closed, and never trusted unread. The
//! plug's own log is the witness.

use std::{collections::BTreeMap, time::Duration};

use heattrax::{
    emulator::{Cause as Mover, Fault, Model, Plug, PlugOptions, Switched},
    model::{Cause, Event, Order, Orders, Pin, Switch, Timer, TimerConcern},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    bench::{Bench, Setup, plug},
    wiretap::Wiretap,
};

/// A quarter of an hour passes in three seconds.
const SPEED: f64 = 300.0;
const AHEAD: Duration = Duration::from_secs(900);

fn order(switch: Switch, timer: Timer, off_by: Option<i64>) -> Orders {
    let off_by = off_by.map(|it| Timestamp::from_second(it).unwrap());
    let order = Order { switch, off_by, timer, longest_on: Some(SignedDuration::from_hours(6)), insist: false };
    Orders { wanted: BTreeMap::from([(1, order)]), commanded: 0, looks: 0, led: None }
}

async fn fast(model: Model) -> Plug {
    Plug::start(PlugOptions { speed: SPEED, ..PlugOptions::new(model) }).await.unwrap()
}

/// A task whose time runs as fast as that of a plug of [`fast`].
fn heats(plug: &Plug, timer: Timer) -> Setup {
    Setup { orders: order(Switch::On, timer, None), speed: SPEED, ..Setup::of(plug) }
}

fn moves(plug: &Plug) -> Vec<Switched> {
    plug.log().into_iter().filter(|it| it.moved).collect()
}

async fn noticed(bench: &mut Bench, wanted: TimerConcern) -> String {
    bench
        .first("notice about a timer", |it| match it {
            Event::TimerNoticed { concern, text, .. } if *concern == wanted => Some(text.clone()),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_heater_is_armed_before_it_is_switched_on_in_one_round_trip() {
    for model in Model::ALL {
        let plug = plug(model).await;
        let wire = Wiretap::swallowing(&plug, &[]).await;
        let mut setup = Setup::at(wire.port);
        setup.orders = order(Switch::On, Timer::Required, None);
        let mut bench = setup.start();
        let report = bench.caused(1, Cause::Switched).await;
        let timer = report.timer.expect("a timer that the plug has confirmed");
        assert_eq!(report.switch, Switch::On, "{model:?}");
        assert!((895..=900).contains(&timer.as_secs()), "{model:?}: {timer}");
        let requests = wire.requests();
        let armed = requests.iter().find(|it| it.iter().any(|it| it == "set_device_info")).unwrap();
        let expected = [
            "get_countdown_rules",
            "remove_countdown_rules",
            "add_countdown_rule",
            "set_device_info",
            "get_countdown_rules",
        ];
        assert_eq!(*armed, expected, "{model:?}");
        bench.stop().await;
        // Nobody is left: a quarter of an hour later the plug is off by itself.
        let on = moves(&plug)[0];
        plug.pass(AHEAD);
        let off = *moves(&plug).last().unwrap();
        assert_eq!((off.on, off.cause), (false, Mover::Countdown), "{model:?}");
        assert!(off.at - on.at <= AHEAD, "{model:?}: {off:?}");
    }
}

#[tokio::test]
async fn a_countdown_is_renewed_for_as_long_as_the_heat_is_wanted_and_ends_it_when_the_task_is_gone() {
    let plug = fast(Model::Ep40m).await;
    let mut setup = heats(&plug, Timer::Required);
    setup.settings.poll_every = Duration::from_millis(200);
    let mut bench = setup.start();
    bench.reported(1, Switch::On).await;
    let began = plug.now();
    let heard = bench.heard_within(Duration::from_millis(6500)).await;
    assert!(plug.now() - began > 2 * AHEAD, "more than two countdowns would have run out");
    assert!(plug.relay(1));
    assert_eq!(moves(&plug).len(), 1, "{:?}", moves(&plug));
    let timers = heard.iter().filter_map(|it| match it {
        Event::DeviceReported { reports, .. } => reports.iter().find(|it| it.slot == 1)?.timer,
        _ => None,
    });
    // Renewed at least each five minutes, and what the network costs at this pace.
    let least = timers.map(|it| it.as_secs()).min().unwrap();
    assert!(least > 300, "down to {least} s");
    // As if by `kill -9`. What it was about ends first.
    bench.drop_dead();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let died = plug.now();
    tokio::time::sleep(Duration::from_millis(3200)).await;
    let off = *moves(&plug).last().unwrap();
    assert_eq!((off.on, off.cause), (false, Mover::Countdown));
    assert!(off.at > died && off.at - died <= AHEAD, "{:?} after the death", off.at - died);
}

#[tokio::test]
async fn a_countdown_does_not_reach_past_the_end_of_the_wish() {
    let plug = plug(Model::P210M).await;
    let mut setup = Setup::of(&plug);
    setup.orders = order(Switch::On, Timer::Required, Some(300));
    let mut bench = setup.start();
    let timer = bench.caused(1, Cause::Switched).await.timer.unwrap();
    assert!((290..=302).contains(&timer.as_secs()), "{timer}");
    // The wish grows, and later shrinks.
    bench.order(order(Switch::On, Timer::Required, Some(3600)));
    bench.report(1, |it| it.timer.is_some_and(|it| it.as_secs() > 880)).await;
    bench.order(order(Switch::On, Timer::Required, Some(120)));
    bench.report(1, |it| it.timer.is_some_and(|it| it.as_secs() <= 122)).await;
    bench.stop().await;
    plug.pass(Duration::from_secs(122));
    assert!(!plug.relay(1));
}

#[tokio::test]
async fn an_off_takes_the_countdown_with_it() {
    for model in [Model::P210M, Model::P100] {
        let plug = plug(model).await;
        let mut setup = Setup::of(&plug);
        setup.orders = order(Switch::On, Timer::Required, None);
        let mut bench = setup.start();
        bench.reported(1, Switch::On).await;
        bench.order(order(Switch::Off, Timer::Required, None));
        assert_eq!(bench.reported(1, Switch::Off).await.timer, None);
        bench.stop().await;
        let before = plug.log().len();
        plug.pass(AHEAD * 2);
        assert_eq!(plug.log().len(), before, "{model:?}: a countdown was left: {:?}", plug.log());
    }
}

/// An update takes it to the successor, over which no timer can be reached. The client for that one speaks to the emulated device as
/// it did before: it says only once, to whoever asks first, that it has a successor.
#[tokio::test]
async fn an_off_goes_alone_where_the_countdown_cannot_be_reached_any_more() {
    for model in [Model::P210M, Model::P110m] {
        let plug = plug(model).await;
        let mut setup = Setup::of(&plug);
        setup.orders = order(Switch::On, Timer::Required, None);
        setup.settings.poll_every = Duration::from_secs(3600);
        let mut bench = setup.start();
        bench.reported(1, Switch::On).await;
        // The login with the old keys is refused, and the question which protocol it speaks is answered.
        plug.set_fault_for(Fault::Tpap, 2);
        plug.expire_sessions();
        bench.order(order(Switch::Off, Timer::Required, None));
        assert_eq!(bench.housing().await.protocol.as_deref(), Some("TPAP"), "{model:?}");
        bench.reported(1, Switch::Off).await;
        assert_eq!(moves(&plug).last().map(|it| (it.on, it.cause)), Some((false, Mover::Client)), "{model:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_press_of_the_button_leaves_no_countdown_behind() {
    let plug = plug(Model::Ep40m).await;
    let mut setup = Setup::of(&plug);
    setup.orders = order(Switch::On, Timer::Required, None);
    let mut bench = setup.start();
    bench.reported(1, Switch::On).await;
    assert!(plug.press(1));
    bench.order(order(Switch::Off, Timer::Required, None));
    bench.reported(1, Switch::Off).await;
    bench.heard_within(Duration::from_millis(1800)).await;
    bench.stop().await;
    let before = plug.log().len();
    plug.pass(AHEAD * 2);
    assert_eq!(plug.log().len(), before, "{:?}", plug.log());
}

#[tokio::test]
async fn a_heater_that_cannot_be_armed_is_not_switched_on_and_the_reason_told() {
    let cases = [("add_countdown_rule", -1002), ("get_countdown_rules", -1002), ("remove_countdown_rules", -1001)];
    for (method, code) in cases {
        let plug = plug(Model::P210M).await;
        plug.set_fault(Fault::MethodError { method: method.to_owned(), code });
        let mut setup = Setup::of(&plug);
        setup.orders = order(Switch::On, Timer::Required, None);
        let mut bench = setup.start();
        let text = noticed(&mut bench, TimerConcern::NotArmed).await;
        assert!(text.starts_with("no timer on the plug could be armed: Porch at "), "{text}");
        let (_, wanted, trouble) = bench.switch_failed().await;
        assert_eq!((wanted, &trouble.text), (Switch::On, &text), "{method}");
        bench.heard_within(Duration::from_millis(500)).await;
        assert_eq!(plug.log(), [], "{method}");
        // Told that it may do without, it does.
        bench.order(order(Switch::On, Timer::Wanted, None));
        let timer = bench.reported(1, Switch::On).await.timer;
        assert!(timer.is_none_or(|it| it.as_hours() == 6), "only the auto-off timer: {method}: {timer:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_plug_that_takes_a_countdown_and_does_not_show_it_is_opened_again() {
    let plug = plug(Model::P210M).await;
    plug.set_fault(Fault::WithoutField("remain".to_owned()));
    let mut setup = Setup::of(&plug);
    setup.orders = order(Switch::On, Timer::Required, None);
    let mut bench = setup.start();
    let (_, wanted, trouble) = bench.switch_failed().await;
    assert_eq!(wanted, Switch::On);
    assert!(trouble.text.starts_with("no timer on the plug could be armed"), "{}", trouble.text);
    bench.reported(1, Switch::Off).await;
    assert!(!plug.relay(1));
    let moves = moves(&plug);
    let first: Vec<_> = moves.iter().take(2).map(|it| (it.on, it.cause)).collect();
    assert_eq!(first, [(true, Mover::Client), (false, Mover::Client)]);
    let on_for = moves[1].at - moves[0].at;
    assert!(on_for < Duration::from_secs(3), "{on_for:?}");
    bench.stop().await;
}

#[tokio::test]
async fn a_plug_that_shows_a_longer_countdown_than_it_was_given_is_not_trusted_with_a_heater() {
    let plug = plug(Model::P210M).await;
    plug.set_fault(Fault::Says("remain".to_owned(), 3600.into()));
    let mut setup = Setup::of(&plug);
    setup.orders = order(Switch::On, Timer::Required, None);
    let mut bench = setup.start();
    let (_, wanted, trouble) = bench.switch_failed().await;
    assert_eq!(wanted, Switch::On);
    assert!(trouble.text.starts_with("no timer on the plug could be armed"), "{}", trouble.text);
    bench.reported(1, Switch::Off).await;
    assert!(!plug.relay(1));
    bench.stop().await;
}

#[tokio::test]
async fn a_renewal_that_fails_half_way_switches_off_at_once() {
    for timer in [Timer::Required, Timer::Wanted] {
        let plug = fast(Model::P210M).await;
        let mut bench = heats(&plug, timer).start();
        bench.reported(1, Switch::On).await;
        // The old countdown is removed, and a new one is not taken.
        plug.set_fault_for(Fault::MethodError { method: "add_countdown_rule".to_owned(), code: -1001 }, 1);
        let (_, wanted, trouble) = bench.switch_failed().await;
        assert_eq!(wanted, Switch::On);
        assert!(trouble.text.contains("no timer on the plug could be armed"), "{}", trouble.text);
        bench.reported(1, Switch::Off).await;
        let off = *moves(&plug).last().unwrap();
        assert_eq!((off.on, off.cause), (false, Mover::Client), "{timer:?}");
        // What went wrong once is tried again after a pause.
        assert!(bench.reported(1, Switch::On).await.timer.is_some(), "{timer:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_renewal_whose_answer_is_lost_is_made_sure_of_and_the_heat_goes_on() {
    let plug = fast(Model::Ep40m).await;
    let mut bench = heats(&plug, Timer::Required).start();
    bench.reported(1, Switch::On).await;
    for fault in [Fault::Drop, Fault::DropAfter, Fault::Drop, Fault::DropAfter] {
        plug.set_fault_for(fault, 1);
        bench.heard_within(Duration::from_millis(1500)).await;
    }
    assert_eq!(moves(&plug).len(), 1, "{:?}", moves(&plug));
    assert!(bench.report(1, |it| it.timer.is_some_and(|it| it.as_secs() > 550)).await.switch.is_on());
    bench.stop().await;
}

#[tokio::test]
async fn a_heater_that_is_found_on_is_armed_as_it_is() {
    let plug = plug(Model::Ep40m).await;
    assert!(plug.press(1));
    let mut setup = Setup::of(&plug);
    setup.orders = order(Switch::On, Timer::Required, None);
    let mut bench = setup.start();
    bench.report(1, |it| it.timer.is_some()).await;
    assert_eq!(moves(&plug).len(), 1, "the relay was left alone");
    bench.stop().await;
    plug.pass(AHEAD);
    assert!(!plug.relay(1));
}

#[tokio::test]
async fn a_firmware_that_refuses_batches_is_armed_step_by_step() {
    let plug = plug(Model::P210M).await;
    plug.set_fault(Fault::MethodError { method: "multipleRequest".to_owned(), code: -1003 });
    let mut setup = Setup::of(&plug);
    setup.orders = order(Switch::On, Timer::Required, None);
    let mut bench = setup.start();
    assert!(bench.reported(1, Switch::On).await.timer.is_some());
    bench.order(order(Switch::Off, Timer::Required, None));
    bench.reported(1, Switch::Off).await;
    bench.stop().await;
    let before = plug.log().len();
    plug.pass(AHEAD * 2);
    assert_eq!(plug.log().len(), before, "a countdown was left: {:?}", plug.log());
}

#[tokio::test]
async fn a_timer_that_somebody_else_has_set_is_told_once_and_kept_until_the_heater_needs_its_place() {
    let plug = plug(Model::P210M).await;
    let mut other = crate::foreign::Client::login(&plug).await;
    other.countdown(&plug, 1, 7200, false).await;
    let mut setup = Setup::of(&plug);
    setup.orders = order(Switch::Off, Timer::Required, None);
    let mut bench = setup.start();
    let text = noticed(&mut bench, TimerConcern::Foreign).await;
    assert!(text.contains("switch it OFF") && text.ends_with("left there"), "{text}");
    assert_eq!(other.remains(&plug, 1).await, Some(7200));
    bench.order(order(Switch::On, Timer::Required, None));
    let text = noticed(&mut bench, TimerConcern::Foreign).await;
    assert!(text.contains("replaced"), "{text}");
    let report = bench.reported(1, Switch::On).await;
    assert!(report.timer.is_some_and(|it| it.as_secs() <= 900), "{:?}", report.timer);
    let heard = bench.heard_within(Duration::from_secs(1)).await;
    assert!(!heard.iter().any(|it| matches!(it, Event::TimerNoticed { .. })), "{heard:?}");
    bench.stop().await;
}

#[tokio::test]
async fn a_light_keeps_the_timer_that_a_person_has_set_and_says_when_it_goes_off() {
    let plug = plug(Model::Ep40m).await;
    let mut other = crate::foreign::Client::login(&plug).await;
    other.countdown(&plug, 1, 600, false).await;
    assert!(plug.press(1));
    let mut setup = Setup::of(&plug);
    setup.orders = order(Switch::On, Timer::None, None);
    let mut bench = setup.start();
    let report = bench.report(1, |it| it.timer.is_some()).await;
    assert!((590..=600).contains(&report.timer.unwrap().as_secs()), "{:?}", report.timer);
    assert!((590..=600).contains(&other.remains(&plug, 1).await.unwrap()));
    bench.stop().await;
}

#[tokio::test]
async fn the_plugs_lasting_settings_are_written_once_where_they_differ() {
    let plug = plug(Model::P210M).await;
    let wire = Wiretap::swallowing(&plug, &[]).await;
    let setup = || {
        let mut setup = Setup::at(wire.port);
        setup.orders = order(Switch::Off, Timer::Required, None);
        setup
    };
    let mut bench = setup().start();
    bench.heard_within(Duration::from_secs(2)).await;
    bench.stop().await;
    assert_eq!((wire.count("set_auto_off_config"), wire.count("set_device_info")), (1, 1), "{:?}", wire.requests());
    // After a restart they are as they should be.
    let mut bench = setup().start();
    bench.heard_within(Duration::from_secs(2)).await;
    bench.stop().await;
    assert_eq!((wire.count("set_auto_off_config"), wire.count("set_device_info")), (1, 1), "{:?}", wire.requests());
    // A person closes it by the button while nobody is there: the plug opens it by itself, six hours and a quarter later.
    assert!(plug.press(1));
    plug.pass(Duration::from_secs(6 * 3600 + 899));
    assert!(plug.relay(1));
    plug.pass(Duration::from_secs(2));
    assert_eq!(moves(&plug).last().unwrap().cause, Mover::AutoOff);
    // And stays off after a power cut.
    assert!(plug.press(1));
    plug.reboot(Duration::ZERO).await.unwrap();
    assert!(!plug.relay(1));
}

#[tokio::test]
async fn the_stricter_of_two_lasting_auto_off_timers_holds() {
    let plug = plug(Model::P210M).await;
    let wire = Wiretap::swallowing(&plug, &[]).await;
    let setup = |longest| {
        let mut setup = Setup::at(wire.port);
        setup.orders = order(Switch::Off, Timer::Required, None);
        setup.orders.wanted.get_mut(&1).unwrap().longest_on = Some(SignedDuration::from_hours(longest));
        setup
    };
    // The rules have come to allow less than when it was set, and then more again; nobody remembers who has set it.
    for (longest, written) in [(6, 1), (2, 2), (6, 2)] {
        let mut bench = setup(longest).start();
        bench.heard_within(Duration::from_secs(2)).await;
        bench.stop().await;
        assert_eq!(wire.count("set_auto_off_config"), written, "{longest} h: {:?}", wire.requests());
    }
    assert!(plug.press(1));
    plug.pass(Duration::from_secs(2 * 3600 + 899));
    assert!(plug.relay(1));
    plug.pass(Duration::from_secs(2));
    assert_eq!(moves(&plug).last().unwrap().cause, Mover::AutoOff);
}

#[tokio::test(start_paused = true)]
async fn the_bridges_own_auto_off_timer_follows_the_rules_up_and_down_and_a_persons_does_not() {
    let (plugs, mut bench) = crate::field::house(PlugOptions::new(Model::P210M)).await;
    let plug = &plugs[0];
    let ordered = |longest| {
        let mut orders = order(Switch::Off, Timer::Required, None);
        orders.wanted.get_mut(&1).unwrap().longest_on = Some(SignedDuration::from_hours(longest));
        orders
    };
    // Without a reconnect: raised only because it is known to be the bridge's own.
    for longest in [2, 24, 6] {
        bench.order(ordered(longest));
        let minutes = u32::try_from((longest * 60 + 15).min(1440)).unwrap();
        assert_eq!(set_to(&mut bench).await, minutes);
        assert_eq!(plug.auto_off(1), Some(minutes));
    }
    assert!(plug.set_auto_off(1, 90));
    bench.order(ordered(24));
    let text = noticed(&mut bench, TimerConcern::Foreign).await;
    assert!(text.contains("90 min and was left so"), "{text}");
    assert_eq!(plug.auto_off(1), Some(90));
    bench.order(ordered(1));
    assert_eq!(set_to(&mut bench).await, 75);
    bench.stop().await;
}

#[tokio::test]
async fn an_auto_off_timer_that_is_remembered_as_the_bridges_own_is_raised_after_a_restart() {
    for (remembered, expected) in [(Some(135), 375), (Some(120), 135), (None, 135)] {
        let plug = plug(Model::P210M).await;
        assert!(plug.set_auto_off(1, 135));
        let mut setup = Setup::of(&plug);
        setup.orders = order(Switch::Off, Timer::Required, None);
        let auto_off = remembered.map(|it| (1, it)).into_iter().collect();
        setup.pin = Some(Pin { auto_off, device_id: Some(plug.device_id()), ..Pin::of_mac(plug.mac()) });
        let mut bench = setup.start();
        let done = bench.first("word about the auto-off timer", |it| {
            matches!(it, Event::AutoOffSet { .. } | Event::TimerNoticed { .. }).then_some(())
        });
        done.await;
        assert_eq!(plug.auto_off(1), Some(expected), "{remembered:?}");
        bench.stop().await;
    }
}

/// What the task has set an auto-off timer to.
async fn set_to(bench: &mut Bench) -> u32 {
    bench
        .first("auto-off timer that is set", |it| match it {
            Event::AutoOffSet { minutes, .. } => Some(*minutes),
            _ => None,
        })
        .await
}
