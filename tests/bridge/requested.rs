//! Requests to a whole bridge.

use heattrax::{app::Ended, emulator::Beacon, hub::Clock};
use serde_json::{Value, json};

use crate::{
    home::{Home, until},
    noon,
    repaired::asks,
};

const RULES: &str = r#"    walkway:
      class: heater
      items: [ { name: Driveway, ip_address: "{mat}", outlets: [0], poll_seconds: 1 } ]
      schedules: [ { name: always, on: { type: time, value: "00:00" }, off: { type: time, value: "23:59" }, days: [1, 2, 3, 4, 5, 6, 7] } ]
"#;

impl Home {
    pub(crate) async fn asks(&mut self, verb: &str, payload: Value) -> Value {
        self.peer.send(&format!("heattrax/bridge/request/{verb}"), &payload.to_string()).await;
        let answer = self.peer.wait(&format!("heattrax/bridge/response/{verb}"), &["status"]).await;
        serde_json::from_str(&answer).unwrap()
    }

    pub(crate) async fn gets(&mut self, verb: &str, payload: Value) -> Value {
        let answer = self.asks(verb, payload).await;
        assert_eq!(answer["status"], "ok", "{answer:#}");
        answer["data"].clone()
    }
}

#[tokio::test]
async fn what_people_ask_of_a_bridge_is_answered_by_it() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    home.peer.wait("heattrax/driveway/1", &["\"ON\""]).await;
    let schedules = home.gets("schedule/list", json!({ "group": "walkway" })).await;
    assert_eq!(schedules["groups"]["walkway"][0]["name"], "always");
    let why = home.gets("automation/explain", json!({})).await;
    assert!(why.to_string().contains("always"), "{why:#}");
    assert!(why["at"].as_str().unwrap_or_default().ends_with('Z'), "in UTC, as all of MQTT: {why:#}");
    let ahead = home.gets("automation/simulate", json!({ "hours": 6, "bias_c": -3 })).await;
    let start = ahead["groups"]["walkway"]["windows"][0]["start"].as_str().unwrap_or_default();
    assert!(start.ends_with('Z') && start.parse::<jiff::Timestamp>().is_ok(), "in UTC, as all of MQTT: {ahead:#}");
    let kept = home.gets("backup", json!({})).await;
    assert!(kept["memory"]["outlets"]["driveway/1"].is_object(), "{kept:#}");
    assert!(!kept.to_string().contains("hunter2"), "a secret");
    let beacon = Beacon::start("127.0.0.1:0".parse().unwrap(), [&home.mat]).await.unwrap();
    let found = home.gets("discover", json!({ "target": beacon.address().to_string(), "timeout": 1 })).await;
    assert_eq!(found["devices"][0]["mac"], home.mat.mac().to_string());
    assert_eq!(home.gets("device/refresh", json!({ "device": "driveway" })).await["asked"], json!(["driveway"]));
    home.peer.wait("heattrax/bridge/event", &["search_done", "found 1, all of them known"]).await;
    home.peer.wait("heattrax/bridge/info", &["\"log_level\":\"info\""]).await;
    assert_eq!(home.gets("log_level", json!({ "level": "debug" })).await["level"], "debug");
    home.peer.wait("heattrax/bridge/info", &["\"log_level\":\"debug\""]).await;
    // A filter is nothing that a select can show.
    home.gets("log_level", json!({ "level": "info,heattrax::outlets=trace" })).await;
    home.peer.wait("heattrax/bridge/info", &["\"log_level\":null"]).await;
    home.stop().await;
}

/// The page is somebody else than whoever speaks over MQTT: a retry of what was said before its OFF lights nothing again.
#[tokio::test]
async fn a_retry_of_an_on_that_the_page_has_ended_switches_nothing_and_says_why() {
    const LIGHT: &str = "    porch:\n      items: [ { name: Porch, ip_address: \"{lights}\", poll_seconds: 1 } ]\n";
    let mut home = Home::new(LIGHT, Clock::driven(noon(), 1.0)).await;
    home.peer.wait("heattrax/porch/1", &["\"OFF\""]).await;
    let on = r#"{"state":"ON","transaction":"evening"}"#;
    home.peer.send("heattrax/porch/1/set", on).await;
    home.peer.wait("heattrax/porch/1", &["\"ON\""]).await;
    let off = json!({ "group": "porch", "device": "Porch", "outlet": 0, "action": "off" });
    let (status, _, told) = asks(home.web(), "POST", "/api/devices/control", "", Some(off)).await;
    assert_eq!(status, 200, "{told}");
    home.peer.wait("heattrax/porch/1", &["\"OFF\""]).await;
    home.peer.send("heattrax/porch/1/set", on).await;
    home.peer.wait("heattrax/bridge/event", &["refused", "is OFF, wanted OFF: OFF asked by", "evening"]).await;
    home.gets("device/refresh", json!({})).await;
    assert!(!home.lights.relay(1));
    home.stop().await;
}

#[tokio::test]
async fn a_pause_switches_off_says_so_and_ends_by_a_word() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    home.peer.wait("heattrax/driveway/1", &["\"ON\""]).await;
    home.gets("automation/pause", json!({ "for": "2h", "reason": "a wedding" })).await;
    home.peer.wait("heattrax/bridge/event", &["automation_paused", "a wedding"]).await;
    home.peer.wait("heattrax/driveway/1/decision", &["automation is paused until"]).await;
    home.peer.wait("heattrax/driveway/1", &["\"OFF\""]).await;
    assert!(!home.mat.relay(1));
    home.gets("automation/resume", json!({})).await;
    home.peer.wait("heattrax/driveway/1", &["\"ON\""]).await;
    home.stop().await;
}

#[tokio::test]
async fn a_restart_is_answered_and_leaves_the_heater_to_its_plug() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    home.watched_over().await;
    home.gets("restart", json!({ "transaction": 1 })).await;
    assert_eq!(home.ended().await, Ended::Restart);
    home.peer.wait("heattrax/bridge/availability", &["offline"]).await;
    home.peer.forget();
    assert!(home.mat.relay(1));
    home.start().await;
    home.peer.wait("heattrax/bridge/availability", &["online"]).await;
    let mat = &home.mat;
    until("the heater stays on", || mat.relay(1)).await;
    home.stop().await;
}
