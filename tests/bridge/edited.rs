//! The config is edited while the bridge runs.

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
    home.peer.wait("heattrax/driveway/1", &["\"ON\""]).await;
    let silent = json!({ "group": "walkway", "name": "always", "enabled": false });
    let told = home.gets("schedule/enable", silent.clone()).await;
    assert_eq!(told["changed"], json!(["devices.groups.walkway.schedules[0].enabled"]));
    assert_eq!(home.ended().await, Ended::Restart);
    let text = std::fs::read_to_string(home.file()).unwrap();
    assert!(text.contains("# all day") && text.contains("enabled: false"), "{text}");
    home.peer.forget();
    home.start().await;
    home.peer.wait("heattrax/driveway/1", &["\"OFF\""]).await;
    assert!(!home.mat.relay(1));
    // What the file says already is no reason to start again.
    assert_eq!(home.gets("schedule/enable", silent).await["changed"], json!([]));
    home.stop().await;
}

#[tokio::test]
async fn a_switch_of_a_schedule_in_home_assistant_is_written_to_the_file() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    home.peer.wait("heattrax/group/walkway/schedule/always", &["\"enabled\":true", "00:00:00"]).await;
    home.peer.send("heattrax/group/walkway/schedule/always/off/set", "12:00:00").await;
    assert_eq!(home.ended().await, Ended::Restart);
    let text = std::fs::read_to_string(home.file()).unwrap();
    assert!(text.contains("off: { type: time, value: \"12:00\" } }") && text.contains("# all day"), "{text}");
    home.peer.forget();
    home.start().await;
    home.peer.wait("heattrax/group/walkway/schedule/always", &["12:00:00"]).await;
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
