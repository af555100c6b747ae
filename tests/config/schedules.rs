//! Schedules: what the seed refused is refused, what it accepted is read.

use heattrax::model::{Celsius, DayTime, Days, OffTime, OnTime, Priority, SunEvent};
use jiff::{
    SignedDuration,
    civil::{date, time},
};

use crate::{bad, good, group_with, schedule, small_and};

const ON: &str = "on: {type: time, value: \"06:00\"}";
const OFF: &str = "off: {type: time, value: \"08:00\"}";

#[track_caller]
fn refused(text: &str, path: &str, found: &str, allowed: &str) {
    let lines = bad(&group_with(&format!("schedules:\n  - {text}")));
    let start = format!(": devices.groups.mat.schedules[0]{path}: found {found}");
    assert!(lines.iter().any(|it| it.contains(&start) && it.contains(allowed)), "{text}: {lines:#?}");
    assert_eq!(lines.len(), 1, "{text}: {lines:#?}");
}

#[test]
fn what_the_seed_refused_is_refused() {
    let table = [
        (format!("{{{OFF}}}"), ".on", "nothing", "when the window opens: type time, sunrise, sunset or cron"),
        (format!("{{{ON}}}"), ".off", "nothing", "when the window closes: type time, sunrise, sunset or duration"),
        (format!("{{on: , {OFF}}}"), ".on", "nothing", "when the window opens"),
        (format!("{{on: {{type: time, value: \"25:00\"}}, {OFF}}}"), ".on.value", "\"25:00\"", "HH:MM"),
        (format!("{{on: {{type: time}}, {OFF}}}"), ".on.value", "nothing", "HH:MM"),
        (format!("{{on: {{type: time, value: 600}}, {OFF}}}"), ".on.value", "600", "HH:MM"),
        (format!("{{on: {{type: noon}}, {OFF}}}"), ".on.type", "\"noon\"", "time, sunrise, sunset or cron"),
        (format!("{{on: {{value: \"06:00\"}}, {OFF}}}"), ".on.type", "nothing", "time, sunrise, sunset or cron"),
        (format!("{{on: {{type: sunrise}}, {OFF}}}"), ".on.fallback", "nothing", "HH:MM"),
        (sun(181), ".on.offset", "181", "from -180 to 180 minutes"),
        (sun(-181), ".on.offset", "-181", "from -180 to 180 minutes"),
        (
            format!("{{on: {{type: sunset, offset: \"10\", fallback: \"17:00\"}}, {OFF}}}"),
            ".on.offset",
            "\"10\"",
            "a number from -180 to 180 minutes",
        ),
        (format!("{{on: {{type: duration, value: 2}}, {OFF}}}"), ".on.type", "\"duration\"", "for `on`"),
        (format!("{{{ON}, off: {{type: duration, value: -1}}}}"), ".off.value", "-1", "above 0"),
        (format!("{{{ON}, off: {{type: duration, value: 0}}}}"), ".off.value", "0", "above 0, at most 168 hours"),
        (format!("{{{ON}, off: {{type: duration}}}}"), ".off.value", "nothing", "a number of hours above 0"),
        (format!("{{{ON}, off: {{type: cron, value: \"0 6 * * *\"}}}}"), ".off.type", "\"cron\"", "for `off`"),
    ];
    for (text, path, found, allowed) in &table {
        refused(text, path, found, allowed);
    }
}

#[test]
fn what_the_seed_refused_beside_the_window_is_refused() {
    let both = format!("{{{ON}, {OFF}, ");
    let table = [
        (format!("{both}days: [0]}}"), ".days[0]", "0", "from 1 (Monday) to 7 (Sunday)"),
        (format!("{both}days: [8]}}"), ".days[0]", "8", "from 1 (Monday) to 7 (Sunday)"),
        (format!("{both}days: [1.5]}}"), ".days[0]", "1.5", "from 1 (Monday) to 7 (Sunday)"),
        (format!("{both}days: \"mon\"}}"), ".days", "text", "a list"),
        (format!("{both}conditions: {{temperature_max: 'cold'}}}}"), ".conditions.temperature_max", "\"cold\"", "°F"),
        (
            format!("{both}conditions: {{temperature_max: 200}}}}"),
            ".conditions.temperature_max",
            "200",
            "-100 to 150 °F",
        ),
        (
            format!("{both}conditions: {{temperature_max: 151}}}}"),
            ".conditions.temperature_max",
            "151",
            "-100 to 150 °F",
        ),
        (
            format!("{both}conditions: {{temperature_max: -101}}}}"),
            ".conditions.temperature_max",
            "-101",
            "-100 to 150",
        ),
        (
            format!("{both}conditions: {{precipitation_active: 'yes'}}}}"),
            ".conditions.precipitation_active",
            "\"yes\"",
            "true or false",
        ),
        (format!("{both}conditions: {{black_ice_risk: 1}}}}"), ".conditions.black_ice_risk", "1", "true or false"),
        (format!("{both}conditions: {{snow: true}}}}"), ".conditions.snow", "an unknown key", "`temperature_max`"),
        (format!("{both}safety: {{max_runtime_hours: 0}}}}"), ".safety.max_runtime_hours", "0", "above 0"),
        (format!("{both}safety: {{cooldown_minutes: -1}}}}"), ".safety.cooldown_minutes", "-1", "from 0"),
        (format!("{both}all_day: \"yes\"}}"), ".all_day", "\"yes\"", "true or false"),
        (
            format!("{{{ON}, off: {{type: time, value: \"6:00\"}}}}"),
            ".off",
            "the time at which the window opens",
            "all_day",
        ),
        (format!("{both}dates: {{from: 11-31, to: 04-01}}}}"), ".dates.from", "\"11-31\"", "MM-DD"),
        (format!("{both}dates: {{from: 11-15}}}}"), ".dates.to", "nothing", "MM-DD"),
    ];
    for (text, path, found, allowed) in &table {
        refused(text, path, found, allowed);
    }
}

fn sun(offset: i32) -> String {
    format!("{{on: {{type: sunrise, offset: {offset}, fallback: \"07:00\"}}, {OFF}}}")
}

#[test]
fn what_the_seed_accepted_is_read() {
    let it = schedule(&format!("{{{ON}, {OFF}, priority: super}}"));
    assert_eq!((it.priority, it.days, it.enabled), (Priority::Normal, Days::ALL, true));
    assert_eq!(it.name, "Unnamed Schedule");

    let it = schedule(&format!("{{on: {{type: time, value: 6:0}}, {OFF}, safety: {{cooldown_minutes: 0}}}}"));
    assert_eq!(it.window.unwrap().0, OnTime::At(DayTime::Clock(time(6, 0, 0, 0))));
    assert_eq!(it.rest, Some(SignedDuration::ZERO));

    let it = schedule("{all_day: true, safety: {max_runtime_hours: 6}, priority: CRITICAL, conditions: {}}");
    assert_eq!(
        (it.window, it.longest_on, it.priority),
        (None, Some(SignedDuration::from_hours(6)), Priority::Critical)
    );
    assert!(it.conditions.is_empty());

    let it = schedule(&format!("{{{ON}, {OFF}, days: [6, 7]}}"));
    assert_eq!(it.days, Days([false, false, false, false, false, true, true]));
}

#[test]
fn a_word_that_is_no_priority_and_no_days_at_all_are_warnings() {
    let settings = good(&group_with(&format!("schedules:\n  - {{{ON}, {OFF}, priority: super, days: []}}")));
    assert_eq!(
        settings.warnings,
        [
            "house.yaml:9:81: devices.groups.mat.schedules[0].priority: \"super\" is none of low, normal and critical: taken as \
         normal",
            "house.yaml:9:98: devices.groups.mat.schedules[0].days: no day is listed: the schedule never runs",
        ]
    );
}

#[test]
fn keys_on_and_off_work_with_and_without_quotes() {
    let clock = |hour| DayTime::Clock(time(hour, 0, 0, 0));
    for (on, off) in [("on", "off"), ("\"on\"", "'off'"), ("On", "OFF"), ("true", "false")] {
        let it =
            schedule(&format!("{on}: {{type: time, value: \"06:00\"}}\n    {off}: {{type: time, value: \"08:00\"}}"));
        assert_eq!(it.window, Some((OnTime::At(clock(6)), OffTime::At(clock(8)))), "{on}");
    }
}

#[test]
fn sun_times_durations_and_conditions_are_read() {
    let it = schedule(
        "{on: {type: sunset, offset: -30, fallback: \"17:00\"}, off: {type: duration, value: 2.5}, \
         conditions: {temperature_max: 32, precipitation_active: yes, black_ice_risk: false}}",
    );
    let sunset = DayTime::Sun {
        event: SunEvent::Sunset,
        offset: SignedDuration::from_mins(-30),
        fallback: time(17, 0, 0, 0),
        not_before: None,
        not_after: None,
    };
    assert_eq!(it.window, Some((OnTime::At(sunset), OffTime::After(SignedDuration::from_mins(150)))));
    assert_eq!(it.conditions.temperature_max, Some(Celsius(0.0)));
    assert_eq!((it.conditions.precipitation_active, it.conditions.black_ice_risk), (Some(true), Some(false)));
}

#[test]
fn metric_units_make_temperatures_celsius() {
    let text = group_with(&format!("schedules:\n  - {{{ON}, {OFF}, conditions: {{temperature_max: -5}}}}"));
    let settings = good(&format!("{text}units: metric\n"));
    let group = settings.control.groups.values().next().unwrap();
    assert_eq!(group.schedules[0].conditions.temperature_max, Some(Celsius(-5.0)));
    let lines = bad(&format!("{}units: metric\n", text.replace("-5", "66")));
    assert!(lines[0].contains("a number from -73 to 65 °C"), "{lines:#?}");

    let ice = |keys: &str| {
        let settings = good(&small_and(&format!("units: metric\nthresholds: {{black_ice_detection: {{{keys}}}}}\n")));
        settings.control.thresholds.black_ice.unwrap()
    };
    let named = ice("temperature_max_f: 32, dew_point_spread_f: 3.6");
    assert_eq!((named.temperature_max, named.spread), (Celsius(0.0), 2.0));
    let plain = ice("temperature_max: 1, dew_point_spread: 2");
    assert_eq!((plain.temperature_max, plain.spread), (Celsius(1.0), 2.0));
}

#[test]
fn dates_may_wrap_over_new_year() {
    let it = schedule(&format!("{{{ON}, {OFF}, dates: {{from: 11-15, to: 02-29}}}}"));
    assert_eq!(it.dates, Some(((11, 15), (2, 29))));
}

#[test]
fn a_schedule_leaves_out_dates_and_takes_some_on() {
    let it = schedule(
        "{all_day: true, days: [], except: [2026-12-24, \"2026-12-25\", {from: 2026-12-31, to: 2027-01-06}], also: \
         [2026-12-26, 2028-02-29, 2026-12-26]}",
    );
    let (eve, feast) = (date(2026, 12, 24), date(2026, 12, 25));
    assert_eq!(it.except, [(eve, eve), (feast, feast), (date(2026, 12, 31), date(2027, 1, 6))]);
    assert_eq!(it.also, [date(2026, 12, 26), date(2028, 2, 29), date(2026, 12, 26)], "twice says no more than once");
    let it = schedule(&format!("{{{ON}, {OFF}}}"));
    assert_eq!((it.except, it.also), (vec![], vec![]));
}

#[test]
fn a_sun_time_may_have_a_floor_and_a_ceiling() {
    let it = schedule(
        "{on: {type: sunset, fallback: \"17:00\", not_before: \"16:30\", not_after: \"20:00\"}, off: {type: sunrise, \
         fallback: \"07:00\", not_after: \"6:30\"}}",
    );
    let Some((OnTime::At(DayTime::Sun { not_before, not_after, .. }), OffTime::At(off))) = it.window else {
        panic!("{it:?}")
    };
    assert_eq!((not_before, not_after), (Some(time(16, 30, 0, 0)), Some(time(20, 0, 0, 0))));
    let DayTime::Sun { not_before, not_after, .. } = off else { panic!("{off:?}") };
    assert_eq!((not_before, not_after), (None, Some(time(6, 30, 0, 0))));
    // One time twice is a clock by another name, and the fallback may lie outside.
    schedule(
        "{all_day: false, on: {type: sunset, fallback: \"21:00\", not_before: \"18:00\", not_after: \"18:00\"}, off: {type: duration, value: 1}}",
    );
}

#[test]
fn cron_expressions_get_six_fields_and_weekdays_by_name() {
    let cases = [
        ("0 6 * * Mon-Fri", "0 0 6 * * MON,TUE,WED,THU,FRI"),
        ("0 6 * * 1-5", "0 0 6 * * MON,TUE,WED,THU,FRI"),
        ("0 6 * * 0", "0 0 6 * * SUN"),
        ("0 6 * * 7", "0 0 6 * * SUN"),
        ("0 6 * * 5-7", "0 0 6 * * FRI,SAT,SUN"),
        ("0 6 * * sat-sun", "0 0 6 * * SAT,SUN"),
        ("0 6 * * 1/2", "0 0 6 * * MON,WED,FRI"),
        ("*/15 5-9,17 1 jan-mar,12 *", "0 */15 5-9,17 1 1-3,12 *"),
        ("30 0 6 29 2 ?", "30 0 6 29 2 *"),
        ("  5   6  *  * * ", "0 5 6 * * *"),
    ];
    for (written, read) in cases {
        let it = schedule(&format!("{{on: {{type: cron, value: \"{written}\"}}, off: {{type: duration, value: 1}}}}"));
        assert_eq!(it.window.unwrap().0, OnTime::Cron(read.to_owned()), "{written}");
    }
}

#[test]
fn cron_expressions_that_mean_nothing_are_told() {
    let cases = [
        ("", "an empty text"),
        ("6", "1 fields"),
        ("1 2 3 4 5 6 7", "7 fields"),
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of the month"),
        ("* * 32 * *", "day of the month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day of the week"),
        ("* * * * Fri-Mon", "day of the week"),
        ("*/0 * * * *", "minute"),
        ("5-1 * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("+5 * * * *", "minute"),
        ("* * L * *", "day of the month"),
        ("0 0 30 2 *", "a date that never comes"),
        ("0 0 31 4,6 *", "a date that never comes"),
    ];
    for (written, found) in cases {
        let text = format!("{{on: {{type: cron, value: \"{written}\"}}, off: {{type: duration, value: 1}}}}");
        refused(&text, ".on.value", found, if written.is_empty() { "text" } else { "five fields" });
    }
}
