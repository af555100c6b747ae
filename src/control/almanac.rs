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
                for day in [-1, 0, 1].map(|by| days_later(date, by)) {
                    days.entry(day).or_insert_with(|| events(&self.zone, self.place, day));
                }
                self.dates.insert(date, sun_times(&self.zone, date, &days));
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
            let days = [-1, 0, 1].map(|by| days_later(date, by)).map(|day| (day, events(&self.zone, self.place, day)));
            sun_times(&self.zone, date, &days.into())
        });
        match event {
            SunEvent::Sunrise => times.rise,
            SunEvent::Sunset => times.set,
        }
    }
}

/// The events that belong to a date, from what happens on it and on the dates beside it.
fn sun_times(zone: &TimeZone, date: Date, days: &BTreeMap<Date, DayEvents>) -> SunTimes {
    // The transit of the date itself; where a date has none (it may slip over midnight far from its zone's meridian), its noon.
    let noon = instant(zone, date, jiff::civil::time(12, 0, 0, 0));
    let transit = days.get(&date).and_then(|it| it.transits.first().copied()).unwrap_or(noon);
    let beside = || days.range(days_later(date, -1)..=days_later(date, 1)).map(|(_, day)| day);
    let rises = beside().flat_map(|day| day.rises.iter().copied());
    let sets = beside().flat_map(|day| day.sets.iter().copied());
    SunTimes {
        rise: rises.filter(|at| *at <= transit && *at > earlier(transit, HALF_A_DAY)).max(),
        set: sets.filter(|at| *at >= transit && *at < later(transit, HALF_A_DAY)).min(),
    }
}

#[derive(Default)]
struct DayEvents {
    rises: Vec<Timestamp>,
    sets: Vec<Timestamp>,
    transits: Vec<Timestamp>,
}

/// The events between the midnights of one local date. Empty if the crate refuses the date or the place, which settings exclude.
fn events(zone: &TimeZone, place: Place, date: Date) -> DayEvents {
    let noon = instant(zone, date, jiff::civil::time(12, 0, 0, 0));
    let offset = chrono::FixedOffset::east_opt(zone.to_offset(noon).seconds());
    let day = chrono::NaiveDate::from_ymd_opt(
        i32::from(date.year()),
        u32::from(date.month().unsigned_abs()),
        u32::from(date.day().unsigned_abs()),
    );
    let (Some(offset), Some(day)) = (offset, day) else { return DayEvents::default() };
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
