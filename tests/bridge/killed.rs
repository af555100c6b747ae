//! The bridge dies without a word. What becomes of a heater that is on?

use std::{net::TcpListener, process::Stdio, time::Duration};

use heattrax::emulator::{Cause, Model, Plug, PlugOptions};
use tokio::process::Command;

use crate::home::until;

#[tokio::test]
async fn a_heater_goes_off_by_itself_after_kill_9() {
    let plug = Plug::start(PlugOptions::new(Model::P210M)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    // Free a moment ago.
    let web = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "location: {{ latitude: 40.69, longitude: -74.17, timezone: UTC }}\nweb: {{ port: {web} }}\n\
         devices:\n  credentials: {{ username: user@example.com, password: hunter2 }}\n  groups:\n    walkway:\n      \
         class: heater\n      items: [ {{ name: Mat, ip_address: \"{}\", outlets: [0], poll_seconds: 1 }} ]\n      \
         schedules: [ {{ name: Always, all_day: true }} ]\n",
        plug.address()
    );
    let file = folder.path().join("heattrax.yaml");
    std::fs::write(&file, config).unwrap();
    let mut bridge = Command::new(env!("CARGO_BIN_EXE_heattrax"))
        .arg("run")
        .arg("--config")
        .arg(&file)
        .arg("--data")
        .arg(folder.path().join("data"))
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    until("the heater is on", || plug.relay(1)).await;
    // SIGKILL, and nothing after it.
    bridge.start_kill().unwrap();
    bridge.wait().await.unwrap();
    let died = plug.now();
    plug.pass(Duration::from_secs(60));
    assert!(plug.relay(1), "a crash switches nothing");
    plug.pass(Duration::from_secs(840));
    let off = *plug.log().last().unwrap();
    assert_eq!((off.on, off.moved, off.cause), (false, true, Cause::Countdown), "{:?}", plug.log());
    assert!(off.at - died <= Duration::from_secs(900), "{:?} after the death", off.at - died);
}
