use heattrax::model::{NoticeKind, Severity, TroubleKind::Passing, TroubleKind::WrongDevice};

use crate::home::{Thought, WEBHOOK, events, house, minutes, moved, noon, settings, slug, without};

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
    // What happens within half a minute is told as one.
    assert!(thought.look(&here, minutes(61)).is_empty());
    let told = thought.tick(minutes(62));
    assert_eq!((events(&told), told[0].message.as_str()), (vec!["device_found"], "Mat answers again."));
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
    assert!(next.look(&house(), minutes(21)).is_empty());
    assert_eq!(events(&next.tick(minutes(22))), ["device_found"]);
}

#[test]
fn another_device_at_the_address_is_told_at_once() {
    let mut thought = Thought::of("");
    let told = thought.look(&without("mat", WrongDevice), noon());
    assert_eq!((events(&told), told[0].severity), (vec!["device_ip_changed"], Severity::Critical));
    assert!(thought.look(&without("mat", WrongDevice), minutes(30)).is_empty());
    assert!(thought.look(&house(), minutes(31)).is_empty());
    assert_eq!(events(&thought.tick(minutes(32))), ["device_found"]);
}

#[test]
fn another_device_is_told_although_the_right_one_was_told_as_lost_before() {
    let mut thought = Thought::of("");
    thought.look(&without("mat", Passing), noon());
    assert_eq!(events(&thought.tick(minutes(5))), ["device_lost"]);
    assert_eq!(events(&thought.look(&without("mat", WrongDevice), minutes(10))), ["device_ip_changed"]);
    let mut next = Thought::after("", thought.desk.notebook().clone());
    assert!(next.look(&without("mat", WrongDevice), minutes(11)).is_empty());
}

#[test]
fn a_house_that_is_lost_as_a_whole_is_told_as_one() {
    let mut thought = Thought::of("");
    let all = without_all();
    thought.look(&without("mat", Passing), noon());
    thought.look(&all, seconds(20));
    let told = thought.tick(minutes(5));
    assert_eq!(events(&told), ["device_lost"]);
    assert!(
        told[0].message.starts_with("Mat and Steps have not answered since Thu 15 Jan 07:00."),
        "{}",
        told[0].message
    );
    assert_eq!(told[0].details["devices"], serde_json::json!(["mat", "steps"]));
    assert!(thought.tick(minutes(10)).is_empty());
    // The mat is back for a moment only: nobody hears of it.
    thought.look(&without("steps", Passing), minutes(20));
    thought.look(&all, minutes(20) + jiff::SignedDuration::from_secs(10));
    assert!(thought.tick(minutes(25)).is_empty());
    thought.look(&house(), minutes(30));
    let told = thought.tick(minutes(31));
    assert_eq!((events(&told), told[0].message.as_str()), (vec!["device_found"], "Mat and Steps answer again."));
}

#[test]
fn one_batch_of_lost_devices_does_not_hold_another_back() {
    let mut thought = Thought::of("limit: 30m");
    let mut house = without_all();
    thought.look(&house, noon());
    assert_eq!(events(&thought.tick(minutes(5))), ["device_lost"]);
    for more in ["porch", "drive"] {
        let device = house.devices[&slug("mat")].clone();
        house.devices.insert(slug(more), device);
    }
    thought.look(&house, minutes(6));
    let told = thought.tick(minutes(11));
    assert_eq!(told[0].details["devices"], serde_json::json!(["drive", "porch"]));
}

#[test]
fn one_that_was_taken_out_of_the_config_is_told_neither_as_lost_nor_as_found() {
    let mut thought = Thought::of("");
    let mut gone = house();
    gone.devices.remove(&slug("mat"));
    thought.look(&without("mat", Passing), noon());
    assert!(thought.look(&gone, minutes(1)).is_empty());
    assert_eq!(thought.desk.next(minutes(1)), None);
    assert!(thought.tick(minutes(60)).is_empty());
    // And if people heard that it is lost, nobody waits for it.
    thought.look(&without("mat", Passing), minutes(70));
    assert_eq!(events(&thought.tick(minutes(75))), ["device_lost"]);
    thought.look(&house(), minutes(80));
    thought.look(&gone, minutes(80));
    assert!(thought.tick(minutes(90)).is_empty());
}

#[test]
fn one_that_comes_back_into_the_config_has_not_come_and_gone_before() {
    let mut thought = Thought::of("limit: 2h");
    let (away, here) = (without("mat", Passing), house());
    let mut gone = house();
    gone.devices.remove(&slug("mat"));
    let mut told = Vec::new();
    for round in 0..6 {
        told.extend(thought.look(&away, minutes(round * 3)));
        told.extend(thought.look(&here, minutes(round * 3 + 1)));
        if round == 4 {
            told.extend(thought.look(&gone, minutes(round * 3 + 2)));
        }
    }
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn another_zone_in_the_config_is_the_zone_of_the_words() {
    let mut thought = Thought::of("limit: 30m");
    thought.desk.goes_by(moved(settings(WEBHOOK).control, "Asia/Tokyo"));
    thought.look(&without("mat", Passing), noon());
    let told = thought.tick(minutes(5));
    assert!(told[0].message.contains("since Thu 15 Jan 21:00"), "{}", told[0].message);
    for minute in [6, 7, 8] {
        thought.hear(NoticeKind::NoLoad, minutes(minute), "Mat draws nothing");
    }
    let told = thought.tick(minutes(36));
    assert!(told[0].message.contains("more like it since Thu 15 Jan 21:06"), "{}", told[0].message);
}

fn seconds(it: i64) -> jiff::Timestamp {
    noon() + jiff::SignedDuration::from_secs(it)
}

fn without_all() -> heattrax::model::House {
    let mut house = without("mat", Passing);
    let steps = without("steps", Passing).devices[&slug("steps")].clone();
    house.devices.insert(slug("steps"), steps);
    house
}
