//! Plugs that are dead, deaf or slow: whoever switches them over HTTP hears so in time, and nobody is told that it went well.

use std::time::Duration;

use heattrax::{emulator::Fault, hub::Clock};
use serde_json::{Value, json};

use crate::{PEOPLE_ONLY, home::Home, noon};

/// The house's time runs so many times faster than life where nothing but the end of the wait comes.
const SPEED: f64 = 20.0;

/// Answers come within 10 s of the house, and a busy machine may need 4 s of life more.
fn within(speed: f64) -> f64 {
    10.0 + 4.0 * speed
}

async fn home(speed: f64) -> Home {
    let mut home = Home::new(PEOPLE_ONLY, Clock::driven(noon(), speed)).await;
    home.peer.wait("heattrax/driveway/1", &["\"state\":\"OFF\""]).await;
    home.peer.wait("heattrax/porch/2", &["\"state\":\"OFF\""]).await;
    home
}

/// Every way to switch the first outlet on over HTTP, and the status if the plug does not do it.
fn ways() -> [(&'static str, Value, u16); 9] {
    let (on, forced, action) = (json!({ "state": "ON" }), json!({ "control": "on" }), json!({ "action": "on" }));
    let device = |outlet: Value| json!({ "group": "porch", "device": "Porch", "outlet": outlet, "action": "on" });
    [
        ("/api/devices/control", device(json!(0)), 400),
        ("/api/devices/control", device(json!(null)), 400),
        // It tells of each outlet, as its predecessor did.
        ("/api/groups/porch/control", action, 200),
        ("/api/mat/control", json!({ "group": "porch", "action": "on" }), 504),
        ("/api/outlets/porch/1/set", on.clone(), 504),
        ("/api/outlets/porch/1/set", json!({ "state": "TOGGLE" }), 504),
        ("/api/outlets/porch/1/control", forced.clone(), 504),
        ("/api/groups/porch/set", on, 504),
        ("/api/groups/porch/control-mode", forced, 504),
    ]
}

/// Asks in every way, and looks at what is told. `why` is a word of the plug's own error, where it has one.
async fn nobody_is_told_that_it_went_well(home: &Home, why: &str) {
    for (path, body, wanted) in ways() {
        let began = home.now();
        let (status, told) = home.http("POST", path, Some(body.clone())).await;
        let took = home.now().duration_since(began).as_secs_f64();
        assert_eq!(status, wanted, "{path} {body}: {told:#}");
        assert!(took < within(home.speed()), "{path} {body}: answered after {took} s");
        assert_ne!(told["success"], json!(true), "{path}: {told:#}");
        let answers = told["answers"].as_array().or(told["results"].as_array());
        let ok = |it: &Value| it["ok"] == json!(true) || it["success"] == json!(true);
        assert!(!answers.into_iter().flatten().any(ok), "{path}: {told:#}");
        let error = told["error"].as_str().or(told["results"][0]["error"].as_str()).unwrap_or_default();
        assert!(error.contains(why), "{path}: {told:#}");
        assert!(!home.lights.relay(1) && !home.lights.relay(2), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plug_that_is_gone_is_no_success() {
    let mut home = home(SPEED).await;
    home.lights.vanish().await;
    nobody_is_told_that_it_went_well(&home, "").await;
    home.peer.wait("heattrax/porch/availability", &["offline"]).await;
    nobody_is_told_that_it_went_well(&home, "refused").await;
    // The others are switched as ever.
    home.switches("/api/outlets/driveway/1/set", "ON").await;
    assert!(home.mat.relay(1));
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plug_that_takes_requests_and_never_answers_is_no_success() {
    let mut home = home(SPEED).await;
    home.lights.set_fault(Fault::Hang);
    nobody_is_told_that_it_went_well(&home, "").await;
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plug_that_refuses_is_told_with_its_own_error() {
    // Its word is to come before the end of the wait.
    let mut home = home(2.0).await;
    home.lights.set_fault(Fault::MethodError { method: "set_device_info".to_owned(), code: -1008 });
    nobody_is_told_that_it_went_well(&home, "-1008").await;
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plug_that_answers_late_is_no_success_before_it_has_answered() {
    let mut home = home(SPEED).await;
    // In life's own time; so far apart are also its answers to whoever looks at it.
    home.lights.set_fault(Fault::Latency(Duration::from_millis(900)));
    let began = home.now();
    let (status, told) = home.http("POST", "/api/outlets/porch/1/set", Some(json!({ "state": "ON" }))).await;
    let took = home.now().duration_since(began).as_secs_f64();
    assert!(status == 504 && took < within(SPEED), "{status} after {took} s: {told:#}");
    assert_eq!(told["answers"][0]["ok"], json!(false), "{told:#}");
    // What was wished for is kept: once the plug reports it, it is so.
    home.lights.clear_faults();
    home.peer.wait("heattrax/porch/1", &["\"state\":\"ON\""]).await;
    let told = home.switches("/api/outlets/porch/1/set", "ON").await;
    assert_eq!(told["state"], json!("ON"), "{told:#}");
    home.stop().await;
}
