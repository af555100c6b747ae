//! Faults that only a meter shows, and the count of energy.

use heattrax::model::{Energy, Fault, NoticeKind, Verb};
use proptest::prelude::*;

use crate::home::*;

const MAT: &str = "mat/1";

/// A mat of 300 W that runs.
fn running() -> Day {
    looked_at_every(5)
}

/// The same, with so many seconds between two looks.
fn looked_at_every(seconds: u64) -> Day {
    let home = home().mats("mat", &[MAT], [all_day()]);
    let home =
        home.with(|it| it.devices.values_mut().for_each(|it| it.poll_every = std::time::Duration::from_secs(seconds)));
    let home =
        home.with(|it| it.groups.values_mut().flat_map(|it| &mut it.members).for_each(|it| it.rated_watts = Some(300)));
    let mut day = home.starts("2026-01-10 06:00");
    day.obey().after(minutes(1));
    assert_eq!(day.wanted(MAT), On);
    day.heard();
    day
}

fn looks(day: &mut Day, number: u32, apart: i64, says: Says) {
    for _ in 0..number {
        day.after(seconds(apart)).report(MAT, says);
    }
}

#[test]
fn five_samples_and_two_minutes_make_a_fault_and_neither_alone() {
    let cases = [(polled(On).drawing(0.4), Fault::NoLoad), (polled(On).drawing(400.0), Fault::OverRated)];
    for (says, fault) in cases {
        for (number, apart, found) in [(30, 1, false), (4, 100, false), (5, 20, false), (7, 25, true), (40, 5, true)] {
            let mut day = running();
            looks(&mut day, number, apart, says);
            let alarm = day.outlet(MAT).alarm;
            assert_eq!(alarm, found.then_some(fault), "{number} samples, {apart} s apart");
        }
        // A gap begins anew, and so does a single good sample.
        let mut day = running();
        looks(&mut day, 4, 20, says);
        day.after(minutes(6));
        looks(&mut day, 4, 20, says);
        looks(&mut day, 1, 20, polled(On).drawing(300.0));
        looks(&mut day, 4, 20, says);
        assert_eq!(day.outlet(MAT).alarm, None);
    }
}

#[test]
fn a_figure_that_is_told_again_is_no_sample() {
    let cases = [(On, 400.0, Fault::OverRated), (On, 0.0, Fault::NoLoad), (Off, 280.0, Fault::RelayStuck)];
    for (switch, watts, fault) in cases {
        let mut day = running();
        if switch == Off {
            day.asks(MAT, set(Off)).report(MAT, switched(Off));
        }
        looks(&mut day, 1, 25, polled(switch).drawing(watts));
        looks(&mut day, 30, 25, polled(switch).still_drawing(watts));
        assert_eq!(day.outlet(MAT).alarm, None, "{fault:?}: the meter has said it once");
        for _ in 0..6 {
            looks(&mut day, 1, 25, polled(switch).still_drawing(watts));
            looks(&mut day, 1, 1, polled(switch).drawing(watts));
        }
        assert_eq!(day.outlet(MAT).alarm, Some(fault));
        looks(&mut day, 2, 25, polled(switch).still_drawing(watts));
        assert_eq!(day.outlet(MAT).alarm, Some(fault), "nothing else has been said");
    }
}

#[test]
fn a_mat_that_is_looked_at_seldom_is_found_out_too() {
    for (every, found) in [(5, None), (600, Some(Fault::NoLoad)), (3600, Some(Fault::NoLoad))] {
        let mut day = looked_at_every(every);
        looks(&mut day, 5, i64::try_from(every).unwrap().max(360), polled(On).drawing(0.0));
        assert_eq!(day.outlet(MAT).alarm, found, "every {every} s");
    }
    // Off, its power is read at every sixth look only.
    let mut day = looked_at_every(600);
    day.asks(MAT, CONTROL_OFF).report(MAT, switched(Off).drawing(0.0));
    looks(&mut day, 5, 3600, polled(Off).drawing(280.0));
    assert_eq!(day.outlet(MAT).alarm, Some(Fault::RelayStuck));
}

#[test]
fn a_mat_that_draws_nothing_is_told_and_goes_on_and_its_return_is_told_too() {
    let mut day = running();
    looks(&mut day, 10, 20, polled(On).drawing(0.0));
    let told = day.hears(NoticeKind::NoLoad).unwrap();
    assert!(told.message.contains("draws only 0 W") && told.message.contains("GFCI"), "{}", told.message);
    assert_eq!(day.wanted(MAT), On);
    looks(&mut day, 5, 20, polled(On));
    assert_eq!(day.outlet(MAT).alarm, Some(Fault::NoLoad), "a silent meter ends nothing");
    looks(&mut day, 1, 20, polled(On).drawing(290.0));
    assert_eq!((day.outlet(MAT).alarm, day.hears(NoticeKind::FaultEnded).is_some()), (None, true));
}

#[test]
fn too_much_power_locks_off_until_somebody_acknowledges_it() {
    let mut day = running();
    looks(&mut day, 10, 20, polled(On).drawing(350.0));
    assert_eq!((day.wanted(MAT), day.key(MAT)), (Off, "lockout"));
    assert!(day.why(MAT).contains("more power than what is written on it"), "{}", day.why(MAT));
    assert_eq!(day.heard_kinds().iter().filter(|it| **it == "lockout").count(), 1);
    looks(&mut day, 10, 20, polled(Off).drawing(0.0));
    assert_eq!(day.key(MAT), "lockout", "the measure has gone, the lock stays");
    day.restart().report(MAT, first(Off).drawing(0.0));
    assert_eq!(day.key(MAT), "lockout");
    day.asks(MAT, Verb::Acknowledge);
    assert_ne!(day.key(MAT), "lockout");
}

#[test]
fn a_relay_that_is_stuck_is_told_locked_and_told_off_again() {
    for says in [polled(Off).drawing(280.0), polled(Off).drawing(6.0)] {
        let mut day = running();
        day.asks(MAT, CONTROL_OFF).report(MAT, switched(Off).drawing(0.0)).heard();
        looks(&mut day, 12, 20, says);
        assert_eq!(day.outlet(MAT).alarm, Some(Fault::RelayStuck));
        assert!(day.hears(NoticeKind::RelayStuck).unwrap().message.contains("Pull the plug"));
        assert!(day.controller.orders(&slug("mat")).wanted[&1].insist);
        day.asks(MAT, CONTROL_AUTO).asks(MAT, Verb::Acknowledge);
        assert_eq!(day.key(MAT), "lockout", "acknowledged, but still so");
        looks(&mut day, 2, 20, polled(Off).drawing(0.0));
        assert_eq!(day.outlet(MAT).alarm, None);
        assert_ne!(day.key(MAT), "lockout");
    }
}

/// Without a meter: by what the relay reports.
#[test]
fn an_outlet_that_stays_on_against_its_order_is_told_once_locked_and_told_off_until_it_goes() {
    for says in [polled(On), switched(On), polled(On).drawing(290.0), polled(On).drawing(0.0)] {
        let mut day = running();
        day.asks(MAT, set(Off)).heard();
        looks(&mut day, 6, 19, says);
        assert_eq!(day.outlet(MAT).alarm, None, "not for two minutes yet");
        looks(&mut day, 30, 20, says);
        assert_eq!(
            (day.outlet(MAT).alarm, day.order(MAT), day.key(MAT)),
            (Some(Fault::RelayStuck), Some(Off), "lockout")
        );
        assert!(day.controller.orders(&slug("mat")).wanted[&1].insist);
        let told = day.heard();
        let of = |kind| told.iter().filter(|it| it.kind == kind).collect::<Vec<_>>();
        assert_eq!((of(NoticeKind::RelayStuck).len(), of(NoticeKind::Lockout).len()), (1, 1));
        assert!(of(NoticeKind::RelayStuck)[0].message.contains("still says that it is on"));
        // Looked at, but not repaired.
        assert_eq!(day.asks(MAT, Verb::Acknowledge).asks(MAT, CONTROL_AUTO).key(MAT), "lockout");
        // A restart, a look that may be old and a lost link make nobody forget it.
        looks(&mut day, 1, 20, first(On));
        assert_eq!(day.lost("mat").after(minutes(20)).report(MAT, first(On)).order(MAT), Some(Off));
        assert_eq!(day.outlet(MAT).alarm, Some(Fault::RelayStuck));
        day.after(seconds(20)).report(MAT, switched(Off)).after(seconds(20)).report(MAT, polled(Off).drawing(0.0));
        assert_eq!(day.outlet(MAT).alarm, None);
    }
    let mut day = running();
    day.asks(MAT, set(Off));
    looks(&mut day, 10, 20, polled(On));
    day.restart().report(MAT, first(Off));
    assert_eq!(day.after(hours(12)).report(MAT, polled(Off)).key(MAT), "lockout", "until somebody acknowledges it");
    assert_ne!(day.asks(MAT, Verb::Acknowledge).key(MAT), "lockout");
}

#[test]
fn an_outlet_that_has_not_heard_its_order_is_not_held_to_be_stuck() {
    // The command has not been answered, or the link comes back again and again: nobody knows whether the order has come through.
    let mut day = running();
    day.asks(MAT, set(Off));
    for _ in 0..20 {
        day.after(seconds(20)).report_answering(MAT, polled(On), 0);
    }
    assert_eq!(day.outlet(MAT).alarm, None);
    looks(&mut day, 20, 20, first(On));
    assert_eq!(day.outlet(MAT).alarm, None);
    // What is only left as it is until the first forecast has come has not been ordered off; nor is an outlet that is to be on.
    let mut day = running();
    looks(&mut day, 20, 20, polled(On));
    assert_eq!(day.outlet(MAT).alarm, None);
}

#[test]
fn a_relay_that_is_stuck_stays_so_over_a_gap_a_restart_and_a_clock_that_is_set() {
    let interruptions = [
        (|day| day.after(minutes(20))) as fn(&mut Day) -> &mut Day,
        |day| day.clock_set(hours(2)),
        |day| day.clock_set(hours(-2)),
        |day| day.lost("mat").after(minutes(20)).report(MAT, first(Off)),
        |day| day.restart(),
        |day| day.restart().report(MAT, first(Off)),
    ];
    for (case, interrupted) in interruptions.into_iter().enumerate() {
        let mut day = running();
        day.asks(MAT, set(Off)).report(MAT, switched(Off).drawing(0.0)).report(MAT, counters(1.0, Some(1.0)));
        day.report(MAT, polled(Off).drawing(0.0));
        looks(&mut day, 12, 20, polled(Off).drawing(280.0));
        day.asks(MAT, Verb::Acknowledge).asks(MAT, CONTROL_AUTO);
        interrupted(&mut day);
        looks(&mut day, 1, 20, polled(Off).drawing(280.0));
        assert_eq!((day.outlet(MAT).alarm, day.order(MAT)), (Some(Fault::RelayStuck), Some(Off)), "{case}");
        assert_eq!(day.key(MAT), "lockout", "{case}: it would be switched on");
    }
    // So does one that stays on, without a meter.
    let mut day = running();
    day.asks(MAT, set(Off));
    looks(&mut day, 12, 20, polled(On));
    day.asks(MAT, Verb::Acknowledge).asks(MAT, CONTROL_AUTO).restart();
    assert_eq!((day.order(MAT), day.key(MAT)), (Some(Off), "lockout"));
    assert_eq!((day.report(MAT, first(On)).order(MAT), day.key(MAT)), (Some(Off), "lockout"));
    assert_ne!(day.after(seconds(20)).report(MAT, switched(Off)).key(MAT), "lockout");
}

#[test]
fn the_rest_after_a_cut_by_a_leak_counts_from_the_cut_although_it_was_off_before() {
    let mut day = running();
    day.asks(MAT, set(Off)).report(MAT, switched(Off).drawing(0.0));
    let off_since = day.now;
    looks(&mut day, 8, 20, polled(Off).drawing(280.0));
    let cut = day.outlet(MAT).memory.cut.unwrap().at;
    assert!(cut.duration_since(off_since) >= minutes(2));
    looks(&mut day, 1, 20, polled(Off).drawing(0.0));
    day.asks(MAT, Verb::Acknowledge).asks(MAT, CONTROL_AUTO);
    let rested = cut.checked_add(minutes(30)).unwrap();
    assert_eq!(day.until(rested.checked_sub(seconds(1)).unwrap()).key(MAT), "cooldown");
    assert_eq!(day.until(rested).wanted(MAT), On);
}

#[test]
fn another_power_than_usual_is_told_and_an_acknowledgement_makes_it_the_usual() {
    let mut day = running();
    looks(&mut day, 100, 20, polled(On).drawing(280.0));
    let learned = day.outlet(MAT).memory.learned.unwrap();
    assert!((learned.watts - 280.0).abs() < 1.0, "{learned:?}");
    looks(&mut day, 28, 20, polled(On).drawing(150.0));
    assert_eq!(day.outlet(MAT).alarm, None, "not for ten minutes yet");
    looks(&mut day, 5, 20, polled(On).drawing(150.0));
    assert_eq!((day.outlet(MAT).alarm, day.wanted(MAT)), (Some(Fault::Drift), On));
    day.asks(MAT, Verb::Acknowledge);
    looks(&mut day, 100, 20, polled(On).drawing(150.0));
    assert_eq!(day.outlet(MAT).alarm, None);
}

fn counters(today: f64, month: Option<f64>) -> Says {
    polled(On).metered(Energy { today: Some(today), month, ..Energy::default() })
}

#[test]
fn the_total_goes_on_over_midnight_the_month_a_restart_and_a_reset() {
    let mut day = running();
    assert_eq!(day.outlet(MAT).energy_total, None, "unknown is not zero");
    let total = |day: &Day| (day.outlet(MAT).energy_total.unwrap() * 1000.0).round();
    day.report(MAT, counters(1.0, Some(10.0)));
    assert_eq!(total(&day), 10_000.0);
    day.after(hours(1)).report(MAT, counters(1.3, Some(10.3)));
    assert_eq!(total(&day), 10_300.0);
    // Midnight: the rest of the day before is in the month.
    day.after(hours(2)).report(MAT, counters(0.2, Some(10.9)));
    assert_eq!(total(&day), 10_900.0);
    // Down over night.
    day.restart().after(hours(10)).report(MAT, counters(0.5, Some(13.0)));
    assert_eq!(total(&day), 13_000.0);
    // The month begins anew, or the plug was reset: believed at the second look.
    day.after(hours(1)).report(MAT, counters(0.1, Some(0.1)));
    assert_eq!(total(&day), 13_000.0);
    day.after(seconds(30)).report(MAT, counters(0.1, Some(0.1)));
    assert_eq!(total(&day), 13_100.0);
    // A single false zero costs nothing, and neither does a figure that cannot be.
    day.after(seconds(30)).report(MAT, counters(0.0, Some(0.0)));
    day.after(seconds(5)).report(MAT, counters(0.1, Some(0.1)));
    day.after(seconds(30)).report(MAT, counters(900.0, Some(900.0)));
    day.after(seconds(5)).report(MAT, counters(0.11, Some(0.11)));
    assert_eq!(total(&day), 13_110.0);
    day.report(MAT, polled(On));
    assert_eq!(total(&day), 13_110.0, "a silent meter changes nothing");
}

#[test]
fn what_flowed_while_the_month_was_not_told_is_counted_once() {
    let total = |day: &Day| (day.outlet(MAT).energy_total.unwrap() * 1000.0).round();
    let mut day = running();
    day.report(MAT, counters(1.0, Some(10.0)));
    day.after(hours(1)).report(MAT, counters(1.5, None));
    assert_eq!(total(&day), 10_500.0);
    day.after(seconds(30)).report(MAT, counters(1.5, Some(10.5)));
    assert_eq!(total(&day), 10_500.0);
    // Nor is a midnight that passes meanwhile: that the counter has begun anew is believed at the second look.
    day.after(hours(2)).report(MAT, counters(0.2, None)).after(seconds(30)).report(MAT, counters(0.2, None));
    assert_eq!(total(&day), 10_700.0);
    day.after(hours(1)).report(MAT, counters(0.5, Some(11.2)));
    assert_eq!(total(&day), 11_000.0);
}

proptest! {
    #![proptest_config(crate::properties::config(64))]

    #[test]
    fn the_total_never_falls_and_never_outruns_what_can_flow(
        said in prop::collection::vec((1i64..4000, -1.0..2000.0f64, prop::option::of(0.0..2000.0f64), 0u8..20), 1..40)
    ) {
        let mut day = running();
        let (mut before, mut first, mut hours) = (None, None, 0.0);
        for (pause, today, month, restarts) in said {
            day.after(seconds(pause));
            if restarts == 0 {
                day.restart();
            }
            day.report(MAT, counters(today, month));
            let now = day.outlet(MAT).energy_total;
            hours += pause as f64 / 3600.0;
            if let (Some(before), Some(now)) = (before, now) {
                prop_assert!(now >= before - 0.021, "{before} {now}");
                let most = first.unwrap_or(now) + hours * 4.0 + 0.05 * 40.0;
                prop_assert!(now <= most, "{now} of at most {most}");
            }
            first = first.or(now);
            before = now.or(before);
        }
    }
}
