//! The list of providers is an order, and each is asked as it wants to be.

use std::{path::Path, sync::Arc, time::Duration};

use heattrax::model::{Event, Forecast, NoticeKind, Provider, TroubleKind, WeatherSettings};
use jiff::SignedDuration;

use crate::{
    Room, asked_at, noon,
    poller::{Provider as Served, answer},
    settings, settle, turn,
};

const OPEN_METEO: &str = include_str!("../data/weather/openmeteo_ok_unixtime.json");
const MET: &str = include_str!("../data/weather/metno_compact.json");
const POINTS: &str = include_str!("../data/weather/nws_points.json");
const GRID: &str = include_str!("../data/weather/nws_gridpoints.json");
const PROBLEM: &str = include_str!("../data/weather/nws_problem_503.json");
const FREE: &str = include_str!("../data/weather/owm_forecast_3h.json");
const WRONG_KEY: &str = include_str!("../data/weather/owm_err_401.json");
const BLOCKED: &str = include_str!("../data/weather/owm_err_429.json");

fn good(body: &str) -> String {
    answer("200 OK", "", body)
}

fn busy() -> String {
    answer("503 Service Unavailable", "", "")
}

/// Settings with these providers, the preferred one first.
fn list(folder: &Path, providers: &[(Provider, &Served)]) -> WeatherSettings {
    let mut settings = settings("", folder);
    settings.providers = providers.iter().map(|(which, served)| asked_at(*which, &served.base_url)).collect();
    settings
}

async fn second(room: &mut Room) -> Arc<Forecast> {
    match room.event().await {
        Event::SecondOpinion(forecast) => forecast,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn while_the_preferred_one_fails_the_next_is_asked_and_then_no_more() {
    let first = Served::start([busy(), busy(), good(OPEN_METEO)]).await;
    let mut next = Served::start([good(MET)]).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = list(folder.path(), &[(Provider::OpenMeteo, &first), (Provider::MetNorway, &next)]);
    let mut room = Room::start(settings, noon());
    let mut notices = room.handle.listen();
    assert_eq!(room.observed().await.source, "met-norway");
    next.asked().await;
    let told = notices.recv().await.unwrap();
    assert_eq!(told.kind, NoticeKind::WeatherDegraded);
    assert!(
        told.message.ends_with("503 Service Unavailable: the weather is met-norway's until that is over"),
        "{told:?}"
    );
    // The preferred one is tried again after its own pause; the other one's forecast is young still.
    settle().await;
    turn(Duration::from_secs(125)).await;
    assert!(next.not_asked().await && room.events.try_recv().is_err());
    turn(Duration::from_secs(250)).await;
    assert_eq!(room.observed().await.source, "open-meteo");
    let told = notices.recv().await.unwrap();
    assert_eq!((told.kind, told.message.as_str()), (NoticeKind::WeatherRecovered, "the weather is open-meteo's again"));
    settle().await;
    turn(Duration::from_secs(900)).await;
    assert_eq!(room.observed().await.source, "open-meteo");
    assert!(next.not_asked().await);
}

#[tokio::test]
async fn when_all_fail_each_is_named_and_what_passes_counts() {
    let first = Served::start([answer("401 Unauthorized", "", WRONG_KEY)]).await;
    let next = Served::start([answer("503 Service Unavailable", "", PROBLEM)]).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = list(folder.path(), &[(Provider::OpenWeatherMap, &first), (Provider::Nws, &next)]);
    let trouble = Room::start(settings, noon()).lost().await;
    assert_eq!(trouble.kind, TroubleKind::Passing);
    assert!(trouble.text.starts_with("openweathermap answered 401 Unauthorized: Invalid API key."), "{}", trouble.text);
    assert!(
        trouble.text.contains("; nws answered 503 Service Unavailable: Forecast Grid Expired: "),
        "{}",
        trouble.text
    );
}

#[tokio::test]
async fn a_key_is_in_no_words() {
    let echo = r#"{"cod":429,"message":"your key k3y is blocked"}"#;
    for (status, body) in [("429 Too Many Requests", BLOCKED), ("429 Too Many Requests", echo)] {
        let served = Served::start([answer(status, "", body)]).await;
        let folder = tempfile::tempdir().unwrap();
        for which in [Provider::OpenWeatherMap, Provider::PirateWeather] {
            let trouble = Room::start(list(folder.path(), &[(which, &served)]), noon()).lost().await;
            assert!(trouble.text.contains("answered 429") && !trouble.text.contains("k3y"), "{}", trouble.text);
        }
    }
}

#[tokio::test]
async fn met_norway_is_told_who_asks_and_is_left_alone_until_its_forecast_expires() {
    let date = "Date: Thu, 15 Jan 2026 11:15:00 GMT\r\nExpires: Thu, 15 Jan 2026 12:00:00 GMT\r\n";
    let since = "Last-Modified: Thu, 15 Jan 2026 10:21:00 GMT\r\n";
    let first = answer("200 OK", &format!("{date}{since}"), MET);
    let unchanged = format!("HTTP/1.1 304 Not Modified\r\nConnection: close\r\n{date}\r\n");
    let mut served = Served::start([first, unchanged]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::start(list(folder.path(), &[(Provider::MetNorway, &served)]), noon());
    let known = room.observed().await;
    let request = served.asked().await.to_lowercase();
    assert!(request.starts_with("get /compact?lat=40.71&lon=-74 ") && request.contains(" me@example.org"), "{request}");
    assert!(!request.contains("if-modified-since"));
    settle().await;
    // Fetched every ten minutes otherwise.
    turn(Duration::from_secs(44 * 60)).await;
    assert!(served.not_asked().await);
    // It expires on the full hour, when nobody is to ask.
    turn(Duration::from_secs(120)).await;
    assert!(served.not_asked().await);
    turn(Duration::from_secs(300)).await;
    assert!(served.asked().await.contains("Thu, 15 Jan 2026 10:21:00 GMT"));
    let again = room.observed().await;
    assert!(again.issued_at > known.issued_at && again.intervals == known.intervals);
}

#[tokio::test]
async fn who_says_that_a_forecast_holds_for_longer_than_it_is_acted_on_is_asked_in_time_all_the_same() {
    let until = "Date: Thu, 15 Jan 2026 11:15:00 GMT\r\nExpires: Thu, 15 Jan 2026 13:00:00 GMT\r\n";
    let held = |body| answer("200 OK", until, body);
    for (which, body, is_asked) in [(Provider::OpenMeteo, OPEN_METEO, true), (Provider::MetNorway, MET, false)] {
        let mut served = Served::start([held(body)]).await;
        let folder = tempfile::tempdir().unwrap();
        let valid = SignedDuration::from_hours(1);
        let mut room = Room::start(WeatherSettings { valid, ..list(folder.path(), &[(which, &served)]) }, noon());
        room.observed().await;
        served.asked().await;
        settle().await;
        turn(Duration::from_secs(29 * 60)).await;
        assert!(served.not_asked().await, "{which:?}");
        turn(Duration::from_secs(6 * 60)).await;
        // The terms of MET Norway leave no choice; the config holds its forecasts for longer.
        assert_eq!(!served.not_asked().await, is_asked, "{which:?}");
    }
}

#[tokio::test]
async fn the_nws_is_asked_for_the_place_once_and_again_when_the_square_is_gone() {
    let gone = answer("404 Not Found", "", PROBLEM);
    let mut served = Served::start([good(POINTS), good(GRID), gone, good(POINTS), good(GRID)]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::start(list(folder.path(), &[(Provider::Nws, &served)]), noon());
    room.observed().await;
    settle().await;
    turn(Duration::from_secs(900)).await;
    room.observed().await;
    for path in ["/points/", "/gridpoints/", "/gridpoints/", "/points/", "/gridpoints/"] {
        assert!(served.asked().await.starts_with(&format!("GET {path}")), "{path}");
    }
}

#[tokio::test]
async fn a_second_opinion_comes_from_the_next_that_answers_and_never_from_the_same() {
    let first = Served::start([good(OPEN_METEO)]).await;
    let broken = Served::start([busy()]).await;
    let last = Served::start([good(MET)]).await;
    let mut never = Served::start([busy()]).await;
    let folder = tempfile::tempdir().unwrap();
    let order = [
        (Provider::OpenMeteo, &first),
        (Provider::Nws, &broken),
        (Provider::MetNorway, &last),
        (Provider::PirateWeather, &never),
    ];
    let settings = WeatherSettings { second_opinion: true, ..list(folder.path(), &order) };
    let mut room = Room::start(settings, noon());
    assert_eq!(room.observed().await.source, "open-meteo");
    assert_eq!(second(&mut room).await.source, "met-norway");
    settle().await;
    // The one that failed is tried again; the second opinion is young still, so nobody behind it is asked.
    turn(Duration::from_secs(150)).await;
    settle().await;
    assert!(room.events.try_recv().is_err() && never.not_asked().await);
}

#[tokio::test]
async fn when_the_first_fails_the_second_opinion_takes_its_place_without_another_question() {
    let first = Served::start([good(OPEN_METEO), busy()]).await;
    let until = "Date: Thu, 15 Jan 2026 11:15:00 GMT\r\nExpires: Thu, 15 Jan 2026 12:00:00 GMT\r\n";
    let mut next = Served::start([answer("200 OK", until, MET)]).await;
    let folder = tempfile::tempdir().unwrap();
    let order = [(Provider::OpenMeteo, &first), (Provider::MetNorway, &next)];
    let settings = WeatherSettings { second_opinion: true, ..list(folder.path(), &order) };
    let mut room = Room::start(settings, noon());
    assert_eq!(room.observed().await.source, "open-meteo");
    let opinion = second(&mut room).await;
    next.asked().await;
    settle().await;
    turn(Duration::from_secs(900)).await;
    let taken = room.observed().await;
    assert_eq!((&taken.source, taken.issued_at), (&opinion.source, opinion.issued_at));
    // MET Norway says nothing of what is over: that is known from the first.
    let (past, ahead) = taken.intervals.split_at(taken.intervals.len() - opinion.intervals.len());
    assert!(ahead == opinion.intervals && past.last().is_some_and(|it| it.end == ahead[0].start), "{}", past.len());
    assert!(next.not_asked().await);
}

#[tokio::test]
async fn openweathermaps_forecast_is_told_without_a_present_that_fails() {
    let late = answer("429 Too Many Requests", "Retry-After: 1200\r\n", BLOCKED);
    let silent = String::new();
    for (present, pause) in
        [(busy(), 530), (answer("401 Unauthorized", "", WRONG_KEY), 530), (silent, 530), (late, 1190)]
    {
        let mut served = Served::start([good(FREE), present.clone(), good(FREE), present]).await;
        let folder = tempfile::tempdir().unwrap();
        let mut room = Room::start(list(folder.path(), &[(Provider::OpenWeatherMap, &served)]), noon());
        assert_eq!(room.observed().await.source, "openweathermap");
        for path in ["/data/2.5/forecast?", "/data/2.5/weather?"] {
            assert!(served.asked().await.starts_with(&format!("GET {path}")), "{path}");
        }
        // The next one comes as after any forecast, not as after a failure; a wish to be left alone is obeyed.
        settle().await;
        turn(Duration::from_secs(pause)).await;
        assert!(served.not_asked().await, "{pause}");
        turn(Duration::from_secs(370)).await;
        assert!(served.asked().await.starts_with("GET /data/2.5/forecast?"));
        assert_eq!(room.observed().await.source, "openweathermap");
    }
}
