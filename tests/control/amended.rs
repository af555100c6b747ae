//! Other settings for a running home: what people and plugs said stays, what follows from the settings does not.

use std::sync::Arc;

use heattrax::model::{Availability, Class, Event, Forecast, Gone, NoticeKind, Pin, Place};

use crate::home::*;

impl Day {
    /// Goes on with other settings.
    pub fn goes_on_with(&mut self, plan: Plan) -> &mut Self {
        self.settings = Arc::new(plan.settings);
        let heard = self.controller.amend(Arc::clone(&self.settings), self.now);
        self.heard.extend(heard);
        self
    }
}

fn mats(off: &str) -> Plan {
    home().mats("mats", &["mat/1"], [daily("13:00", off)])
}

/// At 14:00, with the mat on by its rule.
fn running() -> Day {
    let mut day = mats("20:00").starts("2026-01-10 12:00");
    day.identified("mat", 2).report("mat/1", first(Off)).at("13:00").obey().at("14:00").heard();
    day
}

#[test]
fn a_rule_that_ends_earlier_ends_earlier() {
    let mut day = running();
    assert_eq!(day.goes_on_with(mats("15:00")).wanted("mat/1"), On);
    assert_eq!(day.decision("mat/1").until.map(|it| day.local(it)).as_deref(), Some("2026-01-10 15:00:00"));
    assert_eq!(day.at("15:00").wanted("mat/1"), Off);
    assert_eq!(day.goes_on_with(mats("16:00")).wanted("mat/1"), On);
}

#[test]
fn a_wish_and_the_time_it_has_been_on_stay() {
    let mut day = running();
    day.asks("mat/1", set_for(On, hours(5))).report("mat/1", switched(On)).at("15:00");
    let before = day.outlet("mat/1").clone();
    day.goes_on_with(mats("13:30"));
    let after = day.outlet("mat/1");
    assert_eq!((after.memory.wish, after.memory.run), (before.memory.wish, before.memory.run));
    assert_eq!((after.commanded, after.on_since), (before.commanded, before.on_since));
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (On, "manual_on"));
}

#[test]
fn a_shorter_limit_counts_the_time_it_has_been_on_already() {
    let mut day = running();
    let shorter = mats("20:00").with(|it| it.safety.longest_on = minutes(150));
    assert_eq!(day.goes_on_with(shorter).wanted("mat/1"), On);
    assert_eq!((day.at("15:30").wanted("mat/1"), day.key("mat/1")), (Off, "max_runtime"));
    let cut = day.hears(NoticeKind::MaxRuntime);
    assert!(cut.is_some());
    // Nor does another config end a rest.
    assert_eq!(day.goes_on_with(mats("21:00")).wanted("mat/1"), Off);
    assert!(day.outlet("mat/1").memory.cut.is_some());
}

#[test]
fn a_command_under_way_is_still_answered() {
    let mut day = mats("20:00").starts("2026-01-10 12:00");
    day.report("mat/1", first(Off)).asks("mat/1", set(On)).goes_on_with(mats("21:00")).after(seconds(10));
    assert!(day.hears(NoticeKind::SwitchFailed).is_some_and(|it| it.message.contains("not confirmed it in time")));
}

#[test]
fn a_device_under_another_name_keeps_its_wish_and_its_rest() {
    let mut day = running();
    day.asks("mat/1", set_for(On, hours(2))).report("mat/1", switched(On));
    let wish = day.outlet("mat/1").memory.wish;
    day.goes_on_with(home().mats("mats", &["walk/1"], [daily("13:00", "13:30")]));
    assert_eq!((day.outlet("walk/1").memory.wish, day.wanted("walk/1")), (wish, On));
    assert!(!day.controller.house().outlets.contains_key(&id("mat/1")));
    // Its task begins anew, so it has not been heard by this name.
    assert_eq!(day.outlet("walk/1").availability, Availability::Unknown);
    assert!(day.controller.house().devices[&slug("walk")].housing.is_some());
}

/// The mat under another name and at another address.
fn moved(mac: Option<&str>) -> Plan {
    home().mats("mats", &["walk/1"], [daily("13:00", "20:00")]).with(|it| {
        let walk = it.devices.get_mut(&slug("walk")).unwrap();
        walk.address.host = "192.0.2.77".to_owned();
        walk.mac = mac.map(|it| it.parse().unwrap());
    })
}

#[test]
fn a_device_under_another_name_and_at_another_address_is_known_by_its_mac() {
    let mut day = running();
    day.asks("mat/1", CONTROL_OFF).asks("mat/2", set_for(On, hours(2))).report("mat/1", switched(Off));
    let before = day.outlet("mat/1").memory.clone();
    // The config says which one it is.
    day.goes_on_with(moved(Some("02:00:00:00:00:01")));
    assert_eq!((&day.outlet("walk/1").memory, day.key("walk/1")), (&before, "control_off"));
    assert_eq!(day.outlet("walk/1").availability, Availability::Unknown);
    assert!(day.outlet("walk/2").memory.wish.is_some());
    // Another housing is another one.
    let mut day = running();
    day.asks("mat/1", CONTROL_OFF).goes_on_with(moved(Some("02:00:00:00:00:99")));
    assert_eq!(day.wanted("walk/1"), On);
}

#[test]
fn a_device_of_another_name_that_turns_out_to_be_the_one_that_is_gone_is_taken_for_it() {
    let mut day = running();
    day.asks("mat/1", CONTROL_OFF).asks("mat/2", set_for(On, hours(2))).report("mat/1", switched(Off));
    day.happens(Event::AutoOffSet { outlet: id("mat/1"), minutes: 375 });
    let before = day.outlet("mat/1").memory.clone();
    // Nobody knows yet.
    day.goes_on_with(moved(None));
    assert_eq!((day.wanted("walk/1"), day.order("walk/1")), (On, Some(On)));
    day.identified("walk", 2);
    assert_eq!((&day.outlet("walk/1").memory, day.key("walk/1")), (&before, "control_off"));
    assert_eq!(day.wanted("walk/2"), On);
    assert_eq!(day.controller.house().memory().pins[&slug("walk")].auto_off, [(1, 375)].into());
    // What was asked of it by its new name is newer, and it is handed over once.
    let mut day = running();
    day.asks("mat/1", set_for(On, hours(5))).goes_on_with(moved(None)).asks("walk/1", set_for(Off, hours(1)));
    assert_eq!(day.identified("walk", 2).wanted("walk/1"), Off);
    day.asks("walk/1", CONTROL_AUTO).identified("walk", 2);
    assert_eq!(day.outlet("walk/1").memory.wish, None);
    // A clock that is set meanwhile changes no length.
    let mut day = running();
    day.asks("mat/1", set_for(Off, hours(2))).goes_on_with(moved(None)).clock_set(hours(5)).identified("walk", 2);
    assert_eq!((day.wanted("walk/1"), day.key("walk/1")), (Off, "manual_off"));
    // It is kept for a while, whatever else is edited.
    let mut day = running();
    day.asks("mat/1", CONTROL_OFF).goes_on_with(home()).goes_on_with(moved(None)).identified("walk", 2);
    assert_eq!(day.key("walk/1"), "control_off");
}

#[test]
fn nor_does_a_stop_in_between_let_go_of_what_is_locked() {
    // The name was changed while the bridge did not run.
    let mut day = running();
    day.asks("mat/1", CONTROL_OFF);
    day.settings = Arc::new(moved(None).settings);
    day.restart().identified("walk", 2);
    assert_eq!(day.key("walk/1"), "control_off");
    assert!(day.controller.house().memory().gone.is_empty(), "handed over once");
    // It was taken out, and comes back after a restart.
    let mut day = running();
    day.asks("mat/1", CONTROL_OFF).goes_on_with(home()).restart().goes_on_with(moved(None)).identified("walk", 2);
    assert_eq!(day.key("walk/1"), "control_off");
    // No more than eight are kept, the newest.
    let mut day = running();
    day.asks("mat/1", CONTROL_OFF);
    let mut memory = day.controller.house().memory();
    let pin = memory.pins[&slug("mat")].clone();
    let other = |number| Pin { mac: format!("02:00:00:00:01:{number:02}").parse().unwrap(), ..pin.clone() };
    memory.gone = (10..18).map(|it| Gone { pin: other(it), outlets: std::collections::BTreeMap::new() }).collect();
    let kept = moved(None).remembers(memory, "2026-01-10 14:00").controller.house().memory().gone;
    let kept: Vec<_> = kept.iter().map(|it| it.pin.mac).collect();
    assert_eq!((kept.len(), kept[0], kept[7]), (8, other(11).mac, pin.mac));
}

#[test]
fn what_was_wanted_of_a_light_goes_on_counting_under_another_name() {
    let mut day = running();
    day.happens(Event::LedAsked { device: slug("mat"), on: true });
    day.happens(Event::LedAsked { device: slug("mat"), on: false });
    day.goes_on_with(home().mats("mats", &["walk/1"], [daily("13:00", "13:30")]));
    assert_eq!(day.controller.orders(&slug("walk")).led, Some((false, 2)));
    day.goes_on_with(mats("20:00")).goes_on_with(home());
    assert_eq!(day.goes_on_with(mats("20:00")).controller.orders(&slug("mat")).led, None, "it was gone");
}

#[test]
fn what_is_gone_is_gone_and_what_came_is_there() {
    let mut day = running();
    let two =
        home().mats("mats", &["mat/1"], [daily("13:00", "20:00")]).lights("porch", &["mat/2", "lamp/1"], [all_day()]);
    day.goes_on_with(two.clone());
    assert_eq!((day.wanted("mat/1"), day.wanted("lamp/1"), day.outlet("mat/2").class), (On, On, Class::Light));
    assert_eq!(day.controller.house().groups[&slug("porch")].outlets, [id("lamp/1"), id("mat/2")]);
    day.goes_on_with(mats("20:00"));
    let house = day.controller.house();
    assert!(!house.outlets.contains_key(&id("lamp/1")) && !house.devices.contains_key(&slug("lamp")));
    // The socket is still there, and belongs to nobody.
    assert_eq!((day.outlet("mat/2").group.clone(), day.wanted("mat/2")), (None, Off));
}

#[test]
fn an_outlet_that_the_plug_lacks_is_told_once() {
    let mut day = running();
    let wrong = home().mats("mats", &["mat/1", "mat/7"], [daily("13:00", "20:00")]);
    day.goes_on_with(wrong.clone());
    assert!(day.hears(NoticeKind::Refused).is_some_and(|it| it.message.contains("slot 7")));
    day.goes_on_with(wrong);
    assert!(day.hears(NoticeKind::Refused).is_none());
}

#[test]
fn the_forecast_of_another_place_is_not_believed() {
    let storm = || all_day().if_at_most(34.0).if_precipitation(true);
    let plan = || home().mats("mats", &["mat/1"], [storm()]);
    let mut day = plan().starts("2026-01-10 12:00");
    let forecast: Forecast = hourly(&day.settings.zone, day.now, "2026-01-10 10:00", &[SNOW; 12]);
    day.report("mat/1", first(Off)).forecast(forecast);
    assert_eq!(day.wanted("mat/1"), On);
    assert_eq!(day.goes_on_with(plan()).wanted("mat/1"), On);
    day.goes_on_with(plan().with(|it| it.place = Place { latitude: 10.0, longitude: 10.0 }));
    assert_eq!((day.wanted("mat/1"), day.key("mat/1")), (Off, "weather_unknown"));
}

#[test]
fn vacation_follows_the_config_when_that_changes() {
    let mut day = running();
    assert_eq!(day.goes_on_with(mats("20:00").with(|it| it.vacation = true)).key("mat/1"), "vacation");
    assert_eq!(day.goes_on_with(mats("20:00")).wanted("mat/1"), On);
    // What somebody said holds as long as the config says what it said then.
    day.vacation(true);
    assert_eq!(day.goes_on_with(mats("19:00")).key("mat/1"), "vacation");
}

#[test]
fn the_same_settings_change_nothing() {
    let mut day = running();
    day.asks("mat/2", set(On)).asks("mat/1", CONTROL_OFF);
    let (before, orders) = (day.controller.house().clone(), day.controller.orders(&slug("mat")));
    day.goes_on_with(mats("20:00"));
    let after = day.controller.house();
    assert_eq!((&after.outlets, &after.devices, &after.groups), (&before.outlets, &before.devices, &before.groups));
    assert_eq!(day.controller.orders(&slug("mat")), orders);
}
