//! What moves a relay by itself, and what is counted meanwhile.

use std::time::Duration;

use heattrax::emulator::{Cause, Model, Plug, PlugOptions};
use jiff::tz::TimeZone;
use serde_json::json;
use tapo::responses::PowerState;

use crate::bench::{Session, client, plug};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_countdown_of_the_real_client_fires_and_stays_in_the_list() {
    let device = plug(Model::P110m).await;
    let plug = client().p110(device.address().to_string()).await.unwrap();
    plug.on().await.unwrap();
    plug.set_timer(HOUR, PowerState::Off).await.unwrap();
    device.pass(HOUR / 2);
    let timer = plug.get_timer().await.unwrap().unwrap();
    assert!((1790..=1800).contains(&timer.remaining_s), "{timer:?}");
    assert!(device.relay(1));
    device.pass(HOUR);
    assert!(!device.relay(1));
    assert_eq!(plug.get_timer().await.unwrap().unwrap().remaining_s, 0);
    let fired = *device.log().last().unwrap();
    assert_eq!((fired.on, fired.cause), (false, Cause::Countdown));
    assert!(fired.at >= HOUR && fired.at < HOUR + Duration::from_secs(5), "it fires at its own time: {fired:?}");
    plug.clear_timer().await.unwrap();
    assert!(plug.get_timer().await.unwrap().is_none());
}

#[tokio::test]
async fn an_outlet_of_a_strip_has_one_countdown_and_wants_parameters() {
    let device = plug(Model::Ep40m).await;
    let mut session = Session::login(device.address()).await;
    let rule = json!({"enable": true, "delay": 900, "desired_states": {"on": false}});
    assert_eq!(session.ask_child(&device, 1, "get_countdown_rules", json!(null)).await["error_code"], -1008);
    let added = session.ask_child(&device, 1, "add_countdown_rule", rule.clone()).await;
    assert_eq!(added, json!({"error_code": 0, "result": {"id": "C1"}}));
    assert_eq!(session.ask_child(&device, 1, "add_countdown_rule", rule.clone()).await["error_code"], -1802);
    let renewed = json!({"requests": [
        {"method": "remove_countdown_rules", "params": {"remove_all": true}},
        {"method": "add_countdown_rule", "params": rule},
        {"method": "set_device_info", "params": {"device_on": true}},
    ]});
    let answer = session.ask_child(&device, 1, "multipleRequest", renewed).await;
    assert_eq!(answer["result"]["responses"].as_array().unwrap().len(), 3, "{answer}");
    assert!(device.relay(1) && !device.relay(2));
    let rules = session.ask_child(&device, 1, "get_countdown_rules", json!({})).await;
    let remain = rules["result"]["rule_list"][0]["remain"].as_u64().unwrap();
    assert!((890..=900).contains(&remain), "{rules}");
    let other = session.ask_child(&device, 2, "get_countdown_rules", json!({})).await;
    assert_eq!(other["result"]["rule_list"], json!([]));
    device.pass(Duration::from_secs(900));
    assert!(!device.relay(1));
    for params in [json!({}), json!({"enable": true, "delay": 0, "desired_states": {"on": false}}), json!([1])] {
        assert_eq!(session.ask_child(&device, 2, "add_countdown_rule", params).await["error_code"], -1008);
    }
}

#[tokio::test]
async fn auto_off_arms_itself_whoever_switches_on_and_an_ep40m_has_none() {
    let device = plug(Model::P210M).await;
    let mut session = Session::login(device.address()).await;
    let set = json!({"enable": true, "delay_min": 10});
    assert_eq!(session.ask_child(&device, 1, "set_auto_off_config", set.clone()).await, json!({"error_code": 0}));
    let config = session.ask_child(&device, 1, "get_auto_off_config", json!({"start_index": 0})).await;
    assert_eq!(config["result"], json!({"delay_min": 10, "enable": true}));
    device.press(1);
    let info = session.ask_child(&device, 1, "get_device_info", json!(null)).await["result"].clone();
    assert_eq!(info["auto_off_status"], "on");
    assert!((590..=600).contains(&info["auto_off_remain_time"].as_u64().unwrap()), "{info}");
    device.pass(Duration::from_secs(601));
    assert!(!device.relay(1));
    assert_eq!(device.log().last().unwrap().cause, Cause::AutoOff);

    let device = plug(Model::Ep40m).await;
    let mut session = Session::login(device.address()).await;
    assert_eq!(session.ask_child(&device, 1, "set_auto_off_config", set).await["error_code"], -1002);
}

#[tokio::test]
async fn energy_is_load_times_time_by_the_day_and_the_month() {
    // Noon of the last day of January in Denver.
    let clock = "2026-01-31T19:00:00Z".parse().unwrap();
    let options = PlugOptions { clock, load: 300.0, ..PlugOptions::new(Model::P110m) };
    let device = Plug::start(options).await.unwrap();
    let plug = client().p110(device.address().to_string()).await.unwrap();
    device.pass(HOUR);
    plug.on().await.unwrap();
    device.pass(10 * HOUR);
    let usage = plug.get_energy_usage().await.unwrap();
    assert_eq!((usage.today_energy, usage.month_energy, usage.today_runtime), (3000, 3000, 600));
    assert!(usage.local_time.to_string().starts_with("2026-01-31 23:00"), "{usage:?}");
    device.pass(3 * HOUR);
    let usage = plug.get_energy_usage().await.unwrap();
    assert_eq!((usage.today_energy, usage.month_energy, usage.month_runtime), (600, 600, 120));
    plug.off().await.unwrap();
    device.pass(5 * HOUR);
    let past = plug.get_device_usage().await.unwrap();
    assert_eq!(
        (past.power_usage.today, past.power_usage.past7, past.time_usage.past30),
        (Some(600), Some(3900), Some(780))
    );
    device.pass(24 * HOUR);
    let usage = plug.get_energy_usage().await.unwrap();
    assert_eq!((usage.today_energy, usage.month_energy), (0, 600));
    device.pass(31 * 24 * HOUR);
    let usage = plug.get_energy_usage().await.unwrap();
    let past = plug.get_device_usage().await.unwrap();
    assert_eq!((usage.month_energy, past.power_usage.past30), (0, Some(0)));
}

#[tokio::test]
async fn on_time_starts_again_with_each_switching_and_not_with_a_repeat() {
    let device = plug(Model::P100).await;
    let plug = client().p100(device.address().to_string()).await.unwrap();
    plug.on().await.unwrap();
    device.pass(HOUR);
    plug.on().await.unwrap();
    assert!(plug.get_device_info().await.unwrap().on_time >= 3600);
    plug.off().await.unwrap();
    assert_eq!(plug.get_device_info().await.unwrap().on_time, 0);
    plug.on().await.unwrap();
    assert!(plug.get_device_info().await.unwrap().on_time < 60);
}

#[tokio::test(start_paused = true)]
async fn time_runs_as_fast_as_it_is_told() {
    let options = PlugOptions { speed: 60.0, load: 100.0, ..PlugOptions::new(Model::P110m) };
    let device = Plug::start(options).await.unwrap();
    device.press(1);
    tokio::time::advance(Duration::from_secs(60)).await;
    let outlet = device.outlets()[0];
    assert_eq!((outlet.on_time, outlet.energy.round()), (3600, 100.0));
    for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Plug::start(PlugOptions { speed, ..PlugOptions::new(Model::P100) }).await.is_err());
    }
}

#[tokio::test]
async fn a_long_absence_is_summed_up_as_if_somebody_had_looked_every_day() {
    let clock = "2026-01-01T00:00:00Z".parse().unwrap();
    let options = PlugOptions { clock, zone: TimeZone::UTC, load: 100.0, ..PlugOptions::new(Model::P110m) };
    let device = Plug::start(options).await.unwrap();
    device.press(1);
    device.pass(100 * 24 * HOUR + HOUR);
    let plug = client().p110(device.address().to_string()).await.unwrap();
    let usage = plug.get_energy_usage().await.unwrap();
    assert_eq!((usage.today_energy, usage.month_energy), (100, 10 * 2400 + 100));
    let past = plug.get_device_usage().await.unwrap();
    assert_eq!((past.power_usage.past7, past.time_usage.past30), (Some(6 * 2400 + 100), Some(29 * 1440 + 60)));
    assert_eq!(device.outlets()[0].energy.round(), 100.0 * 2400.0 + 100.0);
}

#[tokio::test]
async fn a_century_passes() {
    let device = plug(Model::P210M).await;
    device.press(1);
    for _ in 0..100 {
        device.pass(HOUR * 24 * 365);
    }
    device.pass(Duration::MAX);
    assert!(device.relay(1));
}
