//! From wall-clock time to instants, by one written policy: a time in the gap of a DST change fires at the gap's end, a time in
//! the fold fires once, the first time.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::{AmbiguousOffset, Offset, TimeZone},
};

/// `at + by`, held inside what a [`Timestamp`] can say.
pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}

/// `at - by`, held inside what a [`Timestamp`] can say.
pub(super) fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(if by.is_negative() { Timestamp::MAX } else { Timestamp::MIN })
}

/// The local date at an instant.
pub(super) fn date_of(zone: &TimeZone, at: Timestamp) -> Date {
    zone.to_datetime(at).date()
}

/// `date` moved by whole days, held inside the calendar.
pub(super) fn days_later(date: Date, days: i64) -> Date {
    date.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(date)
}

/// The instant of a wall-clock time on a date.
pub(super) fn instant(zone: &TimeZone, date: Date, time: Time) -> Timestamp {
    let local = date.to_datetime(time);
    let read = |offset: Offset| offset.to_timestamp(local).unwrap_or(Timestamp::MAX);
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => read(offset),
        AmbiguousOffset::Fold { before, .. } => read(before),
        AmbiguousOffset::Gap { before, .. } => end_of_gap(zone, read(before)),
    }
}

/// Read with the offset of before the change, a time in the gap lies after the change by as much as it lies behind the gap's
/// beginning. So the change is the last one that is not after it.
fn end_of_gap(zone: &TimeZone, inside: Timestamp) -> Timestamp {
    let just_after = later(inside, SignedDuration::from_nanos(1));
    zone.preceding(just_after).next().map_or(inside, |change| change.timestamp())
}
