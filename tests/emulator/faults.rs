//! What goes wrong, goes wrong as it does with real devices.

use std::{io::ErrorKind, time::Duration};

use heattrax::emulator::{Cause, Fault, Model, Plug, Protection};
use serde_json::json;
use tapo::PlugHandler;
use tokio::{net::TcpStream, time::timeout};

use crate::bench::{Session, client, plug, until};

async fn handler(device: &Plug) -> PlugHandler {
    client().p100(device.address().to_string()).await.unwrap()
}

#[tokio::test]
async fn a_lost_request_does_nothing_and_a_lost_answer_hides_what_was_done() {
    let device = plug(Model::P100).await;
    let plug = handler(&device).await;
    device.set_fault_for(Fault::Drop, 1);
    plug.on().await.unwrap_err();
    assert!(!device.relay(1));
    device.set_fault_for(Fault::DropAfter, 1);
    plug.on().await.unwrap_err();
    assert!(device.relay(1));
    plug.off().await.unwrap();
    assert!(!device.relay(1));
}

#[tokio::test]
async fn a_status_garbage_and_broken_json_are_errors_and_then_it_is_over() {
    let device = plug(Model::P100).await;
    let plug = handler(&device).await;
    for fault in [Fault::Status(500), Fault::Status(429), Fault::Garbage, Fault::BrokenJson] {
        device.set_fault_for(fault.clone(), 1);
        plug.get_device_info().await.expect_err(&format!("{fault:?}"));
        plug.get_device_info().await.unwrap();
    }
}

#[tokio::test]
async fn a_missing_field_and_a_failing_method_reach_the_client() {
    let device = plug(Model::P210M).await;
    let strip = client().p304(device.address().to_string()).await.unwrap();
    device.set_fault_for(Fault::WithoutField("charging_status".to_owned()), 1);
    assert!(strip.get_child_device_list().await.unwrap_err().to_string().contains("charging_status"));
    let children = strip.get_child_device_list().await.unwrap();
    device.set_fault_for(Fault::MethodError { method: "set_device_info".to_owned(), code: -1001 }, 1);
    let outlet = strip.plug_unchecked(&children[0].device_id);
    outlet.on().await.unwrap_err();
    assert!(!device.relay(1));
    outlet.on().await.unwrap();
    assert!(device.relay(1));
}

#[tokio::test]
async fn a_device_that_hangs_answers_nobody() {
    let device = plug(Model::P100).await;
    let plug = handler(&device).await;
    device.set_fault(Fault::Hang);
    assert!(timeout(Duration::from_millis(50), plug.on()).await.is_err());
    assert!(timeout(Duration::from_millis(50), handler(&device)).await.is_err());
    assert!(!device.relay(1));
    device.clear_faults();
    plug.on().await.unwrap();
}

#[tokio::test]
async fn what_is_slow_is_done_although_nobody_waits() {
    let device = plug(Model::P100).await;
    let plug = handler(&device).await;
    device.set_fault_for(Fault::Latency(Duration::from_secs(60)), 1);
    tokio::select! {
        answer = plug.on() => panic!("{answer:?}"),
        () = until(|| device.relay(1)) => {}
    }
}

#[tokio::test]
async fn requests_at_once_are_counted_and_requests_in_turn_count_one() {
    let device = plug(Model::P100).await;
    let (one, other) = (handler(&device).await, handler(&device).await);
    for _ in 0..3 {
        one.get_device_info().await.unwrap();
        other.on().await.unwrap();
    }
    let before = device.counts();
    assert_eq!((before.most_in_flight, before.in_flight, before.logins, before.requests), (1, 0, 2, 6));
    device.set_fault(Fault::Hang);
    tokio::select! {
        answer = async { tokio::join!(one.get_device_info(), other.get_device_info()) } => panic!("{answer:?}"),
        () = until(|| device.counts().in_flight == 2) => {}
    }
    assert_eq!(device.counts().most_in_flight, 2);
    until(|| device.counts().in_flight == 0).await;
}

#[tokio::test]
async fn a_device_that_vanished_refuses_and_comes_back_on_its_port_without_sessions() {
    let device = plug(Model::P210M).await;
    let address = device.address();
    let mut strip = client().p304(address.to_string()).await.unwrap();
    device.press(2);
    device.vanish().await;
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    strip.get_device_info().await.unwrap_err();
    device.come_back().await.unwrap();
    assert_eq!(device.address(), address);
    assert!(strip.get_device_info().await.unwrap_err().to_string().contains("SESSION_TIMEOUT"));
    strip.refresh_session().await.unwrap();
    let on: Vec<_> = strip.get_child_device_list().await.unwrap().iter().map(|child| child.device_on).collect();
    assert_eq!(on, [false, true]);
}

#[tokio::test]
async fn a_dropped_device_is_gone() {
    let device = plug(Model::P100).await;
    let (address, plug) = (device.address(), handler(&device).await);
    drop(device);
    plug.on().await.unwrap_err();
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn after_a_power_cut_each_relay_is_as_its_default_says() {
    let device = plug(Model::Ep40m).await;
    let mut session = Session::login(device.address()).await;
    let off = json!({"default_states": {"type": "custom", "state": {"on": false}}});
    session.ask_child(&device, 2, "set_device_info", off).await;
    device.press(1);
    device.press(2);
    session
        .ask_child(
            &device,
            1,
            "add_countdown_rule",
            json!({"enable": true, "delay": 9, "desired_states": {"on": false}}),
        )
        .await;
    device.reboot(Duration::ZERO).await.unwrap();
    assert_eq!([device.relay(1), device.relay(2)], [true, false]);
    device.pass(Duration::from_secs(60));
    assert!(device.relay(1), "the countdown was lost with the power");
    let mut session = Session::login(device.address()).await;
    let info = session.ask_child(&device, 2, "get_device_info", json!(null)).await;
    assert_eq!(info["result"]["default_states"], json!({"type": "custom", "state": {"on": false}}));
}

#[tokio::test]
async fn a_press_is_seen_by_whoever_looks() {
    let device = plug(Model::P210M).await;
    let strip = client().p304(device.address().to_string()).await.unwrap();
    assert!(device.press(1) && !device.press(3));
    assert!(strip.get_child_device_list().await.unwrap()[0].device_on);
    device.press(1);
    assert!(!strip.get_child_device_list().await.unwrap()[0].device_on);
    let log: Vec<_> = device.log().iter().map(|it| (it.slot, it.on, it.moved, it.cause)).collect();
    assert_eq!(log, [(1, true, true, Cause::Button), (1, false, true, Cause::Button)]);
}

#[tokio::test]
async fn a_protection_cuts_the_relay_and_says_so() {
    let device = plug(Model::P210M).await;
    let mut session = Session::login(device.address()).await;
    let cases = [
        (Protection::Overheated, "overheat_status", "overheated"),
        (Protection::Overloaded, "power_protection_status", "overloaded"),
        (Protection::Overcurrent, "overcurrent_status", "lifted"),
    ];
    for (protection, field, said) in cases {
        session.ask_child(&device, 1, "set_device_info", json!({"device_on": true})).await;
        device.protect(1, protection);
        let info = session.ask_child(&device, 1, "get_device_info", json!(null)).await;
        assert_eq!((&info["result"][field], &info["result"]["device_on"]), (&json!(said), &json!(false)));
    }
}
