//! What is said in the log: never who one is with a device, nor what one shares with it.

use std::{
    io,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use heattrax::{
    emulator::{Fault, Model, Plug},
    klap,
    model::{Cause, Switch},
};
use tracing::level_filters::LevelFilter;

use crate::bench::{Setup, plug, wanted};

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

impl Page {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// The longest run of capital hexadecimal digits: a session's cookie has 32 of them. Ids of devices are no secret.
fn longest_cookie(text: &str) -> usize {
    let digit = |it: char| it.is_ascii_digit() || ('A'..='F').contains(&it);
    text.split(|it| !digit(it)).map(str::len).max().unwrap_or_default()
}

/// The most bytes in a row as `[1, 2, 3]` shows them: a seed has 16.
fn longest_bytes(text: &str) -> usize {
    let byte = |it: &str| it.trim_matches(['[', ']', '(', ')']).parse::<u8>().is_ok();
    let (mut longest, mut run) = (0, 0);
    for word in text.split([',', ' ', '\n']).filter(|it| !it.is_empty()) {
        run = if byte(word) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

fn secrets() -> Vec<String> {
    let auth = klap::auth_hash("user@example.com", "hunter2");
    let hex: String = auth.iter().map(|it| format!("{it:02x}")).collect();
    let mut secrets = vec![
        "hunter2".to_owned(),
        "user@example.com".to_owned(),
        "TP_SESSIONID".to_owned(),
        hex.clone(),
        hex.to_uppercase(),
        BASE64_STANDARD.encode(auth),
    ];
    secrets.extend(["hunter2", "user@example.com"].map(|it| BASE64_STANDARD.encode(it)));
    secrets
}

/// A session with all that can go wrong with it.
async fn live(plug: &Plug) {
    let mut setup = Setup::of(plug);
    setup.settings.timeout = Duration::from_millis(300);
    let mut bench = setup.start();
    bench.caused(1, Cause::FirstContact).await;
    bench.order(wanted(&[(1, Switch::On)], 1));
    bench.reported(1, Switch::On).await;
    plug.expire_sessions();
    bench.heard_within(Duration::from_millis(400)).await;
    for fault in [Fault::Garbage, Fault::Half, Fault::BrokenJson, Fault::Hang, Fault::Status(400)] {
        plug.set_fault(fault);
        bench.lost().await;
        plug.clear_faults();
        bench.caused(1, Cause::FirstContact).await;
        // Looked at once after the login: or the pause before the next one would grow with each fault.
        bench.caused(1, Cause::Polled).await;
    }
    plug.set_fault(Fault::MethodError { method: "set_device_info".to_owned(), code: -1001 });
    bench.order(wanted(&[(1, Switch::Off)], 2));
    bench.switch_failed().await;
    plug.set_fault(Fault::OtherAccount);
    plug.expire_sessions();
    bench.lost().await;
    bench.stop().await;
}

#[tokio::test]
async fn the_log_of_a_whole_session_betrays_nothing_at_its_finest() {
    let page = Page::default();
    // Other threads are other tests. A subscriber of this thread alone would miss what they have asked about first.
    let (writer, here) = (page.clone(), thread::current().id());
    let log = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || if thread::current().id() == here { writer.clone() } else { Page::default() })
        .finish();
    tracing::subscriber::set_global_default(log).unwrap();
    for model in [Model::P210M, Model::P110m] {
        let plug = plug(model).await;
        live(&plug).await;
    }
    for fault in [Fault::Tpap, Fault::Locked, Fault::HandshakeForbidden, Fault::OtherAccount] {
        let plug = plug(Model::P400m).await;
        plug.set_fault(fault);
        let mut bench = Setup::of(&plug).start();
        bench.lost().await;
        bench.stop().await;
    }
    let text = page.text();
    assert!(text.contains("does not accept this account") && text.contains("Garbled"), "it is the log: {text}");
    for secret in secrets() {
        assert!(!text.contains(&secret), "`{secret}` is in the log");
    }
    assert!(longest_cookie(&text) < 32, "something like a cookie is in the log");
    assert!(longest_bytes(&text) < 16, "something like a seed is in the log");
}

#[test]
fn what_would_betray_is_recognised() {
    assert_eq!(longest_cookie("Cookie: X=0123456789ABCDEF0123456789ABCDEF;"), 32);
    assert_eq!(longest_bytes(&format!("seed: {:?}", [7_u8; 16])), 16);
    assert_eq!(longest_bytes("300 W, then 12, 13 and 14"), 2);
}
