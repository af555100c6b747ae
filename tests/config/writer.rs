//! The one writer.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
};

use heattrax::{
    config::{Edited, Refused, Sources, Writer},
    model::{Class, ConfigEdit, Which},
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::env;

/// Every style that people write: sections on one line and on several, lists of both kinds, comments everywhere.
const HOUSE: &str = r#"# My house
location: {latitude: 40.7, longitude: -74.0, timezone: America/New_York}
safety: { max_runtime_hours: 6, cooldown_minutes: 30 } # the limits
devices:
  credentials:
    username: ann@example.org   # the account
    password: 'hunter 22'
  groups:
    # in front of the house
    front_walk:
      class: heater
      enabled: true
      items:
        - name: Mat   # left
          ip_address: "192.168.1.5"
          outlets: [0]
        - { name: Tree, ip_address: 192.168.1.5, outlets: [1] }
      schedules:
        # before school
        - name: morning
          on: { type: time, value: "06:00" }
          off: { type: time, value: "09:00" }  # then the sun comes
          days: [1, 2, 3]
        - { name: evening, on: { type: time, value: "18:00" }, off: { type: time, value: "20:00" } }
    porch:
      items: [ { name: Porch, ip_address: 192.168.1.6 } ]
mqtt: {host: localhost}
# the end
"#;

struct Desk {
    _folder: TempDir,
    file: PathBuf,
    writer: Writer,
}

impl Desk {
    fn with(text: &str, pairs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("house.yaml");
        fs::write(&file, text).unwrap();
        let sources = Sources { file: Some(file.clone()), env: env(pairs), ..Sources::default() };
        Self { _folder: folder, file, writer: Writer::new(sources) }
    }

    fn new() -> Self {
        Self::with(HOUSE, &[])
    }

    fn edit(&self, wish: &ConfigEdit) -> Result<Edited, Refused> {
        self.writer.apply(wish, None, "2026-11-27T06:30:00Z".parse().unwrap())
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.file).unwrap()
    }

    fn refuses(&self, wish: &ConfigEdit, words: &str) {
        let before = self.text();
        let said = self.edit(wish).unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
        assert_eq!(self.text(), before, "the file was changed");
        assert_eq!(fs::read_dir(self.file.parent().unwrap()).unwrap().count(), 1, "something was left beside it");
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn put(group: &str, schedule: Value) -> ConfigEdit {
    ConfigEdit::PutSchedule { group: group.parse().unwrap(), replaces: None, schedule: object(schedule) }
}

fn enable(name: &str, enabled: bool) -> ConfigEdit {
    ConfigEdit::EnableSchedule { group: "front_walk".parse().unwrap(), which: Which::named(name), enabled }
}

fn remove(name: &str) -> ConfigEdit {
    ConfigEdit::RemoveSchedule { group: "front_walk".parse().unwrap(), which: Which::named(name) }
}

fn rename(device: &str, slot: Option<u8>, name: &str) -> ConfigEdit {
    ConfigEdit::Rename { device: device.parse().unwrap(), slot, name: name.to_owned() }
}

fn device(name: &str, options: Value) -> ConfigEdit {
    ConfigEdit::SetDevice { device: name.parse().unwrap(), options: object(options) }
}

fn group(name: &str, options: Value) -> ConfigEdit {
    ConfigEdit::SetGroup { group: name.parse().unwrap(), options: object(options) }
}

/// The lines that only one of two texts has: `-` of the first, `+` of the second.
fn differences(before: &str, after: &str) -> Vec<String> {
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let gone = before.iter().filter(|it| !after.contains(it)).map(|it| format!("-{it}"));
    let come = after.iter().filter(|it| !before.contains(it)).map(|it| format!("+{it}"));
    gone.chain(come).collect()
}

/// Edits, and the lines that they take away and bring.
#[expect(clippy::too_many_lines, reason = "a table")]
fn edits() -> Vec<(ConfigEdit, &'static [&'static str])> {
    let night =
        json!({"name": "night", "on": {"type": "time", "value": "22:00"}, "off": {"type": "time", "value": "23:00"}});
    vec![
        (
            put("front_walk", night.clone()),
            &[r#"+        - { name: night, on: { type: time, value: "22:00" }, off: { type: time, value: "23:00" } }"#],
        ),
        (
            put("porch", night),
            &[
                r#"+      schedules: [{ name: night, on: { type: time, value: "22:00" }, off: { type: time, value: "23:00" } }]"#,
            ],
        ),
        (
            put(
                "front_walk",
                json!({"name": "evening", "on": {"type": "time", "value": "17:00"}, "off": {"type": "time", "value": "18:00"}}),
            ),
            &[
                r#"-        - { name: evening, on: { type: time, value: "18:00" }, off: { type: time, value: "20:00" } }"#,
                r#"+        - { name: evening, on: { type: time, value: "17:00" }, off: { type: time, value: "18:00" } }"#,
            ],
        ),
        (enable("morning", false), &["+          enabled: false"]),
        (
            enable("evening", false),
            &[
                r#"-        - { name: evening, on: { type: time, value: "18:00" }, off: { type: time, value: "20:00" } }"#,
                r#"+        - { name: evening, on: { type: time, value: "18:00" }, off: { type: time, value: "20:00" }, enabled: false }"#,
            ],
        ),
        (
            remove("morning"),
            &[
                "-        - name: morning",
                r#"-          on: { type: time, value: "06:00" }"#,
                r#"-          off: { type: time, value: "09:00" }  # then the sun comes"#,
                "-          days: [1, 2, 3]",
            ],
        ),
        (
            rename("mat", None, "Auf: der \"Treppe\""),
            &["-        - name: Mat   # left", r#"+        - name: "Auf: der \"Treppe\""   # left"#],
        ),
        (
            rename("mat", Some(2), "Fir tree"),
            &[
                "-        - { name: Tree, ip_address: 192.168.1.5, outlets: [1] }",
                "+        - { name: Fir tree, ip_address: 192.168.1.5, outlets: [1] }",
            ],
        ),
        (device("mat", json!({"poll_seconds": 9})), &["+          poll_seconds: 9"]),
        (
            device("porch", json!({"ip_address": "192.168.1.9", "mac": "A0:B1:C2:D3:E4:F5"})),
            &[
                "-      items: [ { name: Porch, ip_address: 192.168.1.6 } ]",
                r#"+      items: [ { name: Porch, ip_address: "192.168.1.9", mac: "A0:B1:C2:D3:E4:F5" } ]"#,
            ],
        ),
        (group("front_walk", json!({"manual_override_hours": 4})), &["+      manual_override_hours: 4"]),
        (group("front_walk", json!({"melt.lead_minutes": 90})), &["+      melt: { lead_minutes: 90 }"]),
        (group("front_walk", json!({"enabled": null})), &["-      enabled: true"]),
    ]
}

#[test]
fn an_edit_changes_its_own_lines_and_no_others() {
    for (wish, wanted) in edits() {
        let desk = Desk::new();
        let edited = desk.edit(&wish).unwrap_or_else(|it| panic!("{wish:?}: {it}"));
        assert_eq!(differences(HOUSE, &desk.text()), wanted, "{wish:?}");
        assert!(!edited.paths.is_empty());
        assert_eq!(edited.etag, desk.writer.etag().unwrap());
        desk.writer.check().unwrap();
    }
}

#[test]
fn what_the_file_says_already_is_not_written_again() {
    let desk = Desk::new();
    let before = fs::metadata(&desk.file).unwrap().ino();
    let edited = desk.edit(&group("front_walk", json!({"enabled": true}))).unwrap();
    assert!(edited.paths.is_empty());
    assert_eq!(fs::metadata(&desk.file).unwrap().ino(), before);
}

#[test]
fn the_limits_of_a_schedule_stay_as_the_file_has_them() {
    let limited = HOUSE.replace("days: [1, 2, 3]", "days: [1, 2, 3]\n          safety: { max_runtime_hours: 2 }");
    let desk = Desk::with(&limited, &[]);
    let noon =
        json!({"name": "morning", "on": {"type": "time", "value": "12:00"}, "off": {"type": "time", "value": "13:00"}});
    desk.edit(&put("front_walk", noon)).unwrap();
    let settings = desk.writer.check().unwrap();
    let schedule = &settings.control.groups.values().find(|it| it.name == "front_walk").unwrap().schedules[0];
    assert_eq!(schedule.longest_on.map(|it| it.as_hours()), Some(2), "{}", desk.text());
}

#[test]
fn a_schedule_with_another_name_stays_where_it_is_with_its_limits() {
    let limited = HOUSE.replace("days: [1, 2, 3]", "days: [1, 2, 3]\n          safety: { max_runtime_hours: 2 }");
    let desk = Desk::with(&limited, &[]);
    let dawn =
        json!({"name": "dawn", "on": {"type": "time", "value": "04:00"}, "off": {"type": "time", "value": "05:00"}});
    let group = "front_walk".parse().unwrap();
    let replaces = Some(Which::named("morning"));
    desk.edit(&ConfigEdit::PutSchedule { group, replaces, schedule: object(dawn) }).unwrap();
    let settings = desk.writer.check().unwrap();
    let schedules = &settings.control.groups.values().find(|it| it.name == "front_walk").unwrap().schedules;
    let told: Vec<_> = schedules.iter().map(|it| (it.name.as_str(), it.longest_on.map(|it| it.as_hours()))).collect();
    assert_eq!(told, [("dawn", Some(2)), ("evening", None)], "{}", desk.text());
}

#[test]
fn of_schedules_with_one_name_the_one_at_its_place_is_meant_and_none_is_guessed_at() {
    let desk = Desk::with(&HOUSE.replace("name: morning", "name: evening"), &[]);
    let group = || "front_walk".parse().unwrap();
    let which = |name: &str, place| Which { name: name.to_owned(), place };
    let silent = |which| ConfigEdit::EnableSchedule { group: group(), which, enabled: false };
    desk.refuses(&silent(which("evening", None)), "several schedules of that group have the name `evening`");
    desk.refuses(&put("front_walk", json!({"name": "evening", "all_day": true})), "several schedules");
    desk.refuses(&silent(which("evening", Some(2))), "schedule 2 of that group is not `evening` any more");
    desk.refuses(&silent(which("noon", Some(1))), "schedule 1 of that group is not `noon` any more");
    // Nor does one take another one's name.
    let replaces = Some(which("evening", Some(0)));
    let schedule = object(json!({"name": "night", "all_day": true}));
    let night = Desk::with(&HOUSE.replace("name: morning", "name: night"), &[]);
    let taken = ConfigEdit::PutSchedule { group: group(), replaces, schedule };
    night.refuses(&taken, "there is a schedule `night` in this group already");
    desk.edit(&silent(which("evening", Some(1)))).unwrap();
    desk.edit(&ConfigEdit::RemoveSchedule { group: group(), which: which("evening", Some(0)) }).unwrap();
    let settings = desk.writer.check().unwrap();
    let schedules = &settings.control.groups.values().find(|it| it.name == "front_walk").unwrap().schedules;
    assert_eq!(schedules.iter().map(|it| it.enabled).collect::<Vec<_>>(), [false], "{}", desk.text());
}

#[test]
fn a_heater_stays_one_whatever_becomes_of_its_rules() {
    let text = HOUSE
        .replace("- name: morning", "- name: morning\n          conditions: { temperature_max: 34 }")
        .replace("      class: heater\n", "");
    let desk = Desk::with(&text, &[]);
    let heats = |desk: &Desk| {
        let settings = desk.writer.check().unwrap();
        let group = settings.control.groups.values().find(|it| it.name == "front_walk").unwrap().clone();
        (group.class == Class::Heater, group.require_device_timer)
    };
    assert_eq!(heats(&desk), (true, true), "it melts snow: {text}");
    let edited = desk.edit(&remove("morning")).unwrap();
    assert_eq!(heats(&desk), (true, true), "{}", desk.text());
    assert!(edited.paths.contains(&"devices.groups.front_walk.class".to_owned()), "{edited:?}");
    // Under another key it is the same group, and there is no second one.
    let desk = Desk::with(&text, &[]);
    let item = json!({ "name": "Mat", "ip_address": "192.168.1.5", "outlets": [0] });
    let whole = json!({ "devices": { "groups": { "front-walk": { "items": [item] },
        "porch": { "items": [{ "name": "Porch", "ip_address": "192.168.1.6" }] } } } });
    desk.edit(&ConfigEdit::Whole(object(whole))).unwrap();
    let settings = desk.writer.check().unwrap_or_else(|it| panic!("{it}\n{}", desk.text()));
    assert!(settings.control.groups.values().any(|it| it.name == "front-walk" && it.class == Class::Heater));
    // Who says what it is instead is believed.
    let desk = Desk::with(&text, &[]);
    let light = ("devices.groups.front_walk.class".to_owned(), json!("light"));
    desk.edit(&ConfigEdit::Set(vec![light])).unwrap();
    assert_eq!(heats(&desk), (false, false), "{}", desk.text());
}

#[test]
fn of_several_items_those_that_were_named_go() {
    let list = "        - name: noon\n          all_day: true\n        - name: night\n          all_day: true\n";
    let text = HOUSE.replace("        - name: morning", &format!("{list}        - name: morning"));
    let desk = Desk::with(&text, &[]);
    let at = |key: &str| format!("devices.groups.front_walk.schedules{key}");
    let wish = vec![(at("[0]"), Value::Null), (at("[1].enabled"), json!(false)), (at("[2]"), Value::Null)];
    desk.edit(&ConfigEdit::Set(wish)).unwrap();
    let settings = desk.writer.check().unwrap();
    let group = settings.control.groups.values().find(|it| it.name == "front_walk").unwrap();
    let left: Vec<_> = group.schedules.iter().map(|it| (it.name.as_str(), it.enabled)).collect();
    assert_eq!(left, [("night", false), ("evening", true)], "{}", desk.text());
}

#[test]
fn two_edits_within_a_second_keep_what_was_there_before_the_first() {
    let desk = Desk::new();
    desk.edit(&enable("morning", false)).unwrap();
    desk.edit(&enable("evening", false)).unwrap();
    let kept = desk.writer.backups();
    let texts: Vec<_> = kept.iter().map(|it| desk.writer.backup(it).unwrap()).collect();
    assert!(texts.len() == 2 && texts[1] == HOUSE, "the newest first: {kept:?}");
}

#[test]
fn the_last_schedule_leaves_an_empty_list() {
    let desk = Desk::new();
    desk.edit(&remove("morning")).unwrap();
    desk.edit(&remove("evening")).unwrap();
    assert!(desk.text().contains("      schedules: []\n"), "{}", desk.text());
    assert!(desk.writer.check().unwrap().control.groups.values().all(|it| it.schedules.is_empty()));
}

#[test]
fn what_would_be_wrong_or_is_not_there_changes_nothing_and_is_told() {
    let desk = Desk::new();
    let table = [
        (group("front_walk", json!({"manual_override_hours": 40})), "manual_override_hours: found 40"),
        (group("front_walk", json!({"manual_overide_hours": 4})), "did you mean `manual_override_hours`?"),
        (group("front_walk", json!({"items": []})), "is for the file"),
        (group("front_walk", json!({"require_device_timer": false})), "is for the file"),
        (group("front_walk", json!({"melt.max_runtime_hours": 99})), "`melt.max_runtime_hours` is not to be set"),
        (group("front_walk", json!({"melt": {"max_runtime_hours": 99}})), "`melt` is not to be set"),
        (group("front_walk", json!({"melt": null, "melt.enabled": true})), "`melt` is not to be set"),
        (put("front_walk", json!({"name": "morning", "safety": {"max_runtime_hours": 99}})), "are for the file"),
        (device("mat", json!({"rated_watts": 4000})), "is no option of a device"),
        (group("garden", json!({"enabled": true})), "the file has no group `garden`"),
        (put("front_walk", json!({"name": "x", "on": {"type": "time", "value": "25:00"}})), "25:00"),
        (put("front_walk", json!({"on": {"type": "time", "value": "05:00"}})), "needs a `name`"),
        (remove("noon"), "there is no schedule `noon`"),
        (enable("noon", true), "there is no schedule `noon`"),
        (rename("fence", None, "Gate"), "the file has no device `fence`"),
        (rename("porch", Some(1), "Gate"), "names `porch` as a whole"),
        (rename("mat", Some(3), "Gate"), "no item of the file is outlet 3 of `mat` alone"),
        (rename("mat", None, "bridge"), "the reserved name `bridge`"),
        (device("mat", json!({"outlets": [1]})), "`outlets` is no option of a device"),
        (device("mat", json!({"poll_seconds": 0})), "poll_seconds: found 0"),
    ];
    for (wish, words) in &table {
        desk.refuses(wish, words);
    }
}

#[test]
fn of_changes_at_once_none_is_lost() {
    for _ in 0..8 {
        let desk = Desk::new();
        std::thread::scope(|scope| {
            for wish in [enable("morning", false), enable("evening", false), rename("porch", None, "Front porch")] {
                let desk = &desk;
                scope.spawn(move || desk.edit(&wish).unwrap());
            }
        });
        let text = desk.text();
        assert_eq!((text.matches("enabled: false").count(), text.matches("Front porch").count()), (2, 1), "{text}");
    }
}

#[test]
fn a_change_by_somebody_else_is_noticed() {
    let desk = Desk::new();
    let mark = desk.writer.etag().unwrap();
    let now: Timestamp = "2026-11-27T06:30:00Z".parse().unwrap();
    fs::write(&desk.file, format!("{HOUSE}# mine\n")).unwrap();
    let refused = desk.writer.apply(&enable("morning", false), Some(&mark), now).unwrap_err();
    assert!(matches!(refused, Refused::Changed), "{refused}");
    let mark = desk.writer.etag().unwrap();
    desk.writer.apply(&enable("morning", false), Some(&mark), now).unwrap();
    assert!(desk.text().ends_with("# mine\n"));
}

#[test]
fn what_the_environment_holds_is_refused_by_its_name() {
    let name = "HEATTRAX_DEVICES__GROUPS__PORCH__ENABLED";
    let desk = Desk::with(HOUSE, &[(name, "true")]);
    desk.refuses(&group("porch", json!({"enabled": false})), name);
}

#[test]
fn the_file_keeps_its_permissions_and_what_was_there_is_kept_beside_it() {
    let desk = Desk::new();
    fs::set_permissions(&desk.file, fs::Permissions::from_mode(0o640)).unwrap();
    for minute in 10..25 {
        let at: Timestamp = format!("2026-11-27T06:{minute}:00Z").parse().unwrap();
        desk.writer.apply(&enable("morning", minute % 2 == 0), None, at).unwrap();
    }
    assert_eq!(fs::metadata(&desk.file).unwrap().permissions().mode() & 0o777, 0o640);
    let mut names: Vec<_> = fs::read_dir(desk.file.parent().unwrap())
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 11, "the file and the newest ten: {names:?}");
    assert_eq!(names[1], "house.yaml.2026-11-27T06-15-00Z.bak");
}

#[test]
fn a_link_to_the_file_stays_one() {
    let desk = Desk::new();
    let link = desk.file.with_file_name("link.yaml");
    std::os::unix::fs::symlink(&desk.file, &link).unwrap();
    let writer = Writer::new(Sources { file: Some(link.clone()), ..Sources::default() });
    writer.apply(&enable("morning", false), None, Timestamp::UNIX_EPOCH).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(desk.text().contains("enabled: false"));
}

#[test]
fn a_file_that_is_read_only_is_said_to_be() {
    let desk = Desk::new();
    fs::set_permissions(&desk.file, fs::Permissions::from_mode(0o444)).unwrap();
    desk.refuses(&enable("morning", false), "cannot be written: it is read-only");
}

fn any_wish() -> impl Strategy<Value = ConfigEdit> {
    let names =
        || prop_oneof![Just("morning"), Just("evening"), Just("a: b"), Just("#1"), Just("ja"), Just("\u{e4}\n\"")];
    let groups = || prop_oneof![Just("front_walk"), Just("porch")];
    prop_oneof![
        (groups(), names(), 0..24u8, any::<bool>()).prop_map(|(group, name, hour, enabled)| put(
            group,
            json!({"name": name, "on": {"type": "time", "value": format!("{hour:02}:30")}, "off": {"type": "time", "value": "23:45"}, "enabled": enabled})
        )),
        names().prop_map(remove),
        (names(), any::<bool>()).prop_map(|(name, on)| enable(name, on)),
        (prop_oneof![Just("mat"), Just("porch")], 1..4000u32)
            .prop_map(|(it, watts)| device(it, json!({"poll_seconds": watts}))),
        Just(device("mat", json!({"poll_seconds": null}))),
        (groups(), 1..200u32)
            .prop_map(|(it, minutes)| group(it, json!({"manual_override_hours": f64::from(minutes) / 10.0}))),
        Just(group("front_walk", json!({"melt.enabled": true, "melt.lead_minutes": 45}))),
        Just(group("front_walk", json!({"melt": null}))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_edited_the_file_loads_and_its_comments_are_there(wishes in proptest::collection::vec(any_wish(), 1..12)) {
        let desk = Desk::new();
        for wish in &wishes {
            let before = desk.text();
            match desk.edit(wish) {
                Ok(edited) => prop_assert!(desk.writer.check().is_ok(), "{wish:?}\n{edited:?}\n{}", desk.text()),
                Err(_) => prop_assert_eq!(desk.text(), before),
            }
        }
        let text = desk.text();
        for comment in ["# My house", "# the limits", "# the account", "# in front of the house", "# left", "# the end"] {
            prop_assert!(text.contains(comment), "{comment} is gone after {wishes:?}\n{text}");
        }
        prop_assert!(text.contains("password: 'hunter 22'"));
    }
}

#[test]
fn the_page_does_not_switch_itself_off() {
    let off = ConfigEdit::Set(vec![("web.enabled".to_owned(), false.into())]);
    let whole = ConfigEdit::Whole(object(json!({ "web": { "enabled": false } })));
    for text in [HOUSE.to_owned(), HOUSE.replace("40.7,", "940.7,")] {
        let desk = Desk::with(&text, &[]);
        for wish in [&off, &whole] {
            desk.refuses(wish, "HEATTRAX_WEB_ENABLED=false");
        }
        let refused = desk.writer.put_text(&format!("{HOUSE}web: {{enabled: false}}\n"), None, Timestamp::UNIX_EPOCH);
        assert!(matches!(refused, Err(Refused::PageOff(_))), "{refused:?}");
        assert_eq!(desk.text(), text);
    }
    // Nor with a first file.
    let desk = Desk::new();
    fs::remove_file(&desk.file).unwrap();
    let refused = desk.writer.put_text(&format!("{HOUSE}web: {{enabled: false}}\n"), None, Timestamp::UNIX_EPOCH);
    assert!(matches!(refused, Err(Refused::PageOff(_))), "{refused:?}");
}

#[test]
fn a_page_that_is_off_in_the_file_already_hinders_no_other_change() {
    let off = format!("{HOUSE}web: {{enabled: false}}\n");
    let desk = Desk::with(&off.replace("40.7,", "940.7,"), &[]);
    desk.writer.put_text(&off, None, Timestamp::UNIX_EPOCH).unwrap();
    desk.edit(&ConfigEdit::Set(vec![("safety.cooldown_minutes".to_owned(), 45.into())])).unwrap();
    desk.edit(&enable("morning", false)).unwrap();
    // Who is held on by the environment stays, whatever the file says.
    let desk = Desk::with(HOUSE, &[("HEATTRAX_WEB_ENABLED", "true")]);
    desk.writer.put_text(&off, None, Timestamp::UNIX_EPOCH).unwrap();
    let desk = Desk::with(HOUSE, &[("HEATTRAX_WEB_ENABLED", "false")]);
    desk.edit(&enable("morning", false)).unwrap();
}
