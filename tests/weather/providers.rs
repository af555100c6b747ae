//! Every provider reads its answers as it means them, and none is upset by anything.

use heattrax::{
    explain::code_words,
    model::{Forecast, Interval, Provider, ProviderSettings},
    weather::{
        answer::{Answer, Flaw, ParseError},
        ask::{Ask, Heard, Reply, provider, user_agent},
        met_norway, nws, open_meteo, openweathermap, pirate_weather, quota,
    },
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{asked_at, noon, settings};

const OPEN_METEO: &[u8] = include_bytes!("../data/weather/openmeteo_ok_unixtime.json");
const MET: &[u8] = include_bytes!("../data/weather/metno_compact.json");
const POINTS: &[u8] = include_bytes!("../data/weather/nws_points.json");
const GRID: &[u8] = include_bytes!("../data/weather/nws_gridpoints.json");
const ONE_CALL: &[u8] = include_bytes!("../data/weather/owm_onecall3.json");
const FREE: &[u8] = include_bytes!("../data/weather/owm_forecast_3h.json");
const PRESENT: &[u8] = include_bytes!("../data/weather/owm_current.json");
const PIRATE: &[u8] = include_bytes!("../data/weather/pirateweather.json");

pub(crate) type Parse = fn(&[u8], Timestamp) -> Result<Answer, ParseError>;

pub(crate) const PARSERS: [(&str, Parse, &[u8]); 6] = [
    ("open-meteo", open_meteo::parse, OPEN_METEO),
    ("met-norway", met_norway::parse, MET),
    ("nws", nws::parse, GRID),
    ("openweathermap one call", openweathermap::parse_one_call, ONE_CALL),
    ("openweathermap", openweathermap::parse_forecast, FREE),
    ("pirate-weather", pirate_weather::parse, PIRATE),
];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn made(which: Provider) -> Box<dyn Ask> {
    let folder = std::path::Path::new("/");
    provider(&settings("http://x", folder), &asked_at(which, "http://x"))
}

pub(crate) fn reply(body: &[u8]) -> Reply {
    Reply { body: body.to_vec(), ..Reply::default() }
}

fn hour<'a>(forecast: &'a Forecast, when: &str) -> &'a Interval {
    forecast.at(at(when)).unwrap_or_else(|| panic!("nothing at {when}"))
}

#[test]
fn every_provider_tells_of_the_same_storm() {
    for (name, parse, body) in PARSERS {
        let answer = parse(body, noon()).unwrap();
        let forecast = &answer.forecast;
        assert!(forecast.intervals.windows(2).all(|pair| pair[0].end <= pair[1].start), "{name}");
        assert_eq!(forecast.issued_at, noon(), "{name}");
        assert!(name.starts_with(&forecast.source), "{name}");
        let serious = answer.doubts.keys().find(|it| it.flaw != Flaw::Missing && it.series != "weather");
        assert!(serious.is_none(), "{name}: {serious:?}");
        // The thick of it: 13:00 to 14:00.
        let thick = hour(forecast, "2026-01-15T13:30:00Z");
        assert!(thick.temperature.is_some_and(|it| (-4.0..=-1.0).contains(&it.0)), "{name}: {thick:?}");
        assert!(thick.dew_point.zip(thick.temperature).is_some_and(|(dew, air)| dew.0 <= air.0), "{name}: {thick:?}");
        assert!(thick.humidity.is_some_and(|it| it > 80.0), "{name}: {thick:?}");
        assert!(matches!(thick.code, Some(71 | 73 | 75)), "{name}: {thick:?}");
        assert!(thick.wind.is_some_and(|it| (2.0..3.0).contains(&it)), "{name}: {thick:?}");
        assert!(thick.cloud.is_some_and(|it| it > 0.9), "{name}: {thick:?}");
        // 4.8 mm in all of it; the NWS's made answer says 4.3 mm from 12:00 to 18:00 and 0.5 mm before.
        let (from, to) = (at("2026-01-15T08:00:00Z"), at("2026-01-15T20:00:00Z"));
        let sum: f64 = forecast.between(from, to).filter_map(|it| it.precipitation).sum();
        assert!((4.2..=5.2).contains(&sum), "{name}: {sum} mm");
    }
}

#[test]
fn each_hour_is_the_hour_that_the_provider_means() {
    for (name, parse, body) in PARSERS.into_iter().filter(|it| !["nws", "openweathermap"].contains(&it.0)) {
        let forecast = parse(body, noon()).unwrap().forecast;
        for (when, amount) in [("11", 0.4), ("12", 0.9), ("13", 1.3), ("14", 1.1), ("17", 0.1)] {
            let it = hour(&forecast, &format!("2026-01-15T{when}:00:00Z"));
            assert_eq!(it.precipitation, Some(amount), "{name} at {when}");
            assert_eq!(it.end.duration_since(it.start), SignedDuration::from_hours(1), "{name}");
        }
    }
}

#[test]
fn met_norways_far_end_is_of_six_hours_and_its_terms_are_kept() {
    let forecast = met_norway::parse(MET, noon()).unwrap().forecast;
    let far = hour(&forecast, "2026-01-17T12:00:00Z");
    assert_eq!((far.start, far.end), (at("2026-01-17T10:00:00Z"), at("2026-01-17T16:00:00Z")));
    let mut how = asked_at(Provider::MetNorway, "http://x");
    assert_eq!(user_agent(&how), concat!("heattrax/", env!("CARGO_PKG_VERSION"), " me@example.org"));
    how.contact = None;
    let mut settings = settings("http://x", std::path::Path::new("/"));
    settings.place = heattrax::model::Place { latitude: 59.913_868_8, longitude: -0.000_01 };
    let url = provider(&settings, &how).question().url;
    assert_eq!(url, "http://x/compact?lat=59.9139&lon=-0");
}

#[test]
fn met_norway_is_asked_for_what_has_changed_and_an_unchanged_forecast_is_fresh_again() {
    let mut met = made(Provider::MetNorway);
    assert_eq!(met.question().known_since, None);
    let since = "Thu, 15 Jan 2026 10:21:00 GMT".to_owned();
    let first = met.hear(Reply { last_modified: Some(since.clone()), ..reply(MET) }, noon()).unwrap();
    assert_eq!(met.question().known_since, Some(since));
    let later = noon() + SignedDuration::from_mins(40);
    let second = met.hear(Reply { unchanged: true, ..Reply::default() }, later).unwrap();
    let (Heard::Answer(first), Heard::Answer(second)) = (first, second) else { panic!("no answers") };
    assert_eq!((second.forecast.issued_at, &second.forecast.intervals), (later, &first.forecast.intervals));
    // What cannot be read is asked for as a whole again.
    assert!(met.hear(reply(b"{"), later).is_err());
    assert_eq!(met.question().known_since, None);
    let nothing = met.hear(Reply { unchanged: true, ..Reply::default() }, later);
    assert!(matches!(nothing, Err(ParseError::NothingBefore)));
}

#[test]
fn the_nws_is_asked_for_the_square_first_and_again_when_it_is_gone_or_a_month_old() {
    let mut nws = made(Provider::Nws);
    assert_eq!(nws.question().url, "http://x/points/40.71,-74");
    assert_eq!(nws.hear(reply(POINTS), noon()).unwrap(), Heard::AskOn);
    assert_eq!(nws.question().url, "http://x/gridpoints/OKX/33,35");
    assert!(matches!(nws.hear(reply(GRID), noon()), Ok(Heard::Answer(_))));
    assert!(!nws.refused(503) && nws.question().url.contains("gridpoints"));
    assert!(nws.refused(404));
    assert!(nws.question().url.contains("points/40") && !nws.refused(404), "asked in circles");
    nws.hear(reply(POINTS), noon() - SignedDuration::from_hours(31 * 24)).unwrap();
    assert!(matches!(nws.hear(reply(GRID), noon()), Ok(Heard::Answer(_))));
    assert!(nws.question().url.contains("points/40"));
}

#[test]
fn an_older_forecast_of_the_nws_does_not_replace_a_newer_one() {
    let mut nws = made(Provider::Nws);
    nws.hear(reply(POINTS), noon()).unwrap();
    nws.hear(reply(GRID), noon()).unwrap();
    let older = String::from_utf8_lossy(GRID)
        .replace("2026-01-15T09:00:00+00:00\",\n  \"validTimes", "2026-01-15T07:00:00+00:00\",\n  \"validTimes");
    assert!(matches!(nws.hear(reply(older.as_bytes()), noon()), Err(ParseError::Superseded)));
}

#[test]
fn sums_of_the_nws_are_spread_and_its_values_hold() {
    let forecast = nws::parse(GRID, noon()).unwrap().forecast;
    let it = hour(&forecast, "2026-01-15T12:00:00Z");
    assert!((it.precipitation.unwrap() - 4.3 / 6.0).abs() < 1e-9 && (it.snowfall.unwrap() - 30.5 / 60.0).abs() < 1e-9);
    assert!((it.wind.unwrap() - 9.26 / 3.6).abs() < 1e-9);
    assert_eq!(hour(&forecast, "2026-01-15T16:59:00Z").temperature.unwrap().0, -1.5);
    assert_eq!(hour(&forecast, "2026-01-15T18:00:00Z").precipitation, None, "nobody has said");
    let ice = String::from_utf8_lossy(GRID).replace(
        "\"value\": null\n    }\n   ]\n  },\n  \"weather\"",
        "\"value\": 2.5\n    }\n   ]\n  },\n  \"weather\"",
    );
    let ice = nws::parse(ice.as_bytes(), noon()).unwrap().forecast;
    assert_eq!(hour(&ice, "2026-01-15T12:00:00Z").code, Some(66));
    let warm = String::from_utf8_lossy(GRID).replace("wmoUnit:degC", "wmoUnit:degF");
    let warm = nws::parse(warm.as_bytes(), noon()).unwrap().forecast;
    assert!((hour(&warm, "2026-01-15T06:00:00Z").temperature.unwrap().0 - -20.0).abs() < 1e-9);
    let odd = String::from_utf8_lossy(GRID).replace("wmoUnit:mm", "wmoUnit:furlong");
    let odd = nws::parse(odd.as_bytes(), noon()).unwrap();
    assert!(odd.doubts.keys().any(|it| it.series == "quantitativePrecipitation" && it.flaw == Flaw::Unit));
    assert_eq!(hour(&odd.forecast, "2026-01-15T12:00:00Z").precipitation, None);
}

#[test]
fn ice_pellets_of_the_nws_have_words() {
    let ice = String::from_utf8_lossy(GRID).replace("\"weather\": \"snow\"", "\"weather\": \"ice_pellets\"");
    let forecast = nws::parse(ice.as_bytes(), noon()).unwrap().forecast;
    let code = forecast.intervals.iter().find_map(|it| it.code).unwrap();
    assert_eq!((code, code_words(code)), (79, "ice pellets"));
}

#[test]
fn a_forecast_that_its_provider_has_not_renewed_for_a_day_is_refused() {
    let later = noon() + SignedDuration::from_hours(26);
    assert!(matches!(nws::parse(GRID, later), Err(ParseError::Old(_))));
    assert!(matches!(met_norway::parse(MET, later), Err(ParseError::Old(_))));
}

#[test]
fn the_free_openweathermap_is_asked_twice_and_the_present_counts() {
    let mut owm = made(Provider::OpenWeatherMap);
    assert_eq!(owm.question().url, "http://x/data/2.5/forecast?cnt=10&lat=40.71&lon=-74&units=metric&appid=k3y");
    assert_eq!(owm.hear(reply(FREE), noon()).unwrap(), Heard::AskOn);
    assert!(owm.question().url.starts_with("http://x/data/2.5/weather?"));
    let Heard::Answer(answer) = owm.hear(reply(PRESENT), noon()).unwrap() else { panic!("no answer") };
    // Measured at 11:09, in the step that ends at 14:00.
    let now = hour(&answer.forecast, "2026-01-15T11:09:00Z");
    assert_eq!((now.temperature.unwrap().0, now.precipitation), (-3.8, Some(2.6)));
    assert!(owm.question().url.contains("forecast"));
    // A present of no use takes nothing away.
    owm.hear(reply(FREE), noon()).unwrap();
    assert!(matches!(owm.hear(reply(b"[]"), noon()), Ok(Heard::Answer(_))));
}

#[test]
fn what_openweathermap_leaves_out_is_nothing_and_what_it_garbles_is_unknown() {
    let stamp = noon().as_second() + 3600;
    for (falls, amount) in [
        (json!({}), Some(0.0)),
        (json!({"snow": {"1h": 1.5}}), Some(1.5)),
        (json!({"snow": {"1h": 1.5}, "rain": {"1h": 0.5}}), Some(2.0)),
        (json!({"rain": {"1h": "much"}}), None),
        (json!({"rain": {"1h": -1}}), None),
        (json!({"rain": 4}), None),
        (json!({"snow": {"3h": 4}}), None),
    ] {
        let mut entry = json!({"dt": stamp, "temp": -1.0, "weather": [{"id": 600}], "pop": 0});
        entry.as_object_mut().unwrap().extend(falls.as_object().unwrap().clone());
        let answer = openweathermap::parse_one_call(json!({"hourly": [entry]}).to_string().as_bytes(), noon()).unwrap();
        assert_eq!(answer.forecast.intervals[0].precipitation, amount, "{falls}");
        // Neither an amount nor a chance: then its code of snow is not believed.
        assert_eq!(answer.forecast.intervals[0].code.is_none(), amount == Some(0.0), "{falls}");
    }
}

#[test]
fn snow_at_twenty_degrees_is_unknown_and_so_is_air_of_sixty() {
    for (name, parse, body) in PARSERS {
        let mut text: Value = serde_json::from_slice(body).unwrap();
        heat(&mut text, 20.0);
        let answer = parse(text.to_string().as_bytes(), noon()).unwrap();
        assert!(answer.forecast.intervals.iter().all(|it| !matches!(it.code, Some(71..=79))), "{name}");
        assert!(answer.doubts.keys().any(|it| it.series == "weather code"), "{name}");
        heat(&mut text, 60.0);
        let answer = parse(text.to_string().as_bytes(), noon()).unwrap();
        assert!(answer.forecast.intervals.iter().all(|it| it.temperature.is_none()), "{name}");
    }
}

/// Sets every temperature of an answer.
fn heat(value: &mut Value, degrees: f64) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let is_list = value.is_array();
                match key.as_str() {
                    "temperature_2m" if is_list => {
                        value.as_array_mut().unwrap().iter_mut().for_each(|it| *it = json!(degrees));
                    }
                    "temperature" if value.get("values").is_some() => {
                        for it in value["values"].as_array_mut().unwrap() {
                            it["value"] = json!(degrees);
                        }
                    }
                    "air_temperature" | "temperature" | "temp" if value.is_number() => *value = json!(degrees),
                    _ => heat(value, degrees),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| heat(it, degrees)),
        _ => {}
    }
}

#[test]
fn a_clock_in_1970_or_an_answer_of_another_year_says_nothing_about_the_hours_ahead() {
    for (name, parse, body) in PARSERS {
        let in_two_years = noon() + SignedDuration::from_hours(2 * 365 * 24);
        assert!(parse(body, in_two_years).is_err(), "{name}");
        // Control refuses it: it is known to be of a time that has not come.
        assert!(parse(body, Timestamp::UNIX_EPOCH).is_ok_and(|it| it.forecast.issued_at == Timestamp::UNIX_EPOCH));
    }
}

#[test]
fn no_plan_asks_more_often_than_is_free() {
    for which in Provider::ALL {
        for one_call in [false, true] {
            let how = ProviderSettings { one_call, ..asked_at(which, which.usual_base_url()) };
            for minutes in [1, 10, 60] {
                let mut settings = settings("http://x", std::path::Path::new("/"));
                settings.refresh_every = std::time::Duration::from_secs(minutes * 60);
                let asked = quota::requests_a_day(&settings, &how);
                println!(
                    "{which} one_call={one_call} every {minutes} min: {asked:.0} a day of {:?}",
                    quota::free_a_day(&how)
                );
                assert!(quota::free_a_day(&how).is_none_or(|free| asked <= free * 1.000_001), "{which} {minutes}");
            }
        }
    }
}

/// A JSON value of any kind, the nasty ones too.
fn nasty() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!("NaN")),
        Just(json!(-0.0)),
        Just(json!(1e300)),
        Just(json!(i64::MIN)),
        Just(json!(u64::MAX)),
        Just(json!([])),
        Just(json!({})),
        Just(json!(true)),
        Just(json!("2026-03-08T02:30:00")),
        Just(json!("2026-01-15T05:00:00+00:00/PT0S")),
        Just(json!("-009999-01-01T00:00:00Z/P9999Y")),
        any::<f64>().prop_map(|it| json!(it)),
        any::<i64>().prop_map(|it| json!(it)),
    ]
}

/// Replaces, doubles or removes what lies at the end of a walk.
fn disturb(value: &mut Value, walk: &[usize], with: &Value) {
    let Some((step, rest)) = walk.split_first() else {
        *value = with.clone();
        return;
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            let key = map.keys().nth(step % map.len()).cloned().unwrap();
            disturb(&mut map[&key], rest, with);
        }
        Value::Array(items) if !items.is_empty() => {
            let index = step % items.len();
            match step % 11 {
                0 => items.insert(index, items[index].clone()),
                1 => drop(items.remove(index)),
                2 => items.reverse(),
                _ => disturb(&mut items[index], rest, with),
            }
        }
        other => *other = with.clone(),
    }
}

fn is_sound(forecast: &Forecast) -> bool {
    forecast.intervals.windows(2).all(|pair| pair[0].end <= pair[1].start)
        && forecast.intervals.iter().all(|it| {
            it.start < it.end
                && it.temperature.is_none_or(|it| it.0 > -90.0 && it.0 < 60.0)
                && it.dew_point.is_none_or(|it| it.0 > -90.0 && it.0 < 60.0)
                && it.humidity.is_none_or(|it| (0.0..=100.0).contains(&it))
                && it.precipitation.is_none_or(|it| (0.0..=450.0).contains(&it))
                && it.snowfall.is_none_or(|it| (0.0..=100.0).contains(&it))
                && it.cloud.is_none_or(|it| (0.0..=1.0).contains(&it))
                && it.wind.is_none_or(|it| (0.0..=130.0).contains(&it))
        })
}

proptest! {
    #![proptest_config(crate::tried(128))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0.0..1.0f64) {
        for (name, parse, body) in PARSERS {
            let _ = parse(&bytes, noon());
            let mut cut = body[..(body.len() as f64 * cut) as usize].to_vec();
            prop_assert!(parse(&cut, noon()).is_err(), "{}", name);
            cut.extend(&bytes);
            let _ = parse(&cut, noon());
        }
        let _ = open_meteo::parse_quarters(&bytes, noon());
        let _ = nws::square(&bytes);
        let _ = openweathermap::parse_present(&bytes, noon());
    }

    #[test]
    fn a_disturbed_answer_is_refused_or_sound(
        disturbances in proptest::collection::vec((proptest::collection::vec(any::<usize>(), 0..8), nasty()), 1..6),
        seconds in -5_000_000_000i64..5_000_000_000,
    ) {
        for now in [noon(), Timestamp::from_second(seconds).unwrap()] {
            for (name, parse, body) in PARSERS {
                let mut value: Value = serde_json::from_slice(body).unwrap();
                for (walk, with) in &disturbances {
                    disturb(&mut value, walk, with);
                }
                if let Ok(answer) = parse(value.to_string().as_bytes(), now) {
                    prop_assert!(is_sound(&answer.forecast), "{}: {:?}", name, answer.forecast);
                }
                if name != "open-meteo" {
                    continue;
                }
                if let Ok(answer) = open_meteo::parse_quarters(value.to_string().as_bytes(), now) {
                    prop_assert!(is_sound(&answer.forecast), "quarters: {:?}", answer.forecast);
                }
            }
        }
    }
}
