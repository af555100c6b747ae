//! The `discover` command, as a person runs it.

use std::process::Output;

use heattrax::emulator::{Beacon, Model, Plug, PlugOptions};
use serde_json::Value;
use tokio::process::Command;

async fn discover(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heattrax"));
    command.arg("discover").arg("--timeout").arg("1").args(arguments).env_clear().output().await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

async fn plug(model: Model, seed: u64) -> Plug {
    Plug::start(PlugOptions { seed, ..PlugOptions::new(model) }).await.unwrap()
}

async fn beacon(plugs: &[Plug]) -> Beacon {
    Beacon::start("127.0.0.1:0".parse().unwrap(), plugs).await.unwrap()
}

#[tokio::test]
async fn devices_are_found_without_a_login_and_their_config_is_told() {
    let plugs = [plug(Model::P210M, 1).await, plug(Model::Ep40m, 2).await];
    let beacon = beacon(&plugs).await;
    let output = discover(&["--target", &beacon.address().to_string()]).await;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.starts_with("MODEL"), "{text}");
    for (plug, model) in plugs.iter().zip(["P210M(US)", "EP40M(US)"]) {
        let row = text.lines().find(|it| it.starts_with(model)).unwrap();
        for word in [plug.mac().to_string(), plug.address().to_string(), "KLAP".to_owned()] {
            assert!(row.contains(&word), "no `{word}` in {row}");
        }
        let line = format!("ip_address: \"{}\", mac: \"{}\"", plug.address(), plug.mac());
        assert!(text.contains(&line), "no `{line}` in {text}");
        assert_eq!(plug.counts().logins, 0, "somebody else's session would have ended");
        assert!(plug.log().is_empty());
    }
}

#[tokio::test]
async fn programs_get_json() {
    let plugs = [plug(Model::P210M, 1).await];
    let beacon = beacon(&plugs).await;
    let output = discover(&["--json", "--target", &beacon.address().to_string()]).await;
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found[0]["mac"], plugs[0].mac().to_string());
    assert_eq!((&found[0]["speaks"], &found[0]["todo"]), (&Value::from("KLAP"), &Value::Null));
}

#[tokio::test]
async fn who_finds_nobody_is_told_why_that_may_be() {
    let plugs = [plug(Model::P210M, 1).await];
    let beacon = beacon(&plugs).await;
    plugs[0].vanish().await;
    let output = discover(&["--target", &beacon.address().to_string()]).await;
    assert_eq!(output.status.code(), Some(1));
    for word in ["no device answered", "VLAN", "--target", "container", "UDP port 20002"] {
        assert!(said(&output).contains(word), "no `{word}` in {}", said(&output));
    }
    let output = discover(&["--json", "--target", &beacon.address().to_string()]).await;
    assert_eq!((output.status.code(), said(&output).trim()), (Some(1), "[]"));
}

#[tokio::test]
async fn a_wait_that_makes_no_sense_is_refused() {
    let output = discover(&["--timeout", "0"]).await;
    assert_eq!(output.status.code(), Some(2));
}
