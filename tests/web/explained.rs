//! What the bridge does and will do, for those who ask.

use std::{collections::BTreeMap, sync::Arc};

use heattrax::{
    config,
    control::{Controller, plan},
    model::{
        Availability, Broker, Cause, Celsius, ControlSettings, Event, Forecast, House, Interval, Memory, Mode, Plan,
        PlannedWindow, Report, Slug, Switch,
    },
    web::WebInfo,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{Room, info, noon, split};

const CONFIG: &str = r#"
location: {latitude: 40.6895, longitude: -74.1745, timezone: America/New_York}
devices:
  credentials: {username: you@example.com, password: not-used-here}
  groups:
    walkway:
      class: heater
      items: [{name: Mat, ip_address: 192.0.2.1, outlets: [0]}]
      schedules:
        - {name: Storm, all_day: true, conditions: {temperature_max: 36, precipitation_active: true}}
    porch:
      class: light
      items: [{name: Lamp, ip_address: 192.0.2.2, outlets: [0]}]
      schedules:
        - {name: Evening, on: {type: time, value: "17:00"}, off: {type: time, value: "23:00"}}
safety: {max_runtime_hours: 6, cooldown_minutes: 30}
"#;

pub(crate) fn settings() -> Arc<ControlSettings> {
    config::parse("house.yaml", CONFIG, &BTreeMap::new(), &Default::default()).unwrap().control
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

/// Seven in the morning in New Jersey: it snows from eleven to twelve.
fn house() -> House {
    let mut controller = Controller::new(settings(), &Memory::default(), noon());
    let at = |hours: i64| noon() + SignedDuration::from_hours(hours);
    let hour = |hour: i64| Interval {
        start: at(hour),
        end: at(hour + 1),
        temperature: Some(Celsius(-2.0)),
        dew_point: Some(Celsius(-3.0)),
        humidity: Some(90.0),
        precipitation: Some(if hour == 4 { 1.5 } else { 0.0 }),
        snowfall: None,
        code: Some(if hour == 4 { 73 } else { 3 }),
        cloud: None,
        wind: None,
    };
    let forecast =
        Forecast { source: "open-meteo".to_owned(), issued_at: noon(), intervals: (-6..30).map(hour).collect() };
    controller.handle(Event::WeatherObserved(Arc::new(forecast)), noon());
    for device in ["mat", "lamp"] {
        let switch = Switch::Off;
        let report = Report {
            slot: 1,
            switch,
            on_time: None,
            energy: None,
            fault: None,
            timer: None,
            cause: Cause::FirstContact,
            answers: 0,
        };
        let event = Event::DeviceReported { device: slug(device), reports: vec![report], rssi: None };
        controller.handle(event, noon());
    }
    controller.house().clone()
}

async fn room() -> Room {
    Room::start(WebInfo { settings: Some(settings()), ..info() }, house()).await
}

async fn json(room: &Room, target: &str) -> Value {
    let answer = room.say(&format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n")).await;
    let (status, body) = split(&answer);
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn every_voice_of_every_outlet_is_explained_with_the_weather_and_the_plan() {
    let (status, text) = room().await.get("/api/explain").await;
    assert_eq!(status, 200);
    for line in [
        "HeatTrax at Thu 15 Jan 2026 07:00:00 EST, by the running bridge",
        "Mat outlet 1 (mat/1, group walkway, heater)",
        "  is      OFF, as the plug reports",
        "  wanted  OFF, idle: schedule `Storm` waits: no precipitation now or near",
        "; next: ON at Thu 15 Jan 10:00",
        "    control   silent",
        "    safety    silent",
        "    person    silent",
        "    vacation  silent",
        "    schedule  silent  schedule `Storm` waits: no precipitation now or near; may change at Thu 15 Jan 08:00",
        "  > nobody asks for it: OFF",
        "Weather: open-meteo, 0 min old, fresh enough to act on",
        "  Thu 15 Jan 11:00  air -2.0 °C (28.4 °F), dew point -3.0 °C (26.6 °F), precipitation 1.5 mm, snow (73)",
        "Plan of walkway until Fri 16 Jan 13:00:",
        "  Thu 15 Jan 10:00 to Thu 15 Jan 13:00  schedule: schedule `Storm` is active",
        "Plan of porch until",
    ] {
        assert!(text.contains(line), "`{line}` is not in\n{text}");
    }
    assert!(!text.lines().any(|it| it.ends_with(' ')), "{text}");
}

#[tokio::test]
async fn programs_are_told_the_same_as_json() {
    let answer = json(&room().await, "/api/explain?group=porch&at=18:30").await;
    assert_eq!((&answer["basis"], &answer["at"]), (&"ahead".into(), &"2026-01-15T18:30:00-05:00".into()));
    let outlets = answer["outlets"].as_array().unwrap();
    assert_eq!(outlets.len(), 1);
    let lamp = &outlets[0];
    assert_eq!((&lamp["device"], &lamp["expected"], &lamp["mode"]), (&"lamp".into(), &"ON".into(), &"schedule".into()));
    assert_eq!(lamp["next"]["at"], "2026-01-15T23:00:00-05:00");
    let voices = lamp["voices"].as_array().unwrap();
    let names: Vec<_> = voices.iter().map(|it| it["voice"].as_str().unwrap()).collect();
    assert!(names.starts_with(&["control", "safety", "wish", "vacation"]), "{names:?}");
    let winners: Vec<_> = voices.iter().filter(|it| it["wins"] == true).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(winners[0]["inputs"]["schedule"], "Evening");
    assert_eq!(winners[0]["inputs"]["until"], "2026-01-15T23:00:00-05:00");
    assert_eq!(answer["plans"].as_object().unwrap().keys().collect::<Vec<_>>(), ["porch"]);
    assert!(answer["caveat"].as_str().unwrap().contains("run forward"));
}

#[tokio::test]
async fn a_time_that_has_passed_is_decided_by_what_is_known_for_it() {
    let answer = room().await.get("/api/explain?at=2026-01-14T23:00:00Z").await;
    for line in ["is not known", "  is      not known", "schedule `Evening` is active"] {
        assert!(answer.1.contains(line), "`{line}` is not in\n{}", answer.1);
    }
    assert!(!answer.1.contains("Plan of"), "{}", answer.1);
}

#[tokio::test]
async fn a_question_that_cannot_be_understood_is_told_so() {
    let room = room().await;
    for (query, words) in [
        ("group=nowhere", "there is no group `nowhere`; there is: porch, walkway"),
        ("at=soon", "`soon` is neither a time"),
        ("at=25%3A00", "`25:00` is neither a time"),
        ("when=06:00", "`when` is unknown here"),
        ("at=%zz", "is not written as addresses are"),
        ("group=%ff", "is not written as addresses are"),
    ] {
        let wanted = if query == "group=nowhere" { 404 } else { 400 };
        let (status, body) = room.get(&format!("/api/explain?{query}")).await;
        assert_eq!(status, wanted, "{query}: {body}");
        assert!(body.contains(words), "{query}: {body}");
        let request = format!("GET /api/explain?{query} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n");
        let answer = room.say(&request).await;
        assert!(answer.contains("content-type: application/json"), "{query}: {answer}");
        let (status, body) = split(&answer);
        let told: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, wanted, "{query}: {body}");
        assert!(told["error"].as_str().unwrap().contains(words), "{query}: {body}");
    }
    for query in ["at=2026-01-15T09%3A00%3A00-05%3A00", "group=walkway", "group=&at=", ""] {
        assert_eq!(room.get(&format!("/api/explain?{query}")).await.0, 200, "{query}");
    }
}

#[tokio::test]
async fn what_each_group_will_do_is_shown_as_it_was_planned() {
    let room = room().await;
    assert_eq!(json(&room, "/api/plan").await, serde_json::json!({}), "nothing is planned yet");
    let plans = plan(&settings(), &house(), Timestamp::MAX);
    room.handle.show_plans(plans);
    let shown = json(&room, "/api/plan").await;
    let window = &shown["walkway"]["windows"][0];
    assert_eq!(
        shown["walkway"]["made_at"], "2026-01-15T07:00:00-05:00",
        "as everything else: with the offset of the house"
    );
    assert_eq!(window["start"], "2026-01-15T10:00:00-05:00");
    assert_eq!(window["end"], "2026-01-15T13:00:00-05:00");
    assert_eq!(window["mode"], "schedule");
    assert_eq!(shown["walkway"]["until"], "2026-01-16T13:00:00-05:00");
}

fn storm() -> Plan {
    let reason = "snow, 3.2 mm; ice\\sleet, air -1.0 °C (30.2 °F), wet bulb -2.0 °C (28.4 °F)".to_owned();
    let window = PlannedWindow {
        start: noon(),
        end: noon() + SignedDuration::from_mins(90),
        mode: Mode::AfterRun,
        reason,
        kwh: Some(2.25),
        cost: Some(0.5),
    };
    Plan { made_at: noon(), until: noon(), windows: vec![window], currency: Some("€".to_owned()), ..Plan::default() }
}

#[tokio::test]
async fn the_calendar_holds_a_folded_and_escaped_event_for_each_window() {
    let room = room().await;
    room.handle.show_plans(BTreeMap::from([(slug("walkway"), storm())]));
    let answer = room.say("GET /calendar.ics HTTP/1.1\r\nHost: localhost\r\n").await;
    assert!(answer.to_lowercase().contains("content-type: text/calendar; charset=utf-8"), "{answer}");
    let (_, text) = split(&answer);
    assert!(text.ends_with("END:VCALENDAR\r\n"));
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert!(lines.iter().all(|it| it.len() <= 75 && !it.contains('\n')), "{lines:#?}");
    assert!(lines.iter().any(|it| it.starts_with(' ')), "a long line is folded");
    let unfolded = text.replace("\r\n ", "");
    for line in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "UID:walkway-1768478400@heattrax",
        "DTSTAMP:20260115T120000Z",
        "DTSTART:20260115T120000Z",
        "DTEND:20260115T133000Z",
        "SUMMARY:walkway: after run",
        "DESCRIPTION:snow\\, 3.2 mm\\; ice\\\\sleet\\, air -1.0 °C (30.2 °F)\\, wet bulb -2.0 °C (28.4 °F)\\n2.2 kWh\\, 0.50 €",
    ] {
        assert!(unfolded.split("\r\n").any(|it| it == line), "`{line}` is not in\n{unfolded}");
    }
}

#[tokio::test]
async fn beyond_this_machine_and_in_setup_mode_nothing_is_told() {
    let targets = ["/api/explain", "/api/plan", "/calendar.ics"];
    let open = Room::listen("0.0.0.0:0", WebInfo { settings: Some(settings()), ..info() }, house()).await;
    let setup = Room::start(info(), crate::house(Broker::Unknown, Availability::Unknown)).await;
    for target in targets {
        let (status, body) = open.get(target).await;
        assert_eq!(status, 401, "{target}");
        assert!(!body.contains("Mat"), "{body}");
        assert_eq!(setup.get(target).await.0, 503, "{target}");
    }
}

#[tokio::test]
async fn asking_changes_nothing() {
    let room = room().await;
    let before = room.handle.picture();
    for target in ["/api/explain", "/api/explain?at=23:00", "/api/plan", "/calendar.ics"] {
        assert_eq!(room.get(target).await.0, 200);
        for method in ["POST", "PUT", "DELETE"] {
            let request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n");
            assert_eq!(split(&room.say(&request).await).0, 405, "{method} {target}");
        }
    }
    assert!(Arc::ptr_eq(&before, &room.handle.picture()));
}

#[tokio::test]
async fn the_forecast_and_the_plan_are_given_in_the_shapes_that_earlier_clients_know() {
    let room = room().await;
    let told = json(&room, "/api/weather/forecast").await;
    assert_eq!((&told["status"], &told["weather_state"]), (&Value::from("ok"), &Value::from("online")));
    assert_eq!((&told["provider"], &told["timezone"]), (&Value::from("open-meteo"), &Value::from("America/New_York")));
    assert_eq!((&told["cache_age_hours"], &told["cache_valid_hours"]), (&Value::from(0.0), &Value::from(6.0)));
    let hours = told["hours"].as_array().unwrap();
    assert_eq!((hours.len(), &told["forecast_hours"]), (30, &Value::from(30)));
    let wet = &hours[4];
    assert_eq!(wet["raw"]["start"], "2026-01-15T11:00:00-05:00");
    assert_eq!((&wet["time"], &wet["temp_f"]), (&Value::from("2026-01-15T11:00:00-05:00"), &Value::from(28.4)));
    assert_eq!((&wet["precip_type"], &wet["precip_intensity"]), (&Value::from("snow"), &Value::from(1.5)));
    assert_eq!((&wet["black_ice_risk"], &hours[3]["precip_type"]), (&Value::from(true), &Value::Null));
    let planned = json(&room, "/api/weather/mat-forecast").await;
    assert_eq!(planned, serde_json::json!({ "status": "no_data", "reason": "nothing is planned yet" }));
    let house = house();
    let plans = plan(&settings(), &house, house.at + SignedDuration::from_hours(24));
    room.handle.show_plans(plans);
    let planned = json(&room, "/api/weather/mat-forecast").await;
    let windows = planned["groups"]["walkway"].as_array().unwrap();
    let shape: Vec<_> =
        windows.iter().map(|it| (it["start"].as_str().unwrap(), it["state"].as_str().unwrap())).collect();
    assert_eq!(shape[..2], [("2026-01-15T07:00:00-05:00", "off"), ("2026-01-15T10:00:00-05:00", "on")]);
    assert_eq!((&windows[0]["reason"], &windows[0]["end"]), (&Value::from("no_active_schedule"), &windows[1]["start"]));
    assert_eq!(windows.last().unwrap()["state"], Value::from("off"));
    let dark = Room::start(
        WebInfo { settings: Some(settings()), ..info() },
        crate::house(Broker::Connected, Availability::Online),
    );
    let told = json(&dark.await, "/api/weather/forecast").await;
    assert_eq!((&told["status"], &told["reason"]), (&Value::from("no_data"), &Value::from("there is no forecast yet")));
}
