//! How devices were seen to behave in the field, behaviour by behaviour. Those that are shown elsewhere:
//!
//! | behaviour | shown by |
//! |---|---|
//! | one session only; other programs take it over | `losing::two_programs_on_one_session_do_not_lose_the_device`, `losing::a_switch_that_meets_an_expired_session_is_done_after_a_look` |
//! | local control is forbidden, by an update, a setting or for want of internet | `words::each_trouble_is_named_with_the_device_the_address_and_what_to_do`; how often it is asked: here |
//! | requests at once make a device restart | `orders::in_a_storm_of_orders_one_request_is_under_way_and_the_newest_wins`, `sessions::a_device_at_rest_is_looked_at_less_often_than_one_that_works` |
//! | a port stays closed until it is asked for | `healing::a_device_that_opens_its_port_only_when_it_is_asked_is_asked`; after a power cut: here |
//! | a firmware refuses lists | `sessions::a_firmware_that_refuses_batches_is_asked_one_by_one_from_then_on` |
//! | the account's letters matter | `words::the_account_is_compared_to_the_letter` |
//! | another address; another device at the address | `healing::*`, `first_contact::another_device_at_the_address_is_never_switched` |
//! | overload and overheat open the relay | `orders::faults_of_the_device_are_reported` |
//! | relays after a power cut | `timers::the_plugs_lasting_settings_are_written_once_where_they_differ`; after a short one: here |
//! | buttons, the vendor's app | `orders::a_press_of_the_button_is_seen_as_polled`, `losing::a_press_that_coincides_with_the_end_of_the_session_is_no_matter_of_the_past` |
//!
//! Hours and days pass here in the runtime's time, over connections in memory.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use heattrax::{
    emulator::{Fault, Model, Plug, PlugOptions},
    model::{Cause, Event, Order, Orders, Pin, Switch, Timer, TroubleKind},
    outlets::{Network, finding::Finder},
};
use tokio::time::Instant;

use crate::{
    air::Air,
    bench::{Bench, Setup, wanted},
    wiretap::Wiretap,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A device in memory, and the task that is to talk to it as the config's defaults say.
pub(crate) async fn house(options: PlugOptions) -> (Arc<Vec<Plug>>, Bench) {
    let listen = SocketAddr::from(([192, 0, 2, 7], 80));
    let plugs = Arc::new(vec![Plug::in_memory(PlugOptions { listen, ..options }).await.unwrap()]);
    let network: Arc<dyn Network> = Arc::new(Air(Arc::clone(&plugs)));
    let finder = Some(Arc::new(Finder::new(Arc::clone(&network))));
    let pin = Some(Pin { device_id: Some(plugs[0].device_id()), ..Pin::of_mac(plugs[0].mac()) });
    let mut setup = Setup { network, finder, pin, ..Setup::of(&plugs[0]) };
    setup.settings.address.host = listen.ip().to_string();
    setup.settings.poll_every = Duration::from_secs(10);
    setup.settings.timeout = Duration::from_secs(5);
    (plugs, setup.start())
}

/// How long it takes until the device is met; `None` if longer than `most`.
async fn met_within(bench: &mut Bench, most: Duration) -> Option<Duration> {
    let began = Instant::now();
    let met = async {
        loop {
            match bench.events.recv().await.expect("the task lives") {
                Event::DeviceReported { .. } => return,
                _ => continue,
            }
        }
    };
    tokio::time::timeout(most, met).await.ok().map(|()| began.elapsed())
}

fn losses(heard: &[Event]) -> Vec<&str> {
    let lost = heard.iter().filter_map(|it| match it {
        Event::DeviceLost { trouble, .. } => Some(trouble.text.as_str()),
        _ => None,
    });
    lost.collect()
}

#[tokio::test(start_paused = true)]
async fn who_refuses_logins_is_asked_seldom_and_met_soon_after_it_takes_them_again() {
    // At most so many logins an hour, and met so soon after a person has put it right.
    let table = [
        (Fault::HandshakeForbidden, 30, 3 * MINUTE),
        (Fault::OtherAccount, 20, 4 * MINUTE),
        // A device that counts wrong passwords is not even greeted.
        (Fault::Locked, 0, 13 * MINUTE + MINUTE / 2),
    ];
    for (fault, most, soon) in table {
        let (plugs, mut bench) = house(PlugOptions::new(Model::P110m)).await;
        plugs[0].set_fault(fault.clone());
        let trouble = bench.lost().await;
        assert_eq!(trouble.kind, TroubleKind::NeedsPerson, "{fault:?}");
        // Orders do not make it ask sooner.
        for commanded in 0..60 {
            bench.order(wanted(&[(1, Switch::from_bool(commanded % 2 == 0))], commanded));
            let heard = bench.heard_within(MINUTE).await;
            assert_eq!(losses(&heard), Vec::<&str>::new(), "{fault:?}: it is told once");
        }
        let greetings = plugs[0].counts().greetings;
        assert!(greetings <= most, "{fault:?}: {greetings} in an hour");
        plugs[0].clear_faults();
        assert!(met_within(&mut bench, soon).await.is_some(), "{fault:?}");
        bench.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_power_cut_a_port_that_waits_to_be_asked_for_is_asked_for() {
    for model in [Model::P110m, Model::P210M] {
        let (plugs, mut bench) = house(PlugOptions::new(model)).await;
        bench.caused(1, Cause::FirstContact).await;
        plugs[0].set_fault(Fault::LazyPort);
        plugs[0].reboot(30 * MINUTE).await.unwrap();
        while bench.events.try_recv().is_ok() {}
        // By itself it would open after eight minutes and a half. The longest pause is a minute, and so is that between two searches.
        let took = met_within(&mut bench, 5 * MINUTE).await.expect("it is asked for");
        assert!(took < 2 * MINUTE + MINUTE / 2, "{model:?}: {took:?}");
        bench.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_of_a_day_are_renewed_before_they_end() {
    let (plugs, mut bench) = house(PlugOptions::new(Model::Ep40m)).await;
    for _ in 0..49 {
        let heard = bench.heard_within(HOUR).await;
        assert_eq!(losses(&heard), Vec::<&str>::new());
    }
    let counts = plugs[0].counts();
    assert_eq!((counts.logins, counts.refused), (3, 0), "{counts:?}");
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn answers_that_take_seconds_lose_no_device() {
    for (latency, jitter) in [(20, 200), (200, 4000)] {
        let latency = Duration::from_millis(latency);
        let (plugs, mut bench) = house(PlugOptions { latency, ..PlugOptions::new(Model::P210M) }).await;
        plugs[0].set_fault(Fault::Jitter(Duration::from_millis(jitter)));
        bench.order(wanted(&[(2, Switch::On)], 1));
        let heard = bench.heard_within(HOUR).await;
        assert_eq!(losses(&heard), Vec::<&str>::new(), "up to {jitter} ms");
        assert!(plugs[0].relay(2));
        bench.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_odd_error_now_and_then_loses_no_device() {
    let (plugs, mut bench) = house(PlugOptions::new(Model::P210M)).await;
    bench.caused(1, Cause::FirstContact).await;
    let no = |method: &str| Fault::MethodError { method: method.to_owned(), code: -1004 };
    let mut odd = [400, 403, 429, 500, 503].map(Fault::Status).to_vec();
    odd.extend([no("get_child_device_list"), no("get_emeter_data"), no("multipleRequest"), no("control_child")]);
    for fault in odd {
        plugs[0].set_fault_for(fault.clone(), 1);
        let heard = bench.heard_within(5 * MINUTE).await;
        assert_eq!(losses(&heard), Vec::<&str>::new(), "{fault:?}");
        let reports = heard.iter().filter(|it| matches!(it, Event::DeviceReported { .. })).count();
        assert!(reports >= 8, "{fault:?}: {reports} in five minutes");
        plugs[0].clear_faults();
    }
    bench.stop().await;
}

/// An older P100 falls over when its light is asked for, and with long lists; an older P300 never answers both lists of its outlets
/// in one request.
#[tokio::test]
async fn nobody_asks_for_lights_or_for_long_lists_or_for_two_lists_of_outlets_at_once() {
    for model in [Model::P100, Model::P110m, Model::P300, Model::P210M] {
        let plug = crate::bench::plug(model).await;
        let wire = Wiretap::swallowing(&plug, &[]).await;
        let mut setup = Setup::at(wire.port);
        let order = Order { timer: Timer::Required, ..Switch::On.into() };
        setup.orders.wanted.insert(1, order);
        let mut bench = setup.start();
        bench.reported(1, Switch::On).await;
        bench.heard_within(Duration::from_millis(500)).await;
        for request in wire.requests() {
            assert!(request.len() <= 5, "{model:?}: {request:?}");
            assert!(!request.iter().any(|it| it.contains("led")), "{model:?}: {request:?}");
            let lists = request.iter().filter(|it| it.starts_with("get_child_device")).count();
            assert!(lists <= 1, "{model:?}: {request:?}");
        }
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_device_that_an_update_takes_to_the_successor_and_back_is_met_in_whatever_it_speaks() {
    let plug = crate::bench::plug(Model::P400m).await;
    let mut bench = Setup::of(&plug).start();
    bench.caused(1, Cause::FirstContact).await;
    plug.set_fault(Fault::Tpap);
    plug.expire_sessions();
    let trouble = bench.lost().await;
    assert!(trouble.text.starts_with(&format!("Porch at {}", plug.address())), "{}", trouble.text);
    // The emulated device does not get further than to name it: what a real one says next is not shown here.
    plug.clear_faults();
    assert_eq!(bench.housing().await.protocol.as_deref(), Some("KLAP"));
    bench.caused(1, Cause::FirstContact).await;
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_nobody_saw_is_seen_by_the_outlet_that_it_switched_off() {
    let (plugs, mut bench) = house(PlugOptions::new(Model::P110m)).await;
    bench.order(wanted(&[(1, Switch::On)], 1));
    bench.reported(1, Switch::On).await;
    bench.caused(1, Cause::Polled).await;
    // Some firmwares were seen to restart when they were asked too often: 90 s without them.
    plugs[0].reboot(90 * Duration::from_secs(1)).await.unwrap();
    let heard = bench.heard_within(2 * MINUTE).await;
    let mut reports = heard.iter().filter_map(|it| match it {
        Event::DeviceReported { reports, .. } => Some(&reports[0]),
        _ => None,
    });
    let first = reports.find(|it| it.cause == Cause::FirstContact).expect("it is met anew");
    assert_eq!(first.switch, Switch::On, "the relay is as it was");
    let on_since = plugs[0].outlets()[0].on_time;
    assert!(on_since <= 120, "it counts from the restart: {on_since}");
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_short_power_cut_has_opened_was_opened_by_nobody_and_heats_on() {
    for model in [Model::P110m, Model::P210M] {
        let (plugs, mut bench) = house(PlugOptions::new(model)).await;
        let mut orders = wanted(&[(1, Switch::On)], 1);
        orders.wanted.insert(1, Order { timer: Timer::Required, ..Switch::On.into() });
        bench.order(orders);
        bench.reported(1, Switch::On).await;
        // By now it is told to stay off after a power cut.
        bench.heard_within(MINUTE).await;
        plugs[0].reboot(Duration::ZERO).await.unwrap();
        assert_eq!(bench.reported(1, Switch::Off).await.cause, Cause::FirstContact, "{model:?}");
        bench.reported(1, Switch::On).await;
        bench.heard_within(MINUTE).await;
        // A hand leaves the countdown.
        plugs[0].expire_sessions();
        assert!(plugs[0].press(1));
        assert_eq!(bench.reported(1, Switch::Off).await.cause, Cause::Polled, "{model:?}");
        bench.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_the_light_and_is_logged_out_for_it_does_not_log_in_for_ever() {
    let (plugs, mut bench) = house(PlugOptions::new(Model::P110m)).await;
    plugs[0].set_fault(Fault::EndsSession("get_led_info".to_owned()));
    let heard = bench.heard_within(10 * MINUTE).await;
    assert_eq!(losses(&heard), Vec::<&str>::new());
    assert_eq!(plugs[0].counts().logins, 3, "it is asked twice, for somebody else may have taken the session");
    // Somebody wants it out: that is tried, and given up.
    bench.order(Orders { led: Some((false, 1)), ..wanted(&[(1, Switch::Off)], 0) });
    let heard = bench.heard_within(10 * MINUTE).await;
    assert_eq!(losses(&heard), Vec::<&str>::new());
    assert_eq!(plugs[0].counts().logins, 5);
    bench.order(wanted(&[(1, Switch::On)], 1));
    bench.reported(1, Switch::On).await;
    bench.stop().await;
}

/// Where lists are refused, a countdown is renewed step by step, and the answer to a step can be lost on the way.
#[tokio::test(start_paused = true)]
async fn a_countdown_whose_removal_was_not_answered_is_set_anew_at_once() {
    let (plugs, mut bench) = house(PlugOptions::new(Model::Ep40m)).await;
    let plug = &plugs[0];
    plug.set_fault(Fault::BatchLimit(1));
    bench.caused(1, Cause::FirstContact).await;
    let mut orders = wanted(&[(1, Switch::On)], 1);
    orders.wanted.insert(1, Order { timer: Timer::Required, ..Switch::On.into() });
    bench.order(orders);
    bench.reported(1, Switch::On).await;
    let mut last = plug.outlets()[0].countdown.expect("it is armed");
    plug.set_fault(Fault::LostAnswer("remove_countdown_rules".to_owned()));
    let (mut renewed, mut bare) = (false, Vec::new());
    let began = Instant::now();
    while began.elapsed() < 10 * MINUTE {
        tokio::time::sleep(Duration::from_millis(100)).await;
        while bench.events.try_recv().is_ok() {}
        let outlet = plug.outlets()[0];
        match outlet.countdown {
            Some(left) => {
                renewed |= left > last;
                last = left;
            }
            None if outlet.on => bare.push(began.elapsed()),
            None => {}
        }
    }
    assert!(renewed);
    assert_eq!(bare, Vec::<Duration>::new(), "it heated and nothing would have ended it");
    bench.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_was_gone_for_hours_is_met_within_two_looks_and_an_attempt() {
    for model in [Model::P110m, Model::P210M] {
        let (plugs, mut bench) = house(PlugOptions::new(model)).await;
        bench.caused(1, Cause::FirstContact).await;
        for away in [MINUTE, HOUR, 5 * HOUR] {
            plugs[0].vanish().await;
            tokio::time::sleep(away).await;
            while bench.events.try_recv().is_ok() {}
            plugs[0].come_back().await.unwrap();
            // Two looks of ten seconds, and the attempt and the search that may just have begun: nobody answers either.
            let took = met_within(&mut bench, MINUTE).await.expect("it is met");
            assert!(took < Duration::from_secs(2 * 10 + 15 + 5), "{model:?} after {away:?}: {took:?}");
        }
        bench.stop().await;
    }
}
