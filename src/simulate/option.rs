//! The options of a simulation, as people write them.

use jiff::{
    SignedDuration, Timestamp,
    civil::{self, Date},
    tz::TimeZone,
};

/// An instant, or a date that begins at local midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// An instant.
    At(Timestamp),
    /// The beginning of a date.
    On(Date),
}

impl When {
    /// The instant, for a house in this zone.
    pub fn instant(self, zone: &TimeZone) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::On(date) => midnight(zone, date),
        }
    }
}

/// The beginning of a local date. Where midnight is skipped, the day begins when the gap ends.
pub(super) fn midnight(zone: &TimeZone, date: Date) -> Timestamp {
    zone.to_timestamp(date.to_datetime(civil::Time::midnight())).unwrap_or(Timestamp::MAX)
}

/// A time in which no forecast is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Its beginning.
    pub from: When,
    /// How long it lasts.
    pub length: SignedDuration,
}

impl Outage {
    /// `[from, to)`, for a house in this zone.
    pub fn instants(self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        let from = self.from.instant(zone);
        (from, from.checked_add(self.length).unwrap_or(Timestamp::MAX))
    }
}

/// `2013-02-08T12:00:00Z` or `2013-02-08`.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_when(text: &str) -> Result<When, String> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(When::At(at));
    }
    // A date with a time but no offset would be read as the date alone.
    let date = text.parse::<Date>().ok().filter(|_| text.len() <= 10);
    date.map(When::On)
        .ok_or_else(|| format!("`{text}` is neither a time such as 2013-02-08T12:00:00Z nor a date such as 2013-02-08"))
}

/// `2013-02-08/6`: from there on, so many hours.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_outage(text: &str) -> Result<Outage, String> {
    let (from, hours) = text.rsplit_once('/').ok_or_else(|| format!("`{text}` is not FROM/HOURS"))?;
    let hours: f64 = number(hours, 0.0, 24.0 * 366.0, "hours, more than 0")?;
    let length = SignedDuration::try_from_secs_f64(hours * 3600.0).map_err(|it| it.to_string())?;
    Ok(Outage { from: parse_when(from)?, length })
}

/// `60s`, `5m`, `1h`; a bare number is seconds.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_step(text: &str) -> Result<SignedDuration, String> {
    let seconds = text.parse::<i64>().ok().map(SignedDuration::from_secs);
    let step = seconds.or_else(|| text.parse::<SignedDuration>().ok());
    let range = SignedDuration::from_secs(10)..=SignedDuration::from_hours(1);
    let step = step.filter(|it| range.contains(it) && it.subsec_nanos() == 0);
    step.ok_or_else(|| format!("`{text}` is not a step of whole seconds from 10s to 1h"))
}

/// Minutes, at most a day either way.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_shift(text: &str) -> Result<SignedDuration, String> {
    let minutes = number(text, -1440.0, 1440.0, "minutes, -1440 to 1440")?;
    SignedDuration::try_from_secs_f64((minutes * 60.0).round()).map_err(|it| it.to_string())
}

/// Kelvin, at most 20 either way.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_bias(text: &str) -> Result<f64, String> {
    number(text, -20.0, 20.0, "degrees, -20 to 20")
}

/// Percent.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_null(text: &str) -> Result<f64, String> {
    number(text, 0.0, 100.0, "percent, 0 to 100")
}

fn number(text: &str, least: f64, most: f64, what: &str) -> Result<f64, String> {
    let value = text.trim().parse::<f64>().ok().filter(|it| (least..=most).contains(it));
    value.ok_or_else(|| format!("`{text}` is not a number of {what}"))
}
