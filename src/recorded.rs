//! Recorded weather: a CSV file, packed or not, read into hours. The storm of the demo and `simulate` stand on it.

use std::io::Read;

use flate2::read::GzDecoder;
use jiff::{SignedDuration, Timestamp};

use crate::model::{Celsius, Interval};

/// No recording is larger when unpacked: a hundred years of hours fit.
const LARGEST: u64 = 64 * 1024 * 1024;
/// What `wx` may hold.
const LETTERS: &str = "SFRUZGt";

/// A recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// It is not text, or the packed file is damaged.
    #[error("the recording is not CSV text in UTF-8, packed or not: {0}")]
    Unreadable(#[source] std::io::Error),
    /// It is too large.
    #[error("the recording is larger than 64 MiB")]
    TooLarge,
    /// The first line lacks a column that every recording has.
    #[error("line 1: there is no column `{0}`")]
    NoColumn(&'static str),
    /// The first line names a column twice.
    #[error("line 1, column `{0}`: it is named twice")]
    NamedTwice(&'static str),
    /// A row ends early or goes on for too long: the file may have been cut.
    #[error("line {line}: there are {found} fields, the first line names {allowed} columns")]
    Width {
        /// From 1.
        line: usize,
        /// Fields of the row.
        found: usize,
        /// Columns of the first line.
        allowed: usize,
    },
    /// A value cannot be read.
    #[error("line {line}, column `{column}`: `{found}` is not {allowed}")]
    Value {
        /// From 1.
        line: usize,
        /// The column's name.
        column: &'static str,
        /// What stands there.
        found: String,
        /// What may stand there.
        allowed: &'static str,
    },
}

/// Recorded weather, an hour at a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// Ascending and without overlap; there may be gaps.
    pub hours: Vec<Hour>,
}

/// An hour of recorded weather.
#[derive(Clone, Debug, PartialEq)]
pub struct Hour {
    /// What was measured.
    pub interval: Interval,
    /// What was seen, as the file's `wx` says it: letters joined, empty where nobody looked or there was nothing to see.
    pub letters: String,
}

/// Reads recorded weather: `time_utc,temp_c,dewp_c,rh,wind_ms,precip_mm,cloud,wx` in any order, plain or gzip.
///
/// A row is the hour that starts at `time_utc` (unix seconds), an empty field is unknown, and columns that are not named here
/// are ignored. `wx` joins letters (S snow, F freezing rain, R rain, U unknown precipitation, Z freezing fog, G bad sight, t a trace),
/// which become the WMO code of the most severe of them. Without letters the code is unknown, for many recordings never have any.
///
/// # Errors
/// The first thing that cannot be read, with its place. Rows must ascend by at least an hour.
pub fn read(bytes: &[u8]) -> Result<Recording, RecordedError> {
    let text = unpack(bytes)?;
    let mut lines = text.lines();
    let names: Vec<&str> =
        lines.next().unwrap_or_default().trim_start_matches('\u{feff}').split(',').map(str::trim).collect();
    let columns = Places::of(&names)?;
    let mut hours: Vec<Hour> = Vec::new();
    for (index, line) in lines.enumerate().filter(|it| !it.1.trim().is_empty()) {
        let row = Row { line: index + 2, fields: line.split(',').map(str::trim).collect() };
        if row.fields.len() != names.len() {
            return Err(RecordedError::Width { line: row.line, found: row.fields.len(), allowed: names.len() });
        }
        hours.push(columns.hour(&row, hours.last().map(|it| it.interval.end))?);
    }
    Ok(Recording { hours })
}

/// The measured hours alone, as [`read`] reads them.
///
/// # Errors
/// As [`read`].
pub fn recorded_csv(bytes: &[u8]) -> Result<Vec<Interval>, RecordedError> {
    Ok(read(bytes)?.hours.into_iter().map(|it| it.interval).collect())
}

fn unpack(bytes: &[u8]) -> Result<String, RecordedError> {
    let mut text = String::new();
    let read = if bytes.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(bytes).take(LARGEST + 1).read_to_string(&mut text)
    } else {
        bytes.take(LARGEST + 1).read_to_string(&mut text)
    };
    let length = read.map_err(RecordedError::Unreadable)?;
    if u64::try_from(length).is_ok_and(|it| it > LARGEST) {
        return Err(RecordedError::TooLarge);
    }
    Ok(text)
}

struct Row<'a> {
    line: usize,
    fields: Vec<&'a str>,
}

impl Row<'_> {
    fn field(&self, place: Option<usize>) -> Option<&str> {
        place.and_then(|it| self.fields.get(it)).copied().filter(|it| !it.is_empty())
    }

    fn wrong(&self, column: &'static str, found: &str, allowed: &'static str) -> RecordedError {
        RecordedError::Value { line: self.line, column, found: found.chars().take(40).collect(), allowed }
    }

    fn number(
        &self,
        place: Option<usize>,
        column: &'static str,
        allowed: &'static str,
        range: std::ops::RangeInclusive<f64>,
    ) -> Result<Option<f64>, RecordedError> {
        let Some(found) = self.field(place) else { return Ok(None) };
        let value = found.parse().ok().filter(|it| range.contains(it));
        value.map(Some).ok_or_else(|| self.wrong(column, found, allowed))
    }
}

/// Where each column stands.
struct Places {
    time: usize,
    temperature: Option<usize>,
    dew_point: Option<usize>,
    humidity: Option<usize>,
    wind: Option<usize>,
    precipitation: Option<usize>,
    cloud: Option<usize>,
    weather: Option<usize>,
}

impl Places {
    fn of(names: &[&str]) -> Result<Self, RecordedError> {
        let place = |name| {
            let mut places = names.iter().enumerate().filter(|(_, it)| **it == name).map(|(at, _)| at);
            match (places.next(), places.next()) {
                (_, Some(_)) => Err(RecordedError::NamedTwice(name)),
                (place, None) => Ok(place),
            }
        };
        Ok(Self {
            time: place("time_utc")?.ok_or(RecordedError::NoColumn("time_utc"))?,
            temperature: place("temp_c")?,
            dew_point: place("dewp_c")?,
            humidity: place("rh")?,
            wind: place("wind_ms")?,
            precipitation: place("precip_mm")?,
            cloud: place("cloud")?,
            weather: place("wx")?,
        })
    }

    fn hour(&self, row: &Row<'_>, last_end: Option<Timestamp>) -> Result<Hour, RecordedError> {
        const DEGREES: &str = "a temperature of -90 to 60 °C";
        let time = row.field(Some(self.time)).unwrap_or_default();
        let start = time.parse().ok().and_then(|it| Timestamp::from_second(it).ok());
        let end = start.and_then(|it| it.checked_add(SignedDuration::from_hours(1)).ok());
        let (Some(start), Some(end)) = (start, end) else {
            return Err(row.wrong("time_utc", time, "a time in unix seconds"));
        };
        if last_end > Some(start) {
            return Err(row.wrong("time_utc", time, "at least an hour after the row before"));
        }
        let temperature = row.number(self.temperature, "temp_c", DEGREES, -90.0..=60.0)?;
        let precipitation = row.number(self.precipitation, "precip_mm", "an amount of 0 to 450 mm", 0.0..=450.0)?;
        let letters = row.field(self.weather).unwrap_or_default();
        if !letters.chars().all(|it| LETTERS.contains(it)) {
            return Err(row.wrong("wx", letters, "letters of S, F, R, U, Z, G and t"));
        }
        let interval = Interval {
            start,
            end,
            temperature: temperature.map(Celsius),
            dew_point: row.number(self.dew_point, "dewp_c", DEGREES, -90.0..=60.0)?.map(Celsius),
            humidity: row.number(self.humidity, "rh", "a humidity of 0 to 100 %", 0.0..=100.0)?,
            precipitation,
            snowfall: None,
            code: code(letters, precipitation, temperature),
            cloud: row.number(self.cloud, "cloud", "a cover of 0 to 1", 0.0..=1.0)?,
            wind: row.number(self.wind, "wind_ms", "a speed of 0 to 130 m/s", 0.0..=130.0)?,
        };
        Ok(Hour { interval, letters: letters.to_owned() })
    }
}

/// The WMO code of the most severe of the letters, its strength by the amount.
fn code(letters: &str, precipitation: Option<f64>, temperature: Option<f64>) -> Option<u8> {
    let amount = precipitation.unwrap_or_default();
    let by_amount = |slight, moderate, heavy| match amount {
        it if it < 1.0 => slight,
        it if it < 2.5 => moderate,
        _ => heavy,
    };
    let snow = || by_amount(71, 73, 75);
    let rain = || by_amount(61, 63, 65);
    let has = |letter| letters.contains(letter);
    if has('F') {
        Some(by_amount(66, 66, 67))
    } else if has('S') {
        Some(snow())
    } else if has('U') {
        // What a sensor cannot tell apart falls near freezing; in the cold it is the slippery kind.
        Some(if temperature.is_some_and(|it| it <= 1.0) { snow() } else { rain() })
    } else if has('R') {
        Some(rain())
    } else if has('Z') {
        Some(48)
    } else if has('G') {
        Some(45)
    } else {
        None
    }
}
