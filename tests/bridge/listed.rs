//! The schedules of a group and its `automation`, as the predecessor's clients see and change them.

use heattrax::hub::Clock;
use serde_json::{Value, json};

use crate::{
    home::Home,
    noon,
    site::{Site, WHOLE},
};

/// A group of before there were schedules.
const LEGACY: &str = r#"    mats:
      items: [ { name: Mats, ip_address: "127.0.0.1:13", outlets: [0] } ]
      automation: { weather_control: true, precipitation_control: true, morning_mode: true }
morning_mode: { enabled: true }
"#;
const LIST: &str = "/api/groups/porch/schedules";
const MATS: &str = "/api/groups/mats/automation";

#[tokio::test]
async fn schedules_are_counted_as_they_are_listed_and_as_they_are_after_a_change() {
    let site = Site::new(&format!("{WHOLE}{LEGACY}")).await;
    let (_, listed) = site.http("GET", "/api/groups/mats/schedules", Value::Null).await;
    let (_, told) = site.http("GET", MATS, Value::Null).await;
    assert_eq!((&listed["schedules"], &told["schedules_count"]), (&json!([]), &json!(0)), "{told}");
    for (asked, holds) in [(json!(false), false), (json!(true), true), (Value::Null, false)] {
        let (status, changed) = site.http("PATCH", MATS, json!({ "weather_control": asked })).await;
        let (_, told) = site.http("GET", MATS, Value::Null).await;
        assert_eq!((status, &changed), (200, &told));
        assert_eq!((&told["effective"]["weather_control"], &told["schedules_count"]), (&json!(holds), &json!(0)));
    }
    let (_, told) = site.http("GET", "/api/groups/porch/automation", Value::Null).await;
    assert_eq!(told["schedules_count"], 1, "{told}");
    site.stop().await;
}

#[tokio::test]
async fn a_schedule_without_a_name_gets_one() {
    let site = Site::new(WHOLE).await;
    let from =
        |from: &str| json!({ "on": { "type": "time", "value": from }, "off": { "type": "time", "value": "22:00" } });
    for (at, name) in [("20:00", "Unnamed Schedule"), ("20:30", "Unnamed Schedule 2")] {
        let (status, told) = site.http("POST", LIST, from(at)).await;
        assert_eq!((status, &told["schedule"]["name"]), (201, &json!(name)), "{told}");
    }
    let (status, told) = site.http("PUT", &format!("{LIST}/1"), from("21:00")).await;
    assert_eq!((status, &told["schedule"]["name"]), (200, &json!("Unnamed Schedule")), "{told}");
    let (_, told) = site.http("GET", LIST, Value::Null).await;
    let names: Vec<_> = told["schedules"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Evening", "Unnamed Schedule", "Unnamed Schedule 2"]);
    for name in [json!(""), json!(7), Value::Null] {
        let mut nameless = from("19:00");
        nameless["name"] = name;
        let (status, told) = site.http("POST", LIST, nameless).await;
        assert_eq!((status, &told["error"]), (400, &json!("Invalid schedule")), "{told}");
    }
    site.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_schedule_is_told_one_by_one() {
    let site = Site::new(WHOLE).await;
    for (method, path) in [("POST", LIST.to_owned()), ("PUT", format!("{LIST}/0"))] {
        let (status, told) = site.http(method, &path, json!({})).await;
        assert_eq!((status, told), (400, json!({ "error": "Missing schedule data" })));
        let wrong = json!({ "name": "Late", "days": [9], "on": { "type": "moonrise" }, "off": { "type": "time", "value": "25:00" } });
        let (status, told) = site.http(method, &path, wrong).await;
        assert_eq!((status, &told["error"]), (400, &json!("Invalid schedule")), "{told}");
        let details = told["details"].as_array().unwrap();
        for part in ["days", "moonrise", "25:00"] {
            let about = details.iter().filter(|it| it.as_str().unwrap().contains(part)).count();
            assert_eq!(about, 1, "{part}: {told:#}");
        }
    }
    site.stop().await;
}

const LIGHTS: &str = r#"    porch:
      class: light
      items: [ { name: Porch, ip_address: "{lights}", outlets: [0], poll_seconds: 1 } ]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_wishes_the_same_at_the_same_moment_hears_the_same() {
    let mut home = Home::new(LIGHTS, Clock::driven(noon(), 1.0)).await;
    home.peer.wait("heattrax/porch/1", &["\"state\":\"OFF\""]).await;
    for action in ["on", "off"] {
        let asked = json!({ "group": "porch", "device": "Porch", "outlet": 0, "action": action });
        let asks = async || home.http("POST", "/api/devices/control", Some(asked.clone())).await;
        let (one, two, three, four, five, six) = tokio::join!(asks(), asks(), asks(), asks(), asks(), asks());
        for (status, told) in [one, two, three, four, five, six] {
            assert_eq!((status, &told["success"], &told["error"]), (200, &json!(true), &Value::Null), "{told}");
        }
        assert_eq!(home.lights.relay(1), action == "on");
    }
    home.stop().await;
}
