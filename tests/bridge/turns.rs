//! Whoever changes the config, one change is in force before the next one is begun.

use std::{path::Path, time::Duration};

use heattrax::{
    app::{Bridge, Levers},
    config::{Overrides, Sources, Writer},
    hub::{Clock, Errand, Handle},
    model::{ConfigEdit, Failed},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{home::until, noon};

const TEXT: &str = "location: { latitude: 40.69, longitude: -74.17, timezone: America/New_York }\n\
    weather_api: { enabled: false }\n\
    safety: { max_runtime_hours: 6, cooldown_minutes: 30 }\n\
    devices: { credentials: { username: a@example.org, password: b }, groups: {} }\n\
    web: { enabled: false }\n";

const PATIENCE: Duration = Duration::from_secs(60);

/// A bridge that is built, but has not begun to hear what is wanted of it.
async fn built(file: &Path) -> Bridge {
    std::fs::write(file, TEXT).unwrap();
    let flags = Overrides { data: Some(file.with_file_name("data")), ..Overrides::default() };
    let writer = Writer::new(Sources { file: Some(file.to_owned()), flags, ..Sources::default() });
    let settings = writer.check().unwrap();
    let levers = Levers { config: Some(writer), ..Levers::default() };
    Bridge::start_with(settings, Clock::driven(noon(), 1.0), levers).await.unwrap()
}

async fn limit(handle: &Handle, hours: u8, within: Duration) -> Result<Value, Failed> {
    let wish = ConfigEdit::Set(vec![("safety.max_runtime_hours".to_owned(), json!(hours))]);
    handle.errand(Errand::Edit(wish, None), within).await
}

#[tokio::test(start_paused = true)]
async fn a_change_is_in_force_before_the_next_one_is_begun_and_who_gives_up_before_has_changed_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("house.yaml");
    let bridge = built(&file).await;
    let handle = bridge.handle().clone();
    let says = |hours: &str| std::fs::read_to_string(&file).unwrap().contains(&format!("max_runtime_hours: {hours}"));
    let in_force = || handle.in_force.borrow().shown["safety"]["max_runtime_hours"].clone();
    let first = tokio::spawn({
        let handle = handle.clone();
        async move { limit(&handle, 4, PATIENCE).await }
    });
    until("the first one is written", || says("4")).await;
    assert_eq!(in_force(), json!(6));
    // The file says 4 by now, but nobody goes by it yet.
    let same = limit(&handle, 4, Duration::from_secs(5)).await.unwrap_err();
    assert!(same.words.contains("no answer"), "{same}");
    let other = limit(&handle, 5, Duration::from_secs(5)).await.unwrap_err();
    assert!(other.words.contains("no answer"), "{other}");
    // Nor does anybody see it who looks before a change.
    for look in [Errand::ConfigText, Errand::Settled] {
        assert!(handle.errand(look, Duration::from_secs(5)).await.is_err());
    }
    let stop = CancellationToken::new();
    let running = tokio::spawn(bridge.run_until(stop.clone().cancelled_owned()));
    assert_eq!(first.await.unwrap().unwrap()["changed"], json!(["safety.max_runtime_hours"]));
    assert_eq!(in_force(), json!(4));
    assert_eq!(limit(&handle, 4, PATIENCE).await.unwrap()["changed"], json!([]));
    assert!(says("4"), "who has given up has changed nothing");
    limit(&handle, 5, PATIENCE).await.unwrap();
    assert!(says("5") && in_force() == json!(5));
    stop.cancel();
    running.await.unwrap().unwrap();
}
