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
pub fn instant(zone: &TimeZone, date: Date, time: Time) -> Timestamp {
    let local = date.to_datetime(time);
    let read = |offset: Offset| offset.to_timestamp(local).unwrap_or(Timestamp::MAX);
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => read(offset),
        AmbiguousOffset::Fold { before, .. } => read(before),
        AmbiguousOffset::Gap { before, after } => end_of_gap(zone, read(before), before, after),
    }
}

/// Read with the offset of before the change, a time in the gap lies after the change by as much as it lies behind the gap's
/// beginning, and that is less than the gap is long. The change is found by halving, for the zone's own list of changes has been seen
/// to name one an hour early (Winamac, 2007, where the years that are listed end and the rule for all others begins).
fn end_of_gap(zone: &TimeZone, inside: Timestamp, before: Offset, after: Offset) -> Timestamp {
    let length = SignedDuration::from_secs(i64::from(after.seconds()) - i64::from(before.seconds()));
    let (mut not_yet, mut changed) = (earlier(inside, length).as_second(), inside.as_second());
    while changed - not_yet > 1 {
        let middle = not_yet.midpoint(changed);
        let at = Timestamp::from_second(middle).unwrap_or(inside);
        if zone.to_offset(at) == before {
            not_yet = middle;
        } else {
            changed = middle;
        }
    }
    Timestamp::from_second(changed).unwrap_or(inside)
}
