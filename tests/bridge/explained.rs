//! The `explain` command, as a person runs it: against a bridge that runs, and without one.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use heattrax::{
    hub::Clock,
    model::{Control, Memory, OutletId, Remembered},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A bridge that switches nothing: nobody answers at the plug's address, and there is no broker and no weather.
fn config(port: u16) -> String {
    format!(
        r#"
location: {{ latitude: 40.69, longitude: -74.17, timezone: America/New_York }}
weather_api: {{ enabled: false }}
web: {{ port: {port} }}
devices:
  credentials: {{ username: me@example.com, password: secret }}
  groups:
    walkway:
      class: heater
      items: [ {{ name: Driveway, ip_address: "127.0.0.1:1", outlets: [0], rated_watts: 300 }} ]
      schedules:
        - {{ name: Morning, on: {{ type: time, value: "06:00" }}, off: {{ type: time, value: "08:00" }} }}
"#
    )
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A folder with a config, and where the bridge would serve.
fn folder() -> (TempDir, u16) {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    fs::write(folder.path().join("heattrax.yaml"), config(port)).unwrap();
    (folder, port)
}

fn heattrax(folder: &Path, command: &str, arguments: &[&str]) -> Command {
    let mut process = Command::new(env!("CARGO_BIN_EXE_heattrax"));
    process.arg(command).arg("--config").arg(folder.join("heattrax.yaml")).arg("--data").arg(folder.join("data"));
    process.args(arguments).env_clear().current_dir(folder);
    process
}

fn explain(folder: &Path, arguments: &[&str]) -> Output {
    heattrax(folder, "explain", arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
}

/// Ends with the test.
struct Bridge(Child);

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_bridge_that_runs_is_asked_and_without_one_its_memory_answers() {
    let (folder, port) = folder();
    let child = heattrax(folder.path(), "run", &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let bridge = Bridge(child);
    let patience = Instant::now() + Duration::from_secs(20);
    let text = loop {
        let text = said(&explain(folder.path(), &[]));
        if text.contains("by the running bridge") {
            break text;
        }
        assert!(Instant::now() < patience, "the bridge never answered: {text}");
    };
    assert!(text.contains("(driveway/1, group walkway, heater)"), "{text}");
    let answer: Value = serde_json::from_str(&said(&explain(folder.path(), &["--json"]))).unwrap();
    assert_eq!(answer["source"], "the running bridge");
    let output = explain(folder.path(), &["--group", "nowhere"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no group `nowhere`"), "{output:?}");
    drop(bridge);
    let text = said(&explain(folder.path(), &[]));
    assert!(text.contains("by the config, the memory and the last forecast"), "{text}");
    assert!(text.contains(&format!("127.0.0.1:{port} cannot be reached")), "{text}");
    assert!(text.contains("not known: the plug has not been asked yet"), "{text}");
}

#[test]
fn a_bridge_with_a_password_tells_whoever_has_a_token_and_nobody_else() {
    let (folder, port) = folder();
    let token = "read-by-nobody-0123456789abcdef";
    let web =
        format!("{{ port: {port}, password: a long one, tokens: [ {{ name: shell, token: {token}, may: read }} ] }}");
    let text = config(port).replace(&format!("{{ port: {port} }}"), &web);
    fs::write(folder.path().join("heattrax.yaml"), text).unwrap();
    fs::write(folder.path().join("token"), format!("{token}\n")).unwrap();
    fs::write(folder.path().join("wrong"), "somebody-elses").unwrap();
    let child = heattrax(folder.path(), "run", &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let bridge = Bridge(child);
    let patience = Instant::now() + Duration::from_secs(20);
    // Nobody is told; who asks hears why, and what would help.
    let refused = loop {
        let text = said(&explain(folder.path(), &[]));
        if !text.contains("cannot be reached") {
            break text;
        }
        assert!(Instant::now() < patience, "the bridge never answered: {text}");
    };
    assert!(refused.contains("by the config, the memory and the last forecast (the running bridge"), "{refused}");
    assert!(refused.contains("--token-file or HEATTRAX_TOKEN"), "{refused}");
    assert!(said(&explain(folder.path(), &["--token-file", "token"])).contains("by the running bridge"));
    let by_environment = heattrax(folder.path(), "explain", &[]).env("HEATTRAX_TOKEN", token).output().unwrap();
    assert!(said(&by_environment).contains("by the running bridge"), "{by_environment:?}");
    // It is no key of the config, and nobody complains of it as of one.
    let mut check = Command::new(env!("CARGO_BIN_EXE_heattrax"));
    check
        .args(["check", "--config", "heattrax.yaml"])
        .current_dir(folder.path())
        .env_clear()
        .env("HEATTRAX_TOKEN", token);
    let checked = said(&check.output().unwrap());
    assert!(!checked.contains("HEATTRAX_TOKEN"), "{checked}");
    let wrong = said(&explain(folder.path(), &["--token-file", "wrong"]));
    assert!(wrong.contains("does not know the token"), "{wrong}");
    let absent = explain(folder.path(), &["--token-file", "absent"]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&absent.stderr).contains("absent cannot be read"), "{absent:?}");
    for more in
        [&["--group", "attic", "--token-file", "token"][..], &["--group", "attic", "--json", "--token-file", "token"]]
    {
        let nowhere = explain(folder.path(), more);
        let words = String::from_utf8_lossy(&nowhere.stderr).into_owned();
        assert_eq!(nowhere.status.code(), Some(2), "{words}");
        assert!(words.contains("the running bridge says: there is no group `attic`; there is: "), "{words}");
    }
    drop(bridge);
}

#[test]
fn what_was_remembered_is_told_and_nothing_is_written() {
    let (folder, _) = folder();
    let data = folder.path().join("data");
    let text = said(&explain(folder.path(), &[]));
    assert!(text.contains("there is no memory yet"), "{text}");
    assert!(!data.exists(), "nothing is created");
    fs::create_dir(&data).unwrap();
    let outlet: OutletId = "driveway/1".parse().unwrap();
    let remembered = Remembered { control: Control::Off, ..Remembered::default() };
    let memory = Memory { outlets: [(outlet, remembered)].into(), ..Memory::default() };
    let file = json!({ "bridge_id": "0a1b2c3d", "version": 1, "memory": memory }).to_string();
    fs::write(data.join("memory.json"), &file).unwrap();
    let text = said(&explain(folder.path(), &["--group", "walkway"]));
    assert!(text.contains("> control   OFF     control is set to off"), "{text}");
    assert_eq!(fs::read_to_string(data.join("memory.json")).unwrap(), file);
    fs::write(data.join("memory.json"), "{").unwrap();
    let text = said(&explain(folder.path(), &[]));
    assert!(text.contains("memory.json cannot be used"), "{text}");
    assert_eq!(names(&data), ["memory.json"], "a damaged one is not set aside");
}

#[tokio::test]
async fn any_time_can_be_asked_for_and_no_account_is_needed() {
    let (folder, port) = folder();
    let config = config(port).replace("  credentials: { username: me@example.com, password: secret }\n", "");
    fs::write(folder.path().join("heattrax.yaml"), config).unwrap();
    let answer: Value =
        serde_json::from_str(&said(&explain(folder.path(), &["--at", "2026-01-15T12:30:00Z", "--json"]))).unwrap();
    // Half past seven in New Jersey.
    assert_eq!(answer["basis"], "past");
    assert_eq!(answer["outlets"][0]["sentence"], "schedule `Morning` is active");
    // A time of the present day there, which is to be still ahead.
    let there = || Clock::wall().now().in_tz("America/New_York").unwrap();
    while there().hour() == 23 && there().minute() >= 58 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let answer: Value = serde_json::from_str(&said(&explain(folder.path(), &["--at", "23:59", "--json"]))).unwrap();
    assert_ne!(answer["basis"], "past");
    assert_eq!(answer["outlets"][0]["desired"], "OFF");
    let output = explain(folder.path(), &["--at", "soon"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`soon` is neither a time"), "{output:?}");
}

#[test]
fn a_config_that_is_wrong_is_told_with_every_problem() {
    let (folder, _) = folder();
    fs::write(folder.path().join("heattrax.yaml"), "location: 7\nnonsense: true\n").unwrap();
    let output = explain(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("nonsense") && words.contains("location"), "{words}");
}
