use heattrax::model::NoticeKind;

use crate::{
    home::{Room, noon},
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
