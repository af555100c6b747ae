//! Every checkable case of the predecessor ("the seed") that control decides, beside ours: `seed_cases.txt` is the table.
//!
//! `ours` is a state, with the reason or its key behind a colon where it matters; or one or two times of day; or the length of a
//! day. `=` in `seed` says that the seed gave the same; where it did not, there is a reason. Times of the sun are compared to a
//! minute (2.5 minutes north of 60°, where the seed's almanac was no better); ours are exact to the minute that is shown.
//!
//! Shown elsewhere, because other rooms do it:
//! - 41, 42 (what is refused and accepted): tests/config, `what_the_seed_refused_is_refused`,
//!   `what_the_seed_refused_beside_the_window_is_refused`, `what_the_seed_accepted_is_read`. A zero-length window (15) is refused
//!   there too.
//! - 62 (how much is asked for): tests/weather, `the_request_asks_for_metric_units_and_unix_time`; 63 (local times):
//!   `local_times_are_refused`, because ours asks for instants; 64 (states of the forecast): `a_forecast_is_told_and_kept`,
//!   `the_cached_forecast_comes_first_however_old`; 65 (pauses): `pauses_grow_with_each_failure`.
//! - 68 to 70 (overrides): tests/control, `an_override_beats_the_rules_until_it_ends`,
//!   `until_the_next_change_is_until_the_rules_say_something_else`, `an_override_is_not_ended_by_rules_that_agree_or_disagree`,
//!   `a_wish_that_has_no_end_within_a_day_is_refused`; tests/config, `a_wish_s_length_comes_from_the_group_or_the_page`.
//! - 73 (secrets are masked): tests/config, `secrets_are_not_in_what_is_shown_or_printed`. 74 (environment): ours wins and is
//!   never written back, `the_environment_wins_over_the_file_and_the_command_line_over_both`. 75 (what an upload refuses):
//!   `all_problems_are_told_at_once_in_the_order_of_the_file`, `what_is_not_yaml_is_one_problem`, `missing_sections_are_told`.
//!   76 (placeholders): `a_template_s_account_is_told`. 78 (items with several outlets or none):
//!   `outlets_count_from_0_and_slots_from_1_and_none_means_all`.
//! - Not there yet: 67 and 81 (notifications), 71, 72, 77 and 80 (the page and its HTTP interface), 79 (reboot).

use std::collections::BTreeSet;

use heattrax::model::{Celsius, Place, Priority, Schedule, SunEvent};
use jiff::{Timestamp, civil::Date};

use crate::{home::*, sun::event};

const TABLE: &str = include_str!("seed_cases.txt");
/// The cases that are shown elsewhere, of those up to 66.
const ELSEWHERE: [u32; 5] = [41, 42, 62, 63, 65];

struct Case<'a> {
    line: usize,
    number: &'a str,
    schedule: &'a str,
    weather: &'a str,
    at: &'a str,
    ours: &'a str,
    seed: &'a str,
    why: &'a str,
}

fn cases() -> Vec<Case<'static>> {
    let rows = TABLE.lines().enumerate().skip(1).filter(|(_, row)| !row.is_empty() && !row.starts_with('#'));
    let case = |(at, row): (usize, &'static str)| {
        let mut cells = row.split('|').map(str::trim);
        let mut cell = || cells.next().unwrap_or_default();
        Case {
            line: at + 1,
            number: cell(),
            schedule: cell(),
            weather: cell(),
            at: cell(),
            ours: cell(),
            seed: cell(),
            why: cell(),
        }
    };
    rows.map(case).collect()
}

#[test]
fn every_case_of_the_predecessor_is_ours_or_differs_for_a_reason() {
    let mut faults = Vec::new();
    for case in cases() {
        let found = found(&case);
        if found != case.ours {
            faults.push(format!("line {}, case {}: {} but {}", case.line, case.number, case.ours, found));
        }
        if !agrees(&case) {
            faults.push(format!("line {}, case {}: {} is not {}", case.line, case.number, case.ours, case.seed));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_case_is_forgotten() {
    let shown: BTreeSet<u32> = cases().iter().map(|it| it.number.parse().unwrap()).chain(ELSEWHERE).collect();
    assert_eq!(shown, (1..=66).collect());
}

/// Is the seed's value ours, as nearly as it can be, or is there a reason?
fn agrees(case: &Case<'_>) -> bool {
    let minutes = |text: &str| -> Vec<i64> {
        let minute = |it: jiff::civil::Time| i64::from(it.hour()) * 60 + i64::from(it.minute());
        text.split_whitespace().map(|it| minute(time(it))).collect()
    };
    if case.seed == "=" {
        return case.why.is_empty();
    }
    if let Some(more_than) = case.seed.strip_prefix('>') {
        return minutes(case.ours) > minutes(more_than);
    }
    if let Some(less_than) = case.seed.strip_prefix('<') {
        return minutes(case.ours) < minutes(less_than);
    }
    if case.why.is_empty() && case.seed.contains(':') {
        return minutes(case.ours).iter().zip(minutes(case.seed)).all(|(ours, seed)| (ours - seed).abs() <= 2);
    }
    !case.why.is_empty() && case.seed != case.ours.split(':').next().unwrap_or_default()
}

/// What ours says, in the words of the table.
fn found(case: &Case<'_>) -> String {
    if let Some(site) = case.schedule.strip_prefix("sun of ") {
        let (rise, set) = sun_of(site, case.at);
        return format!("{} {}", clock_of(site, rise), clock_of(site, set));
    }
    if let Some(site) = case.schedule.strip_prefix("daylight of ") {
        let (rise, set) = sun_of(site, case.at);
        let minutes = set.duration_since(rise).as_mins();
        return format!("{:02}:{:02}", minutes / 60, minutes % 60);
    }
    let mut day = plan(case.schedule).starts_with_weather(case.weather, case.at);
    if case.schedule.starts_with("cut: ") {
        day.report("p/1", switched(On));
        let review = day.decision("p/1").review_at.unwrap();
        return day.settings.zone.to_datetime(review).strftime("%H:%M").to_string();
    }
    let state = if day.wanted("p/1").is_on() { "on" } else { "off" };
    match case.ours.split_once(": ") {
        Some((_, reason)) if reason == day.key("p/1") => format!("{state}: {reason}"),
        Some(_) => format!("{state}: {}", day.why("p/1")),
        None => state.to_owned(),
    }
}

/// The home with the schedules that the table names.
fn plan(schedule: &str) -> Plan {
    let zone_name = match schedule.strip_prefix("precipitation in ") {
        Some("Tokyo") => "Asia/Tokyo",
        Some("Kathmandu") => "Asia/Kathmandu",
        Some("UTC") => "UTC",
        _ => "America/New_York",
    };
    let rules = rules(schedule);
    let asks_the_weather = rules.iter().any(|it| !it.conditions.is_empty()) || schedule.starts_with("cut: ");
    let home = home_in(zone_name, NEW_YORK);
    let home = if asks_the_weather { home.mats("mat", &["p/1"], rules) } else { home.lights("porch", &["p/1"], rules) };
    home.with(|it| {
        if schedule.starts_with("cut: ") {
            it.safety.longest_on = hours(4);
        }
        if let Some(lead) = schedule.strip_prefix("precipitation, lead ") {
            it.thresholds.lead = minutes(lead.parse().unwrap());
        }
        if let Some(limits) = schedule.strip_prefix("black ice by ") {
            let limits: Vec<f64> = limits.split('/').map(|it| it.parse().unwrap()).collect();
            let rule = it.thresholds.black_ice.as_mut().unwrap();
            rule.temperature_max = Celsius::from_fahrenheit(limits[0]);
            (rule.spread, rule.humidity_min) = (limits[1] / 1.8, limits[2]);
        }
        if schedule == "black ice, switched off" {
            it.thresholds.black_ice = None;
        }
    })
}

fn rules(schedule: &str) -> Vec<Schedule> {
    let working_days = [1, 2, 3, 4, 5];
    let morning = || daily("05:00", "10:00");
    let named = |name: &str, priority| daily("06:00", "08:00").named(name).with_priority(priority);
    let three =
        || [named("low", Priority::Low), named("normal", Priority::Normal), named("critical", Priority::Critical)];
    vec![match schedule {
        "no schedule" => return Vec::new(),
        "06:00 to 08:00, Mon to Fri" => daily("06:00", "08:00").on_days(&working_days),
        "the same, disabled" => daily("06:00", "08:00").on_days(&working_days).disabled(),
        "09:00 to 18:00, Sat and Sun" => daily("09:00", "18:00").on_days(&[6, 7]),
        "23:00 to 02:00" => daily("23:00", "02:00"),
        "17:00 to 00:00" => daily("17:00", "00:00"),
        "22:00 to 06:00, Fri" => daily("22:00", "06:00").on_days(&[5]),
        "08:00 to 08:00" => daily("08:00", "08:00"),
        "00:00 to 23:59" => daily("00:00", "23:59"),
        "06:00 for 2.5 h" => lasting("06:00", minutes(150)),
        "23:00 for 2 h" => lasting("23:00", hours(2)),
        "23:00 for 168 h, Mon" => lasting("23:00", hours(168)).on_days(&[1]),
        "all day" => all_day(),
        "all day, Mon to Fri" => all_day().on_days(&working_days),
        "all day, disabled" => all_day().disabled(),
        "all day, at most 32 °F, precipitation" => all_day().if_at_most(32.0).if_precipitation(true),
        "low, normal, critical" => return three().to_vec(),
        "low; the others disabled" => {
            let [low, normal, critical] = three();
            return vec![low, normal.disabled(), critical.disabled()];
        }
        "A and B, both normal" => return vec![named("A", Priority::Normal), named("B", Priority::Normal)],
        "a cold critical and a plain low" => {
            return vec![named("cold", Priority::Critical).if_at_most(32.0), named("plain", Priority::Low)];
        }
        "at most 32 °F, precipitation" => morning().if_at_most(32.0).if_precipitation(true),
        "no precipitation" => morning().if_precipitation(false),
        "at most 0 °F" => morning().if_at_most(0.0),
        "at most 32 °F" => morning().if_at_most(32.0),
        "no conditions" => morning(),
        "precipitation at most 34 °F" => morning().if_at_most(34.0).if_precipitation(true),
        "cut: own 6 h, global 4 h" => daily("05:00", "23:00").at_most_on(hours(6)),
        "cut: global 4 h" => daily("05:00", "23:00"),
        "sunset - 30 to 01:00" => between(sunset(-30, "17:00"), clock("01:00")),
        "sunrise - 30 to sunrise + 30" => between(sunrise(-30, "07:00"), sunrise(30, "07:00")),
        "06:00 to sunrise + 30" => between(clock("06:00"), sunrise(30, "07:00")),
        "sunset + 180 to 23:00" => between(sunset(180, "17:00"), clock("23:00")),
        it if it.starts_with("black ice") => morning().if_black_ice(true),
        it if it.starts_with("precipitation") => all_day().if_precipitation(true),
        other => panic!("no schedule is called `{other}`"),
    }]
}

impl Plan {
    /// Starts at an instant with what the table says of the weather.
    fn starts_with_weather(self, weather: &str, at: &str) -> Day {
        let (weather, age) = match weather.split_once(", ") {
            Some((weather, age)) => (weather, hours(age.strip_suffix(" h old").unwrap().parse().unwrap())),
            None => (weather, hours(0)),
        };
        let now = instant(&self.settings.zone, at);
        let mut day = self.starts(&now.checked_sub(age).unwrap().to_string());
        if let Some(wet) = weather.strip_prefix("wet") {
            // From noon to ten in the evening, by New York's clock.
            let mut skies = [DRY.air(30.0); 10];
            wet.split_whitespace().for_each(|hour| skies[hour.parse::<usize>().unwrap() - 12] = SNOW);
            day.expects("2024-01-15T17:00:00Z", &skies);
        } else if weather != "-" {
            let from = day.now.checked_sub(hours(3)).unwrap();
            day.expects(&from.to_string(), &[sky(weather); 48]);
        }
        day.until(now);
        day
    }
}

/// `25F wet`, `30F dry`, `25F ?` (nobody knows whether it is wet), or air/dew point/humidity as `34/32/85`.
fn sky(text: &str) -> Sky {
    let number = |text: &str| (text != "?").then(|| text.parse().unwrap());
    if let Some((air, rest)) = text.split_once("F ") {
        let precipitation = match rest {
            "wet" => Some(1.0),
            "dry" => Some(0.0),
            _ => None,
        };
        return Sky { fahrenheit: number(air), precipitation, ..DRY };
    }
    let signs: Vec<Option<f64>> = text.split('/').map(number).collect();
    Sky { fahrenheit: signs[0], dew_point: signs[1], humidity: signs[2], precipitation: Some(0.0) }
}

fn site(name: &str) -> (&'static str, Place) {
    let (zone_name, latitude, longitude) = match name {
        "New York" => ("America/New_York", 40.7128, -74.006),
        "Denver" => ("America/Denver", 39.7392, -104.9903),
        "Toronto" => ("America/Toronto", 43.6532, -79.3832),
        "Sydney" => ("Australia/Sydney", -33.8688, 151.2093),
        "Quito" => ("America/Guayaquil", -0.1807, -78.4678),
        "Nenana" => ("America/Anchorage", 64.2008, -149.4937),
        "Fairbanks" => ("America/Anchorage", 64.8378, -147.7164),
        "Reykjavik" => ("Atlantic/Reykjavik", 64.1466, -21.9426),
        "Tromsø" => ("Europe/Oslo", 69.6492, 18.9553),
        other => panic!("nobody knows where `{other}` is"),
    };
    (zone_name, Place { latitude, longitude })
}

/// `New York` or `New York + 30`: the place and the offset in minutes.
fn site_and_offset(text: &str) -> (&str, i64) {
    match (text.split_once(" + "), text.split_once(" - ")) {
        (Some((name, offset)), _) => (name, offset.parse().unwrap()),
        (_, Some((name, offset))) => (name, -offset.parse::<i64>().unwrap()),
        _ => (text, 0),
    }
}

fn sun_of(text: &str, date: &str) -> (Timestamp, Timestamp) {
    let (name, offset) = site_and_offset(text);
    let (zone_name, place) = site(name);
    let date: Date = date.parse().unwrap();
    let at = |kind| event(zone_name, place, date, kind, offset);
    (at(SunEvent::Sunrise), at(SunEvent::Sunset))
}

fn clock_of(text: &str, at: Timestamp) -> String {
    zone(site(site_and_offset(text).0).0).to_datetime(at).strftime("%H:%M").to_string()
}
