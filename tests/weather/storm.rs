use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use heattrax::{
    emulator::storm::{Storm, StormError, StormFault, StormOptions},
    model::{Celsius, Interval, Provider, TroubleKind},
};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Room, settings, settle, turn};

async fn storm(name: &str, now: Timestamp, offset: SignedDuration) -> Storm {
    let now = Arc::new(move || now);
    let hours = Storm::recorded(name).unwrap();
    Storm::start(StormOptions { offset, ..StormOptions::of(hours, now) }).await.unwrap()
}

/// What the recording says about an hour: its sums, and instants averaged with the next hour's.
fn averaged(hours: &[Interval], index: usize) -> (Option<f64>, Option<u8>, Option<Celsius>, Option<f64>) {
    let (this, next) = (&hours[index], hours.get(index + 1).filter(|it| it.start == hours[index].end));
    let mean = |value: fn(&Interval) -> Option<f64>| match (value(this), next.and_then(value)) {
        (Some(first), Some(last)) => Some(f64::midpoint(first, last)),
        (first, last) => first.or(last),
    };
    (this.precipitation, this.code, mean(|it| it.temperature.map(|it| it.0)).map(Celsius), mean(|it| it.humidity))
}

fn close(left: Option<f64>, right: Option<f64>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => (left - right).abs() < 1e-3,
        (left, right) => left.is_none() && right.is_none(),
    }
}

#[tokio::test]
async fn the_provider_reads_the_recorded_hours_back() {
    for name in Storm::names() {
        for offset in [SignedDuration::ZERO, SignedDuration::from_secs(399 * 86_400 + 1234)] {
            let recorded = Storm::recorded(name).unwrap();
            let now = Storm::start_of(name).unwrap() + offset;
            let storm = storm(name, now, offset).await;
            let folder = tempfile::tempdir().unwrap();
            let mut room = Room::start(settings(&storm.base_url(), folder.path()), now);
            let forecast = room.observed().await;

            assert_eq!(forecast.at(now).unwrap().start.duration_since(now).as_hours(), 0);
            let mut wet = 0;
            for hour in &forecast.intervals {
                if hour.end.duration_since(hour.start) < SignedDuration::from_hours(1) {
                    // A quarter: what falls in an hour is spread evenly.
                    let whole =
                        recorded.iter().find(|it| it.start + offset <= hour.start && hour.end <= it.end + offset);
                    let fallen = whole.unwrap().precipitation.map(|it| it / 4.0);
                    assert!(close(hour.precipitation, fallen), "{hour:?}");
                    continue;
                }
                let index = recorded.iter().position(|it| it.start + offset == hour.start).unwrap();
                let (precipitation, code, temperature, humidity) = averaged(&recorded, index);
                assert_eq!((hour.end, hour.code), (recorded[index].end + offset, code));
                assert!(close(hour.precipitation, precipitation), "{hour:?}");
                wet += usize::from(precipitation.unwrap_or_default() > 0.0);
                if hour == &forecast.intervals[0] {
                    // Of the first hour only the end was asked for.
                    continue;
                }
                assert!(close(hour.temperature.map(|it| it.0), temperature.map(|it| it.0)), "{hour:?}");
                assert!(close(hour.humidity, humidity), "{hour:?}");
            }
            assert!(wet > 3, "{name} is dry");
            let ahead = forecast.intervals.last().unwrap().end.duration_since(now);
            assert!(ahead >= SignedDuration::from_hours(24), "{ahead}");
            assert!(forecast.intervals[0].start <= now - SignedDuration::from_hours(24));
        }
    }
}

#[tokio::test]
async fn the_storm_comes_at_its_hour_and_not_one_later() {
    let now = Storm::start_of("newark-2013").unwrap();
    let storm = storm("newark-2013", now, SignedDuration::ZERO).await;
    let folder = tempfile::tempdir().unwrap();
    let forecast = Room::start(settings(&storm.base_url(), folder.path()), now).observed().await;
    let fall = forecast.between(now, now + SignedDuration::from_hours(12)).find(|it| it.precipitation > Some(0.0));
    assert_eq!(fall.unwrap().start, "2013-02-08T12:00:00Z".parse().unwrap());
    let hour = forecast
        .between(now, now + SignedDuration::from_hours(12))
        .take_while(|it| it.start < fall.unwrap().start + SignedDuration::from_hours(1));
    assert!(close(hour.map(|it| it.precipitation).sum(), Some(0.254)));
}

#[tokio::test]
async fn each_fault_is_a_trouble_in_words() {
    let now = Storm::start_of("lincoln-2023").unwrap();
    for (fault, kind, words) in [
        (StormFault::Status(503), TroubleKind::Passing, "open-meteo answered 503 Service Unavailable: The service is"),
        (StormFault::Status(429), TroubleKind::Passing, "open-meteo answered 429"),
        (StormFault::BadRequest, TroubleKind::NeedsPerson, "open-meteo answered 400 Bad Request: Data corrupted"),
        (StormFault::Truncated, TroubleKind::Passing, "open-meteo: the answer is not complete JSON"),
    ] {
        let storm = storm("lincoln-2023", now, SignedDuration::ZERO).await;
        storm.set_fault(fault);
        let folder = tempfile::tempdir().unwrap();
        let mut room = Room::start(settings(&storm.base_url(), folder.path()), now);
        let trouble = room.lost().await;
        assert_eq!(trouble.kind, kind, "{fault:?}");
        assert!(trouble.text.starts_with(words), "{fault:?}: {}", trouble.text);

        storm.set_fault(StormFault::Off);
        settle().await;
        turn(Duration::from_secs(1801)).await;
        room.observed().await;
    }
}

#[tokio::test]
async fn a_slow_provider_is_given_up_after_fifteen_seconds() {
    let now = Storm::start_of("lincoln-2023").unwrap();
    let storm = storm("lincoln-2023", now, SignedDuration::ZERO).await;
    storm.set_fault(StormFault::Slow);
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::start(settings(&storm.base_url(), folder.path()), now);
    while storm.requests(Provider::OpenMeteo) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    turn(Duration::from_secs(14)).await;
    assert!(room.events.try_recv().is_err());
    turn(Duration::from_secs(2)).await;
    assert_eq!(room.lost().await.text, "open-meteo did not answer within 15 s");
}

#[tokio::test]
async fn null_hours_are_unknown_hours() {
    let now = Storm::start_of("lincoln-2023").unwrap();
    let storm = storm("lincoln-2023", now, SignedDuration::ZERO).await;
    storm.set_fault(StormFault::NullHours);
    let folder = tempfile::tempdir().unwrap();
    let forecast = Room::start(settings(&storm.base_url(), folder.path()), now).observed().await;
    for hour in &forecast.intervals {
        assert_eq!(hour.precipitation.is_none(), hour.start.as_second() / 3600 % 3 == 0);
    }
}

#[tokio::test]
async fn the_forecast_moves_with_the_houses_time() {
    let start = Storm::start_of("newark-2013").unwrap();
    let time = Arc::new(Mutex::new(start));
    let now = {
        let time = Arc::clone(&time);
        Arc::new(move || *time.lock().unwrap())
    };
    let storm = Storm::start(StormOptions::of(Storm::recorded("newark-2013").unwrap(), now)).await.unwrap();
    let query = "/v1/forecast?latitude=1&longitude=2&hourly=precipitation&forecast_hours=1&timeformat=unixtime&wind_speed_unit=ms";
    assert!(get(&storm, query).await.contains(r#""time":[1360314000]"#));
    *time.lock().unwrap() = start + SignedDuration::from_mins(30);
    assert!(get(&storm, query).await.contains(r#""time":[1360317600]"#));
}

#[tokio::test]
async fn a_wrong_request_gets_the_providers_answer() {
    let now = Storm::start_of("newark-2013").unwrap();
    let storm = storm("newark-2013", now, SignedDuration::ZERO).await;
    for (path, words) in [
        ("/v1/forecast?longitude=2&timeformat=unixtime&wind_speed_unit=ms", "Parameter 'latitude' is required"),
        (
            "/v1/forecast?latitude=123&longitude=2&timeformat=unixtime&wind_speed_unit=ms",
            "latitude must be in range of -90 to 90°. Given: 123.",
        ),
        ("/v1/forecast?latitude=NaN&longitude=2&timeformat=unixtime&wind_speed_unit=ms", "latitude must be in range"),
        (
            "/v1/forecast?latitude=1&longitude=2&hourly=tempeture_2m&timeformat=unixtime&wind_speed_unit=ms",
            "invalid String value tempeture_2m",
        ),
        (
            "/v1/forecast?latitude=1&longitude=2&forecast_hours=99999&timeformat=unixtime&wind_speed_unit=ms",
            "'forecast_hours' must be",
        ),
        ("/v1/forecast?latitude=1&longitude=2&wind_speed_unit=ms", "'timeformat=unixtime' only"),
        ("/v1/forecast", "only"),
    ] {
        let answer = get(&storm, path).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains(words), "{path}: {answer}");
    }
    assert!(get(&storm, "/").await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn an_unknown_name_and_a_taken_address_are_named() {
    let error = Storm::recorded("atlantis").unwrap_err();
    assert_eq!(error.to_string(), "there is no storm `atlantis`; there are: newark-2013, lincoln-2023");
    let now = Storm::start_of("newark-2013").unwrap();
    let first = storm("newark-2013", now, SignedDuration::ZERO).await;
    let second = StormOptions { listen: first.address(), ..StormOptions::of(Vec::new(), Arc::new(move || now)) };
    assert!(matches!(Storm::start(second).await, Err(StormError::Listen { .. })));
}

#[tokio::test]
async fn a_dropped_storm_is_over() {
    let now = Storm::start_of("newark-2013").unwrap();
    let storm = storm("newark-2013", now, SignedDuration::ZERO).await;
    let address = storm.address();
    let mut open = TcpStream::connect(address).await.unwrap();
    drop(storm);
    let ended = tokio::time::timeout(Duration::from_secs(2), open.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)));
    assert!(TcpStream::connect(address).await.is_err());
}

async fn get(storm: &Storm, path: &str) -> String {
    said(storm, &format!("GET {path} HTTP/1.1\r\nHost: storm\r\nConnection: close\r\n\r\n")).await
}

async fn said(storm: &Storm, request: &str) -> String {
    let mut stream = TcpStream::connect(storm.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn faults_are_set_over_http_and_each_request_is_counted() {
    let now = Storm::start_of("newark-2013").unwrap();
    let storm = storm("newark-2013", now, SignedDuration::ZERO).await;
    let post = |query: &str| format!("POST /storm/fault?{query} HTTP/1.1\r\nHost: storm\r\nConnection: close\r\n\r\n");
    let said = said(&storm, &post("kind=429:120&provider=nws")).await;
    assert!(said.starts_with("HTTP/1.1 200") && said.contains(r#""nws":{"requests":0,"fault":"429:120"}"#), "{said}");
    let refused = get(&storm, "/points/40.7,-74").await;
    assert!(refused.starts_with("HTTP/1.1 429") && refused.contains("retry-after: 120"), "{refused}");
    assert!(get(&storm, "/v1/forecast?latitude=1").await.starts_with("HTTP/1.1 400"));
    assert_eq!((storm.requests(Provider::Nws), storm.requests(Provider::OpenMeteo)), (1, 1));
    for (query, words) in [("kind=rain", "there is no fault `rain`"), ("kind=off&provider=x", "no such provider")] {
        assert!(self::said(&storm, &post(query)).await.contains(words), "{query}");
    }
    assert!(self::said(&storm, &post("kind=off")).await.contains(r#""nws":{"requests":1,"fault":"off"}"#));
    assert!(get(&storm, "/storm/else").await.starts_with("HTTP/1.1 404"));
}

#[test]
fn every_fault_reads_back_from_its_name() {
    for name in ["off", "503", "429:60", "bad-request", "truncated", "slow", "null-hours", "ragged", "local-time"] {
        assert_eq!(name.parse::<StormFault>().unwrap().to_string(), name);
    }
    for name in ["", "200", "600", "429:", "429:x", "OFF"] {
        assert!(name.parse::<StormFault>().is_err(), "{name}");
    }
}

#[tokio::test]
async fn an_answer_is_packed_for_those_who_take_that() {
    let now = Storm::start_of("newark-2013").unwrap();
    let storm = storm("newark-2013", now, SignedDuration::ZERO).await;
    let mut stream = TcpStream::connect(storm.address()).await.unwrap();
    let path = "/points/40.7,-74";
    let asked = format!("GET {path} HTTP/1.1\r\nHost: storm\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let head = String::from_utf8_lossy(&answer).into_owned();
    assert!(head.contains("content-encoding: gzip"), "{head}");
    assert!(!get(&storm, path).await.contains("content-encoding"));
}
