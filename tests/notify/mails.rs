use std::{path::Path, sync::atomic::Ordering, time::Duration};

use heattrax::model::NoticeKind;
use jiff::SignedDuration;

use crate::{
    home::{Room, noon},
    http::{Mood, Sink},
    smtp::{Line, Server},
};

fn email(server: &Server, more: &str) -> String {
    let port = server.address.port();
    format!(
        "email: {{enabled: true, smtp_host: localhost, smtp_port: {port}, from_email: heat@example.org, \
         to_emails: [ann@example.org, \"Bob <bob@example.org>\"]{more}}}"
    )
}

fn authority(server: &Server, folder: &tempfile::TempDir) -> String {
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, &server.pem).unwrap();
    format!(", ca_file: \"{}\"", path.display())
}

#[tokio::test]
async fn a_mail_says_what_happened_when_and_where_in_local_time() {
    let (server, folder) = (Server::start(Line::Plain), tempfile::tempdir().unwrap());
    let room = Room::start(&email(&server, ", use_tls: false"), folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Overheat, "Mat is too hot, says the plug");
    let mail = server.next().await;
    assert!(mail.to.len() == 2 && mail.to[1].contains("<bob@example.org>"), "{mail:?}");
    assert!(!mail.is_secured && mail.login.is_none(), "{mail:?}");
    for line in [
        "Subject: HeatTrax Alert: A plug is too hot",
        "From: heat@example.org",
        "Mat is too hot, says the plug",
        "When: Thursday 15 January 2026 07:00:00 EST",
        "Outlet: mat/1",
        "How urgent: critical",
        "@example.org>",
    ] {
        assert!(mail.text.contains(line), "{line}\n{}", mail.text);
    }
    let status = room.until("email", |it| it["health"] == "healthy").await;
    assert!(status["last_success"].as_str().unwrap().ends_with("-05:00"), "{status}");
    room.stop().await;
}

#[tokio::test]
async fn starttls_secures_the_line_before_the_password_is_said() {
    let (server, folder) = (Server::start(Line::StartTls), tempfile::tempdir().unwrap());
    let login = format!(", smtp_username: ann, smtp_password: hunter22{}", authority(&server, &folder));
    let room = Room::start(&email(&server, &login), folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    let mail = server.next().await;
    assert!(mail.is_secured && mail.login.as_ref().is_some_and(|it| it.starts_with("AUTH PLAIN ")), "{mail:?}");
    room.stop().await;
}

#[tokio::test]
async fn tls_from_the_first_byte() {
    let (server, folder) = (Server::start(Line::Implicit), tempfile::tempdir().unwrap());
    let more = format!(", tls: implicit{}", authority(&server, &folder));
    let room = Room::start(&email(&server, &more), folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    assert!(server.next().await.is_secured);
    room.stop().await;
}

#[tokio::test]
async fn a_line_that_cannot_be_secured_carries_no_mail_and_the_mail_waits() {
    // One whose certificate nobody knows, and one that offers no TLS at all.
    for line in [Line::StartTls, Line::Plain] {
        let (server, folder) = (Server::start(line), tempfile::tempdir().unwrap());
        let login = ", smtp_username: ann, smtp_password: hunter22";
        let room = Room::start(&email(&server, login), folder.path(), noon(), 1.0);
        room.tell(NoticeKind::Lockout, "Mat is locked off");
        let status = room.until("email", |it| it["health"] == "degraded").await;
        assert!(status["waiting"] == 1 && !status.to_string().contains("hunter22"), "{status}");
        assert!(status["last_error"].as_str().unwrap().starts_with("the mail server"), "{status}");
        assert!(server.is_empty());
        room.stop().await;
    }
}

#[tokio::test]
async fn one_wrong_address_does_not_keep_the_others_from_hearing_of_it() {
    let (server, folder) = (Server::start(Line::Plain), tempfile::tempdir().unwrap());
    let lines = email(&server, ", use_tls: false").replace("[ann@example.org,", "[refused@example.org,");
    let room = Room::start(&lines, folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Overheat, "Mat is too hot, says the plug");
    let mail = server.next().await;
    assert!(mail.to.len() == 1 && mail.to[0].contains("bob@example.org"), "{mail:?}");
    room.until("email", |it| it["health"] == "healthy" && it["waiting"] == 0).await;
    room.stop().await;

    // Nobody at all takes it: it waits, and is tried again.
    let folder = tempfile::tempdir().unwrap();
    let room = Room::start(&lines.replace("bob@", "refused@"), folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Overheat, "Mat is too hot, says the plug");
    let status = room.until("email", |it| it["health"] == "degraded").await;
    assert!(status["waiting"] == 1 && status["last_error"].as_str().unwrap().contains("550"), "{status}");
    room.stop().await;
}

/// Waits until the queue on disk says these words so often.
async fn until_on_disk(folder: &Path, words: &str, times: usize) {
    let file = folder.join("notify-email.json");
    for _ in 0..400 {
        if std::fs::read_to_string(&file).is_ok_and(|it| it.matches(words).count() == times) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{:?}", std::fs::read_to_string(&file));
}

#[tokio::test]
async fn one_who_gets_no_mail_for_now_keeps_it_neither_from_the_others_nor_the_next_one_from_anybody() {
    let (server, folder) = (Server::start(Line::Plain), tempfile::tempdir().unwrap());
    let lines = email(&server, ", use_tls: false").replace("[ann@", "[refused@example.org, later@");
    let room = Room::start(&lines, folder.path(), noon(), 1.0);
    for (kind, words) in [(NoticeKind::Overheat, "Mat is too hot"), (NoticeKind::Lockout, "Mat is locked off")] {
        room.tell(kind, words);
        let mail = server.next().await;
        assert!(mail.to.len() == 1 && mail.to[0].contains("bob@"), "{mail:?}");
        assert!(mail.text.contains(words), "{mail:?}");
    }
    // One that is under way at a stop would come twice.
    until_on_disk(folder.path(), "\"owed\":[\"later@example.org\"]", 2).await;
    let status = room.until("email", |it| it["waiting"] == 2 && it["health"] == "healthy").await;
    assert!(status["last_error"].as_str().unwrap().contains("450"), "{status}");
    room.stop().await;

    server.is_later.store(true, Ordering::Relaxed);
    let room = Room::start(&lines, folder.path(), noon() + SignedDuration::from_hours(1), 1.0);
    for words in ["Mat is too hot", "Mat is locked off"] {
        let mail = server.next().await;
        assert!(mail.to.len() == 1 && mail.to[0].contains("later@") && mail.text.contains(words), "{mail:?}");
    }
    room.until("email", |it| it["waiting"] == 0).await;
    assert!(server.is_empty(), "whoever had it does not get it twice");
    room.stop().await;
}

#[tokio::test]
async fn a_wrong_address_does_not_cost_another_the_copy_that_it_gets_later() {
    let (server, folder) = (Server::start(Line::Plain), tempfile::tempdir().unwrap());
    let lines = email(&server, ", use_tls: false").replace("[ann@", "[refused@").replace("bob@", "later@");
    let room = Room::start(&lines, folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Overheat, "Mat is too hot");
    room.until("email", |it| it["waiting"] == 1 && it["last_error"].is_string()).await;
    room.stop().await;
    for attempt in 1..8 {
        let at = noon() + SignedDuration::from_hours(attempt);
        let room = Room::start(&lines, folder.path(), at, 1.0);
        let status = room.until("email", |it| it["last_check"].is_string()).await;
        assert!(status["waiting"] == 1 && status["given_up"] == 0, "{attempt}: {status}");
        room.stop().await;
    }
    server.is_later.store(true, Ordering::Relaxed);
    let room = Room::start(&lines, folder.path(), noon() + SignedDuration::from_hours(9), 1.0);
    assert!(server.next().await.to[0].contains("later@"));
    room.until("email", |it| it["waiting"] == 0).await;
    room.stop().await;
}

#[tokio::test]
async fn a_server_that_puts_everybody_off_is_left_alone_for_a_while() {
    let (server, folder) = (Server::start(Line::Plain), tempfile::tempdir().unwrap());
    let lines = email(&server, ", use_tls: false").replace("[ann@", "[sooner-or-later@").replace("bob@", "later@");
    let room = Room::start(&lines, folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Overheat, "Mat is too hot");
    let status = room.until("email", |it| it["health"] == "degraded").await;
    assert!(status["waiting"] == 1 && status["last_error"].as_str().unwrap().contains("450"), "{status}");
    room.stop().await;
}

#[tokio::test]
async fn whoever_was_taken_out_of_the_config_is_owed_nothing() {
    let (server, folder) = (Server::start(Line::Plain), tempfile::tempdir().unwrap());
    let lines = email(&server, ", use_tls: false").replace("[ann@", "[later@");
    let room = Room::start(&lines, folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Overheat, "Mat is too hot");
    assert!(server.next().await.to[0].contains("bob@"));
    room.until("email", |it| it["waiting"] == 1 && it["health"] == "healthy").await;
    room.stop().await;
    let lines = lines.replace("later@", "ann@");
    let room = Room::start(&lines, folder.path(), noon() + SignedDuration::from_hours(1), 1.0);
    room.until("email", |it| it["waiting"] == 0 && it["given_up"] == 0).await;
    assert!(server.is_empty());
    room.stop().await;
}

/// Three receivers, of whom the first is refused, so that each of the others gets a copy of their own.
fn apart(server: &Server) -> String {
    let lines = email(server, ", use_tls: false");
    lines
        .replace("[ann@example.org, ", "[refused@example.org, ")
        .replace("<bob@example.org>\"", "<bob@example.org>\", carol@example.org")
}

/// Turns the clock by hand; everything that is under way waits for the server.
async fn turn(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

#[tokio::test]
async fn whoever_had_a_letter_at_a_stop_in_the_middle_of_it_does_not_get_it_again() {
    let (server, folder) = (Server::start(Line::Plain), tempfile::tempdir().unwrap());
    server.answers.are_now(1);
    let room = Room::start(&apart(&server), folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Overheat, "Mat is too hot");
    for name in ["bob@", "carol@"] {
        assert!(server.next().await.to[0].contains(name));
    }
    // So it is on disk if nobody stops it in good order.
    until_on_disk(folder.path(), "\"owed\":[\"carol@example.org\"]", 1).await;
    room.stop().await;

    let room = Room::start(&apart(&server), folder.path(), noon() + SignedDuration::from_mins(1), 1.0);
    let mail = server.next().await;
    assert!(mail.to.len() == 1 && mail.to[0].contains("carol@"), "the copy that was under way, and no other: {mail:?}");
    server.answers.are_now(usize::MAX);
    room.until("email", |it| it["waiting"] == 0).await;
    assert!(server.is_empty());
    room.stop().await;
}

#[tokio::test]
async fn a_server_that_falls_silent_in_the_middle_holds_up_no_other_way_and_nobody_gets_a_mail_twice() {
    let (server, folder) = (Server::start(Line::Plain), tempfile::tempdir().unwrap());
    let mut sink = Sink::start(Mood::Takes).await;
    server.answers.are_now(1);
    let lines = format!("{}\n{}", apart(&server), sink.webhook());
    let room = Room::start(&lines, folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Overheat, "Mat is too hot");
    for name in ["bob@", "carol@"] {
        assert!(server.next().await.to[0].contains(name));
    }
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    for event in ["overheat", "lockout"] {
        assert_eq!(sink.next().await.body["event_type"], event);
    }
    room.until("webhook", |it| it["waiting"] == 0).await;
    turn(Duration::from_secs(56)).await;
    // It is given up for now, and the next one is under way.
    let status = room.until("email", |it| it["last_error"].is_string()).await;
    assert!(status["waiting"] == 2 && status["health"] == "healthy", "{status}");
    assert_eq!(status["last_error"], "the mail server did not answer in time");
    server.answers.are_now(usize::MAX);
    for name in ["bob@", "carol@"] {
        let mail = server.next().await;
        assert!(mail.to[0].contains(name) && mail.text.contains("Mat is locked off"), "{mail:?}");
    }
    room.until("email", |it| it["waiting"] == 1).await;
    turn(Duration::from_secs(31)).await;
    let mail = server.next().await;
    assert!(mail.to[0].contains("carol@") && mail.text.contains("Mat is too hot"), "{mail:?}");
    room.until("email", |it| it["waiting"] == 0).await;
    assert!(server.is_empty());
    room.stop().await;
}

#[tokio::test]
async fn after_half_a_minute_no_further_copy_is_begun_and_what_is_left_is_sent_later() {
    let (server, folder) = (Server::start(Line::Plain), tempfile::tempdir().unwrap());
    server.answers.are_now(0);
    let lines = apart(&server).replace(", carol@", ", carol@example.org, dan@");
    let room = Room::start(&lines, folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Overheat, "Mat is too hot");
    for name in ["bob@", "carol@"] {
        assert!(server.next().await.to[0].contains(name));
        turn(Duration::from_secs(20)).await;
        server.answers.are_now(1);
    }
    let status = room.until("email", |it| it["health"] == "healthy").await;
    assert!(status["waiting"] == 1 && server.is_empty(), "{status}");
    until_on_disk(folder.path(), "\"owed\":[\"dan@example.org\"]", 1).await;
    assert!(server.is_empty(), "dan's copy is begun later");
    turn(Duration::from_secs(31)).await;
    server.answers.are_now(usize::MAX);
    assert!(server.next().await.to[0].contains("dan@"));
    room.until("email", |it| it["waiting"] == 0).await;
    assert!(server.is_empty());
    room.stop().await;
}
