//! A provider that says the same again and again, or an older thing than before.

use std::time::Duration;

use heattrax::{
    model::{Event, Provider},
    weather::{
        answer::{Answer, ParseError},
        ask::{Ask, Heard, Reply},
    },
};
use jiff::SignedDuration;
use serde_json::Value;

use crate::{
    Room, asked_at, noon,
    poller::{Provider as Served, answer},
    providers::{made, reply},
    settings, settle, turn,
};

const MET: &[u8] = include_bytes!("../data/weather/metno_compact.json");
const OPEN_METEO: &str = include_str!("../data/weather/openmeteo_ok_unixtime.json");
const POINTS: &str = include_str!("../data/weather/nws_points.json");
const GRID: &str = include_str!("../data/weather/nws_gridpoints.json");

/// The grid of the NWS as it was two hours before.
fn older() -> String {
    let older = GRID.replacen("\"updateTime\": \"2026-01-15T09", "\"updateTime\": \"2026-01-15T07", 1);
    assert_ne!(older, GRID);
    older
}

/// The first ten hours of MET Norway.
fn short() -> String {
    let mut short: Value = serde_json::from_slice(MET).unwrap();
    short["properties"]["timeseries"].as_array_mut().unwrap().truncate(10);
    short.to_string()
}

/// MET Norway after this answer, which may be referred to.
fn met(body: &[u8]) -> Box<dyn Ask> {
    let mut met = made(Provider::MetNorway);
    let last_modified = Some("Thu, 15 Jan 2026 10:21:00 GMT".to_owned());
    met.hear(Reply { last_modified, ..reply(body) }, noon()).unwrap();
    met
}

/// What comes of it when nothing has changed so many hours later.
fn unchanged(met: &mut dyn Ask, hours: i64) -> Result<Answer, ParseError> {
    let heard = met.hear(Reply { unchanged: true, ..Reply::default() }, noon() + SignedDuration::from_hours(hours))?;
    match heard {
        Heard::Answer(answer) => Ok(answer),
        Heard::AskOn => panic!("nothing is to be asked"),
    }
}

#[test]
fn a_forecast_that_has_not_changed_for_a_day_is_refused_and_asked_for_as_a_whole() {
    let unnamed = String::from_utf8_lossy(MET).replace("\"updated_at\"", "\"renewed\"");
    for body in [MET, unnamed.as_bytes()] {
        let mut met = met(body);
        assert_eq!(unchanged(&mut *met, 20).unwrap().forecast.issued_at, noon() + SignedDuration::from_hours(20));
        assert!(met.question().known_since.is_some());
        assert!(matches!(unchanged(&mut *met, 26), Err(ParseError::Old(_))));
        assert_eq!(met.question().known_since, None);
        assert!(matches!(unchanged(&mut *met, 26), Err(ParseError::NothingBefore)));
    }
}

#[test]
fn an_unchanged_forecast_that_is_over_is_refused_and_asked_for_as_a_whole() {
    let mut met = met(short().as_bytes());
    let answer = unchanged(&mut *met, 1).unwrap();
    assert!(answer.forecast.intervals.last().unwrap().end < noon() + SignedDuration::from_hours(12));
    assert!(matches!(unchanged(&mut *met, 12), Err(ParseError::Empty)));
    assert_eq!(met.question().known_since, None);
}

#[tokio::test]
async fn another_is_asked_when_what_has_not_changed_is_over() {
    let since = "Last-Modified: Thu, 15 Jan 2026 10:21:00 GMT\r\n";
    let unchanged = "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned();
    let met = Served::start([answer("200 OK", since, &short()), unchanged]).await;
    let next = Served::start([answer("200 OK", "", OPEN_METEO)]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings("", folder.path());
    let list = [(Provider::MetNorway, &met), (Provider::OpenMeteo, &next)];
    settings.providers = list.iter().map(|(which, served)| asked_at(*which, &served.base_url)).collect();
    let mut room = Room::start(settings, noon());
    assert_eq!(room.observed().await.source, "met-norway");
    settle().await;
    turn(Duration::from_secs(12 * 3600)).await;
    assert_eq!(room.observed().await.source, "open-meteo");
}

#[tokio::test]
async fn an_older_copy_of_the_nws_is_no_trouble_and_asked_past_soon() {
    let good = |body: &str| answer("200 OK", "", body);
    let mut nws = Served::start([good(POINTS), good(GRID), good(&older())]).await;
    let mut next = Served::start([good(OPEN_METEO)]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings("", folder.path());
    settings.providers = vec![asked_at(Provider::Nws, &nws.base_url), asked_at(Provider::OpenMeteo, &next.base_url)];
    let mut room = Room::start(settings, noon());
    let known = room.observed().await;
    for path in ["/points/", "/gridpoints/"] {
        assert!(nws.asked().await.starts_with(&format!("GET {path}")));
    }
    settle().await;
    turn(Duration::from_secs(900)).await;
    // The pauses do not grow, and what holds is as old as it is.
    for _ in 0..4 {
        nws.asked().await;
        assert_eq!(*room.observed().await, *known);
        settle().await;
        turn(Duration::from_secs(280)).await;
    }
    settle().await;
    assert!(next.not_asked().await);
    // It is no longer young: another one is asked.
    turn(Duration::from_secs(3600)).await;
    let forecast = loop {
        match room.event().await {
            Event::WeatherObserved(forecast) if forecast.source == "nws" => assert_eq!(*forecast, *known),
            Event::WeatherObserved(forecast) => break forecast,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(forecast.source, "open-meteo");
    next.asked().await;
}

#[test]
fn another_square_of_the_nws_may_have_an_older_forecast() {
    let mut nws = made(Provider::Nws);
    nws.hear(reply(POINTS.as_bytes()), noon()).unwrap();
    nws.hear(reply(GRID.as_bytes()), noon()).unwrap();
    assert!(matches!(nws.hear(reply(older().as_bytes()), noon()), Err(ParseError::Superseded)));
    assert!(nws.refused(404));
    nws.hear(reply(POINTS.as_bytes()), noon()).unwrap();
    assert!(matches!(nws.hear(reply(older().as_bytes()), noon()), Ok(Heard::Answer(_))));
}

/// The NWS, which has named its square.
fn nws() -> Box<dyn Ask> {
    let mut nws = made(Provider::Nws);
    nws.hear(reply(POINTS.as_bytes()), noon()).unwrap();
    nws
}

#[test]
fn a_forecast_of_the_nws_that_says_it_is_of_the_future_holds_off_none_that_comes_later() {
    let ahead = GRID.replacen("\"updateTime\": \"2026-01-15T09", "\"updateTime\": \"2026-01-15T13", 1);
    assert_ne!(ahead, GRID);
    // By the provider's mistake, or by a clock of ours that is right again.
    for first in [noon(), noon() + SignedDuration::from_hours(2)] {
        let mut nws = nws();
        assert!(matches!(nws.hear(reply(ahead.as_bytes()), first), Ok(Heard::Answer(_))));
        assert!(matches!(nws.hear(reply(GRID.as_bytes()), noon()), Ok(Heard::Answer(_))), "heard first at {first}");
        // What may be relied on is.
        assert!(matches!(nws.hear(reply(older().as_bytes()), noon()), Err(ParseError::Superseded)));
        assert!(matches!(nws.hear(reply(ahead.as_bytes()), noon()), Ok(Heard::Answer(_))));
        assert!(matches!(nws.hear(reply(older().as_bytes()), noon()), Err(ParseError::Superseded)));
    }
}
