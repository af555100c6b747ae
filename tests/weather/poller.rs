use std::{
    collections::VecDeque,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use heattrax::{
    model::{Place, TroubleKind},
    weather::cache::Cache,
};
use jiff::SignedDuration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
    time::Instant,
};

use crate::{Room, forecast, noon, settings, settle, turn};

const GOOD: &str = include_str!("answers/openmeteo_ok_unixtime.json");
const BUSY: &str = include_str!("answers/openmeteo_err_429.json");
const WRONG: &str = include_str!("answers/openmeteo_err_400.json");

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

/// A provider that gives the answers of a list, the last one again and again, and shows the requests.
pub(crate) struct Provider {
    pub(crate) base_url: String,
    requests: mpsc::Receiver<String>,
}

impl Provider {
    pub(crate) async fn start(answers: impl IntoIterator<Item = String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let (sender, requests) = mpsc::channel(100);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                sender.try_send(String::from_utf8_lossy(&request[..length]).into_owned()).unwrap();
                let answer = {
                    let mut answers = answers.lock().unwrap();
                    if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
                };
                let _ = stream.write_all(answer.unwrap().as_bytes()).await;
            }
        });
        Self { base_url, requests }
    }

    pub(crate) async fn asked(&mut self) -> String {
        tokio::time::timeout(Duration::from_secs(5), self.requests.recv()).await.expect("a request").unwrap()
    }

    /// Nobody asks, given time to do so.
    pub(crate) async fn not_asked(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(100), self.requests.recv()).await.is_err()
    }
}

#[tokio::test]
async fn a_forecast_is_told_and_kept() {
    let mut provider = Provider::start([answer("200 OK", "", GOOD)]).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&provider.base_url, folder.path());
    let mut room = Room::start(settings.clone(), noon());
    let forecast = room.observed().await;
    assert!(forecast.issued_at >= noon() && forecast.issued_at <= room.clock.now());
    let request = provider.asked().await;
    assert!(request.starts_with("GET /v1/forecast?latitude=40.71&longitude=-74&hourly="), "{request}");
    assert!(request.to_lowercase().contains("user-agent: heattrax/"), "{request}");

    let cache = Cache::new(&settings);
    let kept = async {
        loop {
            if let Ok(kept) = cache.read(room.clock.now()) {
                return kept;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), kept).await.unwrap(), *forecast);
}

#[tokio::test]
async fn the_cached_forecast_comes_first_however_old() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings("http://127.0.0.1:1", folder.path());
    let old = forecast(noon() - SignedDuration::from_hours(500));
    Cache::new(&settings).write(&old).unwrap();
    let mut room = Room::start(settings, noon());
    assert_eq!(*room.observed().await, old);
    let trouble = room.lost().await;
    assert_eq!(trouble.kind, TroubleKind::Passing);
    assert!(trouble.text.starts_with("open-meteo cannot be reached: "), "{}", trouble.text);
    assert!(!trouble.text.contains("40.71"), "the place is in the words: {}", trouble.text);
}

#[tokio::test]
async fn a_damaged_cache_or_one_of_another_place_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings("http://127.0.0.1:1", folder.path());
    fs::write(&settings.cache_file, "{").unwrap();
    Room::start(settings.clone(), noon()).lost().await;
    assert!(folder.path().join("weather.json.damaged").exists());
    Cache::new(&settings).write(&forecast(noon())).unwrap();
    settings.place = Place { latitude: 1.0, longitude: 1.0 };
    Room::start(settings, noon()).lost().await;
}

#[tokio::test]
async fn an_unwritable_cache_does_not_stop_the_weather() {
    let provider = Provider::start([answer("200 OK", "", GOOD)]).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let mut room = Room::start(settings(&provider.base_url, &folder.path().join("file")), noon());
    room.observed().await;
    settle().await;
    turn(Duration::from_secs(900)).await;
    room.observed().await;
}

#[tokio::test]
async fn it_is_fetched_again_after_refresh_every() {
    let mut provider = Provider::start([answer("200 OK", "", GOOD)]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::start(settings(&provider.base_url, folder.path()), noon());
    room.observed().await;
    provider.asked().await;
    settle().await;
    turn(Duration::from_secs(530)).await;
    assert!(provider.not_asked().await);
    turn(Duration::from_secs(350)).await;
    provider.asked().await;
    room.observed().await;
}

#[tokio::test]
async fn when_the_houses_time_runs_fast_it_is_fetched_sooner_but_never_in_a_hurry() {
    let mut provider = Provider::start([answer("200 OK", "", GOOD)]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::start_at_speed(settings(&provider.base_url, folder.path()), noon(), 60.0);
    room.observed().await;
    provider.asked().await;
    settle().await;
    turn(Duration::from_millis(7_500)).await;
    assert!(provider.not_asked().await);
    turn(Duration::from_millis(7_000)).await;
    provider.asked().await;

    let mut provider = Provider::start([answer("200 OK", "", GOOD)]).await;
    let folder = tempfile::tempdir().unwrap();
    let _room = Room::start_at_speed(settings(&provider.base_url, folder.path()), noon(), 100_000.0);
    provider.asked().await;
    let asked = Instant::now();
    provider.asked().await;
    assert!(asked.elapsed() >= Duration::from_millis(900), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_trouble_is_told_once_until_it_is_over_or_another() {
    let busy = || answer("503 Service Unavailable", "", "");
    let good = || answer("200 OK", "", GOOD);
    let mut provider =
        Provider::start([busy(), busy(), busy(), answer("502 Bad Gateway", "", ""), good(), busy()]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::start(settings(&provider.base_url, folder.path()), noon());
    assert!(room.lost().await.text.contains("503"));
    for _ in 0..5 {
        provider.asked().await;
        settle().await;
        turn(Duration::from_secs(3601)).await;
    }
    assert!(room.lost().await.text.contains("502"));
    room.observed().await;
    assert!(room.lost().await.text.contains("503"));
}

#[tokio::test]
async fn pauses_grow_with_each_failure() {
    let mut provider = Provider::start([answer("503 Service Unavailable", "", "")]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::start(settings(&provider.base_url, folder.path()), noon());
    room.lost().await;
    // 60 s, 120 s, 240 s, each up to twice as long by jitter.
    for least in [60, 120, 240] {
        provider.asked().await;
        settle().await;
        turn(Duration::from_secs(least - 3)).await;
        assert!(provider.not_asked().await, "asked before {least} s");
        turn(Duration::from_secs(least + 3)).await;
    }
    provider.asked().await;
}

#[tokio::test]
async fn no_pause_is_longer_than_the_longest() {
    let mut provider = Provider::start([answer("503 Service Unavailable", "", "")]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(&provider.base_url, folder.path());
    settings.retry_after = settings.retry_at_most;
    let mut room = Room::start(settings, noon());
    room.lost().await;
    for _ in 0..3 {
        provider.asked().await;
        settle().await;
        turn(Duration::from_secs(1801)).await;
    }
    provider.asked().await;
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let busy = answer("429 Too Many Requests", "Retry-After: 1200\r\n", BUSY);
    let mut provider = Provider::start([busy]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::start(settings(&provider.base_url, folder.path()), noon());
    let trouble = room.lost().await;
    assert_eq!(trouble.kind, TroubleKind::Passing);
    assert!(trouble.text.contains("Minutely API request limit exceeded"), "{}", trouble.text);
    provider.asked().await;
    settle().await;
    turn(Duration::from_secs(1190)).await;
    assert!(provider.not_asked().await);
    turn(Duration::from_secs(15)).await;
    provider.asked().await;
}

#[tokio::test]
async fn retry_after_may_be_a_date_and_nonsense_is_ignored() {
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&(noon() + SignedDuration::from_mins(30)));
    for (wish, least) in [(date.unwrap(), 1700), ("soon".to_owned(), 50), ("-5".to_owned(), 50)] {
        let busy = answer("503 Service Unavailable", &format!("Retry-After: {wish}\r\n"), "");
        let mut provider = Provider::start([busy]).await;
        let folder = tempfile::tempdir().unwrap();
        let mut room = Room::start(settings(&provider.base_url, folder.path()), noon());
        room.lost().await;
        provider.asked().await;
        settle().await;
        turn(Duration::from_secs(least)).await;
        assert!(provider.not_asked().await, "{wish}");
        turn(Duration::from_secs(120)).await;
        provider.asked().await;
    }
}

#[tokio::test]
async fn what_a_person_must_repair_is_asked_for_rarely() {
    for (status, body, words) in [
        ("400 Bad Request", WRONG, "Latitude must be in range"),
        ("401 Unauthorized", "", "open-meteo answered 401 Unauthorized"),
        ("404 Not Found", "<html>", "open-meteo answered 404 Not Found"),
        ("200 OK", WRONG, "Latitude must be in range"),
    ] {
        let mut provider = Provider::start([answer(status, "", body)]).await;
        let folder = tempfile::tempdir().unwrap();
        let mut room = Room::start(settings(&provider.base_url, folder.path()), noon());
        let trouble = room.lost().await;
        assert_eq!(trouble.kind, TroubleKind::NeedsPerson, "{status}");
        assert!(trouble.text.contains(words), "{}", trouble.text);
        provider.asked().await;
        settle().await;
        turn(Duration::from_secs(1790)).await;
        assert!(provider.not_asked().await, "{status}");
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let endless = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[{}", "0,".repeat(2 * 1024 * 1024));
    let provider = Provider::start([endless]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut room = Room::start(settings(&provider.base_url, folder.path()), noon());
    assert_eq!(room.lost().await.text, "open-meteo sent more than 2 MiB");
}

#[tokio::test]
async fn a_provider_that_hangs_up_or_talks_nonsense_is_lost() {
    let cut = answer("200 OK", "", GOOD);
    for (said, words) in [
        (String::new(), "open-meteo did not answer: "),
        ("220 mail.example.org ESMTP\r\n".to_owned(), "open-meteo did not answer: "),
        (cut[..cut.len() / 2].to_owned(), "open-meteo did not answer: "),
        (
            answer("200 OK", "", "<html>Log in to the hotel's Wi-Fi</html>"),
            "open-meteo: the answer is not complete JSON",
        ),
    ] {
        let provider = Provider::start([said]).await;
        let folder = tempfile::tempdir().unwrap();
        let trouble = Room::start(settings(&provider.base_url, folder.path()), noon()).lost().await;
        assert_eq!(trouble.kind, TroubleKind::Passing);
        assert!(trouble.text.starts_with(words), "{}", trouble.text);
    }
}

#[tokio::test]
async fn it_stops_at_once_even_in_the_middle_of_a_fetch() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let room = Room::start(settings(&format!("http://{}", silent.local_addr().unwrap()), folder.path()), noon());
    let _open = silent.accept().await.unwrap();
    room.stop.cancel();
    tokio::time::timeout(Duration::from_millis(500), room.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn it_ends_when_the_hub_is_gone() {
    let provider = Provider::start([answer("200 OK", "", GOOD)]).await;
    let folder = tempfile::tempdir().unwrap();
    let Room { events, task, .. } = Room::start(settings(&provider.base_url, folder.path()), noon());
    drop(events);
    tokio::time::timeout(Duration::from_secs(2), task).await.unwrap().unwrap();
}
