use heattrax::model::NoticeKind;
use serde_json::json;

use crate::{
    home::{Room, noon},
    http::{Mood, Sink},
};

#[tokio::test]
async fn a_webhook_is_told_in_the_form_of_the_first_heattrax() {
    let (mut sink, folder) = (Sink::start(Mood::Takes).await, tempfile::tempdir().unwrap());
    let webhook = sink.webhook().replace('}', ", headers: {X-House: ramp, Authorization: \"Bearer S3cr3t\"}}");
    let room = Room::start(&webhook, folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Overheat, "Mat is too hot, says the plug");
    let posted = sink.next().await;
    assert!(posted.head.starts_with("post /hook/s3cr3t http/1.1"), "{}", posted.head);
    for header in ["x-house: ramp", "authorization: bearer s3cr3t", "content-type: application/json"] {
        assert!(posted.head.contains(header), "{header}: {}", posted.head);
    }
    let wanted = json!({
        "event_type": "overheat",
        "message": "Mat is too hot, says the plug",
        "timestamp": posted.body["timestamp"],
        "details": {"device": "mat", "outlet": "mat/1", "severity": "critical"},
        "source": "heattrax_scheduler",
    });
    assert_eq!(posted.body, wanted);
    assert!(posted.body["timestamp"].as_str().unwrap().starts_with("2026-01-15T07:00:0"), "{}", posted.body);
    assert!(posted.body["timestamp"].as_str().unwrap().ends_with("-05:00"), "{}", posted.body);
    room.stop().await;
}

#[tokio::test]
async fn a_push_has_a_priority_by_its_severity_and_tags() {
    let (mut sink, folder) = (Sink::start(Mood::Takes).await, tempfile::tempdir().unwrap());
    let ntfy = sink.ntfy().replace('}', ", token: tk_S3cr3t, tags: [house]}");
    let room = Room::start(&ntfy, folder.path(), noon(), 1.0);
    for (kind, priority, sign) in [
        (NoticeKind::Lockout, 5, "rotating_light"),
        (NoticeKind::NoLoad, 4, "warning"),
        (NoticeKind::FaultEnded, 3, "information_source"),
    ] {
        room.tell(kind, "Mat says – something");
        let posted = sink.next().await;
        assert!(posted.head.contains("authorization: bearer tk_s3cr3t"), "{}", posted.head);
        assert_eq!(posted.body["topic"], "S3cr3tTopic");
        assert_eq!(posted.body["priority"], priority);
        assert_eq!(posted.body["tags"], json!([sign, "house"]));
        assert_eq!(posted.body["message"], "Mat says – something");
    }
    room.stop().await;
}

#[tokio::test]
async fn a_message_is_not_sent_on_to_another_address() {
    let (mut other, folder) = (Sink::start(Mood::Takes).await, tempfile::tempdir().unwrap());
    let line: &'static str = format!("307 Elsewhere\r\nLocation: http://{}/", other.address).leak();
    let sink = Sink::start(Mood::Answers(line)).await;
    let room = Room::start(&sink.webhook(), folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    let status = room.until("webhook", |it| it["health"] == "degraded").await;
    assert!(status["last_error"].as_str().unwrap().contains("307"), "{status}");
    other.is_quiet().await;
    room.stop().await;
}

#[tokio::test]
async fn a_test_goes_by_the_way_that_is_asked_for_however_quiet_it_is_to_be() {
    let (mut sink, folder) = (Sink::start(Mood::Takes).await, tempfile::tempdir().unwrap());
    let mut push = Sink::start(Mood::Takes).await;
    let quiet = "quiet_hours: {from: \"00:00\", to: \"23:59\"}\nrouting: {test: {webhook: false}}";
    let lines = format!("{}\n{}\n{quiet}", sink.webhook(), push.ntfy());
    let room = Room::start(&lines, folder.path(), noon(), 1.0);
    let body = Some("Does it ring?".to_owned());
    let queued = room.post.test(Some("webhook"), Some("Hello".to_owned()), body, noon()).unwrap();
    assert_eq!(queued["status"], "queued");
    let posted = sink.next().await;
    assert_eq!((&posted.body["event_type"], &posted.body["message"]), (&json!("test"), &json!("Does it ring?")));
    push.is_quiet().await;
    assert_eq!(room.post.test(None, None, None, noon()).unwrap()["providers"], json!(["webhook", "ntfy"]));
    sink.next().await;
    push.next().await;
    let none = room.post.test(Some("email"), None, None, noon()).unwrap_err();
    assert!(none.contains("`email` is not enabled"), "{none}");
    let unknown = room.post.test(Some("pigeon"), None, None, noon()).unwrap_err();
    assert!(unknown.contains("`pigeon` is unknown: email, webhook or ntfy"), "{unknown}");
    let status = room.post.status();
    assert_eq!((&status["status"], &status["providers"]["email"]["enabled"]), (&json!("ok"), &json!(false)));
    room.stop().await;
}

#[tokio::test]
async fn another_zone_in_the_config_is_the_zone_of_what_people_are_told_from_then_on() {
    let (mut sink, folder) = (Sink::start(Mood::Takes).await, tempfile::tempdir().unwrap());
    let lines = format!("{}\nquiet_hours: {{from: \"20:00\", to: \"22:00\"}}", sink.webhook());
    let room = Room::start(&lines, folder.path(), noon(), 1.0);
    room.tell(NoticeKind::NoLoad, "Mat draws nothing");
    sink.next().await;
    let says = |zone: &'static str| {
        move |it: &serde_json::Value| it["last_success"].as_str().is_some_and(|it| it.ends_with(zone))
    };
    room.until("webhook", says("-05:00")).await;
    // Nine in the evening.
    room.is_now_in("Asia/Tokyo");
    room.until("webhook", says("+09:00")).await;
    room.tell(NoticeKind::Drift, "Mat draws another power than usual");
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    let posted = sink.next().await;
    assert_eq!(posted.body["event_type"], "lockout", "the other one waits until ten");
    assert!(posted.body["timestamp"].as_str().unwrap().starts_with("2026-01-15T21:00:0"), "{}", posted.body);
    room.until("webhook", |it| it["waiting"] == 1).await;
    room.stop().await;
}

#[tokio::test]
async fn a_test_does_not_wait_until_a_failed_way_is_tried_again() {
    let (mut sink, folder) = (Sink::start(Mood::Answers("500 Oh no")).await, tempfile::tempdir().unwrap());
    let room = Room::start(&sink.webhook(), folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    room.until("webhook", |it| it["consecutive_failures"] == 1).await;
    sink.is_now(Mood::Takes);
    let began = std::time::Instant::now();
    room.post.test(None, None, None, noon()).unwrap();
    assert_eq!(sink.next().await.body["event_type"], "test");
    // And what waited comes along, for the way is open again.
    assert_eq!(sink.next().await.body["event_type"], "lockout");
    assert!(began.elapsed().as_secs() < 3, "{:?}", began.elapsed());
    room.stop().await;
}
