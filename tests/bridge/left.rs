//! `heattrax check` beside what the scheduler before has left.

use std::{fs, path::Path, process::Command};

use serde_json::json;

const HOUSE: &str = r#"
location: { latitude: 40.69, longitude: -74.17, timezone: America/New_York }
weather_api: { enabled: false }
data: data
morning_mode: { enabled: true }
devices:
  credentials: { username: me@example.com, password: secret }
  groups:
    heated_mats:
      automation: { weather_control: true, morning_mode: true }
      items: [ { name: Mat, ip_address: "127.0.0.1:9", outlets: [0] } ]
"#;

fn check(folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heattrax"));
    command.args(["check", "--config", "config.yaml"]).current_dir(folder).env_clear();
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn flags_that_a_person_had_switched_are_told_by_check_until_there_was_a_start() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.yaml"), HOUSE).unwrap();
    assert!(!check(folder.path()).contains("the scheduler before"));
    fs::create_dir(folder.path().join("state")).unwrap();
    let flags = json!({ "heated_mats": { "weather_control": false } }).to_string();
    let file = folder.path().join("state/automation_overrides.json");
    fs::write(&file, &flags).unwrap();
    let told = check(folder.path());
    let part =
        "group `heated_mats`: `weather_control: false` in automation_overrides.json is taken over as control off";
    assert!(told.contains(part), "{told}");
    assert_eq!(fs::read_to_string(file).unwrap(), flags);
    assert!(!folder.path().join("data").exists(), "nothing is created");
    // A bridge that has begun to remember does not look there again.
    fs::create_dir(folder.path().join("data")).unwrap();
    let memory = json!({ "bridge_id": "0a1b2c3d", "version": 1, "memory": { "written_at": "2026-01-15T12:00:00Z" } });
    fs::write(folder.path().join("data/memory.json"), memory.to_string()).unwrap();
    assert!(!check(folder.path()).contains("the scheduler before"));
}
