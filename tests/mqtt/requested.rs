//! Requests and their answers.

use heattrax::mqtt::parts::{Answer, Ask, Message, Payload, Reply, answer};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use crate::house::topics;

fn ask(verb: &str, payload: &[u8], reply: Option<Reply>) -> (Answer, Value) {
    let topic = format!("heattrax/bridge/request/{verb}");
    let message = Message { topic, payload: Payload::Bytes(payload.to_vec()), retain: false, reply };
    let answer = answer(&topics(), verb, &message, |ask| match ask {
        Ask::HealthCheck => json!({ "healthy": true }),
        Ask::Info => json!({ "version": "0.1.0" }),
    });
    let body = serde_json::from_str(&answer.message.payload).unwrap();
    (answer, body)
}

#[test]
fn a_request_is_answered_with_its_mark() {
    let (answer, body) = ask("health_check", br#"{"transaction":"t1"}"#, None);
    assert_eq!(answer.message.topic, "heattrax/bridge/response/health_check");
    assert!(!answer.message.retain);
    assert_eq!(body, json!({ "status": "ok", "data": { "healthy": true }, "transaction": "t1" }));
    let (_, body) = ask("info", b"", None);
    assert_eq!(body, json!({ "status": "ok", "data": { "version": "0.1.0" } }));
}

#[test]
fn what_cannot_be_answered_says_why() {
    let (answer, body) = ask("restart", br#"{"transaction":3}"#, None);
    assert_eq!(body["status"], "error");
    assert_eq!(body["transaction"], 3);
    assert!(body["error"].as_str().unwrap().contains("health_check, info"), "{body}");
    assert!(answer.problem.is_some());
    for payload in [&b"{"[..], b"[]", b"hello", b"\xff", b"{\"transaction\":1}x"] {
        assert_eq!(ask("info", payload, None).1["status"], "error", "{payload:?}");
    }
}

#[test]
fn an_answer_goes_where_the_asker_wants_it() {
    let reply = |topic: &str| Some(Reply { topic: topic.to_owned(), correlation: Some(vec![0, 255]) });
    let (answer, _) = ask("info", b"{}", reply("my/answers"));
    assert_eq!(answer.message.topic, "my/answers");
    assert_eq!(answer.message.correlation, Some(vec![0, 255]));
    for nowhere in ["", "a/+/b", "a/#", "a\0b", "$SYS/x"] {
        assert_eq!(ask("info", b"{}", reply(nowhere)).0.message.topic, "heattrax/bridge/response/info", "{nowhere}");
    }
}

#[test]
fn a_strange_verb_is_not_published_back() {
    for verb in ["a\0b", "+", "#", "x\u{7}", &"v".repeat(65)] {
        let (answer, body) = ask(verb, b"{}", None);
        assert_eq!(answer.message.topic, "heattrax/bridge/response/unknown");
        assert_eq!(body["status"], "error");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(verb in ".{0,80}", bytes in vec(any::<u8>(), 0..2000)) {
        let (answer, body) = ask(&verb, &bytes, None);
        prop_assert!(body["status"].is_string());
        prop_assert!(!answer.message.topic.contains(['+', '#', '\0']));
    }
}
