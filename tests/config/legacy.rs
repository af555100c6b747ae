//! Groups of the seed from before it had schedules.

use heattrax::model::{Class, Schedule};

use crate::{good, group_with, schedule, small_and};

/// The group of the small config with `automation`, and further sections: its schedules and the warnings.
#[track_caller]
fn translated(automation: &str, more: &str) -> (Vec<Schedule>, Vec<String>) {
    let settings = good(&format!("{}{more}", group_with(&format!("automation: {automation}"))));
    let group = settings.control.groups.values().next().unwrap();
    (group.schedules.clone(), settings.warnings)
}

const STORM: &str = "{weather_control: true, precipitation_control: true}";
const BOTH: &str = "{weather_control: true, precipitation_control: true, morning_mode: true, schedule_control: true}";
const MORNING: &str = "{weather_control: true, morning_mode: true}";
const EARLY: &str = "thresholds: {temperature_f: 34}\nmorning_mode: {enabled: true, start_hour: 5, end_hour: 9, \
                     temperature_f: 30}\n";

#[test]
fn automation_becomes_schedules() {
    const WET: &str = "{name: Precipitation (from automation), all_day: true, conditions: {temperature_max: 32, \
                       precipitation_active: true}}";
    const WET_34: &str = "{name: Precipitation (from automation), all_day: true, conditions: {temperature_max: 34, \
                          precipitation_active: true}}";
    const EARLY_30: &str = "{name: Morning mode (from automation), on: {type: time, value: \"05:00\"}, off: {type: time, \
                            value: \"09:00\"}, conditions: {temperature_max: 30}}";
    const EARLY_32: &str = "{name: Morning mode (from automation), on: {type: time, value: \"06:00\"}, off: {type: time, \
                            value: \"08:00\"}, conditions: {temperature_max: 32}}";
    let table: [(&str, &str, &[&str]); 9] = [
        (STORM, "", &[WET]),
        (STORM, EARLY, &[WET_34]),
        (BOTH, "", &[WET]),
        (BOTH, EARLY, &[WET_34, EARLY_30]),
        (MORNING, EARLY, &[EARLY_30]),
        (MORNING, "morning_mode: {enabled: true}\n", &[EARLY_32]),
        (MORNING, "morning_mode: {enabled: false}\n", &[]),
        (MORNING, "", &[]),
        ("{precipitation_control: true, morning_mode: true}", EARLY, &[]),
    ];
    for (automation, more, expected) in table {
        let (schedules, warnings) = translated(automation, more);
        let expected_rules: Vec<Schedule> = expected.iter().map(|it| schedule(it)).collect();
        assert_eq!(schedules, expected_rules, "{automation} {more}");
        // What the warning shows is what the table above was written with: it can be pasted.
        let shown = format!("`schedules: [{}]`", expected.join(", "));
        let of_group: Vec<_> = warnings.iter().filter(|it| it.contains(".automation: ")).collect();
        assert_eq!(of_group.len(), 1, "one warning for the group: {warnings:#?}");
        assert_eq!(of_group[0].contains(&shown), !expected.is_empty(), "{automation} {more}: {of_group:#?}");
    }
}

#[test]
fn the_hours_of_a_morning_are_whole_and_may_end_at_midnight() {
    let window = |hours: &str| {
        let (schedules, _) = translated(MORNING, &format!("morning_mode: {{enabled: true, {hours}}}\n"));
        schedules.first().map(|it| it.window.clone())
    };
    let daily = |on: &str, off: &str| {
        Some(
            schedule(&format!("{{on: {{type: time, value: \"{on}\"}}, off: {{type: time, value: \"{off}\"}}}}")).window,
        )
    };
    assert_eq!(window("start_hour: 22, end_hour: 24"), daily("22:00", "00:00"));
    assert_eq!(
        window("start_hour: 5.5, end_hour: 7.5"),
        daily("06:00", "08:00"),
        "the seed compared the hour's number"
    );
    assert_eq!(window("start_hour: 0, end_hour: 24"), Some(None), "the whole day");
    assert_eq!(window("start_hour: 8, end_hour: 6"), None, "the seed had no window over midnight");
    assert_eq!(window("start_hour: 8, end_hour: 8"), None);
}

#[test]
fn one_warning_says_what_became_of_a_group_and_what_would_be_better() {
    let of = |automation: &str, more: &str| translated(automation, more).1;
    assert_eq!(
        of(BOTH, EARLY),
        [
            "house.yaml:8:7: devices.groups.mat.automation: read as `schedules: [{name: Precipitation (from automation), all_day: \
          true, conditions: {temperature_max: 34, precipitation_active: true}}, {name: Morning mode (from automation), on: \
          {type: time, value: \"05:00\"}, off: {type: time, value: \"09:00\"}, conditions: {temperature_max: 30}}]`, to be \
          pasted in its place; `melt: {enabled: true}` would heat ahead of snow and against frost"
        ]
    );
    assert_eq!(
        of("{weather_control: true}", ""),
        [
            "house.yaml:8:7: devices.groups.mat.automation: without effect: neither `precipitation_control` nor a `morning_mode` \
          with hours is switched on; `melt: {enabled: true}` would heat ahead of snow and against frost"
        ]
    );
    assert_eq!(
        of("{schedule_control: true}", ""),
        [
            "house.yaml:8:7: devices.groups.mat.automation: without effect: without `weather_control: true` the group has no \
          rules, as it always was"
        ]
    );
}

#[test]
fn metric_files_are_shown_metric_rules() {
    let text =
        format!("units: metric\n{}thresholds: {{temperature_f: 34}}\n", group_with(&format!("automation: {STORM}")));
    let settings = good(&text);
    let rule = &settings.control.groups.values().next().unwrap().schedules[0];
    assert!((rule.conditions.temperature_max.unwrap().fahrenheit() - 34.0).abs() < 1e-9, "keys in °F stay so");
    assert!(settings.warnings[0].contains("temperature_max: 1.11, "), "{:?}", settings.warnings);
}

#[test]
fn what_is_modern_wins() {
    let own = "schedules:\n  - {name: Own, all_day: true}\n";
    for (modern, rules, beside) in
        [(own, 1, "`schedules`"), ("melt: {}\n", 0, "`melt`"), ("melt: {enabled: false}\n", 0, "`melt`")]
    {
        let settings = good(&group_with(&format!("automation: {BOTH}\n{modern}")));
        let group = settings.control.groups.values().next().unwrap();
        assert_eq!((group.schedules.len(), group.class), (rules, Class::Heater), "{modern}");
        let path = "house.yaml:8:7: devices.groups.mat.automation";
        assert_eq!(settings.warnings, [format!("{path}: without effect beside {beside}")], "{modern}");
    }
    let settings = good(&group_with(&format!("automation: {STORM}\nschedules: []")));
    assert_eq!(settings.control.groups.values().next().unwrap().schedules.len(), 1, "an empty list is no rule");
}

#[test]
fn the_one_window_of_before_stays_without_effect() {
    let text = group_with("schedule: {on_time: \"17:00\", off_time: \"23:00\", days: [1, 2]}");
    let settings = good(&text);
    assert_eq!(settings.control.groups.values().next().unwrap().schedules, []);
    assert_eq!(
        settings.warnings,
        [
            "house.yaml:8:7: devices.groups.mat.schedule: without effect, as it always was: times are written under `schedules`"
        ]
    );
}

#[test]
fn keys_that_only_such_groups_read_are_warned_about_where_there_is_none() {
    let text = "thresholds: {temperature_f: 34}\nmorning_mode: {enabled: true}\n";
    let only = "without effect: only groups with `automation` and without `schedules` and `melt` read it";
    assert_eq!(
        good(&small_and(text)).warnings,
        [
            format!("house.yaml:9:14: thresholds.temperature_f: {only}"),
            format!("house.yaml:10:1: morning_mode: {only}")
        ]
    );
}
