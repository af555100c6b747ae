//! Whatever comes in, the device stays there.

use std::sync::Arc;

use heattrax::emulator::{Model, Plug};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
};

use crate::bench::{Session, http, plug};

const METHODS: [&str; 12] = [
    "get_device_info",
    "set_device_info",
    "control_child",
    "multipleRequest",
    "get_child_device_list",
    "add_countdown_rule",
    "remove_countdown_rules",
    "set_auto_off_config",
    "set_led_info",
    "get_countdown_rules",
    "component_nego",
    "nonsense",
];

fn check<S: Strategy<Value: 'static>>(model: Model, cases: S, case: impl Fn(&Runtime, &Arc<Plug>, S::Value)) {
    let runtime = Runtime::new().unwrap();
    let device = runtime.block_on(plug(model));
    let config = ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&cases, |value| {
            case(&runtime, &device, value);
            Ok(())
        })
        .unwrap();
    runtime.block_on(async {
        let mut session = Session::login(device.address()).await;
        assert_eq!(session.ask("get_device_info", json!(null)).await["error_code"], 0);
    });
}

#[test]
fn any_bytes_at_any_door_get_an_answer() {
    let doors = prop::sample::select(vec![
        "POST /",
        "POST /app",
        "POST /app/handshake1",
        "POST /app/handshake2",
        "POST /app/request",
        "POST /app/request?seq=1",
        "POST /app/request?seq=99999999999",
        "PUT /x?y",
    ]);
    let cookies = prop::sample::select(vec!["", "TP_SESSIONID=", "a=b; TP_SESSIONID=00", "TP_SESSIONID"]);
    check(Model::P210M, (doors, cookies, vec(any::<u8>(), 0..80)), |runtime, device, (door, cookie, body)| {
        let answer = runtime.block_on(http(device.address(), door, cookie, &body)).unwrap();
        assert!([200, 400, 403, 404].contains(&answer.status), "{}", answer.head);
    });
}

#[test]
fn any_bytes_that_are_well_sealed_get_an_answer() {
    check(Model::P306, vec(any::<u8>(), 0..200), |runtime, device, plain| {
        runtime.block_on(async {
            let mut session = Session::login(device.address()).await;
            session.number = session.number.wrapping_add(1);
            let (status, answer) = session.send(&plain).await;
            assert_eq!(status, 200);
            serde_json::from_slice::<Value>(&answer).unwrap();
        });
    });
}

#[test]
fn any_json_gets_an_answer() {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|it| json!(it)),
        any::<i64>().prop_map(|it| json!(it)),
        prop::sample::select(METHODS.to_vec()).prop_map(|it| json!(it)),
    ];
    let keys = prop::sample::select(vec![
        "method",
        "params",
        "requests",
        "device_id",
        "requestData",
        "device_on",
        "delay",
        "enable",
        "desired_states",
        "on",
        "start_index",
        "nickname",
        "default_states",
        "type",
        "rule_list",
        "delay_min",
    ]);
    let params = leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((keys.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().map(|(key, it)| (key.to_owned(), it)).collect())),
        ]
    });
    let asked = (prop::sample::select(METHODS.to_vec()), params, any::<bool>());
    check(Model::P306, asked, |runtime, device, (method, params, child)| {
        runtime.block_on(async {
            let mut session = Session::login(device.address()).await;
            let answer = if child {
                session.ask_child(device, 1, method, params).await
            } else {
                session.ask(method, params).await
            };
            assert!(answer["error_code"].is_i64(), "{answer}");
        });
    });
}

#[tokio::test]
async fn an_endless_body_and_a_broken_head_end_the_connection_and_nothing_else() {
    let device = plug(Model::P100).await;
    let answer = http(device.address(), "POST /app/request?seq=1", "", &vec![0; 70_000]).await;
    assert!(answer.is_err() || answer.is_ok_and(|it| it.status == 413));
    let mut stream = TcpStream::connect(device.address()).await.unwrap();
    stream.write_all(b"\0\0\0 not http at all\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    Session::login(device.address()).await;
}
