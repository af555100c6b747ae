//! Requests and their answers.

use std::time::Duration;

use heattrax::{
    hub::Errand,
    model::{ConfigEdit, End, Fault, House, Lockout, Target, Verb, Which},
    mqtt::parts::{Message, Payload, Reply, Request, answered, read_request},
};
use jiff::{SignedDuration, tz::TimeZone};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use crate::house::{at, house, id, now, slug, topics};

fn message(verb: &str, payload: &[u8], reply: Option<Reply>) -> Message {
    let topic = format!("heattrax/bridge/request/{verb}");
    Message { topic, payload: Payload::Bytes(payload.to_vec()), retain: false, reply }
}

fn read_in(house: &House, verb: &str, payload: &[u8]) -> Result<Request, String> {
    let zone = TimeZone::get("America/New_York").unwrap();
    read_request(verb, &message(verb, payload, None), house, now(), &zone)
}

fn read(verb: &str, payload: &str) -> Result<Request, String> {
    read_in(&house(), verb, payload.as_bytes())
}

fn errand(verb: &str, payload: &str) -> Errand {
    match read(verb, payload) {
        Ok(Request::Errand(errand)) => errand,
        other => panic!("{verb} {payload}: {other:?}"),
    }
}

fn answer_to(message: &Message, verb: &str, found: Result<Value, String>) -> (String, Value) {
    let answer = answered(&topics(), verb, message, found);
    assert!(!answer.retain);
    (answer.topic, serde_json::from_str(&answer.payload).unwrap())
}

#[test]
fn an_answer_has_the_mark_of_its_request() {
    let asked = message("info", br#"{"transaction":"t1"}"#, None);
    let (topic, body) = answer_to(&asked, "info", Ok(json!({ "version": "0.1.0" })));
    assert_eq!(topic, "heattrax/bridge/response/info");
    assert_eq!(body, json!({ "status": "ok", "data": { "version": "0.1.0" }, "transaction": "t1" }));
    let (_, body) = answer_to(&message("info", b"", None), "info", Err("no".to_owned()));
    assert_eq!(body, json!({ "status": "error", "data": {}, "error": "no" }));
    // Of a request that cannot be read any further too.
    let asked = message("info", br#"{"transaction":3,"slot":"x"}"#, None);
    assert_eq!(answer_to(&asked, "info", Err("no".to_owned())).1["transaction"], 3);
}

#[test]
fn what_is_asked_for_is_read() {
    assert_eq!(read("health_check", ""), Ok(Request::HealthCheck));
    assert_eq!(read("info", "{}"), Ok(Request::Info));
    assert_eq!(read("device/refresh", r#"{"device":"porch"}"#), Ok(Request::Refresh(vec![slug("porch")])));
    let Ok(Request::Refresh(all)) = read("device/refresh", "") else { panic!() };
    assert_eq!(all, house().devices.into_keys().collect::<Vec<_>>());
    assert_eq!(errand("log_level", r#"{"level":"debug"}"#), Errand::LogLevel(Some("debug".to_owned())));
    assert_eq!(errand("log_level", ""), Errand::LogLevel(None));
    let search = |targets: &[&str], seconds| Errand::Discover {
        targets: targets.iter().map(|it| (*it).to_owned()).collect(),
        wait: Duration::from_secs(seconds),
    };
    assert_eq!(errand("discover", ""), search(&[], 3));
    assert_eq!(errand("discover", r#"{"target":"192.0.2.9","timeout":5}"#), search(&["192.0.2.9"], 5));
    assert_eq!(errand("discover", r#"{"target":["a","b"]}"#), search(&["a", "b"], 3));
    assert_eq!(errand("schedule/list", r#"{"group":"mats"}"#), Errand::Schedules(Some(slug("mats"))));
    let explained = Errand::Explain { group: None, at: Some(at("2026-11-24T14:00:00Z")) };
    assert_eq!(errand("automation/explain", r#"{"at":"2026-11-24T14:00:00Z"}"#), explained);
    let ahead = |hours, colder| Errand::Foresee { group: None, hours, colder };
    assert_eq!(errand("automation/simulate", ""), ahead(24, 0));
    assert_eq!(errand("automation/simulate", r#"{"hours":48,"bias_c":-2.5}"#), ahead(48, -25));
    let silent = r#"{"group":"mats","name":"night","enabled":false,"etag":"7f"}"#;
    let wish = ConfigEdit::EnableSchedule { group: slug("mats"), which: Which::named("night"), enabled: false };
    assert_eq!(errand("schedule/enable", silent), Errand::Edit(wish, Some("7f".to_owned())));
    let wish = ConfigEdit::Rename { device: slug("porch"), slot: Some(2), name: "Gate".to_owned() };
    assert_eq!(errand("device/rename", r#"{"device":"porch","slot":2,"name":" Gate "}"#), Errand::Edit(wish, None));
    let night = json!({ "name": "night" }).as_object().unwrap().clone();
    let put = |replaces| ConfigEdit::PutSchedule { group: slug("mats"), replaces, schedule: night.clone() };
    for (more, replaces) in [
        ("", None),
        (r#","name":"night""#, None),
        (r#","name":"evening""#, Some(Which::named("evening"))),
        (r#","name":"night","index":2"#, Some(Which { place: Some(2), ..Which::named("night") })),
    ] {
        let asked = format!(r#"{{"group":"mats","schedule":{{"name":"night"}}{more}}}"#);
        assert_eq!(errand("schedule/put", &asked), Errand::Edit(put(replaces), None), "{asked}");
    }
    assert_eq!((errand("backup", ""), errand("restart", "")), (Errand::Backup, Errand::Restart));
}

#[test]
fn a_pause_has_an_end() {
    let pause = |payload: &str| match read("automation/pause", payload) {
        Ok(Request::Command(Target::House, Verb::Pause(end), reason, _)) => (end, reason),
        other => panic!("{payload}: {other:?}"),
    };
    let ahead = |hours| End::Elapsed(now() + SignedDuration::from_hours(hours));
    assert_eq!(pause(""), (ahead(24), None));
    assert_eq!(
        pause(r#"{"for":"168h","reason":" guests\nare here "}"#),
        (ahead(168), Some("guests are here".to_owned()))
    );
    assert_eq!(pause(r#"{"until":"2026-11-26T06:00:00Z"}"#), (End::At(at("2026-11-26T06:00:00Z")), None));
    assert_eq!(read("automation/resume", ""), Ok(Request::Command(Target::House, Verb::Resume, None, json!({}))));
}

#[test]
fn what_cannot_be_answered_says_why() {
    let table = [
        ("simulate", "", "health_check, info"),
        ("info", "{", "is not JSON"),
        ("info", "[]", "is not a JSON object"),
        ("info", "hello", "is not a JSON object"),
        ("info", "{\"transaction\":1}x", "is not JSON"),
        ("device/refresh", r#"{"device":"nope"}"#, "no such device"),
        ("schedule/list", r#"{"group":"nope"}"#, "no such group"),
        ("discover", r#"{"timeout":0}"#, "from 1 to 30"),
        ("discover", r#"{"target":7}"#, "is not JSON as it is wanted"),
        ("automation/simulate", r#"{"hours":49}"#, "from 1 to 48"),
        ("automation/simulate", r#"{"bias_c":1e9}"#, "from -20 to 20"),
        ("schedule/put", r#"{"group":"mats"}"#, "`schedule` is missing"),
        ("schedule/put", r#"{"group":"mats","schedule":[]}"#, "`schedule` is missing"),
        ("schedule/remove", r#"{"name":"night"}"#, "`group` is missing"),
        ("schedule/remove", r#"{"group":"mats","name":" "}"#, "`name` is missing"),
        ("schedule/enable", r#"{"group":"mats","name":"night"}"#, "`enabled` is missing"),
        ("device/rename", r#"{"name":"Gate"}"#, "`device` is missing"),
        ("device/options", r#"{"device":"attic","options":{"mac":null}}"#, "there is no such device"),
        ("group/options", r#"{"group":"mats","options":{}}"#, "`options` is missing"),
        ("automation/explain", r#"{"at":"noon"}"#, "`at` is no time"),
        ("automation/pause", r#"{"for":"169h"}"#, "at most 168 h"),
        ("automation/pause", r#"{"for":"0s"}"#, "above 0"),
        ("automation/pause", r#"{"until":"2026-01-01T00:00:00Z"}"#, "ahead by at most 168 h"),
        ("automation/pause", r#"{"for":"1h","until":"06:00"}"#, "exclude each other"),
        ("safety/ack", "", "name either"),
    ];
    for (verb, payload, words) in table {
        let problem = read(verb, payload).unwrap_err();
        assert!(problem.contains(words), "{verb} {payload}: {problem}");
    }
    assert!(read_in(&house(), "info", b"\xff").is_err());
}

#[test]
fn a_fault_is_acknowledged_by_outlet_or_group() {
    let mut house = house();
    let id = id("driveway", 1);
    let ours = format!(r#"{{"device":"{}","slot":1}}"#, id.device);
    assert_eq!(read_in(&house, "safety/ack", ours.as_bytes()).unwrap_err(), "no fault waits for it");
    let lockout = Lockout { fault: Fault::Overload, at: now(), acknowledged: false };
    for (name, locked, alarm) in [("overload", Some(lockout), None), ("drift", None, Some(Fault::Drift))] {
        let outlet = std::sync::Arc::make_mut(house.outlets.get_mut(&id).unwrap());
        (outlet.memory.lockout, outlet.alarm) = (locked, alarm);
        let Ok(Request::Command(target, verb, _, told)) = read_in(&house, "safety/ack", ours.as_bytes()) else {
            panic!("{name}");
        };
        assert_eq!((target, verb), (Target::Outlet(id.clone()), Verb::Acknowledge));
        assert_eq!(told["acknowledged"][0]["fault"], name);
    }
    for wrong in ["{}", r#"{"device":"nope","slot":1}"#, r#"{"group":"nope"}"#, r#"{"device":"driveway"}"#] {
        assert!(read_in(&house, "safety/ack", wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn an_answer_goes_where_the_asker_wants_it() {
    let reply = |topic: &str| Some(Reply { topic: topic.to_owned(), correlation: Some(vec![0, 255]) });
    let asked = message("info", b"{}", reply("my/answers"));
    let answer = answered(&topics(), "info", &asked, Ok(json!({})));
    assert_eq!((answer.topic.as_str(), answer.correlation), ("my/answers", Some(vec![0, 255])));
    for nowhere in ["", "a/+/b", "a/#", "a\0b", "$SYS/x"] {
        let asked = message("info", b"{}", reply(nowhere));
        assert_eq!(answer_to(&asked, "info", Ok(json!({}))).0, "heattrax/bridge/response/info", "{nowhere}");
    }
}

#[test]
fn a_strange_verb_is_not_published_back() {
    for verb in ["a\0b", "+", "#", "x\u{7}", &"v".repeat(65)] {
        assert!(read(verb, "{}").is_err());
        let (topic, _) = answer_to(&message(verb, b"{}", None), verb, Err(String::new()));
        assert_eq!(topic, "heattrax/bridge/response/unknown");
    }
}

proptest! {
    /// 256 cases.
    #[test]
    fn any_bytes_are_read(
        verb in prop_oneof![".{0,80}".boxed(), prop::sample::select(vec![
            "info", "log_level", "discover", "device/refresh", "automation/pause", "automation/explain", "safety/ack",
        ]).prop_map(str::to_owned).boxed()],
        bytes in vec(any::<u8>(), 0..2000),
    ) {
        let found = read_in(&house(), &verb, &bytes).map(|_| json!({}));
        let (topic, body) = answer_to(&message(&verb, &bytes, None), &verb, found);
        prop_assert!(body["status"].is_string());
        prop_assert!(!topic.contains(['+', '#', '\0']));
    }
}
