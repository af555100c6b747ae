//! What people ask for, as they write it in MQTT and HTTP alike: `45m`, `22:00`, `ON`, `auto`.

use jiff::{
    SignedDuration, Timestamp,
    civil::Time,
    tz::{AmbiguousOffset, TimeZone},
};

use super::{Control, Lasting, Switch, Verb};

/// The longest that a wish may last.
pub const LONGEST_WISH: SignedDuration = SignedDuration::from_hours(24);

/// How long a wish lasts, by its `for` or its `until`.
///
/// # Errors
/// Both are given, or one cannot be read or is out of range; in words.
pub fn lasting(lasts: Option<&str>, until: Option<&str>, now: Timestamp, zone: &TimeZone) -> Result<Lasting, String> {
    match (lasts, until) {
        (Some(_), Some(_)) => Err("`for` and `until` exclude each other".to_owned()),
        (Some(lasts), None) => length(lasts, LONGEST_WISH).map(Lasting::For),
        (None, Some(until)) => lasts_until(until, now, zone),
        (None, None) => Ok(Lasting::Default),
    }
}

/// Why, in the asker's own words: one short line. `None` if it is blank.
pub fn because(text: &str) -> Option<String> {
    let line = shortened(text.trim());
    (!line.trim().is_empty()).then_some(line)
}

/// `ON`, `OFF` or `TOGGLE`. `allowed` says what else may stand there.
///
/// # Errors
/// It is none of them, or TOGGLE with an end; in words.
pub fn verb(text: &str, lasting: Lasting, allowed: &str) -> Result<Verb, String> {
    if !text.trim().eq_ignore_ascii_case("TOGGLE") {
        let switch = position(text).map_err(|_| format!("{} is no state, {allowed}", quoted(text)))?;
        return Ok(Verb::Set(switch, lasting));
    }
    if lasting != Lasting::Default {
        return Err("TOGGLE takes neither `for` nor `until`".to_owned());
    }
    Ok(Verb::Toggle)
}

/// `ON` or `OFF`, in any case of letters.
///
/// # Errors
/// It is neither, in words.
pub fn position(text: &str) -> Result<Switch, String> {
    let text = text.trim();
    [Switch::On, Switch::Off]
        .into_iter()
        .find(|switch| text.eq_ignore_ascii_case(switch.as_str()))
        .ok_or_else(|| format!("{} is neither ON nor OFF", quoted(text)))
}

/// `auto`, `on` or `off`.
///
/// # Errors
/// It is none of them, in words.
pub fn control(text: &str) -> Result<Control, String> {
    [Control::Auto, Control::On, Control::Off]
        .into_iter()
        .find(|control| text.eq_ignore_ascii_case(control.as_str()))
        .ok_or_else(|| format!("{} is none of auto, on and off", quoted(text)))
}

fn lasts_until(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Lasting, String> {
    if text.trim().eq_ignore_ascii_case("next_change") {
        return Ok(Lasting::NextChange);
    }
    end(text, now, zone, LONGEST_WISH).map(Lasting::Until)
}

/// The length of `for`, at most `most`.
///
/// # Errors
/// It is no length, or out of range; in words.
pub fn length(text: &str, most: SignedDuration) -> Result<SignedDuration, String> {
    let duration: SignedDuration =
        text.trim().parse().map_err(|_| format!("`for` is {}, not a duration such as 45m or 1h30m", quoted(text)))?;
    if duration <= SignedDuration::ZERO || duration > most {
        return Err(format!("`for` is {}, it must be above 0 and at most {} h", quoted(text), most.as_hours()));
    }
    Ok(duration)
}

/// The moment of `until`, at most `most` ahead.
///
/// # Errors
/// It is no time, or out of range; in words.
pub fn end(text: &str, now: Timestamp, zone: &TimeZone, most: SignedDuration) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Some(time) = time_of_day(text) {
        let next = next_at(time, now, zone).ok_or_else(|| format!("`until` {} never comes", quoted(text)))?;
        return Ok(next.min(now + most));
    }
    let at: Timestamp = text.parse().map_err(|_| {
        let form = "a time such as 06:30 or 2026-11-24T06:30:00Z, nor next_change";
        format!("`until` is {}, neither {form}", quoted(text))
    })?;
    if at <= now || at.duration_since(now) > most {
        return Err(format!("`until` is {}, it must be ahead by at most {} h", quoted(text), most.as_hours()));
    }
    Ok(at)
}

/// `HH:MM`.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| {
        let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        plain.then(|| digits.parse::<i8>().ok()).flatten()
    };
    (minute.len() == 2).then(|| Time::new(number(hour)?, number(minute)?, 0, 0).ok()).flatten()
}

/// The next instant at which clocks on the wall show a time: in a gap at its end, in a fold the first time.
fn next_at(time: Time, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = zone.to_datetime(now).date();
    [today, today.tomorrow().ok()?, today.tomorrow().ok()?.tomorrow().ok()?]
        .into_iter()
        .filter_map(|date| {
            let ambiguous = zone.to_ambiguous_timestamp(date.to_datetime(time));
            match ambiguous.offset() {
                AmbiguousOffset::Gap { .. } => Some(zone.following(ambiguous.earlier().ok()?).next()?.timestamp()),
                _ => ambiguous.earlier().ok(),
            }
        })
        .find(|at| *at > now)
}

/// What strangers wrote, in one short line between quotes.
pub fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

/// What strangers wrote is shown in one short line.
pub fn shortened(text: &str) -> String {
    const MOST: usize = 120;
    let plain = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let mut short: String = plain.take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}
