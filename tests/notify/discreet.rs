//! What is said in the log, on disk and in the status: no secret, and no address of a webhook.

use std::{
    io,
    sync::{Arc, Mutex},
};

use heattrax::{model::NoticeKind, notify::WAITING};

use crate::{
    home::{Room, noon},
    http::{Mood, Sink},
};

/// A log that is kept.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn kept_log() -> (Page, tracing::subscriber::DefaultGuard) {
    let page = Page::default();
    let kept = page.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::TRACE);
    let guard = tracing::subscriber::set_default(log.with_writer(move || kept.clone()).finish());
    (page, guard)
}

#[tokio::test]
async fn that_messages_are_dropped_is_said_once() {
    let (page, _log) = kept_log();
    let (refusing, folder) = (Sink::start(Mood::Answers("500 Oh no")).await, tempfile::tempdir().unwrap());
    let room = Room::start(&format!("{}\nlimit: 0s", refusing.webhook()), folder.path(), noon(), 1.0);
    for number in 0..WAITING + 50 {
        room.tell(NoticeKind::FaultEnded, &format!("number {number} is over"));
    }
    room.until("webhook", |it| it["dropped"] == 50).await;
    room.stop().await;
    let log = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches("are dropped from now on").count(), 1, "{log}");
}

#[tokio::test]
async fn neither_the_log_nor_the_files_nor_the_status_know_a_secret() {
    let (page, _log) = kept_log();
    let (refusing, folder) = (Sink::start(Mood::Answers("500 Oh no")).await, tempfile::tempdir().unwrap());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let lines = format!(
        "{}\nntfy: {{enabled: true, server: \"http://127.0.0.1:{port}\", topic: S3cr3tTopic, token: S3cr3t}}
email: {{enabled: true, smtp_host: 127.0.0.1, smtp_port: {port}, use_tls: false, from_email: h@example.org, \
         to_emails: [a@example.org], smtp_username: ann, smtp_password: S3cr3t}}",
        refusing.webhook()
    );
    let room = Room::start(&lines, folder.path(), noon(), 1.0);
    room.tell(NoticeKind::Lockout, "Mat is locked off");
    for provider in ["webhook", "ntfy", "email"] {
        room.until(provider, |it| it["consecutive_failures"] == 1).await;
    }
    let mut said = room.post.status().to_string();
    room.stop().await;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        said.push_str(&std::fs::read_to_string(file.unwrap().path()).unwrap());
    }
    let log = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches("a notification by").count(), 3, "{log}");
    for secret in ["S3cr3t", "/hook"] {
        assert!(!said.contains(secret) && !log.contains(secret), "{secret}: {said}\n{log}");
    }
    // The library of HTTP tells whom it connects to, where somebody asks for its chatter: host and port, no more.
    let ours = log.lines().filter(|it| !it.contains(" hyper_util::"));
    said.extend(ours);
    assert!(!said.contains(&refusing.address.to_string()), "{said}");
}
