//! What the scheduler before this bridge has left, all of it at once: its whole config, its environment and its `state` folder start the
//! bridge as they are, and each of its endpoints answers in its shape.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use heattrax::{
    app::{Bridge, Ended, Levers},
    config::{Overrides, Sources, Writer},
    emulator::{
        Model, Plug, PlugOptions,
        storm::{Storm, StormOptions},
    },
    hub::Clock,
    model::Settings,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    contract::rows,
    home::until,
    noon,
    site::{Told, send},
};

const CONFIG: &str = include_str!("../config/seed.yaml");
const ACCOUNT: (&str, &str) = ("winter@example.com", "the one of the plugs");
const PASSWORD: &str = "for the new page";

/// What came to the webhook.
type Post = Arc<Mutex<String>>;

async fn webhook() -> (SocketAddr, Post) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, post) = (listener.local_addr().unwrap(), Post::default());
    let all = Arc::clone(&post);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 16 * 1024];
            // One read may not be all of it, and says what it is about.
            let count = stream.read(&mut bytes).await.unwrap_or_default();
            all.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        }
    });
    (at, post)
}

struct Taken {
    upper: Plug,
    lower: Plug,
    garden: Plug,
    step: Plug,
    post: Post,
    at: SocketAddr,
    _folder: TempDir,
    _storm: Storm,
    stop: CancellationToken,
    bridge: JoinHandle<Ended>,
}

/// The only things that are not as they were left: where plugs, weather and webhook are, so that nothing leaves this machine.
fn on_loopback(plugs: &[(&str, &Plug)], weather: &str) -> String {
    let mut text = CONFIG.replace("open_meteo: {}", &format!("open_meteo: {{ base_url: \"{weather}\" }}"));
    for (there, here) in plugs {
        assert!(text.contains(there));
        text = text.replace(there, &here.address().to_string());
    }
    text
}

fn environment(webhook: SocketAddr) -> BTreeMap<String, String> {
    let hook = format!("http://{webhook}/hook");
    let set = [
        ("TAPO_USERNAME", ACCOUNT.0),
        ("TAPO_PASSWORD", ACCOUNT.1),
        ("THRESHOLD_TEMP_F", "35.5"),
        ("MAX_RUNTIME_HOURS", "5"),
        ("COOLDOWN_MINUTES", "25"),
        ("CHECK_INTERVAL_MINUTES", "10"),
        ("FORECAST_HOURS", "12"),
        ("TIMEZONE", "America/Toronto"),
        ("LOG_LEVEL", "WARNING"),
        ("VACATION_MODE", "false"),
        ("HEALTH_CHECK_INTERVAL_HOURS", "24"),
        ("HEALTH_SERVER_PORT", "4444"),
        ("NOTIFICATIONS_TEST_ON_STARTUP", "true"),
        ("NOTIFICATION_WEBHOOK_URL", &hook),
        ("NOTIFICATION_EMAIL_TO", "one@example.org, other@example.org"),
        ("HEALTH_SERVER_HOST", "127.0.0.1"),
        ("WEB_HOST", "127.0.0.1"),
        ("WEB_PIN", "2468"),
        ("WEB_PASSWORD", PASSWORD),
    ];
    set.into_iter().map(|(name, value)| (format!("HEATTRAX_{name}"), value.to_owned())).collect()
}

fn leave_state(folder: &std::path::Path) {
    let state = folder.join("state");
    std::fs::create_dir(&state).unwrap();
    let write = |name: &str, value: Value| std::fs::write(state.join(name), value.to_string()).unwrap();
    // Times are as the scheduler wrote them: without an offset in these, with one in the overrides.
    write(
        "ramp.json",
        json!({ "device_on": true, "turn_on_time": "2026-01-10T10:30:00", "cooldown_start": null, "total_runtime_seconds": 0.0,
            "last_updated": "2026-01-10T11:55:00" }),
    );
    write(
        "garden.json",
        json!({ "device_on": false, "turn_on_time": null, "cooldown_start": "2026-01-10T08:00:00", "total_runtime_seconds": 12.5,
            "last_updated": "2026-01-10T11:55:00" }),
    );
    let wish = json!({ "active": true, "action": "on", "timeout_hours": 3, "timestamp": "2026-01-10T11:00:00-05:00",
        "expires_at": "2026-01-10T14:00:00-05:00" });
    write("manual_overrides.json", json!({ "ramp": wish, "garden": wish }));
    write("automation_overrides.json", json!({ "legacy_mats": { "weather_control": false } }));
    write("weather_cache.json", json!({ "fetched_at": "2026-01-10T11:50:00-05:00", "location": {}, "forecast": [] }));
    write("forecast_notification_state.json", json!({ "forecast_hash": "", "forecast_summary": {} }));
}

/// All that was left, as it is on disk.
fn read(folder: &std::path::Path) -> BTreeMap<String, String> {
    let files = ["config.yaml", "state/ramp.json", "state/garden.json", "state/manual_overrides.json"];
    let files = files.into_iter().chain(["state/automation_overrides.json", "state/weather_cache.json"]);
    files.map(|it| (it.to_owned(), std::fs::read_to_string(folder.join(it)).unwrap())).collect()
}

/// All that is looked at before the bridge starts.
fn is_read(settings: &mut Settings) {
    let control = &settings.control;
    assert_eq!(settings.credentials.username, ACCOUNT.0);
    assert_eq!(control.safety.longest_on, SignedDuration::from_hours(5), "the environment wins over the file");
    assert_eq!(control.safety.rest, SignedDuration::from_mins(25));
    assert_eq!(control.zone.iana_name(), Some("America/Toronto"));
    assert_eq!(settings.log.level, "warn");
    let groups: Vec<(&str, bool, usize)> =
        control.groups.values().map(|it| (it.name.as_str(), it.enabled, it.schedules.len())).collect();
    assert_eq!(groups, [("garden", true, 1), ("legacy_mats", false, 1), ("ramp", true, 2)]);
    let (web, health) = (settings.web.as_mut().unwrap(), settings.health.as_mut().unwrap());
    assert_eq!((web.bind_host.as_str(), web.port), ("127.0.0.1", 4328));
    assert_eq!((health.bind_host.as_str(), health.port), ("127.0.0.1", 4444));
    // No test listens on a port that somebody else may have.
    (web.port, health.port) = (0, 0);
}

async fn taken() -> Taken {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let plug = |model, seed| {
        let (username, password) = (ACCOUNT.0.to_owned(), ACCOUNT.1.to_owned());
        Plug::start(PlugOptions { username, password, seed, load: 300.0, ..PlugOptions::new(model) })
    };
    let (upper, lower) = (plug(Model::P210M, 1).await.unwrap(), plug(Model::Ep40m, 2).await.unwrap());
    let (garden, step) = (plug(Model::P304m, 3).await.unwrap(), plug(Model::P400m, 4).await.unwrap());
    for (plug, slot) in [(&upper, 1), (&upper, 2), (&lower, 1), (&step, 2)] {
        plug.press(slot);
        assert!(plug.relay(slot));
    }
    let clock = Clock::driven(noon(), 1.0);
    let time = clock.clone();
    let hours = Storm::recorded(Storm::names()[0]).unwrap();
    let offset = noon().duration_since(Storm::start_of(Storm::names()[0]).unwrap());
    let storm = StormOptions { offset, ..StormOptions::of(hours, Arc::new(move || time.now())) };
    let storm = Storm::start(storm).await.unwrap();
    let (hook, post) = webhook().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    let plugs = [("10.20.0.11", &upper), ("10.20.0.12", &lower), ("10.20.0.13", &garden), ("10.20.0.14", &step)];
    std::fs::write(&file, on_loopback(&plugs, &storm.base_url())).unwrap();
    leave_state(folder.path());
    let flags = Overrides { data: Some(folder.path().join("data")), ..Overrides::default() };
    let writer = Writer::new(Sources { file: Some(file.clone()), env: environment(hook), flags });
    let before = read(folder.path());
    let mut settings = writer.check().unwrap_or_else(|problems| panic!("{problems}"));
    is_read(&mut settings);
    let levers = Levers { config: Some(writer), ..Levers::default() };
    let bridge = Bridge::start_with(settings, clock, levers).await.unwrap();
    let (at, stop) = (bridge.web_address().unwrap(), CancellationToken::new());
    let told = stop.clone().cancelled_owned();
    let bridge = tokio::spawn(async move { bridge.run_until(told).await.unwrap() });
    assert_eq!(read(folder.path()), before, "nothing is changed by the start");
    // Every plug has been asked.
    for _ in 0..400 {
        if send(at, "GET", "/readyz", "", &Value::Null).await.status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    Taken { upper, lower, garden, step, post, at, _folder: folder, _storm: storm, stop, bridge }
}

impl Taken {
    async fn asks(&self, cookie: &str, method: &str, path: &str, body: &Value) -> Told {
        send(self.at, method, path, cookie, body).await
    }

    async fn signs_in(&self, with: Value) -> String {
        let told = self.asks("", "POST", "/api/auth/login", &with).await;
        assert_eq!(told.status, 200, "{}", told.body);
        assert!(told.json()["success"] == true && told.json()["session_expires"].is_string());
        format!("Cookie: {}\r\n", told.header("set-cookie").unwrap().split(';').next().unwrap())
    }

    async fn stop(self) {
        self.stop.cancel();
        self.bridge.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_left_goes_on_as_it_was() {
    let taken = taken().await;
    assert_eq!(
        taken.asks("", "POST", "/api/auth/login", &json!({ "pin": "4711" })).await.status,
        401,
        "the file's PIN"
    );
    let pin = taken.signs_in(json!({ "pin": "2468" })).await;
    // What somebody wished goes on, on every outlet of what was listed as a whole too.
    until("the garden is lit", || (1..=4).all(|slot| taken.garden.relay(slot))).await;
    let lit =
        [(&taken.upper, 1), (&taken.upper, 2), (&taken.lower, 1), (&taken.lower, 2)].map(|(it, slot)| it.relay(slot));
    assert_eq!(lit, [true; 4], "`outlet: 0` was only for display: that plug is listed as a whole");
    until("nobody asks for what is disabled", || !taken.step.relay(2)).await;
    let told = taken.asks(&pin, "GET", "/api/groups/legacy_mats/automation", &Value::Null).await.json();
    assert_eq!(told["base"]["weather_control"], true, "the config as it is: {told:#}");
    assert_eq!(told["overrides"], json!({ "weather_control": false }), "{told:#}");
    assert_eq!(told["effective"]["weather_control"], false, "a person had switched it off: {told:#}");
    let told = taken.asks(&pin, "GET", "/api/mat/status", &Value::Null).await.json();
    let ramp = &told["groups"]["ramp"];
    assert_eq!((&ramp["is_on"], &ramp["mode"]), (&json!(true), &json!("manual")), "{told:#}");
    assert_eq!(ramp["override_expires_at"], "2026-01-10T14:00:00-05:00", "{told:#}");
    assert!(ramp["time_remaining"].as_str().unwrap().starts_with("in 1h 5"), "{told:#}");
    let house = taken.asks(&pin, "GET", "/api/house", &Value::Null).await.json();
    assert!(house["groups"]["ramp"]["runtime_min"].as_i64().unwrap() >= 90, "on since 10:30: {house:#}");
    assert_eq!(house["groups"]["garden"]["runtime_min"], 0, "its cooldown was over");
    let posted = Arc::clone(&taken.post);
    until("the webhook hears of the start", || posted.lock().unwrap().contains("startup_test")).await;
    let post = posted.lock().unwrap().clone();
    assert!(post.contains("POST /hook") && post.to_ascii_lowercase().contains("x-house: ramp"), "{post}");
    taken.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_its_endpoints_answers_in_its_shape() {
    let taken = taken().await;
    let all = taken.signs_in(json!({ "password": PASSWORD })).await;
    until("the garden is lit", || taken.garden.relay(4)).await;
    // A forecast may still be under way.
    for _ in 0..200 {
        if taken.asks(&all, "GET", "/api/weather/forecast", &Value::Null).await.json()["status"] == "ok" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let mut faults = Vec::new();
    for (method, path, body, status, parts) in rows() {
        let told = taken.asks(&all, method, path, &body).await;
        if told.status != status {
            faults.push(format!("{method} {path}: {} and not {status}: {}", told.status, told.body));
            continue;
        }
        let json = told.json();
        for part in parts.iter().filter(|it| json.pointer(&format!("/{it}")).is_none()) {
            faults.push(format!("{method} {path}: no `{part}` in {}", told.body));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    // The contract's page has each of them, and no other. A restart would end all this; `told.rs` asks for one.
    let told = include_str!("../../docs/migrating.md").split("\n## Endpoints\n").nth(1).unwrap();
    let told = told.split("\n## ").next().unwrap();
    let told: BTreeSet<_> = told.split('`').skip(1).step_by(2).filter(|it| it.contains(" /")).collect();
    let mut asked = BTreeSet::from(["POST /api/restart".to_owned()]);
    for (method, path, ..) in rows() {
        let path = path.replace("/ramp/", "/{group}/").replace("/attic/", "/{group}/");
        let path = path
            .replace("/schedules/0", "/schedules/{index}")
            .replace("/schedules/2", "/schedules/{index}")
            .replace("/schedules/7", "/schedules/{index}");
        asked.insert(format!("{method} {path}"));
    }
    assert_eq!(told, asked.iter().map(String::as_str).collect(), "docs/migrating.md and what is asked here");
    taken.stop().await;
}
