//! Who is let in, and for how long.

use std::time::Duration;

use heattrax::emulator::{Fault, Model, Plug, PlugOptions};
use serde_json::json;

use crate::bench::{Session, account, client, http, plug};

#[tokio::test]
async fn a_wrong_account_finds_another_hash() {
    let device = plug(Model::P100).await;
    let address = device.address().to_string();
    for (username, password) in [("user@example.com", "Hunter2"), ("User@example.com", "hunter2"), ("", "")] {
        let error = account(username, password).p100(&address).await.unwrap_err();
        assert!(error.to_string().contains("HASH_MISMATCH"), "{error}");
    }
    assert_eq!(device.counts().logins, 0);
}

#[tokio::test]
async fn a_device_of_another_account_and_one_that_forbids_logins_are_told_apart() {
    let device = plug(Model::P210M).await;
    let address = device.address().to_string();
    device.set_fault_for(Fault::OtherAccount, 1);
    assert!(client().p304(&address).await.unwrap_err().to_string().contains("HASH_MISMATCH"));
    device.set_fault(Fault::HandshakeForbidden);
    assert!(client().p304(&address).await.unwrap_err().to_string().contains("FORBIDDEN"));
    device.clear_faults();
    client().p304(&address).await.unwrap();
}

#[tokio::test]
async fn an_expired_session_is_refused_until_the_client_logs_in_again() {
    let device = plug(Model::P110m).await;
    let mut plug = client().p110(device.address().to_string()).await.unwrap();
    device.expire_sessions();
    let error = plug.on().await.unwrap_err();
    assert!(error.to_string().contains("SESSION_TIMEOUT"), "{error}");
    assert!(!device.relay(1));
    plug.refresh_session().await.unwrap();
    plug.on().await.unwrap();
    assert!(device.relay(1));
    assert_eq!(device.counts().logins, 2);
}

#[tokio::test]
async fn a_session_ends_when_its_time_is_up() {
    let options = PlugOptions { session: Duration::ZERO, ..PlugOptions::new(Model::P100) };
    let device = Plug::start(options).await.unwrap();
    let plug = client().p100(device.address().to_string()).await.unwrap();
    assert!(plug.on().await.unwrap_err().to_string().contains("SESSION_TIMEOUT"));
}

#[tokio::test]
async fn two_clients_live_together_unless_the_firmware_allows_but_one_session() {
    let device = plug(Model::P110m).await;
    let mut first = client().p110(device.address().to_string()).await.unwrap();
    let second = client().p110(device.address().to_string()).await.unwrap();
    first.on().await.unwrap();
    second.off().await.unwrap();
    device.set_fault(Fault::SingleSession);
    first.refresh_session().await.unwrap();
    first.on().await.unwrap();
    assert!(second.off().await.unwrap_err().to_string().contains("SESSION_TIMEOUT"));
    assert!(device.relay(1));
}

#[tokio::test]
async fn a_login_that_is_under_way_is_forgotten_when_another_begins() {
    let device = plug(Model::P100).await;
    let (first, first_proof) = Session::half_open(device.address()).await;
    let (second, second_proof) = Session::half_open(device.address()).await;
    let step = "POST /app/handshake2";
    assert_eq!(http(device.address(), step, &first.cookie, &first_proof).await.unwrap().status, 403);
    assert_eq!(http(device.address(), step, &second.cookie, &second_proof).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_wrong_proof_is_refused_and_the_login_is_over() {
    let device = plug(Model::P100).await;
    let (session, proof) = Session::half_open(device.address()).await;
    let step = "POST /app/handshake2";
    assert_eq!(http(device.address(), step, &session.cookie, &[0; 32]).await.unwrap().status, 403);
    assert_eq!(http(device.address(), step, &session.cookie, &proof).await.unwrap().status, 403);
}

#[tokio::test]
async fn a_number_that_is_not_above_the_last_is_refused_and_a_gap_is_not() {
    let device = plug(Model::P100).await;
    let mut session = Session::login(device.address()).await;
    session.ask("get_device_info", json!(null)).await;
    let ask = br#"{"method":"get_device_info"}"#;
    assert_eq!(session.send(ask).await.0, 400);
    session.number = session.number.wrapping_add(41);
    assert_eq!(session.send(ask).await.0, 200);
    session.number = session.number.wrapping_sub(1);
    assert_eq!(session.send(ask).await.0, 400);
    session.number = session.number.wrapping_add(1);
    session.ask("set_device_info", json!({"device_on": true})).await;
    assert!(device.relay(1));
}

#[tokio::test]
async fn both_generations_of_clients_learn_which_protocol_it_speaks() {
    let old = br#"{"method":"component_nego","params":null}"#;
    let new = br#"{"method":"login","params":{"sub_method":"discover"}}"#;
    for model in Model::ALL {
        let device = plug(model).await;
        let answer = http(device.address(), "POST /app", "", old).await.unwrap();
        assert_eq!((answer.status, answer.body), (200, br#"{"error_code":1003}"#.to_vec()));
        let answer = http(device.address(), "POST /", "", new).await.unwrap();
        let knows_the_question = model == Model::P110m;
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(text.contains(r#""tpap_preferred":false"#), knows_the_question, "{model}: {text}");
        assert_eq!(text == r#"{"error_code":1003}"#, !knows_the_question, "{model}: {text}");
        assert_eq!(http(device.address(), "GET /", "", b"").await.unwrap().status, 200);
        assert_eq!(http(device.address(), "GET /app", "", b"").await.unwrap().status, 404);
    }
}
