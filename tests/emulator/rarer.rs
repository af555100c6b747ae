//! What goes wrong less often: by chance, in the middle of an answer, with lists, protocols, relays and addresses.

use std::time::Duration;

use heattrax::{
    emulator::{Beacon, Fault, Model, Plug, PlugOptions, Relay},
    tdp,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UdpSocket,
    time::Instant,
};

use crate::bench::{Session, client, http, plug, until};

fn list(length: usize) -> Value {
    let requests: Vec<_> = (0..length).map(|_| json!({"method": "get_device_info", "params": null})).collect();
    json!({ "requests": requests })
}

#[tokio::test]
async fn a_fault_by_chance_strikes_about_as_often_as_it_should() {
    let device = plug(Model::P100).await;
    let mut session = Session::login(device.address()).await;
    device.set_fault("status:503@0.5".parse().unwrap());
    let mut struck = 0;
    for _ in 0..400 {
        session.number += 1;
        let (status, _) = session.send(b"{\"method\":\"get_device_info\"}").await;
        struck += u32::from(status == 503);
    }
    // With a fair coin, fewer than 100 or more than 300 of 400 never come.
    assert!((100..300).contains(&struck), "{struck} of 400");
}

#[tokio::test]
async fn an_answer_may_end_in_the_middle_or_come_in_drops() {
    let device = plug(Model::P100).await;
    let mut session = Session::login(device.address()).await;
    let whole = session.ask("get_device_info", json!(null)).await;
    device.set_fault_for(Fault::Half, 1);
    session.number += 1;
    let line = format!("POST /app/request?seq={}", session.number);
    let body = session.keys.seal(session.number, br#"{"method":"get_device_info"}"#);
    let cut = http(device.address(), &line, &session.cookie, &body).await;
    assert!(cut.is_err() || session.keys.open(session.number, &cut.unwrap().body).is_err());
    device.set_fault_for(Fault::Drip(Duration::from_millis(1)), 1);
    let start = Instant::now();
    assert_eq!(session.ask("get_device_info", json!(null)).await, whole);
    // Some 700 bytes in pieces of 16.
    assert!(start.elapsed() > Duration::from_millis(20), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_long_list_is_refused_or_never_answered() {
    let device = plug(Model::P210M).await;
    let mut session = Session::login(device.address()).await;
    device.set_fault(Fault::BatchLimit(2));
    assert_eq!(session.ask("multipleRequest", list(3)).await["error_code"], -1003);
    assert_eq!(session.ask("multipleRequest", list(2)).await["error_code"], 0);
    device.clear_faults();
    device.set_fault(Fault::BatchHang(2));
    assert_eq!(session.ask("multipleRequest", list(2)).await["error_code"], 0);
    let hangs = tokio::time::timeout(Duration::from_millis(50), session.ask("multipleRequest", list(3))).await;
    assert!(hangs.is_err());
}

#[tokio::test]
async fn numbers_may_have_to_be_exact_and_requests_alone() {
    let device = plug(Model::P100).await;
    let mut session = Session::login(device.address()).await;
    device.set_fault(Fault::ExactNumbers);
    session.ask("get_device_info", json!(null)).await;
    session.number += 2;
    assert_eq!(session.send(b"{\"method\":\"get_device_info\"}").await.0, 400);
    device.clear_faults();
    let mut session = Session::login(device.address()).await;
    session.number += 1;
    device.set_fault(Fault::Busy);
    device.set_fault(Fault::Latency(Duration::from_millis(200)));
    let slow = session.send(b"{\"method\":\"get_device_info\"}");
    let second = async {
        until(|| device.counts().in_flight > 0).await;
        http(device.address(), "GET /", "", b"").await.unwrap().status
    };
    let (first, second) = tokio::join!(slow, second);
    assert_eq!((first.0, second), (200, 503));
}

#[tokio::test]
async fn who_speaks_the_successor_or_is_locked_says_so_and_lets_nobody_in() {
    let device = plug(Model::P400m).await;
    for (fault, pointer, value) in
        [(Fault::Tpap, "/result/tpap_preferred", json!(true)), (Fault::Locked, "/error_code", json!(-2101))]
    {
        device.set_fault(fault.clone());
        let question = br#"{"method":"login","params":{"sub_method":"discover"}}"#;
        let answer = http(device.address(), "POST /", "", question).await.unwrap();
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(said.pointer(pointer), Some(&value), "{fault:?}");
        assert_eq!(http(device.address(), "POST /app/handshake1", "", &[7; 16]).await.unwrap().status, 403);
        device.clear_faults();
    }
}

#[tokio::test]
async fn a_welded_relay_says_off_and_heats_and_a_jammed_one_says_on() {
    let options = PlugOptions { load: 300.0, ..PlugOptions::new(Model::P110m) };
    let device = Plug::start(options).await.unwrap();
    let handler = client().p110(device.address().to_string()).await.unwrap();
    handler.on().await.unwrap();
    device.break_relay(1, Relay::Welded);
    handler.off().await.unwrap();
    assert!(!handler.get_device_info().await.unwrap().device_on);
    assert_eq!(handler.get_current_power().await.unwrap().current_power, 300);
    let before = device.outlets()[0].energy;
    device.pass(Duration::from_secs(3600));
    assert!((device.outlets()[0].energy - before - 300.0).abs() < 1.0);
    device.break_relay(1, Relay::Sound);
    assert_eq!(handler.get_current_power().await.unwrap().current_power, 0);
    handler.on().await.unwrap();
    device.break_relay(1, Relay::Jammed);
    handler.off().await.unwrap();
    assert!(handler.get_device_info().await.unwrap().device_on && device.relay(1));
    device.reset_meters();
    assert!(device.outlets()[0].energy < 1.0);
}

#[tokio::test]
async fn questions_for_devices_are_answered_as_asked() {
    let (here, gone) = (plug(Model::P210M).await, plug(Model::Ep40m).await);
    gone.vanish().await;
    let beacon = Beacon::start("127.0.0.1:0".parse().unwrap(), [&*here, &*gone]).await.unwrap();
    let asker = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    asker.send_to(b"hello", beacon.address()).await.unwrap();
    asker.send_to(&tdp::question(77), beacon.address()).await.unwrap();
    let mut room = [0; 2048];
    let (length, _) = asker.recv_from(&mut room).await.unwrap();
    assert_eq!(room[8..12], 77_u32.to_be_bytes(), "nothing was said to the first");
    let said = tdp::answered(&room[..length]).unwrap();
    assert_eq!(said["result"]["mgt_encrypt_schm"]["http_port"], here.address().port());
    assert_ne!(said["result"]["device_id"], here.device_id(), "it is not the id that a login tells");
    here.set_fault(Fault::Tpap);
    let said = tdp::answered(&here.probe(&tdp::question(1)).unwrap()).unwrap();
    assert_eq!(said["result"]["mgt_encrypt_schm"]["encrypt_type"], "TPAP");
    assert_eq!(gone.probe(&tdp::question(1)), None);
}

#[tokio::test]
async fn one_that_sleeps_opens_its_port_when_it_is_asked_for() {
    let device = plug(Model::P110m).await;
    device.sleep().await;
    assert!(http(device.address(), "GET /", "", b"").await.is_err());
    assert!(device.probe(&tdp::question(1)).is_some());
    let opened = async {
        while http(device.address(), "GET /", "", b"").await.is_err() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), opened).await.expect("it opens");
}

#[tokio::test]
async fn one_that_moved_is_at_its_new_address_only() {
    let device = plug(Model::P100).await;
    let before = device.address();
    device.move_to("127.0.0.1:0".parse().unwrap()).await.unwrap();
    assert_ne!(device.address(), before);
    assert!(http(before, "GET /", "", b"").await.is_err());
    assert_eq!(http(device.address(), "GET /", "", b"").await.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn in_memory_a_day_passes_in_no_time() {
    let options =
        PlugOptions { load: 100.0, listen: "192.0.2.7:80".parse().unwrap(), ..PlugOptions::new(Model::P210M) };
    let device = Plug::in_memory(options).await.unwrap();
    device.press(1);
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    assert!((device.outlets()[0].energy - 2400.0).abs() < 1.0, "{}", device.outlets()[0].energy);
    let mut stream = device.dial().await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: it\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    device.vanish().await;
    assert_eq!(device.dial().await.unwrap_err().kind(), std::io::ErrorKind::HostUnreachable);
    device.come_back().await.unwrap();
    device.dial().await.unwrap();
    device.sleep().await;
    assert_eq!(device.dial().await.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    tokio::task::yield_now().await;
    device.probe(&tdp::question(1)).unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    device.dial().await.unwrap();
}

#[test]
fn every_fault_has_a_name() {
    let table = [
        ("jitter:40", Fault::Jitter(Duration::from_millis(40))),
        ("drop@0.25", Fault::Sometimes(0.25, Box::new(Fault::Drop))),
        ("error:get_energy_usage:-1002", Fault::MethodError { method: "get_energy_usage".to_owned(), code: -1002 }),
        ("batch_limit:5", Fault::BatchLimit(5)),
        ("batch_hang:5", Fault::BatchHang(5)),
        ("drip:3", Fault::Drip(Duration::from_millis(3))),
        ("tpap", Fault::Tpap),
        ("locked", Fault::Locked),
        ("busy", Fault::Busy),
        ("exact_numbers", Fault::ExactNumbers),
        ("half", Fault::Half),
        ("lost_answer:set_device_info", Fault::LostAnswer("set_device_info".to_owned())),
        ("sessions:3", Fault::MostSessions(3)),
        ("any_numbers", Fault::AnyNumbers),
        ("no_meters", Fault::NoMeters),
        ("nonsense_meters", Fault::NonsenseMeters),
        ("lazy_port", Fault::LazyPort),
    ];
    for (text, fault) in table {
        assert_eq!(text.parse::<Fault>(), Ok(fault));
    }
    for text in ["drop@2", "drop@x", "error:x", "error:x:y", "batch_limit:x", "jitter:-1", "nonsense@0.5"] {
        assert!(text.parse::<Fault>().is_err(), "{text}");
    }
}
