use heattrax::{
    model::{Celsius, Interval},
    weather::{
        answer::{Answer, Doubt, Flaw, ParseError},
        ask::provider,
        open_meteo::parse,
    },
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{noon, settings};

const OK: &[u8] = include_bytes!("answers/openmeteo_ok_unixtime.json");
const NULLS: &[u8] = include_bytes!("answers/openmeteo_nulls.json");
const RAGGED: &[u8] = include_bytes!("answers/openmeteo_ragged_arrays.json");
const LOCAL: &[u8] = include_bytes!("answers/openmeteo_iso_dst_spring.json");
const ERROR: &[u8] = include_bytes!("answers/openmeteo_err_400.json");
const ERROR_VARIABLE: &[u8] = include_bytes!("answers/openmeteo_err_400_var.json");
const ERROR_BUSY: &[u8] = include_bytes!("answers/openmeteo_err_429.json");

fn read(bytes: &[u8]) -> Answer {
    parse(bytes, noon()).unwrap()
}

fn raw(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// A short answer: three stamps from 1 h after `noon`'s hour on, with the series given.
fn made(series: Value) -> Result<Answer, ParseError> {
    let first = noon().as_second() / 3600 * 3600 + 3600;
    let mut hourly = json!({ "time": [first, first + 3600, first + 7200], "temperature_2m": [0.0, 2.0, 3.0] });
    for (name, values) in series.as_object().unwrap() {
        hourly[name] = values.clone();
    }
    parse(json!({ "hourly": hourly }).to_string().as_bytes(), noon())
}

fn intervals(series: Value) -> Vec<Interval> {
    made(series).unwrap().forecast.intervals
}

#[test]
fn a_sum_belongs_to_the_hour_before_its_stamp() {
    let answer = read(OK);
    let body = raw(OK);
    let stamps = body["hourly"]["time"].as_array().unwrap();
    assert_eq!(answer.forecast.intervals.len(), stamps.len());
    for (index, stamp) in stamps.iter().enumerate() {
        let end = Timestamp::from_second(stamp.as_i64().unwrap()).unwrap();
        let hour = &answer.forecast.intervals[index];
        assert_eq!((hour.start, hour.end), (end - SignedDuration::from_hours(1), end));
        assert_eq!(hour.precipitation, body["hourly"]["precipitation"][index].as_f64());
        assert_eq!(hour.snowfall, body["hourly"]["snowfall"][index].as_f64());
        assert_eq!(hour.code.map(u64::from), body["hourly"]["weather_code"][index].as_u64());
    }
    assert_eq!(answer.forecast.issued_at, noon());
    assert_eq!(answer.forecast.source, "open-meteo");
    assert!(answer.doubts.is_empty(), "{:?}", answer.doubts);
}

#[test]
fn an_instant_is_averaged_over_both_ends_of_its_hour() {
    let hours = intervals(json!({ "cloud_cover": [100, 50, 0], "wind_speed_10m": [1, 2, 4] }));
    let temperatures: Vec<_> = hours.iter().map(|it| it.temperature).collect();
    assert_eq!(temperatures, [Some(Celsius(0.0)), Some(Celsius(1.0)), Some(Celsius(2.5))]);
    assert_eq!(hours.iter().map(|it| it.cloud).collect::<Vec<_>>(), [Some(1.0), Some(0.75), Some(0.25)]);
    assert_eq!(hours[2].wind, Some(3.0));
}

#[test]
fn one_known_end_of_an_hour_is_enough() {
    let hours = intervals(json!({ "temperature_2m": [-4.0, null, null] }));
    let temperatures: Vec<_> = hours.iter().map(|it| it.temperature).collect();
    assert_eq!(temperatures, [Some(Celsius(-4.0)), Some(Celsius(-4.0)), None]);
}

#[test]
fn the_other_end_of_a_gap_says_nothing() {
    let first = noon().as_second() / 3600 * 3600 + 3600;
    let hours = intervals(json!({ "time": [first, first + 7200, first + 10800] }));
    assert_eq!(hours[1].temperature, Some(Celsius(2.0)));
    assert_eq!(hours[1].start.as_second(), first + 3600);
}

#[test]
fn nulls_make_the_field_unknown_and_nothing_else() {
    let (good, with_nulls, body) = (read(OK), read(NULLS), raw(NULLS));
    let is_null = |name: &str, index: usize| body["hourly"][name][index].is_null();
    let mut nulls = 0;
    for (index, hour) in with_nulls.forecast.intervals.iter().enumerate() {
        assert_eq!(hour.precipitation.is_none(), is_null("precipitation", index));
        assert_eq!(hour.snowfall.is_none(), is_null("snowfall", index));
        nulls += usize::from(is_null("precipitation", index) || is_null("temperature_2m", index));
    }
    assert!(nulls > 0);
    assert_eq!(with_nulls.forecast.intervals.len(), good.forecast.intervals.len());
    assert!(with_nulls.doubts.keys().all(|it| it.flaw == Flaw::Missing), "{:?}", with_nulls.doubts);
}

#[test]
fn ragged_series_are_unknown_where_they_end() {
    let (answer, body) = (read(RAGGED), raw(RAGGED));
    assert!(!answer.doubts.is_empty());
    let stamps = body["hourly"]["time"].as_array().unwrap().len();
    let mut short = 0;
    for name in ["precipitation", "snowfall", "weather_code"] {
        let length = body["hourly"][name].as_array().unwrap().len();
        short += usize::from(length < stamps);
        for (index, hour) in answer.forecast.intervals.iter().enumerate().skip(length) {
            let value = match name {
                "precipitation" => hour.precipitation,
                "snowfall" => hour.snowfall,
                _ => hour.code.map(f64::from),
            };
            assert_eq!(value, None, "{name} at {index}");
        }
    }
    let temperatures = body["hourly"]["temperature_2m"].as_array().unwrap().len();
    assert!(short > 0 || temperatures != stamps);
}

#[test]
fn local_times_are_refused() {
    assert!(matches!(parse(LOCAL, noon()), Err(ParseError::TimesNotUnix)));
}

#[test]
fn an_error_answer_is_told_in_the_providers_words() {
    for (bytes, words) in [
        (ERROR, "Latitude must be in range of -90 to 90°. Given: 123.0."),
        (ERROR_VARIABLE, "tempeture_2m"),
        (ERROR_BUSY, "Minutely API request limit exceeded"),
    ] {
        let error = parse(bytes, noon()).unwrap_err();
        assert!(matches!(error, ParseError::Refused(_)));
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_long_reason_is_cut_and_cannot_break_the_line() {
    let body = json!({ "error": true, "reason": format!("a\nb{}", "x".repeat(100_000)) }).to_string();
    let words = parse(body.as_bytes(), noon()).unwrap_err().to_string();
    assert!(words.starts_with("a b") && words.len() < 300);
}

#[test]
fn impossible_values_are_unknown() {
    let cases = [
        ("temperature_2m", json!([60, -90, 0]), Flaw::Impossible),
        ("relative_humidity_2m", json!([200, -1, 50]), Flaw::Impossible),
        ("precipitation", json!([-0.1, 9999, 0]), Flaw::Impossible),
        ("snowfall", json!([-7, 5000, 0]), Flaw::Impossible),
        ("weather_code", json!([71.5, 171, 0]), Flaw::Impossible),
        ("wind_speed_10m", json!([-3, 400, 0]), Flaw::Impossible),
        ("cloud_cover", json!([101, -1, 0]), Flaw::Impossible),
        ("dew_point_2m", json!(["-3.0", "NaN", 0]), Flaw::Malformed),
        ("precipitation", json!([{}, [], 0]), Flaw::Malformed),
        ("temperature_2m", json!([true, null, 0]), Flaw::Malformed),
    ];
    for (name, values, flaw) in cases {
        let answer = made(json!({ name: values })).unwrap();
        let first = &answer.forecast.intervals[0];
        let value = match name {
            "temperature_2m" => first.temperature.map(|it| it.0),
            "dew_point_2m" => first.dew_point.map(|it| it.0),
            "relative_humidity_2m" => first.humidity,
            "precipitation" => first.precipitation,
            "snowfall" => first.snowfall,
            "weather_code" => first.code.map(f64::from),
            "wind_speed_10m" => first.wind,
            _ => first.cloud,
        };
        assert_eq!(value, None, "{name}");
        assert!(answer.doubts.keys().any(|it| it.series == name && it.flaw == flaw), "{name}: {:?}", answer.doubts);
    }
}

#[test]
fn a_series_in_another_unit_is_unknown() {
    let mut body = raw(OK);
    body["hourly_units"]["temperature_2m"] = json!("°F");
    let answer = parse(body.to_string().as_bytes(), noon()).unwrap();
    assert!(answer.forecast.intervals.iter().all(|it| it.temperature.is_none() && it.precipitation.is_some()));
    let doubt = Doubt { series: "temperature_2m", flaw: Flaw::Unit };
    assert_eq!(doubt.to_string(), "`temperature_2m` is in a unit that was not asked for");
    assert!(answer.doubts[&doubt].contains("°F"));
}

#[test]
fn stamps_that_do_not_ascend_by_an_hour_are_left_out() {
    let first = noon().as_second() / 3600 * 3600 + 3600;
    for third in [json!(first), json!(first + 3660), json!(null), json!(1e300), json!(i64::MAX), json!(-5.5)] {
        let answer = made(json!({ "time": [first, first + 3600, third] })).unwrap();
        assert_eq!(answer.forecast.intervals.len(), 2, "{third}");
        assert!(answer.doubts.keys().any(|it| it.series == "time"));
    }
}

#[test]
fn an_answer_without_news_is_an_error() {
    let nothing = json!([null, null, null]);
    assert!(matches!(made(json!({ "temperature_2m": nothing })), Err(ParseError::Empty)));
    assert!(matches!(made(json!({ "time": [] })), Err(ParseError::Empty)));
    let late = noon() + SignedDuration::from_hours(24 * 30);
    assert!(matches!(parse(OK, late), Err(ParseError::Empty)));
}

#[test]
fn what_is_no_answer_is_named() {
    for (body, words) in [
        ("", "not complete JSON"),
        ("<html>", "not complete JSON"),
        ("null", "no usable `hourly`"),
        ("[]", "no usable `hourly`"),
        (r#"{"hourly":3}"#, "no usable `hourly`"),
        (r#"{"hourly":{}}"#, "no usable `hourly.time`"),
        (r#"{"error":"yes"}"#, "no reason given"),
    ] {
        let error = parse(body.as_bytes(), noon()).unwrap_err().to_string();
        assert!(error.contains(words), "{body}: {error}");
    }
    assert!(parse(br#"{"error":false}"#, noon()).unwrap_err().to_string().contains("no usable"));
    let deep = "[".repeat(100_000);
    assert!(matches!(parse(deep.as_bytes(), noon()), Err(ParseError::NotJson(_))));
}

#[test]
fn the_request_asks_for_metric_units_and_unix_time() {
    let settings = settings("https://example.org/", std::path::Path::new("/"));
    let url = provider(&settings, &settings.providers[0]).question().url;
    assert!(url.starts_with("https://example.org/v1/forecast?latitude=40.71&longitude=-74&hourly=temperature_2m,"));
    for part in ["timeformat=unixtime", "wind_speed_unit=ms", "past_hours=24", "forecast_hours=26", "weather_code"] {
        assert!(url.contains(part), "{part} in {url}");
    }
    assert!(!url.contains(' '));
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<f64>().prop_map(|it| json!(it)),
        (-100.0..200.0f64).prop_map(|it| json!(it)),
        any::<i64>().prop_map(|it| json!(it)),
        ".{0,8}".prop_map(|it| json!(it)),
        any::<bool>().prop_map(|it| json!(it)),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_or_a_forecast(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes, noon());
    }

    #[test]
    fn a_cut_answer_is_an_error(length in 0..OK.len() - 1) {
        prop_assert!(parse(&OK[..length], noon()).is_err());
    }

    #[test]
    fn a_flipped_byte_is_an_error_or_a_sound_forecast(place in 0..OK.len(), byte in any::<u8>()) {
        let mut bytes = OK.to_vec();
        bytes[place] = byte;
        if let Ok(answer) = parse(&bytes, noon()) {
            prop_assert!(is_sound(&answer.forecast.intervals));
        }
    }

    #[test]
    fn whatever_the_series_hold_the_forecast_is_sound(
        times in proptest::collection::vec(prop_oneof![
            (0..72i64).prop_map(|it| json!(1_768_474_800 + it * 1800)),
            any_value().prop_filter("no text", |it| !it.is_string()),
        ], 0..40),
        temperatures in proptest::collection::vec(any_value(), 0..40),
        sums in proptest::collection::vec(any_value(), 0..40),
        codes in proptest::collection::vec(any_value(), 0..40),
    ) {
        let hourly = json!({ "time": times, "temperature_2m": temperatures, "precipitation": sums, "weather_code": codes });
        if let Ok(answer) = parse(json!({ "hourly": hourly }).to_string().as_bytes(), noon()) {
            prop_assert!(is_sound(&answer.forecast.intervals));
        }
    }
}

/// Ascending, without overlap, an hour each, and every value possible.
fn is_sound(hours: &[Interval]) -> bool {
    hours.windows(2).all(|pair| pair[0].end <= pair[1].start)
        && hours.iter().all(|it| {
            it.end.duration_since(it.start) == SignedDuration::from_hours(1)
                && it.temperature.is_none_or(|it| it.0 > -90.0 && it.0 < 60.0)
                && it.humidity.is_none_or(|it| (0.0..=100.0).contains(&it))
                && it.precipitation.is_none_or(|it| (0.0..=450.0).contains(&it))
                && it.code.is_none_or(|it| it < 100)
                && it.cloud.is_none_or(|it| (0.0..=1.0).contains(&it))
        })
}
