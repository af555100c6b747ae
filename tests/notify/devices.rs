use heattrax::model::{Severity, TroubleKind::Passing, TroubleKind::WrongDevice};

use crate::home::{Thought, events, house, minutes, noon, without};

#[test]
fn a_device_is_told_as_lost_after_a_while_and_as_found_only_then() {
    let mut thought = Thought::of("device_lost_after: 5m");
    let (away, here) = (without("mat", Passing), house());
    assert!(thought.look(&away, noon()).is_empty());
    assert_eq!(thought.desk.next(noon()), Some(minutes(5)));
    assert!(thought.tick(minutes(4)).is_empty());
    let told = thought.tick(minutes(5));
    assert_eq!(events(&told), ["device_lost"]);
    assert_eq!(told[0].message, "Mat has not answered since Thu 15 Jan 07:00. Mat does not answer.");
    assert_eq!(told[0].details["device"], "mat");
    assert!(thought.look(&away, minutes(60)).is_empty(), "once is enough");
    assert_eq!(events(&thought.look(&here, minutes(61))), ["device_found"]);
    // A short absence is nobody's concern.
    assert!(thought.look(&away, minutes(70)).is_empty());
    assert!(thought.look(&here, minutes(74)).is_empty());
    assert!(thought.tick(minutes(80)).is_empty());
}

#[test]
fn one_that_comes_and_goes_is_told_once() {
    let mut thought = Thought::of("limit: 2h");
    let (away, here) = (without("mat", Passing), house());
    let mut told = Vec::new();
    for round in 0..12 {
        told.extend(thought.look(&away, minutes(round * 3)));
        told.extend(thought.look(&here, minutes(round * 3 + 1)));
    }
    assert_eq!(events(&told), ["device_lost"]);
    assert!(told[0].message.contains("comes and goes: it was lost 6 times within an hour"), "{}", told[0].message);
}

#[test]
fn a_restart_neither_tells_it_again_nor_forgets_that_it_is_lost() {
    let mut thought = Thought::of("");
    thought.look(&without("mat", Passing), noon());
    assert_eq!(thought.tick(minutes(5)).len(), 1);
    let mut next = Thought::after("", thought.desk.notebook().clone());
    assert!(next.look(&without("mat", Passing), minutes(6)).is_empty());
    assert!(next.tick(minutes(20)).is_empty());
    assert_eq!(events(&next.look(&house(), minutes(21))), ["device_found"]);
}

#[test]
fn another_device_at_the_address_is_told_at_once() {
    let mut thought = Thought::of("");
    let told = thought.look(&without("mat", WrongDevice), noon());
    assert_eq!((events(&told), told[0].severity), (vec!["device_ip_changed"], Severity::Critical));
    assert!(thought.look(&without("mat", WrongDevice), minutes(30)).is_empty());
    assert_eq!(events(&thought.look(&house(), minutes(31))), ["device_found"]);
}
