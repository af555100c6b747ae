//! What the scheduler before has left is taken over at the very first start.

use std::{
    fs::{self, File},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use heattrax::{
    config,
    model::{Control, ControlSettings, End, Memory, Switch},
    store::{Earlier, earlier},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::noon;

const HOUSE: &str = r#"
location: {latitude: 40.7, longitude: -74, timezone: America/New_York}
safety: {max_runtime_hours: 6, cooldown_minutes: 30}
devices:
  credentials: {username: ann@example.org, password: hunter}
  groups:
    front walk: { items: [ { name: Mat, ip_address: 192.0.2.5, outlets: [0, 1] } ] }
    porch: { items: [ { name: Porch, ip_address: 192.0.2.6 } ] }
"#;

fn settings(house: &str) -> Arc<ControlSettings> {
    config::parse("house.yaml", house, &Default::default(), &Default::default()).unwrap().control
}

fn found(files: &[(&str, Value)]) -> Option<Earlier> {
    found_in(HOUSE, files, "2026-01-15T11:59:00Z", &TimeZone::UTC)
}

/// What is found in files that were written then, by a program in this zone.
fn found_in(house: &str, files: &[(&str, Value)], written: &str, machine: &TimeZone) -> Option<Earlier> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
        fs::write(folder.path().join(name), text).unwrap();
        let file = File::options().write(true).open(folder.path().join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(at(written).as_second().unsigned_abs()))
            .unwrap();
    }
    earlier(&[Path::new("/nowhere").to_owned(), folder.path().to_owned()], &settings(house), machine, noon())
}

fn memory(files: &[(&str, Value)]) -> Memory {
    found(files).unwrap().memory
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_mat_that_is_on_keeps_its_time_as_the_clocks_of_the_place_show_it() {
    // Noon in UTC is seven in the morning there.
    let state = json!({ "device_on": true, "turn_on_time": "2026-01-15T05:30:00.250000", "cooldown_start": null,
        "total_runtime_seconds": 0, "last_updated": "2026-01-15T06:59:00" });
    let memory = memory(&[("front walk.json", state)]);
    assert_eq!(memory.outlets.len(), 2);
    for id in ["mat/1", "mat/2"] {
        assert_eq!(memory.outlets[&id.parse().unwrap()].run.on_since, Some(at("2026-01-15T10:30:00.25Z")));
    }
}

#[test]
fn a_wish_keeps_its_end_and_one_that_has_ended_is_none() {
    let wish = |expires: &str| json!({ "active": true, "action": "off", "timeout_hours": 3.0, "timestamp": "2026-01-15T06:00:00-05:00", "expires_at": expires });
    let files = json!({ "porch": wish("2026-01-15T09:00:00-05:00"), "front walk": wish("2026-01-15T06:30:00-05:00"), "attic": 7 });
    let memory = memory(&[("manual_overrides.json", files)]);
    // How many outlets it has, the config does not say.
    assert_eq!((memory.outlets.len(), memory.whole.len()), (0, 1));
    let wish = memory.whole[&"porch".parse().unwrap()].wish.unwrap();
    assert_eq!(
        (wish.switch, wish.since, wish.end),
        (Switch::Off, at("2026-01-15T11:00:00Z"), End::At(at("2026-01-15T14:00:00Z")))
    );
    // None lasts longer than a day.
    let files = json!({ "porch": { "active": true, "action": "on", "expires_at": "2026-01-17T09:00:00-05:00" } });
    assert_eq!(self::memory(&[("manual_overrides.json", files)]), Memory::default());
}

#[test]
fn a_rest_that_is_not_over_goes_on() {
    let state =
        |from: &str| json!({ "device_on": false, "turn_on_time": null, "cooldown_start": from, "last_updated": from });
    let rests = memory(&[("porch.json", state("2026-01-15T06:45:00"))]);
    let cut = rests.whole[&"porch".parse().unwrap()].cut.unwrap();
    assert_eq!((cut.at, cut.rest), (at("2026-01-15T11:45:00Z"), SignedDuration::from_mins(30)));
    assert_eq!(memory(&[("porch.json", state("2026-01-15T06:15:00"))]), Memory::default());
}

#[test]
fn what_is_old_or_cannot_be_read_is_left_alone() {
    let old =
        json!({ "device_on": true, "turn_on_time": "2025-03-01T05:30:00", "last_updated": "2025-03-01T06:00:00" });
    assert_eq!(memory(&[("porch.json", old)]), Memory::default());
    let ahead =
        json!({ "device_on": true, "turn_on_time": "2026-01-15T23:00:00", "last_updated": "2026-01-15T06:59:00" });
    assert_eq!(memory(&[("porch.json", ahead)]), Memory::default());
    for text in ["", "{", "[]", "7", "null", r#"{"porch": []}"#, r#"{"porch": {"action": "on", "expires_at": 3}}"#] {
        assert_eq!(memory(&[("manual_overrides.json", json!(text))]), Memory::default(), "{text}");
    }
    assert!(found(&[("weather_cache.json", json!({}))]).is_none());
}

/// On since half past one less than it was written, by clocks that show this.
fn on_since(from: &str, until: &str) -> Value {
    json!({ "device_on": true, "turn_on_time": from, "cooldown_start": null, "last_updated": until })
}

#[test]
fn times_are_read_in_the_zone_that_fits_the_date_of_the_file() {
    let (utc, berlin) = (TimeZone::UTC, TimeZone::get("Europe/Berlin").unwrap());
    let mat = "mat/1".parse().unwrap();
    let here = HOUSE;
    let there = &HOUSE.replace("America/New_York", "Europe/Berlin");
    // The config's zone, a container without `TZ`, one with it, and UTC where the config lies east of it.
    for (house, from, until, machine, zone) in [
        (here, "2026-01-15T05:30:00", "2026-01-15T06:59:00", &utc, "America/New_York"),
        (here, "2026-01-15T10:30:00", "2026-01-15T11:59:00", &utc, "UTC"),
        (here, "2026-01-15T11:30:00", "2026-01-15T12:59:00", &berlin, "Europe/Berlin"),
        (there, "2026-01-15T10:30:00", "2026-01-15T11:59:00", &berlin, "UTC"),
    ] {
        let state = on_since(from, until);
        let found = found_in(house, &[("front walk.json", state)], "2026-01-15T11:59:03Z", machine).unwrap();
        let run = found.memory.outlets.get(&mat).map(|it| it.run.on_since);
        assert_eq!(run, Some(Some(at("2026-01-15T10:30:00Z"))), "{zone}: {found:?}");
        assert!(found.words.len() == 1 && found.words[0].contains(zone), "{found:?}");
        assert_eq!(found.warnings, [""; 0]);
    }
}

#[test]
fn times_that_fit_no_zone_are_told() {
    let state = |from: &str, until: &str| [("front walk.json", on_since(from, until))];
    // A copy with a date of its own: what is written is read in the zone of the config.
    let copied = state("2026-01-15T02:00:00", "2026-01-15T04:00:00");
    let found = found_in(HOUSE, &copied, "2026-01-15T11:50:00Z", &TimeZone::UTC).unwrap();
    let run = found.memory.outlets[&"mat/1".parse().unwrap()].run.on_since;
    assert_eq!(run, Some(at("2026-01-15T07:00:00Z")));
    assert!(found.warnings[0].contains("America/New_York, UTC"), "{found:?}");
    // A date that lies ahead is none.
    let found = found_in(HOUSE, &copied, "2026-07-15T11:50:00Z", &TimeZone::UTC).unwrap();
    assert_eq!((found.memory.outlets.len(), found.warnings), (2, vec![]));
    let ahead = state("2026-01-15T22:00:00", "2026-01-15T23:00:00");
    for files in [ahead, [("front walk.json", json!({ "device_on": true }))]] {
        let found = found_in(HOUSE, &files, "2026-01-15T11:59:00Z", &TimeZone::UTC).unwrap();
        assert_eq!((&found.memory, found.warnings.len()), (&Memory::default(), 1), "{found:?}");
        assert!(found.warnings[0].contains("`front walk`"), "{found:?}");
    }
    let old = state("2026-01-13T22:00:00", "2026-01-13T23:00:00");
    let found = found_in(HOUSE, &old, "2026-01-13T23:00:00Z", &TimeZone::UTC).unwrap();
    assert!(found.memory == Memory::default() && found.words[0].contains("older than 24 h"), "{found:?}");
}

/// Groups of before there were schedules, one of after, and one that melts.
const GROUPS: &str = r#"
location: {latitude: 40.7, longitude: -74, timezone: America/New_York}
morning_mode: {enabled: true}
devices:
  credentials: {username: ann@example.org, password: hunter}
  groups:
    mats:
      automation: {weather_control: true, precipitation_control: true, morning_mode: true}
      items: [ { name: Mat, ip_address: 192.0.2.5, outlets: [0, 1] } ]
    steps:
      automation: {weather_control: true, precipitation_control: true}
      items: [ { name: Step, ip_address: 192.0.2.6 } ]
    idle: { items: [ { name: Idle, ip_address: 192.0.2.7, outlets: [0] } ] }
    walk:
      schedules: [ { name: Snow, all_day: true, conditions: { precipitation_active: true } } ]
      items: [ { name: Walk, ip_address: 192.0.2.8, outlets: [0] } ]
    path:
      melt: {enabled: true}
      schedules: [ { name: Dawn, all_day: true } ]
      items: [ { name: Path, ip_address: 192.0.2.10, outlets: [0] } ]
    ramp: { melt: {enabled: true}, items: [ { name: Ramp, ip_address: 192.0.2.9, outlets: [0] } ] }
"#;

fn flagged(flags: Value) -> Earlier {
    let files = [("automation_overrides.json", flags)];
    found_in(GROUPS, &files, "2026-01-15T11:59:00Z", &TimeZone::UTC).unwrap()
}

#[test]
fn a_heater_whose_automation_was_switched_off_does_not_begin_to_heat() {
    let off = json!({ "weather_control": false });
    let flags = json!({ "mats": off, "steps": off, "ramp": off, "idle": off });
    let wish = json!({ "active": true, "action": "on", "expires_at": "2026-01-15T09:00:00-05:00" });
    let files = [("automation_overrides.json", flags), ("manual_overrides.json", json!({ "steps": wish }))];
    let found = found_in(GROUPS, &files, "2026-01-15T11:59:00Z", &TimeZone::UTC).unwrap();
    let memory = &found.memory;
    for id in ["mat/1", "mat/2", "ramp/1"] {
        assert_eq!(memory.outlets[&id.parse().unwrap()].control, Control::Off, "{id}");
    }
    let step = &memory.whole[&"step".parse().unwrap()];
    assert_eq!((step.control, step.wish), (Control::Off, None));
    assert_eq!((memory.outlets.len(), memory.whole.len()), (3, 1), "the config says the same of `idle`");
    for part in ["group `mats`: `weather_control: false`", "group `steps`: its override", "group `ramp`"] {
        assert!(found.warnings.iter().any(|it| it.contains(part)), "{part}: {:#?}", found.warnings);
    }
}

#[test]
fn flags_that_cannot_be_taken_over_are_told_one_by_one() {
    for (group, flags, is_off, told) in [
        // Rules of a group are silent or not: one of them alone cannot be.
        ("mats", json!({ "morning_mode": false }), true, "`morning_mode: false`"),
        (
            "mats",
            json!({ "precipitation_control": false, "morning_mode": true }),
            true,
            "`precipitation_control: false`",
        ),
        ("steps", json!({ "morning_mode": true }), false, "`morning_mode: true`"),
        (
            "idle",
            json!({ "weather_control": true, "morning_mode": true }),
            false,
            "`weather_control: true`, `morning_mode: true`",
        ),
        ("walk", json!({ "weather_control": false }), false, "no effect on a group with `schedules`"),
        ("path", json!({ "weather_control": false }), false, "no effect on a group with `schedules`"),
        ("attic", json!({ "weather_control": false }), false, "no group \"attic\""),
    ] {
        let found = flagged(json!({ group: flags }));
        assert_eq!(found.memory != Memory::default(), is_off, "{group} {flags}");
        assert!(found.warnings.len() == 1 && found.warnings[0].contains(told), "{group} {flags}: {found:#?}");
    }
    // What says nothing else than the config.
    for flags in [json!({ "weather_control": true }), json!({}), json!({ "schedule_control": true }), json!(7)] {
        let found = flagged(json!({ "mats": flags }));
        assert_eq!((found.memory, found.warnings), (Memory::default(), vec![]), "{flags}");
    }
    for text in ["[]", "{", ""] {
        let found = flagged(json!(text));
        assert!(found.warnings[0].contains("automation_overrides.json cannot be read"), "{text}: {found:?}");
    }
}
