//! What is published of a house.

use std::sync::Arc;

use heattrax::{
    model::{Availability, Control, Fault, House, Reason, Switch, VoiceName, WeatherState},
    mqtt::parts::{Message, Payload, Truth, measured},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::{
    at, change, complete, empty, house, id, json_at, outbound, owed, payload, rendered, set_control, slug, weathered,
};

#[test]
fn an_outlet_is_published_as_it_was_reported() {
    let expected = json!({
        "state": "ON",
        "power": 812.4,
        "voltage": 120.1,
        "current": 6.765,
        "energy_today": 1.92,
        "energy_total": 418.337,
        "energy_month": null,
        "on_since": "2026-11-24T11:13:00Z",
        "runtime_today_min": 142,
        "device_timer_off_at": null,
        "device_timer_armed": false,
        "fault": null,
        "overheat": false,
        "overload": false,
        "no_load": false,
        "relay_stuck": false,
    });
    assert_eq!(json_at(&rendered(&house()), "heattrax/driveway/1"), expected);
}

#[test]
fn a_wanted_state_is_never_published_as_the_state() {
    let mut house = house();
    change(&mut house, &id("driveway", 1), |it| it.reported.as_mut().unwrap().switch = Switch::Off);
    let truth = rendered(&house);
    assert_eq!(json_at(&truth, "heattrax/driveway/1")["state"], "OFF");
    assert_eq!(json_at(&truth, "heattrax/driveway/1")["on_since"], Value::Null);
    assert_eq!(json_at(&truth, "heattrax/driveway/1/decision")["desired"], "ON");
}

#[test]
fn what_an_outlet_never_has_is_absent_and_what_is_unknown_is_null() {
    let truth = rendered(&house());
    let plain = json_at(&truth, "heattrax/porch/1");
    for field in ["power", "voltage", "current", "energy_today", "energy_month"] {
        assert_eq!(plain.get(field), None, "{field}");
    }
    let metered = json_at(&truth, "heattrax/driveway/2");
    assert_eq!(metered.get("power"), Some(&Value::Null));
    // The shed has never said what it is: nobody knows what it has.
    assert_eq!(truth.held("heattrax/shed/1"), None);
    assert_eq!(truth.held("heattrax/shed"), None);
    assert_eq!(payload(&truth, "heattrax/shed/availability"), "offline");
}

#[test]
fn nonsense_from_a_meter_is_unknown() {
    let mut house = house();
    change(&mut house, &id("driveway", 1), |it| {
        it.reported.as_mut().unwrap().energy.as_mut().unwrap().power = Some(f64::NAN);
    });
    assert_eq!(json_at(&rendered(&house), "heattrax/driveway/1")["power"], Value::Null);
}

#[test]
fn a_decision_says_why_and_what_comes_next() {
    let decision = json_at(&rendered(&house()), "heattrax/driveway/1/decision");
    let voices = decision["voices"].as_array().unwrap();
    assert_eq!(voices.len(), 5);
    assert_eq!(voices[4]["voice"], "schedule");
    assert_eq!(voices[4]["wish"], "ON");
    let mut rest = decision.clone();
    rest.as_object_mut().unwrap().remove("voices");
    let expected = json!({
        "desired": "ON",
        "control": "auto",
        "mode": "schedule",
        "longest_runtime_min": 360,
        "reason": "schedule",
        "sentence": "schedule `morning` is active",
        "since": "2026-11-24T06:00:00Z",
        "until": "2026-11-24T14:00:00Z",
        "next": { "at": "2026-11-24T14:00:00Z", "state": "OFF" },
        "locked": false,
        "blocked_by": [],
        "pending": null,
        "safety": { "run_min": 47, "cooldown_until": null, "lockout": null },
    });
    assert_eq!(rest, expected);
}

#[test]
fn a_decision_names_what_blocks_a_wish() {
    let mut house = house();
    change(&mut house, &id("driveway", 1), |it| {
        let until = Some(at("2026-11-24T12:30:00Z"));
        it.decision.switch = Switch::Off;
        it.decision.reason = Reason::Resting { until };
        it.decision.opinions[1].wish = Some(Switch::Off);
        it.decision.opinions[1].reason = Some(Reason::Resting { until });
        assert_eq!(it.decision.opinions[1].voice, VoiceName::Safety);
    });
    let truth = rendered(&house);
    let decision = json_at(&truth, "heattrax/driveway/1/decision");
    assert_eq!(decision["blocked_by"], json!(["cooldown"]));
    assert_eq!(decision["safety"]["cooldown_until"], "2026-11-24T12:30:00Z");
    assert_eq!(json_at(&truth, "heattrax/group/mats")["cooldown_until"], "2026-11-24T12:30:00Z");
}

#[test]
fn a_group_of_which_some_are_on_is_mixed() {
    let expected = json!({
        "state": "MIXED",
        "control": "auto",
        "mode": "schedule",
        "reason": "schedule",
        "sentence": "schedule `morning` is active",
        "until": "2026-11-24T14:00:00Z",
        "next_on": null,
        "next_off": "2026-11-24T14:00:00Z",
        "runtime_min": 47,
        "runtime_today_min": 142,
        "cooldown_until": null,
        "preheat_lead_min": 60,
    });
    assert_eq!(json_at(&rendered(&house()), "heattrax/group/mats"), expected);
}

#[test]
fn a_group_shows_a_control_only_if_all_its_outlets_have_it() {
    let mut house = house();
    set_control(&mut house, &id("driveway", 1), Control::Off);
    assert_eq!(json_at(&rendered(&house), "heattrax/group/mats")["control"], "auto");
    set_control(&mut house, &id("porch", 1), Control::Off);
    assert_eq!(json_at(&rendered(&house), "heattrax/group/mats")["control"], "off");
}

#[test]
fn a_housing_says_what_it_is() {
    let expected = json!({
        "name": "Driveway",
        "model": "P210M",
        "firmware": "1.0.3 Build 240830",
        "hardware": "1.0",
        "ip": "192.0.2.7",
        "mac": "A0:B1:C2:D3:E4:F5",
        "protocol": "KLAP",
        "trouble": null,
        "led": true,
        "rssi": -58,
    });
    let truth = rendered(&house());
    assert_eq!(json_at(&truth, "heattrax/driveway"), expected);
    assert_eq!(payload(&truth, "heattrax/driveway/availability"), "online");
}

#[test]
fn the_inventory_lists_every_device_with_what_its_outlets_can_do() {
    let devices = json_at(&rendered(&house()), "heattrax/bridge/devices");
    assert_eq!(devices.as_array().unwrap().len(), 3);
    let mat = &devices[0]["outlets"][0];
    assert_eq!(mat["name"], "Walkway mat");
    assert_eq!(mat["group"], "mats");
    assert_eq!(mat["class"], "heater");
    assert_eq!(mat["capabilities"], json!({ "energy": true, "voltage": true }));
    assert_eq!(devices[2]["outlets"][0]["capabilities"], json!({ "energy": null, "voltage": null }));
}

#[test]
fn the_bridge_says_what_its_timers_do() {
    let info = json_at(&rendered(&house()), "heattrax/bridge/info");
    assert_eq!(info["version"], "0.1.0");
    assert_eq!(info["device_timers"], "armed");
    assert!(info["device_timers_note"].as_str().unwrap().contains("15 minutes"));
    assert_eq!(info["config"], json!({ "mqtt": { "host": "broker" } }));
    assert_eq!(info["setup"], Value::Null);
}

#[test]
fn an_unchanged_house_is_published_once() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let house = house();
    outbound.look(&Arc::new(house.clone()), &mut truth);
    assert!(!owed(&mut truth).is_empty());
    // A new picture of the same house, of which no part is shared.
    let mut copy = house.clone();
    copy.outlets.values_mut().for_each(|it| *it = Arc::new((**it).clone()));
    copy.devices.values_mut().for_each(|it| *it = Arc::new((**it).clone()));
    copy.at = at("2026-11-24T12:00:05Z");
    outbound.look(&Arc::new(copy), &mut truth);
    assert_eq!(owed(&mut truth), []);
}

#[test]
fn only_what_changed_is_published() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let mut house = house();
    outbound.look(&Arc::new(house.clone()), &mut truth);
    owed(&mut truth);
    change(&mut house, &id("porch", 2), |it| it.reported.as_mut().unwrap().switch = Switch::On);
    outbound.look(&Arc::new(house.clone()), &mut truth);
    let topics: Vec<_> = owed(&mut truth).into_iter().map(|it| it.0).collect();
    assert_eq!(topics, ["heattrax/porch/2"]);
    let device = Arc::make_mut(house.devices.get_mut(&slug("porch")).unwrap());
    device.availability = Availability::Offline;
    outbound.look(&Arc::new(house), &mut truth);
    assert_eq!(owed(&mut truth), [("heattrax/porch/availability".to_owned(), "offline".to_owned())]);
}

#[test]
fn a_command_is_answered_by_the_state_also_when_nothing_changed() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let mut house = house();
    outbound.look(&Arc::new(house.clone()), &mut truth);
    owed(&mut truth);
    change(&mut house, &id("porch", 2), |it| {
        it.commanded = 1;
        it.answered = 1;
    });
    outbound.look(&Arc::new(house), &mut truth);
    let topics: Vec<_> = owed(&mut truth).into_iter().map(|it| it.0).collect();
    assert_eq!(topics, ["heattrax/porch/2"]);
}

#[test]
fn the_plugs_own_count_may_be_off_by_two_seconds_without_being_news() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let mut house = house();
    outbound.look(&Arc::new(house.clone()), &mut truth);
    owed(&mut truth);
    change(&mut house, &id("driveway", 1), |it| it.on_since = Some(at("2026-11-24T11:13:02Z")));
    outbound.look(&Arc::new(house.clone()), &mut truth);
    assert_eq!(owed(&mut truth), []);
    change(&mut house, &id("driveway", 1), |it| it.on_since = Some(at("2026-11-24T11:13:03Z")));
    outbound.look(&Arc::new(house), &mut truth);
    assert_eq!(json_at(&truth, "heattrax/driveway/1")["on_since"], "2026-11-24T11:13:03Z");
}

#[test]
fn time_on_alone_is_published_every_five_minutes() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let mut house = house();
    outbound.look(&Arc::new(house.clone()), &mut truth);
    owed(&mut truth);
    for second in 1..=300 {
        // Five whole minutes are news, and not one second before.
        assert_eq!(owed(&mut truth), [], "after {second} s");
        house.at = at("2026-11-24T12:00:00Z") + SignedDuration::from_secs(second);
        change(&mut house, &id("driveway", 1), |it| {
            it.runtime_today = SignedDuration::from_mins(142) + SignedDuration::from_secs(second);
        });
        outbound.look(&Arc::new(house.clone()), &mut truth);
    }
    let topics: Vec<_> = owed(&mut truth).into_iter().map(|it| it.0).collect();
    assert_eq!(topics, ["heattrax/driveway/1", "heattrax/driveway/1/decision", "heattrax/group/mats"]);
}

#[test]
fn a_fault_is_published() {
    let mut house = house();
    change(&mut house, &id("driveway", 1), |it| it.reported.as_mut().unwrap().fault = Some(Fault::Overheat));
    assert_eq!(json_at(&rendered(&house), "heattrax/driveway/1")["fault"], "overheat");
}

#[test]
fn a_picture_that_grew_step_by_step_is_published_like_one_that_was_there_at_once() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let last = {
        let mut last = complete();
        change(&mut last, &id("driveway", 2), |it| it.reported.as_mut().unwrap().switch = Switch::On);
        last.vacation = true;
        last
    };
    for step in [empty(), house(), complete(), last.clone()] {
        outbound.look(&Arc::new(step), &mut truth);
    }
    owed(&mut truth);
    truth.owe_everything();
    let grown = owed(&mut truth);
    assert_eq!(grown, owed(&mut rendered(&last)));
}

#[test]
fn what_left_the_house_is_cleared() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let mut house = complete();
    outbound.look(&Arc::new(house.clone()), &mut truth);
    owed(&mut truth);
    house.outlets.remove(&id("porch", 2));
    outbound.look(&Arc::new(house), &mut truth);
    let cleared: Vec<_> = owed(&mut truth).into_iter().filter(|it| it.1.is_empty()).map(|it| it.0).collect();
    let expected = ["homeassistant/device/tapo_a0b1c2d3e4f6_2/config", "heattrax/porch/2", "heattrax/porch/2/decision"];
    assert_eq!(cleared, expected);
}

#[test]
fn a_bridge_in_setup_mode_says_what_is_wrong() {
    let mut outbound = outbound();
    let mut identity = crate::house::identity();
    identity.setup = vec!["config.yaml:3:1: `mqtt.port` is 0".to_owned()];
    outbound.context.identity = Arc::new(identity);
    let mut truth = Truth::default();
    outbound.look(&Arc::new(empty()), &mut truth);
    let info = json_at(&truth, "heattrax/bridge/info");
    assert_eq!(info["setup"]["problems"], json!(["config.yaml:3:1: `mqtt.port` is 0"]));
    assert_eq!(payload(&truth, "heattrax/bridge/availability"), "online");
}

#[test]
fn the_weather_is_published_where_it_is_watched() {
    assert_eq!(rendered(&house()).held("heattrax/weather"), None);
    let mut house = weathered();
    let expected = json!({
        "status": "online",
        "provider": "open-meteo",
        "temperature_c": -2.3,
        "precipitation_soon": "ON",
        "ice_risk": null,
        "next_frozen_precipitation": "2026-11-24T12:00:00Z",
        "forecast_updated": "2026-11-24T11:48:00Z",
        "forecast_age_min": 10,
        "stale": false,
        "trouble": null,
        "now": {
            "temperature_c": -2.3, "dew_point_c": -3.0, "humidity": 95.0, "precipitation_mm": 1.2, "snowfall_cm": 0.8,
            "cloud": 1.0, "wind_ms": null, "code": 73,
        },
        "measured": null,
    });
    assert_eq!(json_at(&rendered(&house), "heattrax/weather"), expected);
    let told = |house: &House| json_at(&rendered(house), "heattrax/weather");
    Arc::make_mut(&mut house.weather).soon.state = Some(WeatherState::Degraded);
    assert_eq!(told(&house)["status"], "degraded");
    let board = Arc::make_mut(&mut house.weather);
    (board.fresh, board.soon.state) = (Some(false), Some(WeatherState::Offline));
    assert_eq!((told(&house)["status"].clone(), told(&house)["stale"].clone()), (json!("offline"), json!(true)));
    Arc::make_mut(&mut house.weather).forecast = None;
    assert_eq!(told(&house)["now"], Value::Null);
}

#[test]
fn the_weather_of_the_hour_follows_the_hour_and_nothing_else_is_said_again() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let mut house = weathered();
    outbound.look(&Arc::new(house.clone()), &mut truth);
    owed(&mut truth);
    house.at = at("2026-11-24T12:07:59Z");
    outbound.look(&Arc::new(house.clone()), &mut truth);
    assert_eq!(owed(&mut truth), []);
    house.at = at("2026-11-24T13:00:00Z");
    outbound.look(&Arc::new(house), &mut truth);
    let said = owed(&mut truth);
    assert_eq!(said.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), ["heattrax/weather"]);
    assert!(said[0].1.contains("\"now\":null"), "{said:?}");
}

#[test]
fn what_follows_from_time_alone_is_said_in_time() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let mut house = weathered();
    let says = Message {
        topic: "heattrax/weather/local/set".to_owned(),
        payload: Payload::Bytes(br#"{"temperature_c":1.5}"#.to_vec()),
        retain: false,
        reply: None,
    };
    let measured = measured(&says, house.at).unwrap().observation;
    Arc::make_mut(&mut house.weather).station.observe(&measured);
    let mut told = |time: &str| {
        house.at = at(time);
        outbound.look(&Arc::new(house.clone()), &mut truth);
        let said = owed(&mut truth).into_iter().filter(|it| it.0 == "heattrax/weather").count();
        let weather = json_at(&truth, "heattrax/weather");
        (said, weather["forecast_age_min"].clone(), weather["temperature_c"].clone(), weather["measured"].is_null())
    };
    assert_eq!(told("2026-11-24T12:00:00Z"), (1, json!(10), json!(1.5), false));
    assert_eq!(told("2026-11-24T12:07:59Z"), (0, json!(10), json!(1.5), false));
    assert_eq!(told("2026-11-24T12:08:00Z"), (1, json!(20), json!(1.5), false));
    assert_eq!(told("2026-11-24T12:29:59Z"), (1, json!(40), json!(1.5), false));
    // The station has been silent for half an hour.
    assert_eq!(told("2026-11-24T12:30:00Z"), (1, json!(40), json!(-2.3), true));
}

#[test]
fn a_timer_on_the_plug_and_its_faults_are_said_one_by_one() {
    let mut house = house();
    change(&mut house, &id("driveway", 1), |it| {
        let report = it.reported.as_mut().unwrap();
        report.timer = Some(SignedDuration::from_mins(14));
        report.fault = Some(Fault::Overheat);
    });
    let mat = json_at(&rendered(&house), "heattrax/driveway/1");
    assert_eq!(mat["device_timer_armed"], true);
    assert_eq!(mat["device_timer_off_at"], "2026-11-24T12:14:00Z");
    assert_eq!((&mat["overheat"], &mat["overload"]), (&json!(true), &json!(false)));
    // What is no heater is not watched over.
    assert_eq!(json_at(&rendered(&house), "heattrax/driveway/2").get("device_timer_armed"), None);
    change(&mut house, &id("driveway", 1), |it| it.reported.as_mut().unwrap().fault = Some(Fault::Overcurrent));
    let mat = json_at(&rendered(&house), "heattrax/driveway/1");
    assert_eq!((&mat["overheat"], &mat["overload"]), (&json!(false), &json!(true)));
}

#[test]
fn a_device_says_when_it_was_heard_twice_a_minute_at_most() {
    let (mut outbound, mut truth) = (outbound(), Truth::default());
    let mut house = complete();
    outbound.look(&Arc::new(house.clone()), &mut truth);
    assert_eq!(payload(&truth, "heattrax/driveway/last_seen"), "2026-11-24T12:00:00Z");
    // Nothing was heard of the outlets of the shed, ever.
    assert_eq!(truth.held("heattrax/shed/last_seen"), None);
    let announced = |truth: &Truth| {
        json_at(truth, "homeassistant/device/tapo_a0b1c2d3e4f7/config")["cmps"]["last_seen"].is_object()
    };
    assert!(!announced(&truth));
    owed(&mut truth);
    for (heard, news) in [("2026-11-24T12:00:29Z", None), ("2026-11-24T12:00:31Z", Some("2026-11-24T12:00:30Z"))] {
        change(&mut house, &id("driveway", 1), |it| it.reported_at = Some(at(heard)));
        outbound.look(&Arc::new(house.clone()), &mut truth);
        let said = owed(&mut truth).into_iter().filter(|it| it.0.ends_with("/last_seen"));
        let said: Vec<_> = said.collect();
        let expected = news.map(|it| ("heattrax/driveway/last_seen".to_owned(), it.to_owned()));
        assert_eq!(said, expected.into_iter().collect::<Vec<_>>());
    }
    change(&mut house, &id("shed", 1), |it| it.reported_at = Some(at("2026-11-24T12:00:59Z")));
    outbound.look(&Arc::new(house.clone()), &mut truth);
    assert!(announced(&truth));
    assert_eq!(payload(&truth, "heattrax/shed/last_seen"), "2026-11-24T12:00:30Z");
    house.devices.remove(&slug("driveway"));
    house.outlets.retain(|id, _| id.device != slug("driveway"));
    outbound.look(&Arc::new(house), &mut truth);
    assert_eq!(payload(&truth, "heattrax/driveway/last_seen"), "");
}
