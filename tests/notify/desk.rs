use std::sync::Arc;

use heattrax::model::{ALERT_KINDS, AlertKind, Channel, NoticeKind, Severity, Switch};

use crate::home::{Thought, events, mat, minutes, noon, notice, settings};

#[test]
fn every_notice_has_exactly_one_name_and_no_name_stands_twice() {
    for kind in NoticeKind::ALL {
        let found = ALERT_KINDS.iter().filter(|it| it.kinds.contains(&kind)).count();
        assert_eq!(found, 1, "{kind:?}");
    }
    assert_eq!(AlertKind::of(NoticeKind::Answered), None, "that is for its asker alone");
    let mut names: Vec<_> = ALERT_KINDS.iter().map(|it| it.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALERT_KINDS.len());
    for name in [
        "weather_service_degraded",
        "weather_service_offline",
        "weather_service_recovered",
        "weather_service_outage_alert",
        "forecast_summary",
        "device_lost",
        "device_found",
        "device_ip_changed",
        "startup_test",
        "daily_summary",
    ] {
        assert!(AlertKind::named(name).is_some(), "{name}");
    }
}

#[test]
fn of_one_event_and_outlet_people_hear_once_and_then_how_many_there_were() {
    let mut thought = Thought::of("limit: 30m");
    assert_eq!(thought.hear(NoticeKind::NoLoad, noon(), "Mat draws nothing").len(), 1);
    for minute in 1..=8 {
        let words = format!("Mat draws nothing for the {minute}th time");
        assert!(thought.hear(NoticeKind::NoLoad, minutes(minute), &words).is_empty());
    }
    // Another event is another matter.
    assert_eq!(events(&thought.hear(NoticeKind::Overheat, minutes(9), "Mat is too hot")), ["overheat"]);
    assert_eq!(thought.desk.next(minutes(9)), Some(minutes(30)));
    assert!(thought.tick(minutes(29)).is_empty());
    let told = thought.tick(minutes(30));
    let wanted = "Mat draws nothing for the 8th time (and 7 more like it since Thu 15 Jan 07:00)";
    assert_eq!(told.iter().map(|it| it.message.as_str()).collect::<Vec<_>>(), [wanted]);
    assert_eq!(told[0].details["more"], 7);
    // The next window holds too, and ends when nothing happens any more.
    assert!(thought.hear(NoticeKind::NoLoad, minutes(31), "again").is_empty());
    assert_eq!(thought.tick(minutes(60))[0].message, "Again");
    assert!(thought.tick(minutes(90)).is_empty());
    assert_eq!(thought.hear(NoticeKind::NoLoad, minutes(91), "again").len(), 1);
}

#[test]
fn a_restart_neither_tells_the_same_the_sooner_nor_loses_what_is_held_back() {
    let mut thought = Thought::of("limit: 30m");
    assert_eq!(thought.hear(NoticeKind::NoLoad, noon(), "Mat draws nothing").len(), 1);
    assert!(thought.hear(NoticeKind::NoLoad, minutes(5), "Mat draws nothing again").is_empty());
    let kept = serde_json::to_string(thought.desk.notebook()).unwrap();
    let mut next = Thought::after("limit: 30m", serde_json::from_str(&kept).unwrap());
    assert!(next.hear(NoticeKind::NoLoad, minutes(10), "Mat draws nothing still").is_empty());
    assert_eq!(next.desk.next(minutes(10)), Some(minutes(30)));
    let told = next.tick(minutes(30));
    assert!(told.len() == 1 && told[0].message.starts_with("Mat draws nothing still (and 1 more like it"), "{told:?}");
    // A clock that was set back by a year holds nothing for that long.
    let mut earlier = Thought::after("limit: 30m", serde_json::from_str(&kept).unwrap());
    let year = jiff::SignedDuration::from_hours(24 * 365);
    assert!(earlier.tick(noon() - year).is_empty());
    assert_eq!(earlier.tick(minutes(31) - year).len(), 1);
}

#[test]
fn another_outlet_is_not_held_back() {
    let mut thought = Thought::of("limit: 30m");
    assert_eq!(thought.hear(NoticeKind::Lockout, noon(), "Mat is locked off").len(), 1);
    let other = notice(NoticeKind::Lockout, noon(), "Steps is locked off").about_outlet(&"steps/1".parse().unwrap());
    thought.desk.hear(&other, &thought.house, noon());
    assert_eq!(thought.desk.take().len(), 1);
}

#[test]
fn routing_says_what_is_told_by_which_way_and_severity_where_it_is_silent() {
    let settings = settings(
        "webhook: {enabled: true, url: \"http://127.0.0.1:9/\", min_severity: warning}
ntfy: {enabled: true, topic: mat}
routing:
  overheat: {webhook: false}
  switched: {ntfy: true, webhook: false}
  cooldown: {}
  daily_summary: {webhook: true}",
    )
    .notify
    .unwrap();
    let routes = |name: &str, channel| {
        let kind = AlertKind::named(name).unwrap();
        settings.routes(kind, kind.severity, channel)
    };
    assert!(!routes("overheat", Channel::Webhook) && routes("overheat", Channel::Ntfy));
    assert!(routes("no_load", Channel::Webhook), "a warning is urgent enough");
    assert!(!routes("storm_ahead", Channel::Webhook) && routes("storm_ahead", Channel::Ntfy));
    assert!(routes("daily_summary", Channel::Webhook), "who asks for it gets it, however little it matters");
    assert!(routes("switched", Channel::Ntfy) && !routes("switched", Channel::Webhook));
    assert!(!routes("external_change", Channel::Ntfy), "nobody has asked for it");
    assert!(routes("cooldown", Channel::Ntfy) && !routes("cooldown", Channel::Webhook));
}

#[test]
fn what_nobody_asked_for_is_not_told() {
    let mut thought = Thought::of("routing: {external_change: {webhook: true}, no_load: {webhook: false}}");
    assert!(thought.hear(NoticeKind::Switched, noon(), "Mat is ON").is_empty());
    assert!(thought.hear(NoticeKind::NoLoad, noon(), "Mat draws nothing").is_empty());
    assert!(thought.hear(NoticeKind::Answered, noon(), "done").is_empty());
    assert_eq!(thought.hear(NoticeKind::ExternalChange, noon(), "Mat was switched").len(), 1);
}

#[test]
fn a_heater_that_does_not_go_off_is_more_than_a_warning() {
    let mut thought = Thought::of("limit: 0s");
    let told = thought.hear(NoticeKind::SwitchFailed, noon(), "Mat cannot be switched ON");
    assert_eq!(told[0].severity, Severity::Warning);
    let outlet = Arc::make_mut(thought.house.outlets.get_mut(&mat()).unwrap());
    outlet.reported.as_mut().unwrap().switch = Switch::On;
    let told = thought.hear(NoticeKind::SwitchFailed, noon(), "Mat cannot be switched OFF");
    assert_eq!(told[0].severity, Severity::Critical);
    assert!(told[0].message.ends_with("It should be off, and says that it is on"), "{}", told[0].message);
}

fn is_on(thought: &mut Thought, switch: Switch) {
    let outlet = Arc::make_mut(thought.house.outlets.get_mut(&mat()).unwrap());
    outlet.reported.as_mut().unwrap().switch = switch;
}

#[test]
fn what_is_more_severe_than_what_people_heard_is_not_held_back() {
    let mut thought = Thought::of("limit: 30m");
    assert_eq!(thought.hear(NoticeKind::SwitchFailed, noon(), "Mat cannot be switched ON").len(), 1);
    assert!(thought.hear(NoticeKind::SwitchFailed, minutes(1), "Mat cannot be switched ON").is_empty());
    is_on(&mut thought, Switch::On);
    let told = thought.hear(NoticeKind::SwitchFailed, minutes(2), "Mat cannot be switched OFF");
    assert_eq!(told.iter().map(|it| it.severity).collect::<Vec<_>>(), [Severity::Critical]);
    let wanted = "It should be off, and says that it is on (and 1 more like it since Thu 15 Jan 07:00)";
    assert!(told[0].message.ends_with(wanted), "{}", told[0].message);
    // Of that too, people hear once in a while, and a restart does not change it.
    let mut next = Thought::after("limit: 30m", thought.desk.notebook().clone());
    is_on(&mut next, Switch::On);
    assert!(next.hear(NoticeKind::SwitchFailed, minutes(31), "Mat cannot be switched OFF").is_empty());
    assert_eq!(next.desk.next(minutes(31)), Some(minutes(32)));
}

#[test]
fn something_milder_does_not_take_the_place_of_what_is_held_back() {
    let mut thought = Thought::of("limit: 30m");
    is_on(&mut thought, Switch::On);
    assert_eq!(thought.hear(NoticeKind::SwitchFailed, noon(), "Mat cannot be switched OFF").len(), 1);
    assert!(thought.hear(NoticeKind::SwitchFailed, minutes(10), "Mat cannot be switched OFF still").is_empty());
    is_on(&mut thought, Switch::Off);
    assert!(thought.hear(NoticeKind::SwitchFailed, minutes(11), "Mat cannot be switched ON").is_empty());
    let told = thought.tick(minutes(30));
    assert_eq!(told[0].severity, Severity::Critical);
    assert!(told[0].message.starts_with("Mat cannot be switched OFF still. It should be off"), "{}", told[0].message);
    assert_eq!(told[0].details["more"], 1);
}

#[test]
fn windows_of_an_earlier_version_hold_on() {
    let mut thought = Thought::of("limit: 30m");
    thought.hear(NoticeKind::FaultEnded, noon(), "Mat is well again");
    let mut kept = serde_json::to_value(thought.desk.notebook()).unwrap();
    for window in kept["windows"].as_object_mut().unwrap().values_mut() {
        window.as_object_mut().unwrap().remove("told");
    }
    let mut next = Thought::after("limit: 30m", serde_json::from_value(kept).unwrap());
    assert!(next.hear(NoticeKind::FaultEnded, minutes(5), "Mat is well again").is_empty());
}

#[test]
fn a_storm_ahead_is_told_with_its_plan() {
    let mut thought = Thought::of("limit: 30m");
    let words = "a storm is ahead of walkway: snow; preheat from Thu 18:00, until Fri 02:00; 4.1 kWh";
    let told = thought.hear(NoticeKind::StormAhead, noon(), words);
    assert_eq!((told[0].event.as_str(), told[0].severity), ("storm_ahead", Severity::Info));
    assert!(told[0].message.starts_with("A storm is ahead of walkway: snow; preheat"), "{}", told[0].message);
}

#[test]
fn a_start_is_told_where_somebody_wants_to_know() {
    let mut thought = Thought::of("test_on_startup: true");
    thought.desk.started(noon());
    assert_eq!(events(&thought.desk.take()), ["startup_test"]);
    let mut silent = Thought::of("test_on_startup: false");
    silent.desk.started(noon());
    assert!(silent.desk.take().is_empty());
}
