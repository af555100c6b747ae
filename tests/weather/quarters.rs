//! Quarters of an hour where a model knows them, and only if they come to what the hour says.

use heattrax::{
    model::{Interval, Place, Provider},
    weather::{ask::provider, open_meteo::parse_quarters},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{asked_at, noon, settings};

/// The hour from noon's on: 2 mm of snow between -4 and 0 °C, and these quarters of it.
fn hour(quarters: Value) -> Vec<Interval> {
    let start = noon().as_second() / 3600 * 3600;
    let stamps: Vec<i64> = (0..=4).map(|it| start + it * 900).collect();
    let body = json!({
        "hourly": {
            "time": [start, start + 3600], "temperature_2m": [-4.0, 0.0], "precipitation": [0.0, 2.0],
            "snowfall": [0.0, 1.4], "weather_code": [3, 73],
        },
        "minutely_15": { "time": stamps, "temperature_2m": [-4.0, -3.0, -2.0, -1.0, 0.0], "precipitation": quarters },
    });
    let all = parse_quarters(body.to_string().as_bytes(), noon()).unwrap().forecast.intervals;
    all.into_iter().filter(|it| it.start.as_second() >= start).collect()
}

#[test]
fn an_hour_whose_quarters_come_to_it_is_told_by_its_quarters() {
    let found = hour(json!([0.0, 0.0, 0.0, 0.5, 1.5]));
    assert_eq!(found.len(), 4);
    assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start));
    assert!(found.iter().all(|it| it.end.duration_since(it.start) == SignedDuration::from_mins(15)));
    let amounts: Vec<_> = found.iter().map(|it| (it.precipitation.unwrap(), it.snowfall.unwrap(), it.code)).collect();
    assert_eq!(amounts[0], (0.0, 0.0, None), "a dry quarter is not what the hour's code speaks of");
    assert_eq!((amounts[3].0, amounts[3].2), (1.5, Some(73)));
    assert_eq!(found[1].temperature.unwrap().0, -2.5);
    let sum: f64 = amounts.iter().map(|it| it.0).sum();
    assert!((sum - 2.0).abs() < 1e-5, "{sum}");
}

#[test]
fn quarters_that_disagree_with_their_hour_are_not_believed() {
    for quarters in [
        json!([0.0, 0.0, 0.0, 0.0, 0.0]),
        json!([0.0, 0.0, 0.0, 0.1, 0.1]),
        json!([0.0, 1.0, 1.0, 1.0, 1.0]),
        json!([0.0, 0.5, null, 0.5, 0.5]),
        json!([0.0, 0.5, "wet", 0.5, 0.5]),
        json!([0.0, 0.5]),
        json!(7),
    ] {
        let found = hour(quarters.clone());
        assert_eq!((found.len(), found[0].precipitation, found[0].code), (1, Some(2.0), Some(73)), "{quarters}");
    }
}

#[test]
fn they_are_asked_for_where_a_model_knows_them() {
    for ((latitude, longitude), native) in [
        ((40.71, -74.0), true),
        ((48.1, 11.6), true),
        ((35.7, 139.7), false),
        ((-33.9, 18.4), false),
        ((61.2, -149.9), false),
    ] {
        let mut settings = settings("http://x", std::path::Path::new("/"));
        settings.place = Place { latitude, longitude };
        let question = provider(&settings, &asked_at(Provider::OpenMeteo, "http://x")).question();
        assert_eq!(question.url.contains("minutely_15"), native, "{latitude} {longitude}");
    }
}
