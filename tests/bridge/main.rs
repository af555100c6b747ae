//! The whole house: every room, real sockets, the clock in hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod begun;
mod cases;
mod contract;
mod discovered;
mod doctored;
mod documented;
mod edited;
mod endpoints;
mod explained;
mod fuzzed;
mod home;
mod http;
mod killed;
mod left;
mod listed;
mod placed;
mod predecessor;
mod remembered;
mod repaired;
mod requested;
mod served;
mod site;
mod told;
mod turns;
mod unreachable;
mod valued;

use std::time::Duration;

use heattrax::{
    emulator::{Cause, Fault, storm::Storm},
    hub::Clock,
};
use jiff::Timestamp;

use crate::home::{Home, until};

const PEOPLE_ONLY: &str = r#"    walkway:
      class: heater
      items: [ { name: Driveway, ip_address: "{mat}", outlets: [0], poll_seconds: 1 } ]
    porch:
      class: light
      items: [ { name: Porch, ip_address: "{lights}", poll_seconds: 1 } ]
"#;

fn noon() -> Timestamp {
    "2026-01-10T17:00:00Z".parse().unwrap()
}

async fn quiet_home() -> Home {
    let mut home = Home::new(PEOPLE_ONLY, Clock::driven(noon(), 1.0)).await;
    home.peer.wait("heattrax/driveway/1", &["\"state\":\"OFF\""]).await;
    home.peer.wait("heattrax/porch/2", &["\"state\":\"OFF\""]).await;
    home
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_becomes_a_relay_and_what_the_plug_reports_becomes_the_state() {
    let mut home = quiet_home().await;
    home.peer.send("heattrax/porch/2/set", "ON").await;
    home.peer.wait("heattrax/porch/2", &["\"state\":\"ON\""]).await;
    assert!(home.lights.relay(2) && !home.lights.relay(1), "slot 2 is position 2, whatever the list's order");
    home.peer.wait("heattrax/porch/2/decision", &["manual_on", "asked by MQTT"]).await;
    home.peer.send("heattrax/group/porch/set", "TOGGLE").await;
    home.peer.wait("heattrax/porch/2", &["\"state\":\"OFF\""]).await;
    assert!(!home.lights.relay(2) && !home.lights.relay(1), "a mixed group toggles off");
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_changes_nothing_is_answered_by_a_newly_reported_state() {
    let mut home = quiet_home().await;
    for _ in 0..2 {
        home.peer.send("heattrax/porch/1/set", "ON").await;
        home.peer.wait("heattrax/porch/1", &["\"state\":\"ON\""]).await;
    }
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plugs_own_button_is_a_wish_with_an_end() {
    let mut home = quiet_home().await;
    home.lights.press(1);
    home.peer.wait("heattrax/bridge/event", &["external_change", "\"porch\""]).await;
    let decision = home.peer.wait("heattrax/porch/1/decision", &["manual_on"]).await;
    let until: serde_json::Value = serde_json::from_str(&decision).unwrap();
    let until: Timestamp = until["until"].as_str().expect("a wish has an end").parse().unwrap();
    let hours = until.duration_since(home.now()).as_secs_f64() / 3600.0;
    assert!((2.9..=3.001).contains(&hours), "{hours} h");
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plug_that_vanishes_is_offline_and_one_that_returns_is_as_it_says() {
    let mut home = quiet_home().await;
    home.lights.vanish().await;
    home.peer.wait("heattrax/porch/availability", &["offline"]).await;
    home.lights.press(2);
    home.lights.come_back().await.unwrap();
    home.peer.wait("heattrax/porch/availability", &["online"]).await;
    home.peer.wait("heattrax/porch/2", &["\"state\":\"ON\""]).await;
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_forgot_everything_is_told_everything_again() {
    let mut home = quiet_home().await;
    home.kill_broker().await;
    home.new_broker().await;
    home.peer.wait("heattrax/bridge/availability", &["online"]).await;
    home.peer.wait("heattrax/porch/2", &["\"state\":\"OFF\""]).await;
    home.peer.send("heattrax/porch/2/set", "ON").await;
    home.peer.wait("heattrax/porch/2", &["\"state\":\"ON\""]).await;
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_heats_the_mat_an_hour_ahead_by_itself() {
    let rules = r#"    walkway:
      items: [ { name: Driveway, ip_address: "{mat}", outlets: [0], poll_seconds: 1 } ]
      schedules:
        - name: Snow
          all_day: true
          conditions: { temperature_max: 40, precipitation_active: true }
"#;
    let begin = Storm::start_of(Storm::names()[0]).unwrap();
    let mut home = Home::new(rules, Clock::driven(begin, 1800.0)).await;
    let told =
        home.peer.wait("heattrax/driveway/1/decision", &["\"desired\":\"ON\"", "schedule `Snow` is active"]).await;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let since: Timestamp = told["since"].as_str().unwrap().parse().unwrap();
    // The recording's first precipitation is 150 minutes after the start, and the lead is 60 minutes.
    let ahead = since.duration_since(begin).as_mins();
    assert!((90..150).contains(&ahead), "after {ahead} min");
    home.peer.wait("heattrax/driveway/1", &["\"state\":\"ON\""]).await;
    assert!(home.mat.relay(1));
    home.peer.wait("heattrax/group/walkway/plan", &["\"mode\":\"schedule\"", "schedule `Snow` is active"]).await;
    home.stop().await;
    assert!(!home.mat.relay(1), "at this pace no timer on the plug ends soon, so the stop does");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_runtime_cuts_and_the_rest_is_held() {
    let rules = r#"    walkway:
      class: heater
      items: [ { name: Driveway, ip_address: "{mat}", outlets: [0], poll_seconds: 1 } ]
      schedules:
        - { name: Always, all_day: true, safety: { max_runtime_hours: 0.25, cooldown_minutes: 60 } }
"#;
    let mut home = Home::new(rules, Clock::driven(noon(), 600.0)).await;
    home.peer.wait("heattrax/driveway/1", &["\"state\":\"ON\""]).await;
    let cut = home.peer.wait("heattrax/bridge/event", &["max_runtime", "safety cut"]).await;
    let cut: serde_json::Value = serde_json::from_str(&cut).unwrap();
    let cut: Timestamp = cut["ts"].as_str().unwrap().parse().unwrap();
    home.peer.wait("heattrax/driveway/1", &["\"state\":\"OFF\""]).await;
    home.peer.send("heattrax/driveway/1/set", "ON").await;
    home.peer.wait("heattrax/bridge/event", &["refused", "resting"]).await;
    home.peer.wait("heattrax/driveway/1", &["\"state\":\"ON\""]).await;
    let rested = home.now().duration_since(cut).as_mins();
    assert!(rested >= 59, "on again after {rested} min");
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_remembers_and_leaves_a_heater_on_that_its_plug_watches_over() {
    let mut home = quiet_home().await;
    home.peer.send("heattrax/driveway/1/set", "ON").await;
    home.peer.wait("heattrax/driveway/1", &["\"state\":\"ON\""]).await;
    home.peer.send("heattrax/porch/1/control/set", "off").await;
    home.peer.wait("heattrax/porch/1/decision", &["control_off"]).await;
    home.stop().await;
    home.peer.wait("heattrax/bridge/availability", &["offline"]).await;
    assert!(home.mat.relay(1), "a restart does not interrupt the heat");
    let memory = std::fs::read_to_string(home.data().join("memory.json")).unwrap();
    assert!(memory.contains("porch/1"), "{memory}");

    // Nothing that the first bridge said is to be taken for the second's word.
    home.peer.forget();
    home.start().await;
    home.peer.wait("heattrax/bridge/availability", &["online"]).await;
    home.peer.wait("heattrax/porch/1/decision", &["control_off"]).await;
    // It has found the timer that runs: a stop before that would rather switch off.
    home.watched_over().await;
    home.peer.send("heattrax/porch/1/set", "ON").await;
    home.peer.wait("heattrax/bridge/event", &["refused", "control is set to off"]).await;
    assert!(!home.lights.relay(1));
    until("the wish for the mat has survived", || home.mat.relay(1)).await;
    assert_eq!(home.mat.log().len(), 1, "it was left alone all the time: {:?}", home.mat.log());
    home.stop().await;
    // Nobody comes back.
    home.mat.pass(Duration::from_secs(900));
    assert!(!home.mat.relay(1));
    assert_eq!(home.mat.log().last().unwrap().cause, Cause::Countdown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_catches_an_on_that_is_under_way() {
    let mut home = quiet_home().await;
    home.mat.set_fault(Fault::Latency(Duration::from_millis(400)));
    home.peer.send("heattrax/driveway/1/set", "ON").await;
    until("the relay has closed, and nobody has said so yet", || home.mat.relay(1)).await;
    home.stop().await;
    assert!(!home.mat.relay(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_before_the_first_contact_leaves_no_heater_on() {
    let mut home = quiet_home().await;
    home.stop().await;
    home.mat.press(1);
    home.mat.set_fault(Fault::Latency(Duration::from_millis(50)));
    home.start().await;
    home.stop().await;
    // On a slow machine it may have been met before the stop: then its plug watches over it.
    let outlet = &home.mat.outlets()[0];
    assert!(!outlet.on || outlet.countdown.is_some(), "{outlet:?}, {:?}", home.mat.log());
}
