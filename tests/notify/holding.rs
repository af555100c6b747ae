//! A way that is dead, slow or refuses harms nobody, and nothing is lost at a restart.

use std::time::Duration;

use heattrax::{model::NoticeKind, notify::WAITING};
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpSocket;

use crate::{
    home::{Room, noon},
    http::{Mood, Sink},
};

/// A port that nobody listens on, nor can as long as this lives.
fn dead() -> (TcpSocket, String) {
    let held = TcpSocket::new_v4().unwrap();
    held.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let lines = format!("ntfy: {{enabled: true, server: \"http://{}\", topic: t}}", held.local_addr().unwrap());
    (held, lines)
}

#[tokio::test]
async fn a_dead_way_and_a_slow_one_hold_up_nobody_but_themselves() {
    let mut sink = Sink::start(Mood::Takes).await;
    let slow = Sink::start(Mood::Silent).await;
    let (_held, dead) = dead();
    for other in [dead, slow.ntfy()] {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::start(&format!("{}\n{other}", sink.webhook()), folder.path(), noon(), 1.0);
        for (kind, event) in [(NoticeKind::Lockout, "lockout"), (NoticeKind::Overheat, "overheat")] {
            let began = std::time::Instant::now();
            room.tell(kind, "Mat says something");
            assert_eq!(sink.next().await.body["event_type"], event);
            // The other way gives up after 10 s.
            assert!(began.elapsed() < Duration::from_secs(8), "{other}: {:?}", began.elapsed());
        }
        room.until("ntfy", |it| it["waiting"] == 2).await;
        // And a stop is not held up either.
        room.stop().await;
    }
}

#[tokio::test]
async fn what_could_not_be_sent_is_tried_again_with_growing_pauses() {
    let (mut sink, folder) = (Sink::start(Mood::Answers("503 Not now")).await, tempfile::tempdir().unwrap());
    // A minute is a tenth of a second.
    let room = Room::start(&sink.webhook(), folder.path(), noon(), 600.0);
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    let status = room.until("webhook", |it| it["health"] == "failed").await;
    assert!(status["last_error"].as_str().unwrap().contains("503"), "{status}");
    assert!(!status.to_string().contains("S3cr3t"), "{status}");
    sink.is_now(Mood::Takes);
    assert_eq!(sink.next().await.body["event_type"], "lockout");
    room.until("webhook", |it| it["health"] == "healthy" && it["consecutive_failures"] == 0).await;
    room.stop().await;
}

#[tokio::test]
async fn a_message_that_is_refused_does_not_stand_before_the_others() {
    let (mut sink, folder) = (Sink::start(Mood::Dislikes("lockout")).await, tempfile::tempdir().unwrap());
    let room = Room::start(&sink.webhook(), folder.path(), noon(), 60.0);
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    room.tell(NoticeKind::Overheat, "Mat is too hot");
    assert_eq!(sink.next().await.body["event_type"], "overheat");
    room.until("webhook", |it| it["waiting"] == 1 && it["given_up"] == 0).await;
    sink.is_now(Mood::Takes);
    assert_eq!(sink.next().await.body["event_type"], "lockout");
    room.stop().await;
}

#[tokio::test]
async fn what_waits_survives_a_restart_and_the_least_urgent_is_dropped_first() {
    let (mut sink, folder) = (Sink::start(Mood::Answers("503 Not now")).await, tempfile::tempdir().unwrap());
    let lines = format!("limit: 0s\n{}", sink.webhook());
    let room = Room::start(&lines, folder.path(), noon(), 1.0);
    room.tell(NoticeKind::NoLoad, "Mat draws nothing");
    for number in 0..WAITING + 20 {
        room.tell(NoticeKind::FaultEnded, &format!("number {number} is over"));
    }
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    room.until("webhook", |it| it["waiting"] == WAITING && it["dropped"] == 22).await;
    room.stop().await;

    sink.is_now(Mood::Takes);
    let room = Room::start(&lines, folder.path(), noon() + SignedDuration::from_hours(1), 1.0);
    let mut got = Vec::new();
    for _ in 0..WAITING {
        got.push(sink.next().await.body);
    }
    assert_eq!(got[0]["event_type"], "no_load", "the oldest first, and it was not dropped");
    assert_eq!(got[1]["message"], "Number 22 is over", "the oldest of the least urgent were dropped");
    assert_eq!(got[WAITING - 1]["event_type"], "lockout");
    sink.is_quiet().await;
    assert_eq!(room.status("webhook")["dropped"], 22);
    room.stop().await;

    let room = Room::start(&lines, folder.path(), noon() + SignedDuration::from_hours(2), 1.0);
    sink.is_quiet().await;
    room.stop().await;
}

#[tokio::test]
async fn what_could_not_be_told_for_a_day_is_given_up() {
    let (mut sink, folder) = (Sink::start(Mood::Answers("503 Not now")).await, tempfile::tempdir().unwrap());
    let room = Room::start(&sink.webhook(), folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    room.until("webhook", |it| it["consecutive_failures"] == 1).await;
    room.stop().await;
    sink.is_now(Mood::Takes);
    let room = Room::start(&sink.webhook(), folder.path(), noon() + SignedDuration::from_hours(25), 1.0);
    room.until("webhook", |it| it["given_up"] == 1 && it["waiting"] == 0).await;
    sink.is_quiet().await;
    room.stop().await;
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_people_are_told_all_the_same() {
    let (mut sink, folder) = (Sink::start(Mood::Takes).await, tempfile::tempdir().unwrap());
    for name in ["notify-webhook.json", "notify.json"] {
        std::fs::write(folder.path().join(name), "{\"version\":1,\"kept\":[[[").unwrap();
    }
    let room = Room::start(&sink.webhook(), folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    sink.next().await;
    assert!(folder.path().join("notify-webhook.damaged.json").exists());
    room.stop().await;
}

#[tokio::test]
async fn in_quiet_hours_only_what_is_critical_is_told_and_the_rest_after_them() {
    let (mut sink, folder) = (Sink::start(Mood::Takes).await, tempfile::tempdir().unwrap());
    let lines = format!("{}\nquiet_hours: {{from: \"22:00\", to: \"07:50\"}}", sink.webhook());
    // Seven in the morning, and a minute is a tenth of a second.
    let room = Room::start(&lines, folder.path(), noon(), 600.0);
    room.tell(NoticeKind::NoLoad, "Mat draws nothing");
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    assert_eq!(sink.next().await.body["event_type"], "lockout");
    room.until("webhook", |it| it["waiting"] == 1).await;
    let posted = sink.next().await;
    assert_eq!(posted.body["event_type"], "no_load");
    let (now, end) = (room.handle.clock.now(), noon() + SignedDuration::from_mins(50));
    assert!(now >= end, "{now}");
    let at: Timestamp = posted.body["timestamp"].as_str().unwrap().parse().unwrap();
    assert!(noon() <= at && at < end, "when it happened, not {at}");
    room.stop().await;
}

#[tokio::test]
async fn what_could_not_be_sent_before_quiet_hours_waits_for_their_end() {
    let (mut sink, folder) = (Sink::start(Mood::Answers("503 Not now")).await, tempfile::tempdir().unwrap());
    let lines = format!("{}\nquiet_hours: {{from: \"22:00\", to: \"06:30\"}}", sink.webhook());
    let room = Room::start(&lines, folder.path(), noon() + SignedDuration::from_hours(14), 1.0);
    room.tell(NoticeKind::NoLoad, "Mat draws nothing");
    room.until("webhook", |it| it["consecutive_failures"] == 1).await;
    room.stop().await;
    sink.is_now(Mood::Takes);
    // Three in the morning.
    let room = Room::start(&lines, folder.path(), noon() + SignedDuration::from_hours(20), 1.0);
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    assert_eq!(sink.next().await.body["event_type"], "lockout");
    room.until("webhook", |it| it["waiting"] == 1).await;
    room.post.test(None, None, None, room.handle.clock.now()).unwrap();
    assert_eq!(sink.next().await.body["event_type"], "test", "somebody waits for it");
    room.until("webhook", |it| it["waiting"] == 1).await;
    room.stop().await;
    let morning = noon() + SignedDuration::from_mins(23 * 60 + 30);
    let room = Room::start(&lines, folder.path(), morning, 1.0);
    let posted = sink.next().await;
    assert_eq!(posted.body["event_type"], "no_load");
    assert!(posted.body["timestamp"].as_str().unwrap().starts_with("2026-01-15T21:00:0"), "when it happened");
    room.stop().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_says_a_word_now_and_then_has_a_deadline_all_the_same() {
    // A mail server that greets, and answers everything by halves.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                while tokio::io::AsyncWriteExt::write_all(&mut stream, b"220-patience\r\n").await.is_ok() {
                    tokio::time::sleep(Duration::from_secs(10)).await;
                }
            });
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let lines = format!(
        "email: {{enabled: true, smtp_host: 127.0.0.1, smtp_port: {port}, use_tls: false, from_email: h@example.org, \
         to_emails: [a@example.org]}}"
    );
    let room = Room::start(&lines, folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    let mut failed = None;
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        failed = Some(room.status("email")).filter(|it| it["consecutive_failures"] != 0);
        if failed.is_some() {
            break;
        }
    }
    let failed = failed.expect("it has a deadline");
    assert!(failed["last_error"].is_string(), "{failed}");
    assert!(room.handle.clock.now() < noon() + SignedDuration::from_secs(90), "{}", room.handle.clock.now());
    room.stop().await;
}

#[tokio::test]
async fn what_is_held_back_is_on_disk_at_once() {
    let (mut sink, folder) = (Sink::start(Mood::Takes).await, tempfile::tempdir().unwrap());
    let room = Room::start(&format!("limit: 30m\n{}", sink.webhook()), folder.path(), noon(), 1.0);
    room.tell(NoticeKind::NoLoad, "Mat draws nothing");
    sink.next().await;
    room.tell(NoticeKind::NoLoad, "Mat draws nothing still");
    // Nobody stops it in good order.
    let file = folder.path().join("notify.json");
    for _ in 0..200 {
        if std::fs::read_to_string(&file).is_ok_and(|it| it.contains("Mat draws nothing still")) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{:?}", std::fs::read_to_string(&file));
}
