//! The `doctor` command, as a person runs it: each cause is told with the step that cures it.

use std::{fs, net::SocketAddr, path::Path, process::Output};

use heattrax::{
    emulator::{
        Fault, Model, Plug, PlugOptions,
        broker::{Broker, BrokerOptions},
    },
    model::{Memory, Pin},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpSocket},
    process::Command,
};

use crate::home::Peer;

const PASSWORD: &str = "hunter2";

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A port that is closed and stays so: nobody else can take it for as long as this lives.
fn closed_port() -> (TcpSocket, u16) {
    let held = TcpSocket::new_v4().unwrap();
    held.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let port = held.local_addr().unwrap().port();
    (held, port)
}

async fn config(device: &str, more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        r#"
location: {{ latitude: 40.69, longitude: -74.17, timezone: America/New_York }}
web: {{ port: {web} }}
{more}
devices:
  credentials: {{ username: user@example.com, password: {PASSWORD} }}
  groups:
    walkway:
      class: heater
      items: [ {{ name: Driveway, ip_address: "{device}", discovery_timeout_seconds: 1, outlets: [0], rated_watts: 300 }} ]
"#,
        web = free_port().await
    );
    fs::write(folder.path().join("heattrax.yaml"), text).unwrap();
    folder
}

async fn doctor(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heattrax"));
    command.arg("doctor").arg("--config").arg(folder.join("heattrax.yaml")).arg("--data").arg(folder.join("data"));
    let output = command.args(arguments).env_clear().current_dir(folder).output().await.unwrap();
    let said = format!("{output:?}");
    assert!(!said.contains(PASSWORD), "{said}");
    output
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

const NO_WEATHER: &str = "weather_api: { enabled: false }";

#[tokio::test]
async fn each_trouble_of_a_device_is_told_with_its_cure() {
    let table: [(Option<Fault>, Option<i32>, &[&str]); 6] = [
        (None, Some(0), &["ok    device Driveway: P210M", "can hold: countdown, auto-off", "all works"]),
        (
            Some(Fault::HandshakeForbidden),
            Some(1),
            &["FAIL  device Driveway", "-> Tapo app > Me > Third-Party Services"],
        ),
        (Some(Fault::OtherAccount), Some(1), &["FAIL  device Driveway", "does not accept this account", "case counts"]),
        (Some(Fault::Hang), Some(1), &["FAIL  device Driveway", "did not answer within 1 s", "Wi-Fi"]),
        (Some(Fault::Garbage), Some(1), &["FAIL  device Driveway", "not understood"]),
        (
            Some(Fault::MethodError { method: "get_countdown_rules".to_owned(), code: -1002 }),
            Some(0),
            &["can hold: auto-off"],
        ),
    ];
    for (fault, code, words) in table {
        let plug = Plug::start(PlugOptions::new(Model::P210M)).await.unwrap();
        if let Some(fault) = &fault {
            plug.set_fault(fault.clone());
        }
        let folder = config(&plug.address().to_string(), NO_WEATHER).await;
        let output = doctor(folder.path(), &[]).await;
        let text = said(&output);
        assert_eq!(output.status.code(), code, "{fault:?}: {text}");
        for word in words {
            assert!(text.contains(word), "{fault:?}: no `{word}` in\n{text}");
        }
        assert!(plug.log().is_empty(), "{fault:?} was switched");
        assert!(!folder.path().join("data").exists(), "something was written");
    }
}

#[tokio::test]
async fn a_device_that_is_not_there_is_told_with_its_port() {
    let (_held, port) = closed_port();
    let folder = config(&format!("127.0.0.1:{port}"), NO_WEATHER).await;
    let output = doctor(folder.path(), &[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains(&format!("port {port} is closed")), "{}", said(&output));
}

#[tokio::test]
async fn another_device_than_the_remembered_one_is_told_by_both_addresses() {
    let plug = Plug::start(PlugOptions::new(Model::P110m)).await.unwrap();
    let folder = config(&plug.address().to_string(), NO_WEATHER).await;
    let pinned = "02:00:00:00:00:99".parse().unwrap();
    let mut memory = Memory::default();
    memory.pins.insert("driveway".parse().unwrap(), Pin::of_mac(pinned));
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let file = json!({"bridge_id": "0badcafe", "version": 1, "memory": memory});
    fs::write(data.join("memory.json"), file.to_string()).unwrap();
    let output = doctor(folder.path(), &[]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    for word in ["another device answers", &plug.mac().to_string(), "expected 02:00:00:00:00:99"] {
        assert!(said(&output).contains(word), "no `{word}` in {}", said(&output));
    }
}

#[tokio::test]
async fn an_outlet_that_the_device_does_not_have_is_told() {
    let plug = Plug::start(PlugOptions::new(Model::P210M)).await.unwrap();
    let folder = config(&plug.address().to_string(), NO_WEATHER).await;
    let file = folder.path().join("heattrax.yaml");
    let text = fs::read_to_string(&file).unwrap().replace("outlets: [0]", "outlets: [0, 4]");
    fs::write(&file, text).unwrap();
    let output = doctor(folder.path(), &[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("outlet 5 (index 4), which it does not have"), "{}", said(&output));
}

#[tokio::test]
async fn a_broker_that_keeps_what_is_retained_is_well_and_is_left_clean() {
    let broker = Broker::start(BrokerOptions { listen: SocketAddr::from(([127, 0, 0, 1], 0)) }).await.unwrap();
    let plug = Plug::start(PlugOptions::new(Model::P210M)).await.unwrap();
    let mqtt = format!("{NO_WEATHER}\nmqtt: {{ host: 127.0.0.1, port: {} }}", broker.address().port());
    let folder = config(&plug.address().to_string(), &mqtt).await;
    let output = doctor(folder.path(), &["--json"]).await;
    let lines: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let line = |thing: &str| lines.iter().find(|it| it["thing"] == thing).unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!(line("broker")["verdict"], "ok", "{lines:?}");
    assert_eq!(line("home assistant")["verdict"], "warn", "{lines:?}");
    assert_eq!(output.status.code(), Some(0));
    let left = Peer::new(broker.address()).await.retained_below("heattrax/bridge/doctor").await;
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_broker_and_a_provider_that_are_not_there_are_told() {
    let plug = Plug::start(PlugOptions::new(Model::P210M)).await.unwrap();
    let (_held, port) = closed_port();
    let more = format!("weather_api: {{ WEATHER }}\nmqtt: {{ host: 127.0.0.1, port: {port} }}")
        .replace("WEATHER", &format!("open_meteo: {{ base_url: \"http://127.0.0.1:{port}\" }}"));
    let folder = config(&plug.address().to_string(), &more).await;
    let output = doctor(folder.path(), &[]).await;
    assert_eq!(output.status.code(), Some(1));
    for word in ["FAIL  broker: the broker at 127.0.0.1", "FAIL  weather: open-meteo cannot be reached"] {
        assert!(said(&output).contains(word), "no `{word}` in {}", said(&output));
    }
}

#[tokio::test]
async fn a_config_that_is_wrong_is_told_by_line() {
    let folder = config("127.0.0.1:1", "weather_apy: {}").await;
    let output = doctor(folder.path(), &[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("FAIL  config: ") && said(&output).contains("weather_apy"), "{}", said(&output));
}
