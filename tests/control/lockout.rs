//! A fault locks a heater off until somebody has looked at it.

use heattrax::model::{Fault, Mode, NoticeKind, Verb};

use crate::home::*;

const NOW: &str = "2026-01-10 12:00";
const MAT: &str = "mat/1";

fn mat() -> Plan {
    home().mats("mat", &[MAT], [all_day()])
}

/// It runs, and the plug raises a flag.
fn faulty(fault: Fault) -> Day {
    let mut day = mat().starts(NOW);
    day.obey().after(minutes(10));
    assert_eq!(day.wanted(MAT), On);
    day.heard();
    day.report(MAT, polled(Off).with_fault(fault));
    day
}

#[test]
fn a_heater_with_a_fault_flag_is_locked_off_also_when_the_flag_has_gone() {
    let mut day = faulty(Fault::Overload);
    assert_eq!((day.wanted(MAT), day.key(MAT)), (Off, "lockout"));
    assert_eq!(day.decision(MAT).mode(), Mode::Lockout);
    let said = "mat outlet 1 is locked off until somebody acknowledges it: the plug says that it is overloaded";
    assert_eq!(
        day.heard.iter().filter(|it| it.kind == NoticeKind::Lockout).map(|it| &it.message).collect::<Vec<_>>(),
        [said]
    );
    // It is no longest runtime that has ended.
    assert!(day.heard.iter().all(|it| it.kind != NoticeKind::MaxRuntime), "{:?}", day.heard);
    assert!(day.hears(NoticeKind::Overload).is_some());
    day.report(MAT, polled(Off)).after(hours(30)).report(MAT, polled(Off));
    assert_eq!((day.wanted(MAT), day.key(MAT)), (Off, "lockout"), "the flag has long gone");
    assert_eq!(day.heard_kinds().iter().filter(|it| **it == "lockout").count(), 0, "said once");
    day.asks(MAT, Verb::Acknowledge);
    assert_eq!(day.wanted(MAT), On);
}

#[test]
fn nobody_switches_on_what_is_locked_off_and_everybody_switches_it_off() {
    let mut day = faulty(Fault::Overcurrent);
    day.report(MAT, polled(Off)).heard();
    day.asks(MAT, set(On));
    let refused = day.hears(NoticeKind::Refused).unwrap();
    assert!(refused.message.contains("locked off until somebody acknowledges it"), "{}", refused.message);
    day.asks_group("mat", CONTROL_ON);
    assert!(day.hears(NoticeKind::Refused).is_some());
    day.asks(MAT, set(Off)).obey();
    assert!(day.hears(NoticeKind::Refused).is_none(), "an OFF is never refused");
    // A hand at the plug does not win either, and the relay is switched back.
    day.after(hours(4)).report(MAT, polled(On));
    assert_eq!((day.order(MAT), day.key(MAT)), (Some(Off), "lockout"));
    assert!(day.hears(NoticeKind::ExternalChange).unwrap().message.contains("not followed"));
}

#[test]
fn the_rest_after_the_cut_stays_when_it_is_acknowledged_at_once() {
    let mut day = faulty(Fault::Overload);
    day.after(minutes(5)).asks(MAT, Verb::Acknowledge);
    assert_eq!((day.wanted(MAT), day.key(MAT)), (Off, "cooldown"));
    assert_eq!(day.at("12:39:59").wanted(MAT), Off);
    assert_eq!(day.at("12:40").wanted(MAT), On);
}

#[test]
fn a_flag_that_stays_until_it_is_switched_on_may_be_tried_against_once_it_is_acknowledged() {
    for fault in [Fault::Overload, Fault::Overcurrent] {
        let mut day = faulty(fault);
        day.after(minutes(31)).report(MAT, polled(Off).with_fault(fault));
        assert_eq!((day.wanted(MAT), day.key(MAT)), (Off, "lockout"), "nobody has looked at it");
        day.asks(MAT, Verb::Acknowledge).heard();
        assert_eq!(day.wanted(MAT), On, "{fault:?}");
        // The flag that is still shown in the first look is the old one.
        day.report(MAT, polled(Off).with_fault(fault)).report(MAT, switched(On).with_fault(fault));
        assert_eq!((day.wanted(MAT), day.hears(NoticeKind::Lockout)), (On, None));
        // It goes, and what comes then is new.
        day.report(MAT, polled(On));
        assert_eq!(day.outlet(MAT).memory.lockout, None);
        day.report(MAT, polled(Off).with_fault(fault));
        assert_eq!((day.wanted(MAT), day.key(MAT)), (Off, "lockout"));
        assert!(day.hears(NoticeKind::Lockout).is_some());
    }
}

#[test]
fn a_flag_that_was_never_seen_to_go_is_new_when_the_plug_has_cut_again_or_it_is_another() {
    let tried = || {
        let mut day = faulty(Fault::Overload);
        day.after(minutes(31)).report(MAT, polled(Off).with_fault(Fault::Overload));
        day.asks(MAT, Verb::Acknowledge).report(MAT, switched(On).with_fault(Fault::Overload)).heard();
        day
    };
    let mut day = tried();
    day.report(MAT, polled(Off).with_fault(Fault::Overload));
    assert_eq!((day.wanted(MAT), day.key(MAT)), (Off, "lockout"));
    assert!(day.hears(NoticeKind::Lockout).is_some());
    let mut day = tried();
    day.report(MAT, polled(On).with_fault(Fault::Overheat));
    assert_eq!((day.wanted(MAT), day.key(MAT)), (Off, "lockout"));
    // Switched off by a person it is not cut: the flag is the one that was acknowledged.
    let mut day = tried();
    day.asks(MAT, set_for(Off, hours(1))).report(MAT, switched(Off).with_fault(Fault::Overload));
    assert_eq!((day.key(MAT), day.hears(NoticeKind::Lockout)), ("manual_off", None));
}

#[test]
fn what_is_too_hot_stays_off_until_the_plug_no_longer_says_so() {
    let mut day = faulty(Fault::Overheat);
    day.after(minutes(31)).report(MAT, polled(Off).with_fault(Fault::Overheat));
    day.asks(MAT, Verb::Acknowledge).heard();
    assert_eq!((day.wanted(MAT), day.key(MAT)), (Off, "lockout"));
    assert_eq!(day.why(MAT), "off for as long as this is so: the plug says that it is too hot");
    day.asks(MAT, set(On));
    assert!(day.hears(NoticeKind::Refused).is_some());
    day.report(MAT, polled(Off));
    assert_eq!(day.wanted(MAT), On);
    // And if it comes back, somebody has to look again.
    day.obey().report(MAT, polled(Off).with_fault(Fault::Overheat)).report(MAT, polled(Off)).after(hours(1));
    assert_eq!(day.key(MAT), "lockout");
}

#[test]
fn a_restart_neither_forgets_a_lock_nor_tells_of_it_again() {
    let mut day = faulty(Fault::Overload);
    day.after(hours(1)).report(MAT, polled(Off).with_fault(Fault::Overload)).restart();
    assert_eq!((day.wanted(MAT), day.key(MAT)), (Off, "lockout"), "before the plug has answered");
    day.heard();
    day.report(MAT, first(Off).with_fault(Fault::Overload));
    assert_eq!(day.heard_kinds(), [""; 0]);
    day.restart().report(MAT, first(Off));
    assert_eq!(day.key(MAT), "lockout");
    // So it is with what somebody has acknowledged.
    let mut day = faulty(Fault::Overload);
    day.after(hours(1)).report(MAT, polled(Off).with_fault(Fault::Overload)).asks(MAT, Verb::Acknowledge).restart();
    day.heard();
    day.report(MAT, first(Off).with_fault(Fault::Overload));
    assert_eq!((day.wanted(MAT), day.heard_kinds()), (On, vec![]));
}

#[test]
fn a_fault_at_the_first_contact_ever_locks_too() {
    let mut day = mat().starts(NOW);
    day.report(MAT, first(On).with_fault(Fault::Overload));
    assert_eq!((day.order(MAT), day.key(MAT)), (Some(Off), "lockout"));
    assert!(day.hears(NoticeKind::Lockout).is_some());
}

#[test]
fn only_heaters_are_locked_off() {
    let mut day = home().lights("lamp", &["lamp/1"], []).starts(NOW);
    day.report("lamp/1", first(Off)).report("lamp/1", polled(Off).with_fault(Fault::Overload));
    assert_eq!(day.asks("lamp/1", set(On)).wanted("lamp/1"), On);
    assert_eq!(day.outlet("lamp/1").memory.lockout, None);
    day.asks("lamp/1", Verb::Acknowledge);
    assert!(day.hears(NoticeKind::Refused).unwrap().message.contains("no fault waits for it"));
}

#[test]
fn a_group_is_acknowledged_as_a_whole() {
    let mut day = home().mats("mats", &["mat/1", "mat/2", "mat/3"], []).starts(NOW);
    for outlet in ["mat/1", "mat/2"] {
        day.report(outlet, first(Off).with_fault(Fault::Overload));
    }
    day.report("mat/3", first(Off)).heard();
    day.asks_group("mats", Verb::Acknowledge);
    assert_eq!(day.hears(NoticeKind::Refused), None);
    assert_eq!(
        (day.key("mat/1"), day.key("mat/2"), day.key("mat/3")),
        ("nothing_asks", "nothing_asks", "nothing_asks")
    );
    day.asks_group("mats", Verb::Acknowledge);
    assert!(day.hears(NoticeKind::Refused).is_some(), "there is nothing left");
}
