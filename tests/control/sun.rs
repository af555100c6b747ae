//! Sunrise and sunset, seen through schedules that open and close by them.

use heattrax::model::{DayTime, Place, SunEvent};
use jiff::{Timestamp, civil::Date};

use crate::home::*;

const EPHEMERIS: &str = include_str!("../data/solar/sunrise_sunset_spa.csv");

struct Sky {
    site: String,
    place: Place,
    zone: String,
    date: Date,
    kind: String,
    rise: Option<Timestamp>,
    set: Option<Timestamp>,
}

fn ephemeris() -> Vec<Sky> {
    let rows = EPHEMERIS.lines().skip(1).map(|line| {
        let field: Vec<_> = line.split(',').collect();
        let stamp = |text: &str| text.parse().ok().map(|it| Timestamp::from_second(it).unwrap());
        Sky {
            site: field[0].to_owned(),
            place: Place { latitude: field[1].parse().unwrap(), longitude: field[2].parse().unwrap() },
            zone: field[3].to_owned(),
            date: field[4].parse().unwrap(),
            kind: field[5].to_owned(),
            rise: stamp(field[6]),
            set: stamp(field[7]),
        }
    });
    rows.collect()
}

/// When the event of `date` is, by a schedule of that date alone that lasts a minute from it.
pub fn event(zone_name: &str, place: Place, date: Date, event: SunEvent, offset: i64) -> Timestamp {
    let on =
        DayTime::Sun { event, offset: minutes(offset), fallback: time("12:34"), not_before: None, not_after: None };
    let day = (date.month(), date.day());
    let rule = window(heattrax::model::OnTime::At(on), heattrax::model::OffTime::After(minutes(1))).of_dates(day, day);
    let evening_before = date.yesterday().unwrap().at(12, 0, 0, 0).to_string();
    let day = home_in(zone_name, place).lights("porch", &["p/1"], [rule]).starts(&evening_before);
    day.decision("p/1").review_at.unwrap()
}

#[test]
fn the_sun_is_where_the_almanac_of_others_has_it() {
    let mut worst = 0;
    for row in ephemeris().iter().filter(|it| it.kind == "normal") {
        let near_polar = row.place.latitude.abs() > 65.0;
        let tolerance = if near_polar { 300 } else { 60 };
        for (kind, expected) in [(SunEvent::Sunrise, row.rise), (SunEvent::Sunset, row.set)] {
            let found = event(&row.zone, row.place, row.date, kind, 0);
            // Tromsø, 25 July: the last midnight sun. It does not rise, but it does set.
            let by_clock = || zone(&row.zone).to_timestamp(row.date.to_datetime(time("12:34"))).unwrap();
            let off = found.duration_since(expected.unwrap_or_else(by_clock)).abs().as_secs();
            assert!(off <= tolerance, "{} {} {kind:?}: {found}, {off} s off", row.site, row.date);
            if !near_polar {
                worst = worst.max(off);
            }
        }
    }
    assert!(worst <= 60, "{worst}");
}

#[test]
fn polar_days_and_nights_use_the_fallback_without_the_offset() {
    let mut seen = 0;
    for row in ephemeris().iter().filter(|it| it.kind != "normal") {
        for kind in [SunEvent::Sunrise, SunEvent::Sunset] {
            let found = event(&row.zone, row.place, row.date, kind, 30);
            let local = zone(&row.zone).to_datetime(found);
            assert_eq!((local.date(), local.time()), (row.date, time("12:34")), "{} {}", row.site, row.date);
            seen += 1;
        }
    }
    assert_eq!(seen, 4);
}

#[test]
fn a_sunset_past_midnight_belongs_to_its_own_day() {
    let fairbanks = Place { latitude: 64.8378, longitude: -147.7164 };
    let night = between(sunset(0, "23:30"), clock("02:30"));
    let mut day = home_in("America/Anchorage", fairbanks)
        .lights("porch", &["p/1"], [night.on_days(&[7])])
        .starts("2026-06-21 23:00");
    // The sun of Sunday 21 June sets on Monday at 00:47.
    assert_eq!(day.wanted("p/1"), Off);
    assert_eq!(day.at("2026-06-22 00:46").wanted("p/1"), Off);
    assert_eq!(day.at("2026-06-22 00:49").wanted("p/1"), On);
    assert_eq!(day.at("2026-06-22 02:30").wanted("p/1"), Off);
    assert_eq!(day.at("2026-06-23 00:30").wanted("p/1"), Off, "Monday's sunset is not asked for");
}

#[test]
fn an_offset_shifts_by_exactly_itself() {
    let date: Date = "2024-12-15".parse().unwrap();
    for kind in [SunEvent::Sunrise, SunEvent::Sunset] {
        let plain = event("America/New_York", NEW_YORK, date, kind, 0);
        for offset in [-180, -30, 30, 180] {
            let shifted = event("America/New_York", NEW_YORK, date, kind, offset);
            assert_eq!(shifted.duration_since(plain), minutes(offset), "53 {kind:?}");
        }
    }
}

#[test]
fn a_zone_far_from_the_places_meridian_gets_one_sunset_a_day() {
    // Somebody lives in New York by Tokyo's clock, or on Kiritimati, a day ahead of its meridian. By Helsinki's the sun sets in
    // the hour that is repeated in October, and by that of Bangkok its transit slips over midnight in spring.
    for (zone_name, place, first) in [
        ("Asia/Tokyo", NEW_YORK, "2026-03-01"),
        ("Pacific/Kiritimati", Place { latitude: 1.87, longitude: -157.4 }, "2026-03-01"),
        ("Etc/GMT+12", Place { latitude: 40.0, longitude: 175.0 }, "2026-03-01"),
        ("Europe/Helsinki", NEW_YORK, "2021-10-20"),
        ("Asia/Bangkok", NEW_YORK, "1990-03-22"),
    ] {
        let mut date: Date = first.parse().unwrap();
        let mut before: Option<Timestamp> = None;
        for _ in 0..20 {
            let set = event(zone_name, place, date, SunEvent::Sunset, 0);
            if let Some(before) = before {
                let apart = set.duration_since(before);
                assert!((hours(23)..hours(25)).contains(&apart), "{zone_name} {date}: {apart:#} after the last");
            }
            before = Some(set);
            date = date.tomorrow().unwrap();
        }
    }
}
