//! Daylight saving: a time in the gap fires at its end, one in the fold fires once, the first time.
//!
//! Beside tables of special days: six properties, 400 cases each, drawn from every zone of the bundled database and the years
//! 1990 to 2050, half of them at a change of the zone's offset.

use std::sync::LazyLock;

use heattrax::model::{DayTime, OffTime, OnTime, Place, Schedule, SunEvent};
use jiff::{
    Timestamp, ToSpan,
    civil::Date,
    tz::{TimeZone, TimeZoneDatabase},
};
use proptest::prelude::*;

use crate::home::*;

/// The windows of a rule as they come while nothing but time passes, read from the decisions.
pub fn windows(zone_name: &str, rule: Schedule, from: &str, to: &str) -> Vec<(Timestamp, Timestamp)> {
    windows_at(NEW_YORK, zone_name, rule, from, to)
}

/// The same at another place.
pub fn windows_at(place: Place, zone_name: &str, rule: Schedule, from: &str, to: &str) -> Vec<(Timestamp, Timestamp)> {
    let mut day = home_in(zone_name, place).lights("porch", &["p/1"], [rule]).starts(from);
    let end = day.instant(to);
    let mut found = Vec::new();
    let mut opened = day.wanted("p/1").is_on().then_some(day.now);
    while let Some(due) = day.controller.next_deadline().filter(|due| *due < end) {
        day.now = due;
        day.happens(heattrax::model::Event::DeadlinePassed);
        match (opened, day.wanted("p/1")) {
            (None, On) => opened = Some(due),
            (Some(start), Off) => {
                found.push((start, due));
                opened = None;
            }
            _ => {}
        }
    }
    if let Some(start) = opened {
        found.push((start, end));
    }
    found
}

fn shown(zone_name: &str, windows: &[(Timestamp, Timestamp)]) -> Vec<String> {
    let zone = zone(zone_name);
    let stamp = |at: &Timestamp| {
        let offset = zone.to_offset(*at).seconds() / 60;
        format!("{} {:+03}:{:02}", zone.to_datetime(*at).strftime("%d %H:%M"), offset / 60, offset.abs() % 60)
    };
    windows.iter().map(|(start, end)| format!("{} to {}", stamp(start), stamp(end))).collect()
}

#[test]
fn the_special_days_of_six_zones() {
    let rows: [(&str, &str, Schedule, &[&str]); 17] = [
        // Spring, 02:00 becomes 03:00.
        ("Europe/Berlin", "2026-03-29", daily("02:30", "04:00"), &["29 03:00 +02:00 to 29 04:00 +02:00"]),
        ("Europe/Berlin", "2026-03-29", daily("01:00", "02:30"), &["29 01:00 +01:00 to 29 03:00 +02:00"]),
        ("Europe/Berlin", "2026-03-29", daily("02:10", "02:50"), &[]),
        ("Europe/Berlin", "2026-03-29", lasting("02:30", hours(1)), &["29 03:00 +02:00 to 29 04:00 +02:00"]),
        ("Europe/Berlin", "2026-03-29", lasting("01:30", hours(2)), &["29 01:30 +01:00 to 29 04:30 +02:00"]),
        // Autumn, 03:00 becomes 02:00.
        ("Europe/Berlin", "2026-10-25", daily("02:30", "02:45"), &["25 02:30 +02:00 to 25 02:45 +02:00"]),
        ("Europe/Berlin", "2026-10-25", daily("01:30", "04:00"), &["25 01:30 +02:00 to 25 04:00 +01:00"]),
        ("Europe/Berlin", "2026-10-25", lasting("02:30", hours(1)), &["25 02:30 +02:00 to 25 02:30 +01:00"]),
        ("Europe/Berlin", "2026-10-25", all_day().on_days(&[7]), &["25 00:00 +02:00 to 26 00:00 +01:00"]),
        ("America/New_York", "2026-03-08", all_day().on_days(&[7]), &["08 00:00 -05:00 to 09 00:00 -04:00"]),
        ("America/New_York", "2026-11-01", daily("01:30", "01:45"), &["01 01:30 -04:00 to 01 01:45 -04:00"]),
        // Midnight itself is in the gap, and in the fold.
        ("America/Havana", "2026-03-08", all_day().on_days(&[7]), &["08 01:00 -04:00 to 09 00:00 -04:00"]),
        ("America/Havana", "2025-11-02", all_day().on_days(&[7]), &["02 00:00 -04:00 to 03 00:00 -05:00"]),
        // Half an hour.
        ("Australia/Lord_Howe", "2026-10-04", daily("02:15", "03:00"), &["04 02:30 +11:00 to 04 03:00 +11:00"]),
        ("Australia/Lord_Howe", "2026-04-05", daily("01:45", "02:00"), &["05 01:45 +11:00 to 05 02:00 +10:30"]),
        // Ramadan: winter time in the middle of the year.
        ("Africa/Casablanca", "2025-02-23", daily("02:30", "04:00"), &["23 02:30 +01:00 to 23 04:00 +00:00"]),
        // Midnight becomes 23:00 of the day before.
        ("America/Santiago", "2026-04-04", all_day().on_days(&[6]), &["04 00:00 -03:00 to 05 00:00 -04:00"]),
    ];
    for (zone_name, date, rule, expected) in rows {
        let date: Date = date.parse().unwrap();
        let rule = Schedule { dates: Some(((date.month(), date.day()), (date.month(), date.day()))), ..rule };
        let from = date.yesterday().unwrap().at(12, 0, 0, 0).to_string();
        let to = date.tomorrow().unwrap().tomorrow().unwrap().at(12, 0, 0, 0).to_string();
        let found = windows(zone_name, rule.clone(), &from, &to);
        assert_eq!(shown(zone_name, &found), expected, "{zone_name} {date} {:?}", rule.window);
    }
}

#[test]
fn cron_keeps_the_same_policy() {
    let five = || OffTime::After(minutes(5));
    let rows: [(&str, &str, Schedule, &[&str]); 6] = [
        ("Europe/Berlin", "2026-03-29", cron("0 30 2 * * *", five()), &["29 03:00 +02:00 to 29 03:05 +02:00"]),
        ("Europe/Berlin", "2026-10-25", cron("0 30 2 * * *", five()), &["25 02:30 +02:00 to 25 02:35 +02:00"]),
        // The name of the time decides where it closes: not 24 hours later because it landed behind its end.
        ("Europe/Berlin", "2026-03-29", cron("0 30 2 * * *", OffTime::At(clock("02:45"))), &[]),
        (
            "Europe/Berlin",
            "2026-03-29",
            cron("0 30 2 * * *", OffTime::At(clock("03:30"))),
            &["29 03:00 +02:00 to 29 03:30 +02:00"],
        ),
        // Three times in the gap are one at its end.
        ("Europe/Berlin", "2026-03-29", cron("0 10,20,30 2 * * *", five()), &["29 03:00 +02:00 to 29 03:05 +02:00"]),
        // What fires more often than hourly pauses in the repeated hour.
        (
            "Europe/Berlin",
            "2026-10-25",
            cron("0 0,30 1-3 * * *", five()),
            &[
                "25 01:00 +02:00 to 25 01:05 +02:00",
                "25 01:30 +02:00 to 25 01:35 +02:00",
                "25 02:00 +02:00 to 25 02:05 +02:00",
                "25 02:30 +02:00 to 25 02:35 +02:00",
                "25 03:00 +01:00 to 25 03:05 +01:00",
                "25 03:30 +01:00 to 25 03:35 +01:00",
            ],
        ),
    ];
    for (zone_name, date, rule, expected) in rows {
        let date: Date = date.parse().unwrap();
        let rule = Schedule { dates: Some(((date.month(), date.day()), (date.month(), date.day()))), ..rule };
        let from = date.yesterday().unwrap().at(12, 0, 0, 0).to_string();
        let to = date.tomorrow().unwrap().at(12, 0, 0, 0).to_string();
        let found = windows(zone_name, rule.clone(), &from, &to);
        assert_eq!(shown(zone_name, &found), expected, "{zone_name} {date} {:?}", rule.window);
    }
}

#[test]
fn a_day_that_never_was_opens_nothing() {
    // Samoa went over the date line: 30 December 2011 is missing.
    let found = windows("Pacific/Apia", all_day().on_days(&[5]), "2011-12-29T12:00:00", "2012-01-02T12:00:00");
    assert_eq!(shown("Pacific/Apia", &found), [""; 0]);
    let found =
        windows("Pacific/Apia", daily("22:00", "02:00").on_days(&[4]), "2011-12-29T12:00:00", "2012-01-02T12:00:00");
    assert_eq!(shown("Pacific/Apia", &found), ["29 22:00 -10:00 to 31 00:00 +14:00"]);
}

/// The zones of the bundled database, links included: several hundred.
static ZONES: LazyLock<Vec<String>> =
    LazyLock::new(|| TimeZoneDatabase::bundled().available().map(|it| it.to_string()).collect());

/// A date of a zone, 1990 to 2050, at a change of its offset as often as not.
fn dates() -> impl Strategy<Value = (&'static str, Date)> {
    let names: Vec<&'static str> = ZONES.iter().map(String::as_str).collect();
    (prop::sample::select(names), 1990_i16..=2050, 0_i64..366, any::<bool>()).prop_map(|(name, year, day, near)| {
        let date = jiff::civil::date(year, 1, 1).checked_add(day.days()).unwrap();
        let zone = zone(name);
        let after = zone.to_timestamp(date.at(0, 0, 0, 0)).unwrap();
        let change = zone.following(after).next().filter(|_| near);
        let near = change.map(|it| zone.to_datetime(it.timestamp()).date());
        (name, near.filter(|it| it.year() <= 2050).unwrap_or(date))
    })
}

fn times() -> impl Strategy<Value = jiff::civil::Time> {
    // Most of what is special happens in the small hours.
    let hour = prop_oneof![3 => 0_i8..4, 1 => 4_i8..24];
    (hour, 0_i8..60).prop_map(|(hour, minute)| jiff::civil::time(hour, minute, 0, 0))
}

/// The policy, written down a second time: the first instant at which the wall clock shows `time` of `date` or later, and
/// nothing earlier of that date.
fn first_at_or_past(zone: &TimeZone, date: Date, time: jiff::civil::Time) -> Timestamp {
    let wanted = date.to_datetime(time);
    let shows = |at: Timestamp| zone.to_datetime(at) >= wanted;
    let utc = TimeZone::UTC.to_timestamp(wanted).unwrap();
    // Minute by minute from before any offset could matter; every offset of the years tried here is in whole minutes.
    let mut at = utc.checked_sub(hours(15)).unwrap();
    while !shows(at) {
        at = at.checked_add(minutes(1)).unwrap();
    }
    at
}

/// So many cases of each property below: a zone, a date and times. They have also held for 3,000 each, which takes minutes.
const CASES: u32 = 400;

#[test]
fn the_zones_are_all_that_there_are() {
    assert!(ZONES.len() > 500, "{}", ZONES.len());
    for special in ["Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana", "Antarctica/Troll"] {
        assert!(ZONES.iter().any(|it| it == special), "{special}");
    }
}

proptest! {
    #![proptest_config(crate::properties::config(CASES))]

    #[test]
    fn each_date_opens_one_window_by_the_policy((name, date) in dates(), on in times(), off in times()) {
        let zone = zone(name);
        let next = date.tomorrow().unwrap();
        let day = (date.month(), date.day());
        let rule = daily(&on.to_string(), &off.to_string()).of_dates(day, day);
        let from = date.yesterday().unwrap().at(0, 0, 0, 0).to_string();
        let to = next.tomorrow().unwrap().at(12, 0, 0, 0).to_string();
        let found = windows(name, rule, &from, &to);
        let start = first_at_or_past(&zone, date, on);
        let end = first_at_or_past(&zone, if off < on { next } else { date }, off);
        let expected: Vec<_> = (start < end).then_some((start, end)).into_iter().collect();
        prop_assert_eq!(shown(name, &found), shown(name, &expected), "{} {} {} to {}", name, date, on, off);
    }

    #[test]
    fn a_duration_is_elapsed_time((name, date) in dates(), on in times(), length in 1_i64..2000) {
        let zone = zone(name);
        let day = (date.month(), date.day());
        let rule = lasting(&on.to_string(), minutes(length)).of_dates(day, day);
        let from = date.yesterday().unwrap().at(0, 0, 0, 0).to_string();
        let to = date.checked_add(4.days()).unwrap().at(0, 0, 0, 0).to_string();
        let found = windows(name, rule, &from, &to);
        let start = first_at_or_past(&zone, date, on);
        prop_assert_eq!(found, vec![(start, start.checked_add(minutes(length)).unwrap())], "{} {} {}", name, date, on);
    }

    #[test]
    fn all_day_is_every_instant_of_its_date((name, date) in dates()) {
        let zone = zone(name);
        let day = (date.month(), date.day());
        let from = date.yesterday().unwrap().at(12, 0, 0, 0).to_string();
        let to = date.checked_add(2.days()).unwrap().at(12, 0, 0, 0).to_string();
        let found = windows(name, all_day().of_dates(day, day), &from, &to);
        for (start, end) in &found {
            prop_assert!(start < end);
        }
        prop_assert!(found.len() <= 1);
        // Looked at each quarter of an hour: on exactly while the wall shows the date, but that the repeated end of a date
        // belongs to the day that has begun.
        let mut at = zone.to_timestamp(date.yesterday().unwrap().at(12, 0, 0, 0)).unwrap();
        let begins = first_at_or_past(&zone, date, jiff::civil::Time::midnight());
        let ends = first_at_or_past(&zone, date.tomorrow().unwrap(), jiff::civil::Time::midnight());
        for _ in 0..200 {
            let inside = found.iter().any(|(start, end)| *start <= at && at < *end);
            prop_assert_eq!(inside, begins <= at && at < ends, "{} {} at {}", name, date, at);
            at = at.checked_add(minutes(15)).unwrap();
        }
    }

    #[test]
    fn cron_fires_each_named_time_once_and_in_order((name, date) in dates(), minute in 0_i8..60, hour in 0_i8..4) {
        let zone = zone(name);
        let rule = cron(&format!("0 {minute} {hour} * * *"), OffTime::After(seconds(30)));
        let first = date.checked_sub(2.days()).unwrap();
        let last = date.checked_add(2.days()).unwrap();
        let from = first.at(0, 0, 0, 0).to_string();
        let to = last.at(23, 59, 59, 0).to_string();
        let found: Vec<_> = windows(name, rule, &from, &to).into_iter().map(|(start, _)| start).collect();
        let mut expected: Vec<_> = first
            .series(1.day())
            .take_while(|it| *it <= last)
            .map(|it| first_at_or_past(&zone, it, jiff::civil::time(hour, minute, 0, 0)))
            .collect();
        expected.dedup();
        prop_assert_eq!(found, expected, "{} {}", name, date);
    }
    /// What bounds a sun time and what stands for it is a wall-clock time: both keep the policy.
    #[test]
    fn a_sun_time_is_held_and_replaced_by_the_policy((name, date) in dates(), at in times(), polar in any::<bool>()) {
        let zone = zone(name);
        let place = if polar { Place { latitude: 89.9, longitude: 0.0 } } else { NEW_YORK };
        let held = DayTime::Sun {
            event: SunEvent::Sunrise,
            offset: minutes(7),
            fallback: at,
            not_before: Some(at),
            not_after: Some(at),
        };
        let day = (date.month(), date.day());
        let rule = window(OnTime::At(held), OffTime::After(hours(1))).of_dates(day, day);
        let from = date.yesterday().unwrap().at(0, 0, 0, 0).to_string();
        let to = date.checked_add(3.days()).unwrap().at(0, 0, 0, 0).to_string();
        let found = windows_at(place, name, rule, &from, &to);
        let start = first_at_or_past(&zone, date, at);
        prop_assert_eq!(found, vec![(start, start.checked_add(hours(1)).unwrap())], "{} {} {}", name, date, at);
    }

    /// One that is free is an instant: whatever the clocks do, it comes once a day, for people who live by a clock that is up to
    /// six hours away from their own sun. (Twelve hours away, a change of the clock moves the sun to another date.)
    #[test]
    fn a_sunset_comes_once_a_day_whatever_the_clocks_do((name, date) in dates(), off in -90.0..90.0_f64) {
        let noon = instant(&zone(name), &date.at(12, 0, 0, 0).to_string());
        let east = f64::from(zone(name).to_offset(noon).seconds()) / 240.0 + off;
        let place = Place { latitude: 40.0, longitude: (east + 540.0).rem_euclid(360.0) - 180.0 };
        // A change by many hours (Vostok, 1994) must not take the clock half a day away from the sun either; one by whole days is none.
        let clock = |by: i64| {
            let noon = date.checked_add(by.days()).unwrap().at(12, 0, 0, 0).to_string();
            f64::from(zone(name).to_offset(instant(&zone(name), &noon)).seconds()) / 3600.0
        };
        let change = (clock(4) - clock(-3) + 36.0).rem_euclid(24.0) - 12.0;
        prop_assume!(change.abs() + off.abs() / 15.0 < 11.5);
        let rule = window(OnTime::At(sunset(0, "12:34")), OffTime::After(minutes(1)));
        let from = date.checked_sub(3.days()).unwrap().at(0, 0, 0, 0).to_string();
        let to = date.checked_add(4.days()).unwrap().at(0, 0, 0, 0).to_string();
        let found = windows_at(place, name, rule, &from, &to);
        for pair in found.windows(2) {
            let apart = pair[1].0.duration_since(pair[0].0);
            prop_assert!((minutes(1435)..minutes(1445)).contains(&apart), "{} {}: {:#} apart", name, date, apart);
        }
        prop_assert!(found.len() >= 5, "{} {}: {}", name, date, found.len());
    }
}

/// The longest gap of a whole zone in recent years: from two o'clock to four.
#[test]
fn cron_fires_once_in_a_gap_of_two_hours() {
    let (name, date) = ("America/Indiana/Winamac", jiff::civil::date(2007, 3, 11));
    let zone = zone(name);
    for hour in 0..6 {
        for minute in [0, 1, 30, 59] {
            let rule = cron(&format!("0 {minute} {hour} * * *"), OffTime::After(seconds(30)));
            let (from, to) = (date.at(0, 0, 0, 0).to_string(), date.at(23, 59, 59, 0).to_string());
            let found: Vec<_> = windows(name, rule, &from, &to).into_iter().map(|(start, _)| start).collect();
            let expected = first_at_or_past(&zone, date, jiff::civil::time(hour, minute, 0, 0));
            assert_eq!(found, [expected], "{hour}:{minute:02}");
        }
    }
}
