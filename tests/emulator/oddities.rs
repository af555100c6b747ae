//! Firmwares and loads that are not as others: sessions, meters, ports and lights.

use std::time::Duration;

use heattrax::{
    emulator::{EmulateOptions, Fault, Fleet, Model, Plug, PlugOptions},
    tdp,
};
use serde_json::{Value, json};

use crate::bench::{Session, plug};

const INFO: &[u8] = b"{\"method\":\"get_device_info\"}";

#[tokio::test]
async fn no_more_sessions_live_than_the_firmware_keeps() {
    for (fault, kept) in [(Fault::SingleSession, 1), (Fault::MostSessions(2), 2), (Fault::MostSessions(0), 1)] {
        let device = plug(Model::P100).await;
        device.set_fault(fault.clone());
        let mut sessions = Vec::new();
        for _ in 0..4 {
            sessions.push(Session::login(device.address()).await);
        }
        let mut let_in = Vec::new();
        for session in &mut sessions {
            session.number += 1;
            let_in.push(session.send(INFO).await.0 == 200);
        }
        let newest: Vec<_> = (0..4).map(|it| it >= 4 - kept).collect();
        assert_eq!(let_in, newest, "{fault:?}");
    }
}

#[tokio::test]
async fn a_number_may_come_again_where_nobody_counts() {
    let device = plug(Model::P100).await;
    let mut session = Session::login(device.address()).await;
    session.number += 5;
    assert_eq!(session.send(INFO).await.0, 200);
    assert_eq!(session.send(INFO).await.0, 400, "the same number again");
    device.set_fault(Fault::AnyNumbers);
    assert_eq!(session.send(INFO).await.0, 200);
    session.number -= 3;
    assert_eq!(session.send(INFO).await.0, 200);
}

fn names_meters(components: &Value) -> bool {
    components["result"]["component_list"].as_array().unwrap().iter().any(|it| it["id"] == "energy_monitoring")
}

#[tokio::test]
async fn a_firmware_without_meters_neither_names_nor_knows_them() {
    let device = plug(Model::P110m).await;
    let mut session = Session::login(device.address()).await;
    assert!(names_meters(&session.ask("component_nego", json!(null)).await));
    assert_eq!(session.ask("get_energy_usage", json!(null)).await["error_code"], 0);
    device.set_fault(Fault::NoMeters);
    assert!(!names_meters(&session.ask("component_nego", json!(null)).await));
    for method in ["get_energy_usage", "get_current_power", "get_emeter_data"] {
        assert_eq!(session.ask(method, json!(null)).await["error_code"], -1002, "{method}");
    }
    assert_eq!(session.ask("get_device_info", json!(null)).await["error_code"], 0);
}

#[tokio::test]
async fn meters_may_talk_nonsense_and_nothing_else_does() {
    let device = plug(Model::P110m).await;
    let mut session = Session::login(device.address()).await;
    let (before, info) =
        (session.ask("get_emeter_data", json!(null)).await, session.ask("get_device_info", json!(null)).await);
    device.set_fault(Fault::NonsenseMeters);
    let after = session.ask("get_emeter_data", json!(null)).await;
    for figure in ["power_mw", "current_ma", "voltage_mv", "energy_wh"] {
        assert_ne!(before["result"][figure], after["result"][figure], "{figure}");
    }
    assert_eq!(session.ask("get_device_info", json!(null)).await, info);
}

#[tokio::test]
async fn a_field_may_be_missing_by_chance() {
    let device = plug(Model::P100).await;
    let mut session = Session::login(device.address()).await;
    device.set_fault("without:on_time@0.5".parse().unwrap());
    let mut missing = 0;
    for _ in 0..200 {
        missing += u32::from(session.ask("get_device_info", json!(null)).await["result"].get("on_time").is_none());
    }
    assert!((50..150).contains(&missing), "{missing} of 200");
}

#[tokio::test(start_paused = true)]
async fn after_a_power_cut_a_lazy_port_waits_to_be_asked_or_opens_by_itself() {
    let device = Plug::in_memory(PlugOptions::new(Model::P110m)).await.unwrap();
    device.set_fault(Fault::LazyPort);
    for asked in [true, false] {
        device.reboot(Duration::from_secs(20)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(500)).await;
        assert_eq!(device.dial().await.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
        if asked {
            device.probe(&tdp::question(1)).expect("who it is it says at any time");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(device.dial().await.is_ok(), asked);
        tokio::time::sleep(Duration::from_secs(20)).await;
        device.dial().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_drifts_and_what_is_unplugged_draws_nothing() {
    let options = PlugOptions { load: 300.0, ..PlugOptions::new(Model::P110m) };
    let device = Plug::in_memory(options).await.unwrap();
    device.press(1);
    assert!(device.drift_load(1, -50.0) && !device.drift_load(2, 1.0));
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    let outlet = device.outlets()[0];
    assert_eq!((outlet.load.round(), outlet.energy.round()), (200.0, 500.0));
    tokio::time::sleep(Duration::from_secs(10 * 3600)).await;
    assert_eq!(device.outlets()[0].load, 0.0, "no load is below nothing");
    device.drift_load(1, f64::NAN);
    device.set_load(1, 0.0);
    let before = device.outlets()[0].energy;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let outlet = device.outlets()[0];
    assert!(outlet.on && outlet.energy == before);
}

#[tokio::test]
async fn the_light_keeps_its_night() {
    let device = plug(Model::P110m).await;
    let mut session = Session::login(device.address()).await;
    let night = json!({"night_mode_type": "custom", "start_time": 1320, "end_time": 360});
    let set = json!({"led_rule": "night_mode", "led_status": true, "night_mode": night});
    assert_eq!(session.ask("set_led_info", set).await["error_code"], 0);
    let led = session.ask("get_led_info", json!(null)).await["result"].clone();
    assert_eq!(led["led_rule"], "night_mode");
    assert_eq!(
        (&led["night_mode"]["start_time"], &led["night_mode"]["night_mode_type"]),
        (&json!(1320), &json!("custom"))
    );
    assert_eq!(led["night_mode"]["sunrise_offset"], 0, "what was not said stays");
    for night in [json!({"start_time": 1440}), json!({"night_mode_type": "dusk"}), json!({"volume": 3}), json!(7)] {
        let set = json!({"led_rule": "always", "night_mode": night});
        assert_eq!(session.ask("set_led_info", set).await["error_code"], -1008, "{night}");
    }
    assert_eq!(session.ask("get_led_info", json!(null)).await["result"], led, "what is refused changes nothing");
}

#[tokio::test]
async fn the_usage_of_a_strip_is_that_of_its_outlets() {
    let options =
        PlugOptions { load: 600.0, clock: "2026-01-10T12:00:00Z".parse().unwrap(), ..PlugOptions::new(Model::P210M) };
    let device = Plug::start(options).await.unwrap();
    device.press(1);
    device.pass(Duration::from_secs(3600));
    device.press(2);
    device.pass(Duration::from_secs(1800));
    let mut session = Session::login(device.address()).await;
    let of = async |session: &mut Session, slot| {
        session.ask_child(&device, slot, "get_device_usage", json!(null)).await["result"].clone()
    };
    let (first, second) = (of(&mut session, 1).await, of(&mut session, 2).await);
    let both = session.ask("get_device_usage", json!(null)).await["result"].clone();
    assert_eq!((&first["time_usage"]["today"], &first["power_usage"]["past7"]), (&json!(90), &json!(900)));
    assert_eq!((&second["time_usage"]["past30"], &second["power_usage"]["today"]), (&json!(30), &json!(300)));
    assert_eq!((&both["time_usage"]["today"], &both["power_usage"]["today"]), (&json!(120), &json!(1200)));
    device.reset_meters();
    let after = session.ask("get_device_usage", json!(null)).await["result"].clone();
    assert_eq!(after["power_usage"]["past30"], 0, "the device has forgotten it");
}

#[tokio::test]
async fn a_fleet_is_of_all_its_models_in_turn() {
    let models = vec![Model::P210M, Model::Ep40m];
    let fleet = Fleet::start(EmulateOptions { models, count: 5, ..EmulateOptions::new(Model::P100) }).await.unwrap();
    let models: Vec<_> = fleet.plugs().iter().map(Plug::model).collect();
    assert_eq!(models, [Model::P210M, Model::Ep40m, Model::P210M, Model::Ep40m, Model::P210M]);
    let mut macs: Vec<_> = fleet.plugs().iter().map(|it| it.mac().to_string()).collect();
    macs.sort();
    macs.dedup();
    assert_eq!(macs.len(), 5);
}
