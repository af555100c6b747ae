//! A request to Open-Meteo read, and its answer written.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::model::{Celsius, Interval};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Hours ahead or back that may be asked for.
const MOST_HOURS: u16 = 16 * 24;

/// A series that the storm knows: its name, its unit, whether it is a sum over the hour before the stamp, and its value.
struct Series {
    name: &'static str,
    unit: &'static str,
    sums: bool,
    value: fn(&Interval) -> Option<f64>,
}

const SERIES: [Series; 8] = [
    Series { name: "temperature_2m", unit: "°C", sums: false, value: |it| it.temperature.map(|Celsius(value)| value) },
    Series { name: "dew_point_2m", unit: "°C", sums: false, value: |it| it.dew_point.map(|Celsius(value)| value) },
    Series { name: "relative_humidity_2m", unit: "%", sums: false, value: |it| it.humidity },
    Series { name: "precipitation", unit: "mm", sums: true, value: |it| it.precipitation },
    Series { name: "snowfall", unit: "cm", sums: true, value: |it| it.snowfall },
    // Open-Meteo derives it from the sums, so it is about the same hour as they are.
    Series { name: "weather_code", unit: "wmo code", sums: true, value: |it| it.code.map(f64::from) },
    Series { name: "wind_speed_10m", unit: "m/s", sums: false, value: |it| it.wind },
    Series { name: "cloud_cover", unit: "%", sums: false, value: |it| it.cloud.map(|it| it * 100.0) },
];

/// What is asked for.
pub(super) struct Wish {
    latitude: f64,
    longitude: f64,
    series: Vec<&'static Series>,
    past: u16,
    ahead: u16,
}

impl Wish {
    /// Reads a query. The error is the reason that Open-Meteo would give.
    pub(super) fn read(query: &str) -> Result<Self, String> {
        let find =
            |key: &str| query.split('&').filter_map(|it| it.split_once('=')).find(|it| it.0 == key).map(|it| it.1);
        let degrees = |key: &'static str, most: f64| {
            let given = find(key).ok_or_else(|| format!("Parameter '{key}' is required"))?;
            let value = given.parse::<f64>().ok().filter(|it| it.abs() <= most);
            value.ok_or_else(|| format!("{key} must be in range of -{most} to {most}°. Given: {given}."))
        };
        let hours = |key: &'static str, usual: u16| {
            let Some(given) = find(key) else { return Ok(usual) };
            let value = given.parse::<u16>().ok().filter(|it| *it <= MOST_HOURS);
            value.ok_or_else(|| format!("Parameter '{key}' must be 0 to {MOST_HOURS}. Given: {given}."))
        };
        for (key, only) in [("timeformat", "unixtime"), ("wind_speed_unit", "ms")] {
            if find(key) != Some(only) {
                return Err(format!("This storm knows '{key}={only}' only"));
            }
        }
        let names = find("hourly").unwrap_or_default().split(',').flat_map(|it| it.split("%2C"));
        let series = names.filter(|it| !it.is_empty()).map(|name| {
            let known = SERIES.iter().find(|it| it.name == name);
            known.ok_or_else(|| {
                format!("Data corrupted at path ''. Cannot initialize variable from invalid String value {name}.")
            })
        });
        Ok(Self {
            latitude: degrees("latitude", 90.0)?,
            longitude: degrees("longitude", 180.0)?,
            series: series.collect::<Result<_, _>>()?,
            past: hours("past_hours", 0)?,
            ahead: hours("forecast_hours", 168)?,
        })
    }

    /// The answer. With `null_hours`, every third stamp has no values.
    pub(super) fn answer(&self, hours: &[Interval], now: Timestamp, null_hours: bool) -> Value {
        let stamps = self.stamps(hours, now);
        let mut series = Map::new();
        let mut units = Map::new();
        series.insert("time".to_owned(), stamps.iter().map(|it| it.as_second()).collect());
        units.insert("time".to_owned(), "unixtime".into());
        for wished in &self.series {
            let values = stamps.iter().enumerate().map(|(index, stamp)| {
                let start = if wished.sums { stamp.checked_sub(HOUR).ok() } else { Some(*stamp) };
                let hour = start.and_then(|start| hour_from(hours, start));
                let is_known = !(null_hours && index % 3 == 0);
                hour.filter(|_| is_known).and_then(wished.value).map_or(Value::Null, number)
            });
            series.insert(wished.name.to_owned(), values.collect());
            units.insert(wished.name.to_owned(), wished.unit.into());
        }
        json!({
            "latitude": self.latitude,
            "longitude": self.longitude,
            "generationtime_ms": 0.1,
            "utc_offset_seconds": 0,
            "timezone": "GMT",
            "timezone_abbreviation": "GMT",
            "elevation": 10.0,
            "hourly_units": units,
            "hourly": series,
        })
    }

    /// The stamps from `past` hours before the running one on, on the grid of the recording.
    fn stamps(&self, hours: &[Interval], now: Timestamp) -> Vec<Timestamp> {
        let into_the_hour = hours.first().map_or(0, |it| it.start.as_second().rem_euclid(3600));
        let running = (now.as_second() - into_the_hour).div_euclid(3600) * 3600 + into_the_hour;
        let steps = -i64::from(self.past)..i64::from(self.ahead);
        steps.filter_map(|step| Timestamp::from_second(running + step * 3600).ok()).collect()
    }
}

/// An answer that refuses.
pub(super) fn error(reason: &str) -> Value {
    json!({ "error": true, "reason": reason })
}

fn hour_from(hours: &[Interval], start: Timestamp) -> Option<&Interval> {
    // An offset may be a fraction of a second, a stamp is whole seconds.
    let found = hours.partition_point(|it| it.start.as_second() < start.as_second());
    hours.get(found).filter(|it| it.start.as_second() == start.as_second())
}

fn number(value: f64) -> Value {
    // Percentages and codes are whole numbers there, and a fraction that a factor of 100 left would show.
    let rounded = (value * 1000.0).round() / 1000.0;
    if rounded.fract() == 0.0 && rounded.abs() < 1e9 {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number below a thousand million")]
        return json!(rounded as i64);
    }
    json!(rounded)
}
