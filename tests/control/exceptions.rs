//! Days that a schedule leaves out or takes on, and sun times that are held between two clock times: whole days as tables.

use heattrax::model::{DayTime, OffTime, Place, Schedule};
use jiff::{ToSpan, civil::Date};

use crate::{dst::windows_at, home::*};

/// Every window that opens from the first date to the last, each as `Mon 02 22:00 to Tue 03 06:00`.
#[track_caller]
fn opens(place: Place, zone_name: &str, rule: &Schedule, (first, last): (&str, &str), expected: &[&str]) {
    let zone = zone(zone_name);
    let (first, last): (Date, Date) = (first.parse().unwrap(), last.parse().unwrap());
    let from = first.at(0, 0, 0, 0).to_string();
    let to = last.checked_add(1.day()).unwrap().at(0, 0, 0, 0).to_string();
    let shown = |at| zone.to_datetime(at).strftime("%a %d %H:%M").to_string();
    let found: Vec<String> = windows_at(place, zone_name, rule.clone(), &from, &to)
        .into_iter()
        .map(|(start, end)| format!("{} to {}", shown(start), shown(end)))
        .collect();
    assert_eq!(found, expected, "\n{found:#?}");
}

#[track_caller]
fn in_new_york(rule: &Schedule, dates: (&str, &str), expected: &[&str]) {
    opens(NEW_YORK, "America/New_York", rule, dates, expected);
}

fn but_not(rule: Schedule, spans: &[(&str, &str)]) -> Schedule {
    let except = spans.iter().map(|(from, to)| (from.parse().unwrap(), to.parse().unwrap())).collect();
    Schedule { except, ..rule }
}

fn but_also(rule: Schedule, dates: &[&str]) -> Schedule {
    Schedule { also: dates.iter().map(|it| it.parse().unwrap()).collect(), ..rule }
}

fn held(time: DayTime, floor: Option<&str>, ceiling: Option<&str>) -> DayTime {
    match time {
        DayTime::Sun { event, offset, fallback, .. } => {
            DayTime::Sun { event, offset, fallback, not_before: floor.map(time_of), not_after: ceiling.map(time_of) }
        }
        clock @ DayTime::Clock(_) => clock,
    }
}

fn time_of(text: &str) -> jiff::civil::Time {
    text.parse().unwrap()
}

#[test]
fn a_date_that_is_left_out_opens_no_window() {
    let rule = but_not(daily("06:00", "08:00"), &[("2026-12-24", "2026-12-26"), ("2026-12-28", "2026-12-28")]);
    in_new_york(
        &rule,
        ("2026-12-23", "2026-12-29"),
        &["Wed 23 06:00 to Wed 23 08:00", "Sun 27 06:00 to Sun 27 08:00", "Tue 29 06:00 to Tue 29 08:00"],
    );
}

#[test]
fn a_window_over_midnight_belongs_to_the_date_it_opens_on() {
    // Christmas Eve is left out: what opened the evening before still runs to its end, and nothing opens in the evening.
    let rule = but_not(daily("22:00", "06:00"), &[("2026-12-24", "2026-12-24")]);
    in_new_york(
        &rule,
        ("2026-12-23", "2026-12-26"),
        &[
            "Wed 23 00:00 to Wed 23 06:00",
            "Wed 23 22:00 to Thu 24 06:00",
            "Fri 25 22:00 to Sat 26 06:00",
            "Sat 26 22:00 to Sun 27 00:00",
        ],
    );
    // And a date that is taken on runs into the next, whatever that one is.
    let rule = but_also(daily("22:00", "06:00").on_days(&[]), &["2026-12-24"]);
    in_new_york(&rule, ("2026-12-23", "2026-12-26"), &["Thu 24 22:00 to Fri 25 06:00"]);
}

#[test]
fn a_date_that_is_taken_on_opens_whatever_the_days_and_the_season_are() {
    let weekdays_in_winter = daily("06:00", "08:00").on_days(&[1, 2, 3, 4, 5]).of_dates((11, 15), (4, 1));
    let rule = but_also(weekdays_in_winter, &["2026-04-04", "2026-04-08"]);
    in_new_york(
        &rule,
        ("2026-03-31", "2026-04-09"),
        &[
            "Tue 31 06:00 to Tue 31 08:00",
            "Wed 01 06:00 to Wed 01 08:00",
            "Sat 04 06:00 to Sat 04 08:00",
            "Wed 08 06:00 to Wed 08 08:00",
        ],
    );
}

#[test]
fn what_is_left_out_beats_what_is_taken_on() {
    let rule = but_also(all_day().on_days(&[]), &["2026-01-02", "2026-01-04"]);
    let rule = but_not(rule, &[("2026-01-03", "2026-01-05")]);
    in_new_york(&rule, ("2026-01-01", "2026-01-06"), &["Fri 02 00:00 to Sat 03 00:00"]);
}

#[test]
fn all_day_and_durations_and_cron_know_exceptions_too() {
    let days = ("2026-01-01", "2026-01-04");
    let left_out = [("2026-01-02", "2026-01-02")];
    in_new_york(
        &but_not(all_day(), &left_out),
        days,
        &["Thu 01 00:00 to Fri 02 00:00", "Sat 03 00:00 to Mon 05 00:00"],
    );
    // 36 hours from Wednesday and from Thursday noon: the one of Friday is missing, the one of Thursday still runs into it.
    in_new_york(
        &but_not(lasting("12:00", hours(36)), &left_out),
        days,
        &["Thu 01 00:00 to Sat 03 00:00", "Sat 03 12:00 to Mon 05 00:00"],
    );
    in_new_york(
        &but_not(cron("0 0 6,18 * * *", OffTime::After(hours(1))), &left_out),
        ("2026-01-02", "2026-01-03"),
        &["Sat 03 06:00 to Sat 03 07:00", "Sat 03 18:00 to Sat 03 19:00"],
    );
    // A date that is taken on adds no time to a cron expression: it lifts `days` and `dates` only.
    let mondays = cron("0 0 6 * * *", OffTime::After(hours(1))).on_days(&[1]);
    in_new_york(
        &but_also(mondays, &["2026-01-02"]),
        ("2026-01-01", "2026-01-05"),
        &["Fri 02 06:00 to Fri 02 07:00", "Mon 05 06:00 to Mon 05 07:00"],
    );
    let never = cron("0 0 6 * * Mon", OffTime::After(hours(1)));
    in_new_york(&but_also(never, &["2026-01-02"]), ("2026-01-01", "2026-01-04"), &[]);
}

#[test]
fn a_sunrise_is_held_between_its_floor_and_its_ceiling() {
    // In New York the sun rises at 05:25 on 21 June, at 06:43 on 22 September and at 07:17 on 21 December.
    let from_sunrise = |floor, ceiling| between(held(sunrise(0, "04:00"), floor, ceiling), clock("08:00"));
    let free = from_sunrise(None, None);
    let bound = from_sunrise(Some("06:00"), Some("07:00"));
    for (date, plain, expected) in [
        ("2026-06-21", "Sun 21 05:25 to Sun 21 08:00", "Sun 21 06:00 to Sun 21 08:00"),
        ("2026-09-22", "Tue 22 06:43 to Tue 22 08:00", "Tue 22 06:43 to Tue 22 08:00"),
        ("2026-12-21", "Mon 21 07:16 to Mon 21 08:00", "Mon 21 07:00 to Mon 21 08:00"),
    ] {
        in_new_york(&free, (date, date), &[plain]);
        in_new_york(&bound, (date, date), &[expected]);
    }
}

#[test]
fn the_offset_comes_first_and_the_bounds_hold_what_it_makes() {
    // Sunset on 21 December is at 16:32; an hour later is 17:32.
    let from = |ceiling| between(held(sunset(60, "17:00"), None, ceiling), clock("23:00"));
    in_new_york(&from(None), ("2026-12-21", "2026-12-21"), &["Mon 21 17:31 to Mon 21 23:00"]);
    in_new_york(&from(Some("17:15")), ("2026-12-21", "2026-12-21"), &["Mon 21 17:15 to Mon 21 23:00"]);
    // Floor and ceiling may be one time: then it is a clock with a sun on its face.
    let noon = between(held(sunset(0, "17:00"), Some("12:00"), Some("12:00")), clock("13:00"));
    in_new_york(&noon, ("2026-06-21", "2026-06-21"), &["Sun 21 12:00 to Sun 21 13:00"]);
}

#[test]
fn a_bound_end_may_lie_on_the_next_date() {
    let night = between(held(sunset(0, "18:00"), Some("18:00"), None), held(sunrise(0, "06:00"), None, Some("06:30")));
    in_new_york(
        &night,
        ("2026-12-20", "2026-12-22"),
        &[
            "Sun 20 00:00 to Sun 20 06:30",
            "Sun 20 18:00 to Mon 21 06:30",
            "Mon 21 18:00 to Tue 22 06:30",
            "Tue 22 18:00 to Wed 23 00:00",
        ],
    );
}

#[test]
fn a_floor_beyond_the_fallback_does_not_turn_a_window_over_midnight() {
    // By its fallback alone, 03:00, the end would lie before the beginning: the window would last till the next morning.
    let morning = between(clock("07:30"), held(sunrise(0, "03:00"), Some("08:00"), None));
    in_new_york(
        &morning,
        ("2026-06-20", "2026-06-21"),
        &["Sat 20 07:30 to Sat 20 08:00", "Sun 21 07:30 to Sun 21 08:00"],
    );
}

#[test]
fn the_fallback_is_not_held() {
    let tromso = Place { latitude: 69.6492, longitude: 18.9553 };
    let rule = between(held(sunrise(30, "05:00"), Some("06:00"), Some("09:00")), clock("10:00"));
    // No sunrise in the polar day: the fallback, before the floor. In autumn there is one, and the ceiling calls it back in the end.
    opens(tromso, "Europe/Oslo", &rule, ("2026-06-21", "2026-06-21"), &["Sun 21 05:00 to Sun 21 10:00"]);
    opens(tromso, "Europe/Oslo", &rule, ("2026-10-25", "2026-10-25"), &["Sun 25 08:08 to Sun 25 10:00"]);
    opens(tromso, "Europe/Oslo", &rule, ("2026-11-15", "2026-11-15"), &["Sun 15 09:00 to Sun 15 10:00"]);
}

#[test]
fn a_ceiling_calls_a_sunset_of_a_white_night_back_to_its_own_date() {
    // In Fairbanks the sun of 21 June sets on the 22nd at 00:47.
    let fairbanks = Place { latitude: 64.8378, longitude: -147.7164 };
    let rule = |ceiling| {
        but_also(between(held(sunset(0, "23:30"), None, ceiling), clock("02:30")).on_days(&[]), &["2026-06-21"])
    };
    let dates = ("2026-06-21", "2026-06-22");
    opens(fairbanks, "America/Anchorage", &rule(None), dates, &["Mon 22 00:47 to Mon 22 02:30"]);
    opens(fairbanks, "America/Anchorage", &rule(Some("23:00")), dates, &["Sun 21 23:00 to Mon 22 02:30"]);
}

#[test]
fn a_floor_in_the_gap_holds_at_its_end() {
    // Berlin, 29 March 2026: 02:00 becomes 03:00. The sunrise of about 06:00 is moved three hours ahead, then held.
    let rule = between(held(sunrise(-180, "06:00"), None, Some("02:30")), clock("04:00"));
    let berlin = Place { latitude: 52.52, longitude: 13.405 };
    opens(berlin, "Europe/Berlin", &rule, ("2026-03-29", "2026-03-29"), &["Sun 29 03:00 to Sun 29 04:00"]);
}
