//! What was is kept, told over HTTP and as CSV, and costs nothing else if it cannot be kept.

use std::time::Duration;

use heattrax::hub::Clock;
use serde_json::{Value, json};

use crate::{
    PEOPLE_ONLY,
    home::{Home, until},
    noon,
};

/// The points of an outlet, once the last one is as it is looked for.
async fn sampled(home: &Home, is_so: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut points = Vec::new();
    for _ in 0..400 {
        let (status, told) = home.http("GET", "/api/history/samples?outlet=porch/1", None).await;
        assert_eq!(status, 200, "{told}");
        points = told["points"].as_array().unwrap().clone();
        if points.last().is_some_and(|it| is_so(&it["on"])) {
            return points;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{points:?}")
}

#[tokio::test]
async fn what_an_outlet_did_and_what_happened_can_be_looked_up() {
    let mut home = Home::new(PEOPLE_ONLY, Clock::driven(noon(), 30.0)).await;
    home.peer.wait("heattrax/porch/1", &["\"OFF\""]).await;
    sampled(&home, |on| *on == json!(0.0)).await;
    home.switches("/api/outlets/porch/1/set", "ON").await;
    let points = sampled(&home, |on| *on == json!(1.0)).await;
    assert_eq!(points.first().unwrap()["on"], json!(0.0), "{points:?}");
    assert_eq!(points.last().unwrap()["mode"], "manual_on");
    let (_, told) = home.http("GET", "/api/history/events?kind=switched&device=porch", None).await;
    assert!(told["events"][0]["message"].as_str().unwrap().contains("is ON"), "{told}");
    let (_, told) = home.http("GET", "/api/history/days?outlet=porch/1", None).await;
    assert_eq!(told["days"][0]["date"], "2026-01-10", "{told}");
    for (what, first) in
        [("samples.csv?outlet=porch/1", "at,on,power_w"), ("events.csv", "at,event_type"), ("days.csv", "date,outlet")]
    {
        let (status, told) = home.http("GET", &format!("/api/history/{what}"), None).await;
        assert!(status == 200 && told.as_str().unwrap().starts_with(first), "{what}: {told}");
    }
    let (_, told) = home.http("GET", "/api/history/events.csv?kind=switched", None).await;
    let row = told.as_str().unwrap().split("\r\n").nth(1).unwrap();
    assert!(row.contains(",switched,porch,1,porch,") && row.contains("is ON"), "{row}");
    for (what, status, words) in [
        ("samples", 400, "`outlet` is missing"),
        ("samples?outlet=porch", 400, "DEVICE/SLOT"),
        ("samples?outlet=porch/9", 404, "no outlet"),
        ("samples?outlet=porch/1&points=1", 400, "from 4 to 5000"),
        ("samples?outlet=porch/1&from=2027-01-01&to=2026-01-01", 400, "is not before"),
        ("samples?outlet=porch/1&since=1", 400, "`since` is unknown"),
        ("samples?outlet=porch/1&from=yesterday", 400, "`from` is `yesterday`"),
        ("events?kind=snow", 400, "no kind of event"),
        ("events?limit=0", 400, "from 1 to 5000"),
        ("days?outlet=porch/1&group=porch", 400, "say one of them"),
        ("days?group=attic", 404, "attic"),
        ("days?from=2026-1-1", 400, "`from` is `2026-1-1`"),
    ] {
        let (found, told) = home.http("GET", &format!("/api/history/{what}"), None).await;
        assert!(
            found == status && told["error"].as_str().unwrap_or_default().contains(words),
            "{what}: {found} {told}"
        );
    }
    home.stop().await;
}

#[tokio::test]
async fn who_wants_no_history_has_none_and_is_told_so() {
    let rules = format!("{PEOPLE_ONLY}history: {{ enabled: false }}\n");
    let mut home = Home::new(&rules, Clock::driven(noon(), 30.0)).await;
    home.peer.wait("heattrax/porch/1", &["\"OFF\""]).await;
    for what in ["samples?outlet=porch/1", "events", "days"] {
        let (status, told) = home.http("GET", &format!("/api/history/{what}"), None).await;
        assert!(status == 503 && told["error"].as_str().unwrap().contains("`history.enabled`"), "{status} {told}");
    }
    assert!(!home.data().join("history.db").exists());
    // Another config is in force with a new start.
    let why = home.rewrites("history: { enabled: false }", "history: { keep_days: 30 }").await;
    assert!(why.as_ref().is_some_and(|it| it.contains("history")), "{why:?}");
    home.ended().await;
    home.peer.forget();
    home.start().await;
    home.peer.wait("heattrax/porch/1", &["\"OFF\""]).await;
    sampled(&home, |on| *on == json!(0.0)).await;
    home.stop().await;
}

#[tokio::test]
async fn a_history_that_is_damaged_is_set_aside_and_one_that_cannot_be_written_harms_no_outlet() {
    let mut home = Home::new(PEOPLE_ONLY, Clock::driven(noon(), 30.0)).await;
    let file = home.data().join("history.db");
    home.stop().await;
    std::fs::write(&file, "no database ".repeat(1000)).unwrap();
    home.start().await;
    home.peer.wait("heattrax/bridge/event", &["store_trouble", "is damaged", "a new one is begun"]).await;
    until("a new history", || std::fs::read(&file).is_ok_and(|it| it.starts_with(b"SQLite format 3"))).await;
    home.stop().await;
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(home.data().join(format!("history.db{end}")));
    }
    // Nobody can write there.
    std::fs::create_dir(&file).unwrap();
    home.peer.forget();
    home.start().await;
    home.peer
        .wait("heattrax/bridge/event", &["store_trouble", "cannot be written", "the outlets are not concerned"])
        .await;
    home.switches("/api/outlets/porch/1/set", "ON").await;
    home.stop().await;
}
