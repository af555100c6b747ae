//! Reading a time as people write it.

use jiff::{Timestamp, civil, tz::TimeZone};

/// RFC 3339, or `HH:MM` of the present day in `zone` (in a fold the first, in a gap its end).
///
/// # Errors
/// It is neither, in words.
pub fn parse_at(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let wrong = || format!("`{text}` is neither a time such as 2026-01-15T06:00:00Z nor a time of day such as 06:00");
    let shape = |it: char| it.is_ascii_digit() || it == ':';
    if !text.contains(':') || !text.chars().all(shape) {
        return Err(wrong());
    }
    let time: civil::Time = text.parse().map_err(|_| wrong())?;
    let local = zone.to_datetime(now).date().to_datetime(time);
    let there = zone.to_ambiguous_timestamp(local);
    match there.offset() {
        jiff::tz::AmbiguousOffset::Gap { .. } => {
            // The clock goes from before the gap to its end at one instant: the transition that follows.
            let before = there.earlier().map_err(|_| wrong())?;
            Ok(zone.following(before).next().map_or(before, |it| it.timestamp()))
        }
        _ => there.earlier().map_err(|_| wrong()),
    }
}

/// An instant for people and programs: RFC 3339 to the second that has begun, with the offset of `zone`.
pub fn local(zone: &TimeZone, at: Timestamp) -> String {
    let second = Timestamp::from_second(at.as_millisecond().div_euclid(1000)).unwrap_or(at);
    second.display_with_offset(zone.to_offset(second)).to_string()
}
