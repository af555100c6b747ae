//! A request to Open-Meteo read, and its answer written.

use serde_json::{Map, Value, json};

use super::sky::{HOUR, Reply, Sky, asked, number};
use crate::model::{Celsius, Interval};

/// Where it is served, as at the provider.
pub(super) const PATH: &str = "/v1/forecast";
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

/// A quarter of an hour in seconds.
const QUARTER: i64 = HOUR / 4;

/// The answer for a query.
pub(super) fn answer(query: &str, sky: &Sky) -> Reply {
    match Wish::read(query) {
        Ok(wish) => Reply::good(wish.answer(sky)),
        Err(reason) => refused(400, &reason),
    }
}

/// What is asked for.
struct Wish {
    latitude: f64,
    longitude: f64,
    series: Vec<&'static Series>,
    past: u16,
    ahead: u16,
    /// Quarters of an hour ahead, where they are asked for.
    quarters: u16,
}

impl Wish {
    /// Reads a query. The error is the reason that Open-Meteo would give.
    fn read(query: &str) -> Result<Self, String> {
        let find = |key: &str| asked(query, key);
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
            quarters: if find("minutely_15").is_some() { hours("forecast_minutely_15", 96)? } else { 0 },
        })
    }

    fn answer(&self, sky: &Sky) -> Value {
        let stamps = self.stamps(sky);
        let mut series = Map::new();
        let mut units = Map::new();
        series.insert("time".to_owned(), stamps.iter().copied().collect());
        units.insert("time".to_owned(), "unixtime".into());
        for wished in &self.series {
            let before = if wished.sums { HOUR } else { 0 };
            let values = stamps.iter().map(|stamp| number((wished.value)(&sky.hour(stamp - before))));
            series.insert(wished.name.to_owned(), values.collect());
            units.insert(wished.name.to_owned(), wished.unit.into());
        }
        let mut body = json!({
            "latitude": self.latitude,
            "longitude": self.longitude,
            "generationtime_ms": 0.1,
            "utc_offset_seconds": 0,
            "timezone": "GMT",
            "timezone_abbreviation": "GMT",
            "elevation": 10.0,
            "hourly_units": units,
            "hourly": series,
        });
        if let Some(body) = body.as_object_mut().filter(|_| self.quarters > 0) {
            body.insert("minutely_15_units".to_owned(), json!({ "temperature_2m": "°C", "precipitation": "mm" }));
            body.insert("minutely_15".to_owned(), self.minutely(sky));
        }
        body
    }

    /// The recording knows no quarters: what falls is spread evenly, the air is between the full hours.
    fn minutely(&self, sky: &Sky) -> Value {
        let running = sky.begun(sky.run);
        let stamps: Vec<i64> = (0..=i64::from(self.quarters)).map(|it| running + it * QUARTER).collect();
        let begun = |stamp: i64| running + (stamp - running).div_euclid(HOUR) * HOUR;
        let air = |at: i64| sky.hour(at).temperature.map(|Celsius(it)| it);
        let airs = stamps.iter().map(|stamp| {
            let (first, last) = air(begun(*stamp)).zip(air(begun(*stamp) + HOUR))?;
            let share = f64::from(i32::try_from((stamp - begun(*stamp)) / QUARTER).unwrap_or_default()) / 4.0;
            Some(first + (last - first) * share)
        });
        let falls = stamps.iter().map(|stamp| sky.hour(begun(stamp - QUARTER)).precipitation.map(|it| it / 4.0));
        json!({
            "time": stamps,
            "temperature_2m": airs.map(number).collect::<Value>(),
            "precipitation": falls.map(number).collect::<Value>(),
        })
    }

    /// The stamps from `past` hours before the running one on, on the grid of the recording.
    fn stamps(&self, sky: &Sky) -> Vec<i64> {
        let running = sky.begun(sky.run);
        (-i64::from(self.past)..i64::from(self.ahead)).map(|step| running + step * HOUR).collect()
    }
}

/// A refusal in the provider's way.
pub(super) fn refused(status: u16, reason: &str) -> Reply {
    Reply::refusal(status, json!({ "error": true, "reason": reason }))
}
