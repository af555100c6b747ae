//! The config is edited while the bridge runs: what is changed is changed, everything else goes on.

use heattrax::{app::Ended, hub::Clock};
use serde_json::json;

use crate::{home::Home, noon};

const RULES: &str = r#"    # the walkway
    walkway:
      class: heater
      items: [ { name: Driveway, ip_address: "{mat}", outlets: [0], poll_seconds: 1 } ]
      schedules:
        # all day
        - { name: always, on: { type: time, value: "00:00" }, off: { type: time, value: "23:59" } }
"#;

#[tokio::test]
async fn a_schedule_that_is_switched_off_by_a_request_lets_go_of_the_heater() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    home.peer.wait("heattrax/driveway/availability", &["online"]).await;
    home.peer.wait("heattrax/driveway/1", &["\"ON\""]).await;
    let silent = json!({ "group": "walkway", "name": "always", "enabled": false });
    let told = home.gets("schedule/enable", silent.clone()).await;
    assert_eq!(told["changed"], json!(["devices.groups.walkway.schedules[0].enabled"]));
    assert_eq!(told["restart"], json!(null));
    let text = std::fs::read_to_string(home.file()).unwrap();
    assert!(text.contains("# all day") && text.contains("enabled: false"), "{text}");
    home.peer.wait("heattrax/driveway/1", &["\"OFF\""]).await;
    assert!(!home.mat.relay(1));
    // Nobody has noticed anything else.
    for topic in ["heattrax/bridge/availability", "heattrax/driveway/availability"] {
        let came = home.peer.came(topic);
        assert!(came.iter().all(|it| it == "online"), "{topic}: {came:?}");
    }
    // What the file says already is no reason to start again.
    assert_eq!(home.gets("schedule/enable", silent).await["changed"], json!([]));
    home.stop().await;
}

#[tokio::test]
async fn a_switch_of_a_schedule_in_home_assistant_is_written_to_the_file() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    home.peer.wait("heattrax/group/walkway/schedule/always", &["\"enabled\":true", "00:00:00"]).await;
    home.peer.send("heattrax/group/walkway/schedule/always/off/set", "12:00:00").await;
    home.peer.wait("heattrax/group/walkway/schedule/always", &["12:00:00"]).await;
    let text = std::fs::read_to_string(home.file()).unwrap();
    assert!(text.contains("off: { type: time, value: \"12:00\" } }") && text.contains("# all day"), "{text}");
    home.stop().await;
}

#[tokio::test]
async fn an_edit_that_would_be_wrong_is_refused_in_words_and_the_heat_goes_on() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    home.peer.wait("heattrax/driveway/1", &["\"ON\""]).await;
    let before = std::fs::read_to_string(home.file()).unwrap();
    let wrong = json!({ "group": "walkway", "options": { "manual_override_hours": 99 } });
    let said = home.asks("group/options", wrong).await["error"].to_string();
    assert!(said.contains("manual_override_hours: found 99"), "{said}");
    let stale = json!({ "group": "walkway", "name": "always", "etag": "0" });
    let said = home.asks("schedule/remove", stale).await["error"].to_string();
    assert!(said.contains("has changed since it was read"), "{said}");
    assert_eq!(std::fs::read_to_string(home.file()).unwrap(), before);
    assert!(home.mat.relay(1));
    home.stop().await;
}

#[tokio::test]
async fn a_device_comes_and_goes_while_the_heat_goes_on() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    home.watched_over().await;
    let lights =
        "    tree:\n      items: [ { name: Tree, ip_address: \"{lights}\", poll_seconds: 1 } ]\n    # the walkway\n";
    assert_eq!(home.rewrites("    # the walkway\n", lights).await, None);
    home.peer.wait("heattrax/tree/1", &["\"OFF\""]).await;
    home.peer.wait("heattrax/group/tree", &["\"OFF\""]).await;
    home.peer.send("heattrax/tree/1/set", "ON").await;
    home.peer.wait("heattrax/tree/1", &["\"ON\""]).await;
    assert!(home.lights.relay(1));
    let renamed = "items: [ { name: Fir, ip_address";
    assert_eq!(home.rewrites("items: [ { name: Tree, ip_address", renamed).await, None);
    // The wish for it has moved with it.
    home.peer.wait("heattrax/fir/1/decision", &["\"ON\"", "wish"]).await;
    home.peer.wait("heattrax/fir/1", &["\"ON\""]).await;
    home.peer.gone("heattrax/tree/1").await;
    assert!(home.lights.relay(1));
    let address = home.lights.address().to_string();
    let all = format!("    tree:\n      items: [ {{ name: Fir, ip_address: \"{address}\", poll_seconds: 1 }} ]\n");
    assert_eq!(home.rewrites(&all, "").await, None);
    for topic in ["heattrax/fir/1", "heattrax/fir/1/decision", "heattrax/fir/availability", "heattrax/group/tree"] {
        home.peer.gone(topic).await;
    }
    assert!(home.peer.came("heattrax/bridge/availability").iter().all(|it| it == "online"));
    assert!(home.mat.relay(1));
    home.stop().await;
}

#[tokio::test]
async fn another_base_topic_needs_another_connection_and_no_restart() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    home.watched_over().await;
    assert_eq!(home.rewrites("mqtt: { host:", "mqtt: { base_topic: heattrax/house, host:").await, None);
    home.peer.wait("heattrax/bridge/availability", &["offline"]).await;
    home.peer.wait("heattrax/house/driveway/1", &["\"ON\""]).await;
    assert!(home.mat.relay(1));
    home.stop().await;
}

#[tokio::test]
async fn what_only_a_start_reads_is_said() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    home.watched_over().await;
    let why = home.rewrites("safety: {", "logging: { format: json }\nsafety: {").await;
    assert_eq!(why.as_deref(), Some("how the log is written is only read at a start"));
    assert_eq!(home.ended().await, Ended::Restart);
    home.start().await;
    home.stop().await;
}

const MELTS: &str = r#"    walkway:
      class: heater
      items: [ { name: Driveway, ip_address: "{mat}", outlets: [0], poll_seconds: 1 } ]
      melt: { lead_minutes: 45 }
"#;

#[tokio::test]
async fn numbers_of_home_assistant_lower_a_limit_and_move_a_lead() {
    let mut home = Home::new(MELTS, Clock::driven(noon(), 1.0)).await;
    home.peer.wait("heattrax/driveway/1/decision", &["\"longest_runtime_min\":360"]).await;
    home.peer.send("heattrax/driveway/1/longest_runtime/set", "120").await;
    home.peer.wait("heattrax/driveway/1/decision", &["\"longest_runtime_min\":120"]).await;
    home.peer.send("heattrax/driveway/1/longest_runtime/set", "400").await;
    home.peer.wait("heattrax/bridge/event", &["refused", "the config allows 360 min"]).await;
    home.peer.wait("heattrax/driveway", &["\"led\":true"]).await;
    home.peer.send("heattrax/driveway/led/set", "OFF").await;
    home.peer.wait("heattrax/driveway", &["\"led\":false"]).await;
    home.peer.send("heattrax/driveway/led/set", "dim").await;
    home.peer.wait("heattrax/bridge/event", &["bad_payload", "neither ON nor OFF"]).await;
    home.peer.wait("heattrax/group/walkway", &["\"preheat_lead_min\":45"]).await;
    home.peer.send("heattrax/group/walkway/preheat_lead/set", "90").await;
    home.peer.wait("heattrax/group/walkway", &["\"preheat_lead_min\":90"]).await;
    let text = std::fs::read_to_string(home.file()).unwrap();
    assert!(text.contains("melt: { lead_minutes: 90 }"), "{text}");
    home.stop().await;
    // The lowered limit is remembered.
    home.peer.forget();
    home.start().await;
    home.peer.wait("heattrax/driveway/1/decision", &["\"longest_runtime_min\":120"]).await;
    home.stop().await;
}

#[tokio::test]
async fn what_the_scheduler_before_has_left_is_taken_over_at_the_first_start_only() {
    let mut home = Home::new(MELTS, Clock::driven(noon(), 1.0)).await;
    home.peer.wait("heattrax/driveway/1", &["\"OFF\""]).await;
    home.stop().await;
    let folder = home.file().parent().unwrap().to_owned();
    std::fs::remove_file(folder.join("memory.json")).unwrap();
    std::fs::create_dir(folder.join("state")).unwrap();
    let end = noon() + jiff::SignedDuration::from_hours(2);
    let wish =
        json!({ "walkway": { "active": true, "action": "on", "timeout_hours": 3, "expires_at": end.to_string() } });
    std::fs::write(folder.join("state/manual_overrides.json"), wish.to_string()).unwrap();
    home.peer.forget();
    home.start().await;
    home.peer.wait("heattrax/driveway/1", &["\"ON\""]).await;
    home.peer.send("heattrax/group/walkway/control/set", "auto").await;
    home.peer.wait("heattrax/driveway/1", &["\"OFF\""]).await;
    home.stop().await;
    home.peer.forget();
    home.start().await;
    home.peer.wait("heattrax/driveway/1", &["\"OFF\""]).await;
    assert!(home.peer.came("heattrax/driveway/1").iter().all(|it| !it.contains("\"state\":\"ON\"")));
    home.stop().await;
}
