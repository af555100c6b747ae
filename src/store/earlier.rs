//! What the scheduler that this bridge follows has left in its `state` folder: taken over once, at the very first start, so that a mat
//! that is on keeps its time, and a person's wish its end. Nothing there is changed.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use serde_json::Value;

use crate::model::{ControlSettings, Cut, End, Memory, Origin, OutletId, Remembered, Run, Switch, Wish};

/// None of its files is larger.
const LARGEST: u64 = 256 * 1024;
/// What was written longer ago says nothing of today.
const OLDEST: SignedDuration = SignedDuration::from_hours(24);
const OVERRIDES: &str = "manual_overrides.json";
const FLAGS: &str = "automation_overrides.json";

/// What was found.
#[derive(Debug, Default)]
pub struct Earlier {
    /// What is remembered from now on.
    pub memory: Memory,
    /// What was taken over and what was not, in words.
    pub words: Vec<String>,
}

/// Looks into the first of these folders that is such a `state` folder. Its times without a zone are read in the zone of the settings.
/// `None` if there is none. Blocks.
pub fn earlier(folders: &[PathBuf], settings: &ControlSettings, now: Timestamp) -> Option<Earlier> {
    let groups = || settings.groups.values();
    let is_one =
        |it: &&PathBuf| it.join(OVERRIDES).is_file() || groups().any(|group| state_of(it, &group.name).is_some());
    let folder = folders.iter().find(is_one)?;
    let mut found = Earlier::default();
    let overrides = json(&folder.join(OVERRIDES)).unwrap_or_default();
    for group in groups() {
        let state = state_of(folder, &group.name).unwrap_or_default();
        let mut known = remembered(&state, settings, now);
        known.wish = overrides.get(&group.name).and_then(|it| wish(it, &settings.zone, now));
        if known == Remembered::default() {
            continue;
        }
        found.words.push(format!("group `{}`: {}", group.name, in_words(&known)));
        for member in &group.members {
            match &member.slots {
                Some(slots) => {
                    let ids = slots.iter().map(|slot| OutletId::new(member.device.clone(), *slot));
                    found.memory.outlets.extend(ids.map(|id| (id, known.clone())));
                }
                // How many it has, it says itself.
                None => drop(found.memory.whole.insert(member.device.clone(), known.clone())),
            }
        }
    }
    if json(&folder.join(FLAGS)).is_some_and(|it| it.as_object().is_some_and(|it| !it.is_empty())) {
        let words = format!("{FLAGS} holds settings: write them into `automation` of the groups in the config");
        found.words.push(words);
    }
    Some(found)
}

fn state_of(folder: &Path, group: &str) -> Option<Value> {
    // A group's name must not lead elsewhere.
    let is_name = !group.contains(['/', '\\', '\0']) && !group.starts_with('.');
    if is_name { json(&folder.join(format!("{group}.json"))).filter(|it| it.get("device_on").is_some()) } else { None }
}

/// How long it has been on, or how long it rests.
fn remembered(state: &Value, settings: &ControlSettings, now: Timestamp) -> Remembered {
    let at = |key: &str| time(state.get(key)?, &settings.zone).filter(|it| *it <= now);
    let is_of_today = at("last_updated").is_some_and(|it| now.duration_since(it) <= OLDEST);
    if !is_of_today {
        return Remembered::default();
    }
    if state.get("device_on").and_then(Value::as_bool) == Some(true) {
        let run = Run { on_since: at("turn_on_time"), ..Run::default() };
        return Remembered { run, ..Remembered::default() };
    }
    let (rest, limit) = (settings.safety.rest, settings.safety.longest_on);
    let began = at("cooldown_start").filter(|it| now.duration_since(*it) < rest);
    let cut = began.map(|at| Cut { at, rest, ran: limit, limit });
    let run = Run { off_since: began, ..Run::default() };
    Remembered { cut, run, ..Remembered::default() }
}

/// A person's wish that has not ended, at most a day long.
fn wish(it: &Value, zone: &TimeZone, now: Timestamp) -> Option<Wish> {
    let is_active = it.get("active").and_then(Value::as_bool) != Some(false);
    let switch = match it.get("action").and_then(Value::as_str).filter(|_| is_active)? {
        "on" => Switch::On,
        "off" => Switch::Off,
        _ => return None,
    };
    let end = time(it.get("expires_at")?, zone)?;
    let is_ahead = end > now && end.duration_since(now) <= OLDEST;
    let since = it.get("timestamp").and_then(|it| time(it, zone)).filter(|it| *it <= now).unwrap_or(now);
    is_ahead.then_some(Wish { switch, since, end: End::At(end), origin: Origin::Web })
}

/// With an offset, or as clocks of the zone show it.
fn time(it: &Value, zone: &TimeZone) -> Option<Timestamp> {
    let text = it.as_str()?;
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    zone.to_timestamp(text.parse::<civil::DateTime>().ok()?).ok()
}

fn in_words(known: &Remembered) -> String {
    let wish = known.wish.map(|it| format!("wished {}", if it.switch == Switch::On { "on" } else { "off" }));
    let run = known.run.on_since.map(|it| format!("on since {it}"));
    let cut = known.cut.map(|it| format!("rests since {}", it.at));
    wish.into_iter().chain(run).chain(cut).collect::<Vec<_>>().join(", ")
}

fn json(path: &Path) -> Option<Value> {
    let mut text = String::new();
    File::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
