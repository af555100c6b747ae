//! Setup mode over HTTP: a file that has become right starts the bridge, whoever has made it right; the steps of `/api/setup` wait for
//! their last one.

use heattrax::app::Ended;
use serde_json::{Value, json};

use crate::site::{Site, WHOLE, send};

const PLACE: &str = "location: { latitude: 40.69, longitude: -74.17, timezone: America/New_York }\n";

/// A bridge that does not know where the house is.
async fn placeless() -> Site {
    let site = Site::new(&WHOLE.replace(PLACE, "")).await;
    assert_eq!(site.http("GET", "/api/status", Value::Null).await.1["setup_mode"], json!(true));
    site
}

fn place() -> Value {
    json!({ "latitude": 40.69, "longitude": -74.17, "timezone": "America/New_York" })
}

#[tokio::test]
async fn whatever_makes_the_file_right_starts_the_bridge() {
    let all = ["latitude", "longitude", "timezone"];
    let changes: Vec<_> =
        all.iter().map(|it| json!({ "path": format!("location.{it}"), "value": place()[it] })).collect();
    let form = format!(
        "--x\r\nContent-Disposition: form-data; name=\"config_file\"; filename=\"house.yml\"\r\n\r\n{WHOLE}\r\n--x--\r\n"
    );
    let ways = [
        ("PATCH", "/api/config", json!({ "changes": changes })),
        ("PUT", "/api/config", json!({ "location": place() })),
        ("POST", "/api/config", json!({ "location": place() })),
        ("PUT", "/api/config/text", json!({ "text": WHOLE })),
        ("POST", "/api/config/upload", Value::String(form)),
    ];
    for (method, path, body) in ways {
        let site = placeless().await;
        let kind = if body.is_string() { "Content-Type: multipart/form-data; boundary=x\r\n" } else { "" };
        let told = send(site.at, method, path, kind, &body).await;
        let why = told.json();
        let says = why["restart"] == json!("it was in setup mode") || why["restart_required"] == json!(true);
        assert!(told.status == 200 && says, "{method} {path}: {} {why:#}", told.status);
        assert_eq!(site.ended().await, Ended::Restart, "{method} {path}");
    }
}

#[tokio::test]
async fn a_file_that_is_still_wrong_starts_nothing_and_what_is_left_is_told() {
    let site = placeless().await;
    let other = json!({ "changes": [{ "path": "safety.max_runtime_hours", "value": 5 }] });
    let (status, told) = site.http("PATCH", "/api/config", other).await;
    assert_eq!((status, &told["restart"]), (200, &json!(null)), "{told:#}");
    assert_eq!(told["problems"][0]["path"], json!("location"), "{told:#}");
    assert_eq!(site.http("POST", "/api/setup/finish", Value::Null).await.0, 400);
    assert_eq!(site.http("GET", "/api/status", Value::Null).await.1["setup_mode"], json!(true));
    site.stop().await;
}

#[tokio::test]
async fn the_steps_of_a_first_config_wait_for_the_last_one() {
    let site = placeless().await;
    let (status, told) = site.http("POST", "/api/setup/place", place()).await;
    assert_eq!((status, &told["restart"], &told["problems"]), (200, &json!(null), &json!([])), "{told:#}");
    let another = json!([{ "name": "Tree", "ip": "127.0.0.1:10", "group": "tree" }]);
    let (status, told) = site.http("POST", "/api/setup/devices", another).await;
    assert_eq!((status, &told["restart"]), (200, &json!(null)), "{told:#}");
    let (status, told) = site.http("POST", "/api/setup/finish", Value::Null).await;
    assert_eq!((status, &told["restart"]), (200, &json!("it was in setup mode")), "{told:#}");
    assert_eq!(site.ended().await, Ended::Restart);
}

/// A group that was begun by hand, with a name and nothing else, becomes what its first device is for; one that says what it is stays so.
#[tokio::test]
async fn a_group_that_says_nothing_of_itself_becomes_what_is_set_up_in_it() {
    const SILENT: &str = "    walk:\n      items: [ { name: Path, ip_address: \"127.0.0.1:12\" } ]\n";
    let site = Site::new(&format!("{}{SILENT}", WHOLE.replace(PLACE, ""))).await;
    let mat = |group: &str, port: u8| json!({ "name": format!("Mat {port}"), "ip": format!("127.0.0.1:{port}"), "group": group, "class": "heater", "melt": true });
    let both = json!([mat("walk", 13), mat("porch", 14)]);
    let (status, told) = site.http("POST", "/api/setup/devices", both).await;
    assert_eq!(status, 200, "{told:#}");
    let groups = site.http("GET", "/api/config", Value::Null).await.1["devices"]["groups"].clone();
    let is = |group: &str, key: &str| groups[group].pointer(key).and_then(|it| it.get("value")).cloned();
    assert_eq!(is("walk", "/class"), Some(json!("heater")), "{groups:#}");
    assert_eq!(is("walk", "/melt/enabled"), Some(json!(true)), "{groups:#}");
    assert_eq!((is("porch", "/class"), is("porch", "/melt/enabled")), (Some(json!("light")), None), "{groups:#}");
    for group in ["walk", "porch"] {
        assert_eq!(is(group, "/items").unwrap().as_array().unwrap().len(), 2, "{groups:#}");
    }
    site.stop().await;
}
