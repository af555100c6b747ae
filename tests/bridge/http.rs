//! The predecessor's endpoints at a whole bridge: their shapes, and the answer to each mistake.

use serde_json::{Value, json};

use crate::served::home;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_predecessors_clients_read_has_its_shape() {
    let mut home = home().await;
    let (_, told) = home.http("GET", "/api/ping", None).await;
    assert_eq!(told, json!({ "status": "ok", "message": "pong" }));
    let (_, told) = home.http("GET", "/api/health", None).await;
    assert_eq!((&told["status"], &told["config_loaded"]), (&json!("ok"), &json!(true)));
    let (_, told) = home.http("GET", "/api/system/status", None).await;
    assert_eq!((&told["success"], &told["status"]["scheduler_running"]), (&json!(true), &json!(true)), "{told:#}");
    let (_, told) = home.http("GET", "/api/status", None).await;
    assert_eq!((&told["setup_mode"], &told["weather_enabled"]), (&json!(false), &json!(true)), "{told:#}");
    assert_eq!(told["device_groups"]["walkway"], json!({ "enabled": true, "device_count": 1 }));
    let rows = told["device_expectations"].as_array().unwrap();
    let mat = rows.iter().find(|it| it["group"] == "walkway").unwrap();
    let states = (&mat["outlet"], &mat["current_state"], &mat["expected_state"]);
    assert_eq!(states, (&json!(0), &json!("off"), &json!("off")), "{mat:#}");
    let (_, told) = home.http("GET", "/api/devices/status", None).await;
    assert_eq!(told["initialization_summary"]["overall"]["initialized_devices"], 2, "{told:#}");
    let (_, told) = home.http("GET", "/api/mat/status", None).await;
    let walkway = &told["groups"]["walkway"];
    let shown = (&walkway["is_on"], &walkway["mode"], &walkway["has_schedule"]);
    assert_eq!(shown, (&json!(false), &json!("manual_only"), &json!(false)), "{told:#}");
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_predecessors_clients_get_wrong_is_named_and_switches_nothing() {
    let mut home = home().await;
    let post = "POST";
    let one = |group: &str, outlet: Value, action: &str| json!({ "group": group, "device": "Porch", "outlet": outlet, "action": action });
    let cases = [
        (post, "/api/devices/control", one("attic", json!(0), "on"), 400, "attic"),
        (post, "/api/devices/control", one("porch", json!(7), "on"), 400, "out of range"),
        (post, "/api/devices/control", one("porch", json!(-1), "on"), 400, "outlet"),
        (post, "/api/devices/control", one("porch", json!(0), "dim"), 400, "Invalid action"),
        (post, "/api/devices/control", json!({ "action": "on" }), 400, "Missing required field: group"),
        (post, "/api/groups/attic/control", json!({ "action": "on" }), 404, "attic"),
        (post, "/api/groups/porch/control", json!({}), 400, "Missing required field: action"),
        (post, "/api/mat/control", json!({ "group": "walkway" }), 400, "Missing required fields: group and action"),
        (post, "/api/mat/control", json!({ "group": "attic", "action": "on" }), 404, "attic"),
        (post, "/api/mat/control", json!({ "group": "walkway", "action": "on", "timeout_hours": 25 }), 400, "24"),
        (post, "/api/mat/control", json!({ "group": "walkway", "action": "on", "timeout_hours": 0 }), 400, "24"),
        (
            post,
            "/api/mat/control",
            json!({ "group": "walkway", "action": "on", "timeout_hours": "2" }),
            400,
            "a number",
        ),
        (post, "/api/mat/reset-auto", json!({}), 400, "group"),
        ("PUT", "/api/vacation_mode", json!({}), 400, "enabled"),
        ("PATCH", "/api/groups/porch/automation", json!({ "morning_mode": 1 }), 400, "true, false, or null"),
        ("PATCH", "/api/groups/attic/automation", json!({}), 404, "attic"),
    ];
    for (method, path, body, wanted, word) in cases {
        let (status, told) = home.http(method, path, Some(body.clone())).await;
        let error = told["error"].as_str().unwrap_or_default();
        assert!(status == wanted && error.contains(word), "{method} {path} {body}: {status} {told:#}");
    }
    assert!(!home.mat.relay(1) && !home.lights.relay(1) && !home.lights.relay(2));
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_names_what_is_not_there_hears_what_there_is() {
    let mut home = home().await;
    let posts = [
        (
            "/api/devices/control",
            json!({ "group": "attic", "device": "Porch", "outlet": 0, "action": "on" }),
            400,
            "not found; there is: porch, walkway",
        ),
        (
            "/api/devices/control",
            json!({ "group": "porch", "device": "x", "outlet": 0, "action": "on" }),
            400,
            "Device `x` not found in group `porch`; there is: Porch",
        ),
        ("/api/devices/control", json!({ "group": 5 }), 400, "`group` must be text"),
        ("/api/devices/control", json!({ "group": "porch" }), 400, "Missing required field: device; all of these"),
        (
            "/api/schedules/preview",
            json!({ "group": "zz", "schedule": {} }),
            404,
            "Group 'zz' not found; there is: porch, walkway",
        ),
        ("/api/discover", json!({ "targets": ["8.8.8.8.8"] }), 400, "`8.8.8.8.8` is no address; it must be an IPv4"),
    ];
    for (path, body, wanted, words) in posts {
        let (status, told) = home.http("POST", path, Some(body.clone())).await;
        let error = told["error"].as_str().unwrap_or_default();
        assert!(status == wanted && error.contains(words), "{path} {body}: {status} {told:#}");
    }
    for (path, wanted, words) in [
        ("/api/groups/zz/schedules", 404, "Group 'zz' not found; there is: porch, walkway"),
        ("/api/groups/porch/schedules/9", 404, "Schedule index `9` out of range (the group has 0, counted from 0)"),
        (
            "/api/history/samples?outlet=porch/9",
            404,
            "there is no outlet `porch/9`; there is: driveway/1, driveway/2, porch/1",
        ),
        ("/api/history/days?from=2026-01-10&to=2026-01-09", 400, "`from` (2026-01-10) is after `to` (2026-01-09)"),
        ("/api/history/days.csv?from=2026-01-10&to=2026-01-09", 400, "`from` (2026-01-10) is after `to` (2026-01-09)"),
    ] {
        let (status, told) = home.http("GET", path, None).await;
        let error = told["error"].as_str().unwrap_or_default();
        assert!(status == wanted && error.contains(words), "{path}: {status} {told:#}");
    }
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_get_of_a_plain_path_is_answered() {
    let mut home = home().await;
    let (_, document) = home.http("GET", "/openapi.json", None).await;
    let paths = document["paths"].as_object().unwrap();
    // Events do not end; they have a test of their own.
    let plain =
        paths.iter().filter(|(path, it)| it.get("get").is_some() && !path.contains('{') && !path.ends_with("/events"));
    let mut asked = 0;
    for (path, _) in plain {
        asked += 1;
        let (status, told) = home.http("GET", path, None).await;
        assert!(status != 404 && status != 500, "{path}: {status} {told}");
    }
    assert!(asked > 20, "{asked} paths are documented");
    home.stop().await;
}
