//! Whatever is sent to a bridge, on whatever topic: it goes on, nothing is switched that no command asks for, and real commands are
//! still followed. `HEATTRAX_FUZZ_CASES` sends so many messages, `HEATTRAX_FUZZ_SEED` others.

use std::env;

use fastrand::Rng;
use serde_json::json;

use crate::{home::Home, quiet_home};

/// Messages of one run.
const CASES: usize = 3000;
/// So many are sent before the bridge is asked whether it is there.
const BATCH: usize = 100;

fn from_env(name: &str, or: u64) -> u64 {
    env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(or)
}

const LEVELS: [&str; 34] = [
    "heattrax",
    "driveway",
    "porch",
    "1",
    "2",
    "0",
    "256",
    "01",
    "-1",
    "set",
    "get",
    "control",
    "state",
    "acknowledge",
    "longest_runtime",
    "preheat_lead",
    "led",
    "group",
    "walkway",
    "schedule",
    "enabled",
    "on",
    "vacation",
    "automation",
    "pause",
    "weather",
    "local",
    "bridge",
    "request",
    "availability",
    "decision",
    "",
    "ünïcode",
    "$SYS",
];

/// Topics on which commands are heard, and what is close to them.
const TOPICS: [&str; 16] = [
    "heattrax/driveway/1/set",
    "heattrax/driveway/1/set/state",
    "heattrax/driveway/1/control/set",
    "heattrax/driveway/1/acknowledge/set",
    "heattrax/driveway/1/longest_runtime/set",
    "heattrax/driveway/led/set",
    "heattrax/driveway/get",
    "heattrax/group/walkway/set",
    "heattrax/group/walkway/control/set",
    "heattrax/group/walkway/preheat_lead/set",
    "heattrax/group/walkway/schedule/morning/on/set",
    "heattrax/vacation/set",
    "heattrax/automation/pause/set",
    "heattrax/weather/local/set",
    "homeassistant/status",
    "homeassistant/device/tapo_a0b1c2d3e4f6_1/config",
];

const VERBS: [&str; 14] = [
    "health_check",
    "info",
    "log_level",
    "device/refresh",
    "device/options",
    "group/options",
    "schedule/list",
    "schedule/remove",
    "schedule/enable",
    "automation/pause",
    "automation/explain",
    "automation/simulate",
    "safety/ack",
    "nonsense",
];

const WORDS: [&str; 30] = [
    "OFF",
    "off",
    "auto",
    "ONN",
    "O N",
    "true",
    "1",
    "null",
    "{}",
    "[]",
    "\"ON",
    "{\"state\":\"OFF\"}",
    "{\"state\":1}",
    "{\"state\":\"OFF\",\"for\":\"-1m\"}",
    "{\"state\":\"OFF\",\"until\":\"25:00\"}",
    "{\"state\":\"PERHAPS\"}",
    "{\"for\":\"45m\"}",
    "PRESS",
    "online",
    "offline",
    "06:30",
    "99999999999999999999",
    "-0",
    "NaN",
    "1e400",
    "{\"transaction\":[1]}",
    "{\"group\":\"walkway\"}",
    "{\"device\":\"driveway\",\"slot\":1}",
    "{\"temperature_c\":-4,\"ts\":\"yesterday\"}",
    "🧊",
];

fn topic(rng: &mut Rng) -> String {
    let topic = match rng.u8(..10) {
        0..4 => rng.choice(TOPICS).unwrap_or_default().to_owned(),
        4..6 => format!("heattrax/bridge/request/{}", rng.choice(VERBS).unwrap_or_default()),
        6 => {
            // One letter of a real one is another.
            let mut letters: Vec<char> = rng.choice(TOPICS).unwrap_or_default().chars().collect();
            let at = rng.usize(..letters.len());
            letters[at] = rng.char(..);
            letters.into_iter().collect()
        }
        _ => {
            let count = rng.usize(1..7);
            let levels = (0..count).map(|_| rng.choice(LEVELS).unwrap_or_default()).collect::<Vec<_>>().join("/");
            if rng.bool() { format!("heattrax/{levels}") } else { levels }
        }
    };
    // What no client may publish to.
    let topic: String = topic.chars().filter(|it| !matches!(it, '+' | '#' | '\0')).collect();
    if topic.is_empty() || topic.starts_with('$') { "heattrax/x".to_owned() } else { topic }
}

fn payload(rng: &mut Rng) -> Vec<u8> {
    match rng.u8(..10) {
        0..5 => rng.choice(WORDS).unwrap_or_default().as_bytes().to_vec(),
        5 | 6 => {
            let mut bytes = rng.choice(WORDS).unwrap_or_default().as_bytes().to_vec();
            let at = rng.usize(..=bytes.len());
            bytes.insert(at, rng.u8(..));
            bytes
        }
        7 => "[".repeat(rng.usize(..3000)).into_bytes(),
        8 if rng.u8(..20) == 0 => vec![b'x'; 70_000],
        _ => (0..rng.usize(..60)).map(|_| rng.u8(..)).collect(),
    }
}

/// Could it ask for an ON? By its letters alone, so that no reader is trusted.
fn may_switch_on(payload: &[u8]) -> bool {
    let text = String::from_utf8_lossy(payload).trim().to_lowercase();
    ["on", "toggle"].contains(&text.as_str()) || text.contains("\"on\"") || text.contains("toggle")
}

/// It answers this very question, among whatever else it answers.
async fn is_there(home: &mut Home, mark: u64) {
    let mark = format!("batch {mark}");
    home.peer.send("heattrax/bridge/request/health_check", &json!({ "transaction": mark }).to_string()).await;
    home.peer.wait("heattrax/bridge/response/health_check", &["\"ok\"", &mark]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_no_command_switches_anything_or_stops_the_bridge() {
    let (cases, seed) = (from_env("HEATTRAX_FUZZ_CASES", CASES as u64), from_env("HEATTRAX_FUZZ_SEED", 0x4845_4154));
    let mut rng = Rng::with_seed(seed);
    let mut home = quiet_home().await;
    let mut sent = 0;
    while sent < cases {
        let (topic, payload, retain) = (topic(&mut rng), payload(&mut rng), rng.u8(..8) == 0);
        if may_switch_on(&payload) || topic.starts_with("heattrax/bridge/response") {
            continue;
        }
        home.peer.publish(&topic, payload, retain).await;
        sent += 1;
        if sent % BATCH as u64 == 0 {
            is_there(&mut home, sent).await;
            home.peer.forget();
        }
    }
    is_there(&mut home, cases + 1).await;
    assert!(home.mat.log().is_empty() && home.lights.log().is_empty(), "seed {seed}: {:?}", home.mat.log());
    // Real commands are followed as before, once what people may have set meanwhile is undone.
    home.peer.send("heattrax/vacation/set", "OFF").await;
    home.peer.send("heattrax/driveway/1/control/set", "auto").await;
    home.peer.send("heattrax/driveway/1/set", "ON").await;
    home.peer.wait("heattrax/driveway/1", &["\"state\":\"ON\""]).await;
    assert!(home.mat.relay(1));
    home.stop().await;
}
