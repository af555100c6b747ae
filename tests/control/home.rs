//! A home in code, and a day in it: what the tests speak.

use heattrax::model::{OutletId, Place, Slug};
use jiff::{
    SignedDuration, Timestamp,
    civil::{self, DateTime},
    tz::{TimeZone, TimeZoneDatabase},
};

pub use crate::{day::*, plan::*, rules::*};
pub use heattrax::model::Switch::{Off, On};

pub fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

pub fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

pub fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

pub fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

pub fn id(outlet: &str) -> OutletId {
    outlet.parse().unwrap()
}

pub fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub fn time(text: &str) -> civil::Time {
    text.parse().unwrap()
}

pub const NEW_YORK: Place = Place { latitude: 40.7128, longitude: -74.006 };

/// RFC 3339, or a local date and time (in a fold, the first).
pub fn instant(zone: &TimeZone, when: &str) -> Timestamp {
    if let Ok(at) = when.parse() {
        return at;
    }
    let local: DateTime = when.parse().unwrap_or_else(|_| panic!("`{when}` is not a time"));
    zone.to_timestamp(local).unwrap()
}
