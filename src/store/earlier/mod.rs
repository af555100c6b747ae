//! What the scheduler that this bridge follows has left in its `state` folder: taken over once, at the very first start, so that a mat
//! that is on keeps its time, and a person's wish its end. Nothing there is changed.

mod clock;
mod flags;

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value};

use self::clock::{OLDEST, Told, Zone, time};
use crate::model::{
    Control, ControlSettings, Cut, End, GroupSettings, Memory, Origin, OutletId, Remembered, Run, Switch, Wish,
};

/// None of its files is larger.
const LARGEST: u64 = 256 * 1024;
const OVERRIDES: &str = "manual_overrides.json";
const FLAGS: &str = "automation_overrides.json";

/// What was found.
#[derive(Debug, Default)]
pub struct Earlier {
    /// What is remembered from now on.
    pub memory: Memory,
    /// What was taken over, in words.
    pub words: Vec<String>,
    /// What was not, or in another way than it stands there.
    pub warnings: Vec<String>,
}

/// Looks into the first of these folders that is such a `state` folder. Its times without an offset are read in the zone of the settings, in
/// that of the `machine` or in UTC, whichever fits them. `None` if there is no such folder. Blocks.
pub fn earlier(folders: &[PathBuf], settings: &ControlSettings, machine: &TimeZone, now: Timestamp) -> Option<Earlier> {
    let groups = || settings.groups.values();
    let is_one = |it: &&PathBuf| {
        [OVERRIDES, FLAGS].iter().any(|file| it.join(file).is_file())
            || groups().any(|group| state_of(it, &group.name).is_some())
    };
    let folder = folders.iter().find(is_one)?;
    let mut found = Earlier::default();
    let zones = clock::zones(&settings.zone, machine);
    let overrides = json(&folder.join(OVERRIDES)).unwrap_or_default();
    let flags = found.flags(folder, settings);
    for group in groups() {
        let mut known = found.state(folder, group, settings, &zones, now);
        known.wish = overrides.get(&group.name).and_then(|it| wish(it, &settings.zone, now));
        let silenced = flags::of(group, flags.get(&group.name));
        found.warnings.extend(silenced.warnings);
        if silenced.is_off {
            // A wish would never come true, or only when the control is given back.
            if known.wish.take().is_some_and(|it| it.switch.is_on()) {
                found.warnings.push(format!("group `{}`: its override `on` is not taken over beside that", group.name));
            }
            known.control = Control::Off;
        }
        found.keep(group, &known);
    }
    Some(found)
}

impl Earlier {
    /// What people had switched; those of no group of ours are told.
    fn flags(&mut self, folder: &Path, settings: &ControlSettings) -> Map<String, Value> {
        let path = folder.join(FLAGS);
        if !path.is_file() {
            return Map::new();
        }
        let Some(Value::Object(flags)) = json(&path) else {
            self.warnings
                .push(format!("{} cannot be read: what people had switched in it is not taken over", path.display()));
            return Map::new();
        };
        self.warnings.extend(flags::of_nobody(&flags, settings));
        flags
    }

    /// What its state says of a group.
    fn state(
        &mut self,
        folder: &Path,
        group: &GroupSettings,
        settings: &ControlSettings,
        zones: &[Zone],
        now: Timestamp,
    ) -> Remembered {
        let Some((path, state)) = state_of(folder, &group.name) else { return Remembered::default() };
        // Off, and at no rest: there is nothing that its times could tell.
        let is_on = state.get("device_on").and_then(Value::as_bool) == Some(true);
        if !is_on && !state.get("cooldown_start").is_some_and(Value::is_string) {
            return Remembered::default();
        }
        let (name, tried) = (&group.name, zones.iter().map(|it| it.name.as_str()).collect::<Vec<_>>());
        let zone = match clock::told(&state, clock::written(&path, now), zones, now) {
            Told::In(zone) => zone,
            Told::Perhaps(zone) => {
                let (all, taken) = (tried.join(", "), &zone.name);
                self.warnings.push(format!(
                    "group `{name}`: the times of its state fit the date of the file in none of {all}: they are read in {taken}"
                ));
                zone
            }
            Told::Old => {
                self.words.push(format!("group `{name}`: nothing, its state is older than 24 h"));
                return Remembered::default();
            }
            Told::Ahead => {
                let all = tried.join(", ");
                self.warnings.push(format!(
                    "group `{name}`: the times of its state lie ahead in each of {all}: it is not taken over"
                ));
                return Remembered::default();
            }
            Told::Nothing => {
                self.warnings
                    .push(format!("group `{name}`: its state has no time that can be read: it is not taken over"));
                return Remembered::default();
            }
        };
        let known = remembered(&state, &zone.zone, settings, now);
        if known != Remembered::default() {
            self.words.push(format!("group `{name}`: {} (its times are those of {})", in_words(&known), zone.name));
        }
        known
    }

    /// Remembers it of each outlet of a group.
    fn keep(&mut self, group: &GroupSettings, known: &Remembered) {
        if *known == Remembered::default() {
            return;
        }
        if let Some(wish) = known.wish {
            let (switch, until) = (wish.switch, wish.end.latest());
            self.words.push(format!("group `{}`: wished {switch} until {until}", group.name));
        }
        for member in &group.members {
            match &member.slots {
                Some(slots) => {
                    let ids = slots.iter().map(|slot| OutletId::new(member.device.clone(), *slot));
                    self.memory.outlets.extend(ids.map(|id| (id, known.clone())));
                }
                // How many it has, it says itself.
                None => drop(self.memory.whole.insert(member.device.clone(), known.clone())),
            }
        }
    }
}

fn state_of(folder: &Path, group: &str) -> Option<(PathBuf, Value)> {
    // A group's name must not lead elsewhere.
    let is_name = !group.contains(['/', '\\', '\0']) && !group.starts_with('.');
    let path = is_name.then(|| folder.join(format!("{group}.json")))?;
    let state = json(&path).filter(|it| it.get("device_on").is_some())?;
    Some((path, state))
}

/// How long it has been on, or how long it rests.
fn remembered(state: &Value, zone: &TimeZone, settings: &ControlSettings, now: Timestamp) -> Remembered {
    let at = |key: &str| time(state.get(key)?, zone).filter(|it| *it <= now);
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

fn in_words(known: &Remembered) -> String {
    let run = known.run.on_since.map(|it| format!("on since {it}"));
    let cut = known.cut.map(|it| format!("rests since {}", it.at));
    run.into_iter().chain(cut).collect::<Vec<_>>().join(", ")
}

fn json(path: &Path) -> Option<Value> {
    let mut text = String::new();
    File::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
