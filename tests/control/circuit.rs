//! A circuit carries only so much: its outlets take turns.

use heattrax::model::{Celsius, Circuit, Mode, NoticeKind, Priority, Verb};

use crate::home::*;

/// Every outlet takes 600 W, that is 5 A.
trait Fed: Sized {
    fn fed(self, amps: f64) -> Self;
}

impl Fed for Plan {
    fn fed(self, amps: f64) -> Self {
        self.with(|it| {
            for group in it.groups.values_mut() {
                group.circuit = Some("porch".to_owned());
                group.members.iter_mut().for_each(|member| member.rated_watts = Some(600));
            }
            it.circuits.insert("porch".to_owned(), Circuit { name: "porch".to_owned(), amps, volts: 120.0 });
            it.safety.longest_on = hours(20);
        })
    }
}

const MATS: [&str; 3] = ["a/1", "b/1", "c/1"];

/// Three mats on three plugs, and room for two of them.
fn three(rules: impl IntoIterator<Item = heattrax::model::Schedule>) -> Plan {
    home().mats("mats", &MATS, rules).fed(12.0)
}

fn on(day: &Day) -> Vec<&'static str> {
    MATS.into_iter().filter(|it| day.wanted(it).is_on()).collect()
}

/// Every plug has been heard, and is off.
fn heard(plan: Plan, when: &str) -> Day {
    let mut day = plan.starts(when);
    for mat in MATS {
        day.report(mat, first(Off));
    }
    day
}

#[test]
fn those_that_fit_run_and_the_others_wait_and_say_so() {
    let mut day = heard(three([daily("13:00", "20:00")]), "2026-01-10 12:50");
    day.at("13:00").obey();
    assert_eq!(on(&day).len(), 2);
    let waiting = MATS.into_iter().find(|it| !day.wanted(it).is_on()).unwrap();
    assert_eq!((day.key(waiting), day.decision(waiting).mode()), ("circuit_full", Mode::Pending));
    assert_eq!(day.why(waiting), "waits: circuit `porch` carries as much as its 12 A allow");
    assert_eq!(day.decision(waiting).review_at, Some(day.instant("13:30")));
    assert_eq!(day.lives_until("20:00").key(waiting), "nothing_asks");
}

#[test]
fn what_flows_through_a_stuck_relay_counts_although_it_says_off() {
    let mut day = heard(three([daily("13:00", "20:00")]), "2026-01-10 12:30");
    for _ in 0..12 {
        day.after(seconds(20)).report("a/1", polled(Off).drawing(600.0));
    }
    assert_eq!(day.key("a/1"), "lockout");
    day.at("13:00").obey();
    day.report("a/1", polled(Off).drawing(600.0)).obey().obey();
    assert_eq!(on(&day).len(), 1, "{:?} beside the stuck one", on(&day));
    // Stuck while two others run: one of them gives way.
    let mut day = heard(three([daily("13:00", "20:00")]), "2026-01-10 12:50");
    day.at("13:00").obey().obey();
    let waiting = MATS.into_iter().find(|it| !day.wanted(it).is_on()).unwrap();
    for _ in 0..12 {
        day.after(seconds(20)).report(waiting, polled(Off).drawing(600.0));
    }
    assert_eq!(on(&day).len(), 1);
}

#[test]
fn giving_an_outlet_back_to_its_rules_is_not_refused_when_the_circuit_is_full() {
    let mut day = heard(three([daily("13:00", "20:00")]), "2026-01-10 12:50");
    day.asks("c/1", Verb::Control(heattrax::model::Control::Off)).at("13:00").obey().obey().heard();
    day.asks("c/1", CONTROL_AUTO);
    assert_eq!(day.hears(NoticeKind::Refused), None);
    assert_eq!((day.wanted("c/1"), day.key("c/1")), (Off, "circuit_full"));
    day.obey().after(seconds(30));
    assert_eq!(day.hears(NoticeKind::SwitchFailed), None);
}

#[test]
fn everybody_gets_its_turn_of_half_an_hour() {
    let mut day = heard(three([daily("13:00", "20:00")]), "2026-01-10 12:50");
    let mut turns = Vec::new();
    for half_hour in 0..6 {
        let begins = day.instant("13:00").checked_add(minutes(30 * half_hour)).unwrap();
        day.until(begins).obey().obey();
        turns.push(on(&day));
        // Nobody moves until the turn ends.
        day.after(minutes(29)).obey();
        assert_eq!(turns.last(), Some(&on(&day)));
    }
    for mat in MATS {
        assert_eq!(turns.iter().filter(|it| it.contains(&mat)).count(), 4, "{mat} in {turns:?}");
    }
    assert!(turns.iter().all(|it| it.len() == 2), "{turns:?}");
}

#[test]
fn the_next_one_waits_until_the_one_before_has_been_seen_off() {
    let mut day = heard(three([daily("13:00", "20:00")]).fed(6.0), "2026-01-10 12:50");
    day.at("13:00").obey();
    let one = on(&day)[0];
    assert_eq!(on(&day).len(), 1);
    day.at("13:30");
    assert_eq!(on(&day), [""; 0], "{one} still reports that it is on");
    day.report(one, polled(On)).after(seconds(5));
    assert_eq!(on(&day), [""; 0]);
    day.report(one, switched(Off));
    assert_eq!(on(&day).len(), 1);
    assert_ne!(on(&day)[0], one);
}

#[test]
fn what_cannot_be_reached_and_was_last_seen_on_counts_and_what_was_off_does_not() {
    let mut day = heard(three([daily("13:00", "20:00")]).fed(6.0), "2026-01-10 12:50");
    day.at("13:00").obey();
    let one = on(&day)[0];
    day.lost(&one[..1]).at("13:30");
    assert_eq!(on(&day), [one], "it runs on, for nobody can stop it");
    day.at("15:10").report(one, first(On));
    assert_eq!(day.order(one), Some(On), "found on, it may stay so until the turn ends");
    assert_eq!(day.at("15:30").order(one), Some(Off));
    day.report(one, switched(Off)).obey();
    assert_eq!(on(&day).len(), 1);
    // The one that runs now stays, whatever the others do that are off.
    let two = on(&day)[0];
    for mat in MATS.into_iter().filter(|it| *it != two) {
        day.lost(&mat[..1]);
    }
    assert_eq!(day.at("18:00").obey().wanted(two), On);
}

#[test]
fn one_that_is_lost_while_its_plug_counts_down_blocks_nobody_for_long() {
    let mut day = heard(three([daily("13:00", "20:00")]).fed(6.0), "2026-01-10 12:50");
    day.at("13:00").obey();
    let one = on(&day)[0];
    day.report(one, polled(On).timed(minutes(15))).lost(&one[..1]).at("13:14");
    assert_eq!(on(&day), [one], "it may be on");
    day.at("13:31").obey();
    let two = on(&day);
    assert!(two.len() == 2 || two != [one], "another has its turn: {two:?}");
    // Lost while the countdown was being set anew, it may have a later one, or none.
    let mut day = heard(three([daily("13:00", "20:00")]).fed(6.0), "2026-01-10 12:50");
    day.at("13:00").obey();
    let one = on(&day)[0];
    day.report(one, polled(On).timed(minutes(15)));
    day.happens(heattrax::model::Event::TimerDoubted { outlet: id(one) });
    day.lost(&one[..1]).at("15:00").obey();
    assert_eq!(on(&day), [one], "it may be on");
}

#[test]
fn after_a_start_nobody_is_switched_on_before_all_have_been_heard() {
    let mut day = three([all_day()]).fed(6.0).starts("2026-01-10 12:05");
    assert_eq!(MATS.map(|it| day.order(it)), [None; 3], "the one that runs is not known yet");
    day.report("b/1", first(On));
    assert_eq!((day.order("a/1"), day.order("b/1")), (None, Some(On)));
    day.report("a/1", first(Off));
    assert_eq!((day.order("a/1"), day.order("b/1")), (Some(Off), Some(On)));
    day.lost("c");
    assert_eq!((day.order("a/1"), day.order("b/1")), (Some(Off), Some(On)));
}

#[test]
fn the_more_important_goes_first_and_the_other_goes_off_before() {
    let plan = home()
        .mats("low", &["a/1"], [daily("12:00", "20:00").with_priority(Priority::Low)])
        .mats("normal", &["b/1"], [daily("13:10", "20:00")])
        .mats("storm", &["c/1"], [daily("14:10", "20:00").with_priority(Priority::Critical)]);
    let mut day = heard(plan.fed(6.0), "2026-01-10 12:00");
    assert_eq!(on(day.at("13:09").obey()), ["a/1"]);
    assert_eq!(on(day.at("13:10")), [""; 0]);
    assert_eq!(on(day.obey()), ["b/1"]);
    assert_eq!(on(day.obey().at("13:40").obey()), ["b/1"], "no turns between those that are not equal");
    assert_eq!(on(day.at("14:10").obey().obey()), ["c/1"]);
    assert_eq!(on(day.lives_until("19:59")), ["c/1"]);
}

#[test]
fn rules_give_way_to_a_person_who_is_answered_when_it_is_on() {
    let mut day = heard(three([all_day()]).fed(6.0), "2026-01-10 12:05");
    day.obey().obey();
    let runs = on(&day)[0];
    let asked = MATS.into_iter().find(|it| *it != runs).unwrap();
    day.heard();
    day.asks(asked, set_for(On, hours(2)));
    assert_eq!(day.hears(NoticeKind::Refused), None);
    assert_eq!((day.order(runs), day.order(asked)), (Some(Off), Some(Off)));
    day.report(runs, switched(Off));
    assert_eq!((day.order(runs), day.order(asked)), (Some(Off), Some(On)));
    assert!(day.outlet(asked).pending.is_some());
    day.report(asked, switched(On));
    assert!(day.outlet(asked).pending.is_none());
    assert_eq!(on(day.at("13:35").obey()), [asked], "a person does not take turns with rules");
    assert_eq!(on(day.lives_until("14:06")).len(), 1);
}

#[test]
fn a_person_for_whom_there_is_no_room_is_refused_with_the_reason() {
    let mut day = heard(three([]), "2026-01-10 12:05");
    day.asks("a/1", set(On)).asks("b/1", set(On)).obey().heard();
    day.asks("c/1", set(On));
    let refused = day.hears(NoticeKind::Refused).unwrap();
    assert!(refused.message.contains("circuit `porch` carries as much as its 12 A allow"), "{}", refused.message);
    assert_eq!((day.outlet("c/1").memory.wish, on(&day)), (None, vec!["a/1", "b/1"]));
    // A hand at the plug is not followed either.
    day.report("c/1", polled(On));
    assert_eq!(day.order("c/1"), Some(Off));
    assert!(day.hears(NoticeKind::ExternalChange).unwrap().message.contains("not followed"));
    day.report("c/1", switched(Off));
    // A whole group: as many as fit.
    let mut day = heard(three([]), "2026-01-10 12:05");
    day.heard();
    day.asks_group("mats", set(On));
    assert_eq!(day.heard_kinds(), ["refused"]);
    assert_eq!(on(&day).len(), 2);
    day.obey().heard();
    day.asks_group("mats", set(Off));
    assert_eq!(day.hears(NoticeKind::Refused), None);
}

#[test]
fn an_order_that_may_be_under_way_counts_until_the_plug_has_been_looked_at_afresh() {
    let mut day = heard(three([]).fed(6.0), "2026-01-10 12:05");
    day.asks("a/1", set(On));
    let before = day.controller.orders(&slug("a")).commanded;
    day.asks("a/1", set(Off)).asks("b/1", set(On));
    assert_eq!(on(&day), [""; 0], "the plug may just be switching on");
    // A look from before says nothing.
    day.report_answering("a/1", polled(Off), before);
    assert_eq!(on(&day), [""; 0]);
    day.report("a/1", switched(Off));
    assert_eq!(on(&day), ["b/1"]);
    // Nor does the loss of the plug.
    let mut day = heard(three([]).fed(6.0), "2026-01-10 12:05");
    day.asks("a/1", set(On)).lost("a").after(seconds(11)).asks("b/1", set(On));
    assert!(day.hears(NoticeKind::Refused).is_some());
    day.report("a/1", first(Off)).asks("b/1", set(On));
    assert_eq!(on(&day), ["b/1"]);
}

#[test]
fn a_restart_changes_no_turn() {
    let mut day = heard(three([all_day().if_at_most(Celsius(0.0).fahrenheit())]), "2026-01-10 12:00");
    day.expects("2026-01-10 10:00", &[DRY.air(20.0); 24]);
    for _ in 0..5 {
        day.obey().obey().after(minutes(17)).obey().obey();
        let before = on(&day);
        let reported: Vec<_> = MATS.iter().map(|it| day.outlet(it).switch().unwrap()).collect();
        day.restart();
        for (mat, switch) in MATS.iter().zip(&reported) {
            assert_ne!(day.order(mat), Some(switch.toggled()), "nothing moves before it is heard");
        }
        for (mat, switch) in MATS.iter().zip(reported) {
            day.report(mat, first(switch));
        }
        day.expects("2026-01-10 10:00", &[DRY.air(20.0); 24]);
        assert_eq!(before, on(&day));
    }
}

#[test]
fn one_that_joins_in_the_middle_of_a_turn_stops_nobody() {
    for joins in MATS {
        let plan = MATS.iter().fold(home(), |plan, mat| {
            let from = if *mat == joins { "13:10" } else { "12:00" };
            plan.mats(&mat[..1], &[mat], [daily(from, "23:00")])
        });
        let mut day = heard(plan.fed(12.0), "2026-01-10 12:00");
        day.obey().at("13:09").obey();
        let before = on(&day);
        assert_eq!(before.len(), 2);
        day.at("13:10").obey().at("13:29").obey();
        assert_eq!(on(&day), before);
        assert_eq!(day.key(joins), "circuit_full");
    }
}

#[test]
fn an_unrated_outlet_runs_alone() {
    let plan = three([all_day()]).fed(100.0).with(|it| {
        it.groups.get_mut(&slug("mats")).unwrap().members.iter_mut().for_each(|it| it.rated_watts = None);
    });
    assert_eq!(on(heard(plan, "2026-01-10 12:00").obey()).len(), 1);
}

#[test]
fn a_locked_off_or_resting_outlet_takes_no_room() {
    let mut day = heard(three([all_day()]), "2026-01-10 12:05");
    day.obey();
    let first_two = on(&day);
    day.asks(first_two[0], CONTROL_OFF).obey();
    assert_eq!(on(day.obey()).len(), 2);
    day.asks(first_two[1], Verb::Set(Off, heattrax::model::Lasting::Default)).obey();
    assert_eq!(on(day.obey()).len(), 1);
}
