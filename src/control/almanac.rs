//! Sunrise and sunset of local dates, looked up once a day and kept.
//!
//! Events come from the `solar-positioning` crate (Reda and Andreas' SPA, sea level, -0.8333 degrees). The sunrise of a date is
//! the one before the sun's transit of that date and the sunset is the one after it, so that a sunset past local midnight (white
//! nights) still belongs to its own day.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use solar_positioning::{Horizon, Location, SolarEvents, delta_t};

use super::civil::{days_later, earlier, instant, later};
use crate::model::{Place, SunEvent};

/// Half a day around the transit holds the sunrise and the sunset of a date.
const HALF_A_DAY: SignedDuration = SignedDuration::from_hours(12);
const DAY: i64 = 24 * 3600;
/// The Earth turns by a degree in four minutes.
const SECONDS_PER_DEGREE: f64 = 240.0;

/// The sun at one place.
#[derive(Clone, Debug)]
pub(super) struct Almanac {
    zone: TimeZone,
    place: Place,
    dates: BTreeMap<Date, SunTimes>,
}

/// The events of one local date. `None` where there is none (polar day, polar night).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SunTimes {
    pub(super) rise: Option<Timestamp>,
    pub(super) set: Option<Timestamp>,
}

impl Almanac {
    pub(super) fn new(zone: TimeZone, place: Place) -> Self {
        Self { zone, place, dates: BTreeMap::new() }
    }

    /// Looks up every date of `[first, last]` that is not known yet, and forgets the others.
    pub(super) fn prepare(&mut self, first: Date, last: Date) {
        if self.dates.contains_key(&first) && self.dates.contains_key(&last) {
            return;
        }
        self.dates.retain(|date, _| (first..=last).contains(date));
        // Each look at the sky serves the dates beside it too.
        let mut days: BTreeMap<Date, DayEvents> = BTreeMap::new();
        let mut date = first;
        while date <= last {
            if !self.dates.contains_key(&date) {
                for day in days_around(date) {
                    days.entry(day).or_insert_with(|| events(self.place, day));
                }
                self.dates.insert(date, sun_times(&self.zone, self.place, date, &days));
            }
            let next = days_later(date, 1);
            if next == date {
                break;
            }
            date = next;
        }
    }

    /// The event of a date. A date that was not prepared is looked up anew.
    pub(super) fn sun(&self, date: Date, event: SunEvent) -> Option<Timestamp> {
        let times = self.dates.get(&date).copied().unwrap_or_else(|| {
            let days = days_around(date).map(|day| (day, events(self.place, day)));
            sun_times(&self.zone, self.place, date, &days.into())
        });
        match event {
            SunEvent::Sunrise => times.rise,
            SunEvent::Sunset => times.set,
        }
    }
}

/// Sunrise and sunset of a local date. `None` where there is none (polar day, polar night).
pub fn sun(zone: TimeZone, place: Place, date: Date) -> (Option<Timestamp>, Option<Timestamp>) {
    let almanac = Almanac::new(zone, place);
    (almanac.sun(date, SunEvent::Sunrise), almanac.sun(date, SunEvent::Sunset))
}

/// The days of UTC that hold half a day around any moment of a local date, up to 14 hours east and 12 west.
fn days_around(date: Date) -> [Date; 5] {
    [-2, -1, 0, 1, 2].map(|by| days_later(date, by))
}

/// The events that belong to a local date, from what happens around it.
fn sun_times(zone: &TimeZone, place: Place, date: Date, days: &BTreeMap<Date, DayEvents>) -> SunTimes {
    let around = || days_around(date).into_iter().filter_map(|day| days.get(&day));
    let noon = mean_noon(zone, place, date);
    let transits = around().flat_map(|day| day.transits.iter().copied());
    let transit = transits.min_by_key(|at| at.duration_since(noon).abs()).unwrap_or(noon);
    let rises = around().flat_map(|day| day.rises.iter().copied());
    let sets = around().flat_map(|day| day.sets.iter().copied());
    SunTimes {
        rise: rises.filter(|at| *at <= transit && *at > earlier(transit, HALF_A_DAY)).max(),
        set: sets.filter(|at| *at >= transit && *at < later(transit, HALF_A_DAY)).min(),
    }
}

/// The mean solar noon that is nearest to a date's noon by the clock. The true one is within 17 minutes of it, but may slip to
/// and fro over a midnight of the clock where somebody lives by the time of the other side of the Earth: then a date would
/// have none, or two.
fn mean_noon(zone: &TimeZone, place: Place, date: Date) -> Timestamp {
    let twelve = jiff::civil::time(12, 0, 0, 0);
    #[expect(clippy::cast_possible_truncation, reason = "at most half a day")]
    let east = SignedDuration::from_secs((place.longitude * SECONDS_PER_DEGREE) as i64);
    let mean = earlier(instant(&TimeZone::UTC, date, twelve), east);
    let ahead = instant(zone, date, twelve).duration_since(mean).as_secs();
    later(mean, SignedDuration::from_secs((ahead + DAY / 2).div_euclid(DAY) * DAY))
}

#[derive(Default)]
struct DayEvents {
    rises: Vec<Timestamp>,
    sets: Vec<Timestamp>,
    transits: Vec<Timestamp>,
}

/// The events of one day of UTC, which follow each other without a gap: local days leave an hour out where clocks are set back.
/// Empty if the crate refuses the date or the place, which settings exclude.
fn events(place: Place, date: Date) -> DayEvents {
    let day = chrono::NaiveDate::from_ymd_opt(
        i32::from(date.year()),
        u32::from(date.month().unsigned_abs()),
        u32::from(date.day().unsigned_abs()),
    );
    let (Some(offset), Some(day)) = (chrono::FixedOffset::east_opt(0), day) else { return DayEvents::default() };
    let location = Location { latitude: place.latitude, longitude: place.longitude };
    let Ok(delta_t) = delta_t::estimate_from_date_like(&day) else { return DayEvents::default() };
    let Ok(found) = SolarEvents::new().for_date(day, &offset, location, delta_t, Horizon::SunriseSunset) else {
        return DayEvents::default();
    };
    let stamps = |times: &[chrono::DateTime<chrono::FixedOffset>]| {
        times.iter().filter_map(|it| Timestamp::from_millisecond(it.timestamp_millis()).ok()).collect()
    };
    DayEvents { rises: stamps(&found.rises), sets: stamps(&found.sets), transits: stamps(&found.transits) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use jiff::{civil::date, tz::TimeZoneDatabase};

    use super::*;

    #[test]
    fn a_date_that_was_not_prepared_gives_the_same_as_one_that_was() {
        let zone = TimeZoneDatabase::bundled().get("America/New_York").unwrap();
        let mut almanac = Almanac::new(zone, Place { latitude: 40.7128, longitude: -74.006 });
        let day = date(2026, 1, 15);
        let cold = almanac.sun(day, SunEvent::Sunset);
        almanac.prepare(day, day);
        assert_eq!(almanac.sun(day, SunEvent::Sunset), cold);
        assert!(cold.is_some());
    }
}
