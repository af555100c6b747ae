//! The config value by value, over HTTP: what a page shows, changes and sets up.

use heattrax::{app::Ended, hub::Clock};
use serde_json::{Value, json};

use crate::{
    home::Home,
    noon,
    repaired::{asks, in_setup},
    site::{Site, WHOLE, send},
};

const RULES: &str = r#"    walkway:
      class: heater
      items: [ { name: Driveway, ip_address: "{mat}", outlets: [0], poll_seconds: 1 } ]
      schedules: # all day
        - { name: always, on: { type: time, value: "00:00" }, off: { type: time, value: "23:59" } }
"#;

#[tokio::test]
async fn a_page_shows_changes_and_sends_back_the_whole_config() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    home.watched_over().await;
    let web = home.web.unwrap();
    let (status, mark, mut config) = asks(web, "GET", "/api/config", "", None).await;
    assert_eq!(status, 200);
    let hours = json!({ "value": 6, "source": "yaml", "readonly": false });
    assert_eq!(config["safety"]["max_runtime_hours"], hours);
    assert_eq!(config["devices"]["credentials"]["password"]["value"], "********");
    assert_eq!(config["vacation_mode"]["source"], "default");
    // Sent back as it was shown, nothing is another.
    let (status, _, told) = asks(web, "PUT", "/api/config", &mark, Some(config.clone())).await;
    assert_eq!((status, &told["changed"], &told["restart_required"]), (200, &json!([]), &json!("false")), "{told}");
    config["safety"]["max_runtime_hours"]["value"] = json!(4);
    config["devices"]["groups"]["walkway"]["schedules"]["value"][0]["enabled"] = json!(false);
    let (status, _, told) = asks(web, "PUT", "/api/config", &mark, Some(config)).await;
    let changed = json!(["safety.max_runtime_hours", "devices.groups.walkway.schedules[0].enabled"]);
    assert_eq!((status, &told["status"]), (200, &json!("ok")), "{told}");
    for path in changed.as_array().unwrap() {
        assert!(told["changed"].as_array().unwrap().contains(path), "{told}");
    }
    home.peer.wait("heattrax/driveway/1", &["\"OFF\""]).await;
    let text = std::fs::read_to_string(home.file()).unwrap();
    assert!(text.contains("# all day") && text.contains("password: secret") && text.contains("hours: 4"), "{text}");
    home.stop().await;
}

#[tokio::test]
async fn values_are_set_by_their_paths_and_what_would_be_wrong_is_told_by_its_place() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    home.watched_over().await;
    let web = home.web.unwrap();
    let set = |path: &str, value: Value| Some(json!({ "changes": [{ "path": path, "value": value }] }));
    let (status, mark, told) = asks(web, "PATCH", "/api/config", "", set("safety.max_runtime_hours", json!(5))).await;
    assert_eq!((status, &told["changed"]), (200, &json!(["safety.max_runtime_hours"])), "{told}");
    home.peer.wait("heattrax/driveway/1/decision", &["\"longest_runtime_min\":300"]).await;
    let before = std::fs::read_to_string(home.file()).unwrap();
    for (path, value, status) in [
        ("safety.max_runtime_hours", json!(-1), 400),
        ("safety..x", json!(1), 400),
        ("nonsense.key", json!(1), 400),
        ("devices.groups.walkway.items[7].name", json!("x"), 400),
    ] {
        let (got, _, told) = asks(web, "PATCH", "/api/config", &mark, set(path, value)).await;
        assert_eq!(got, status, "{path}: {told}");
        assert!(!told["error"].as_str().unwrap_or_default().is_empty(), "{path}: {told}");
    }
    let (_, _, told) = asks(web, "PATCH", "/api/config", &mark, set("safety.max_runtime_hours", json!(-1))).await;
    assert_eq!(told["problems"][0]["path"], "safety.max_runtime_hours", "{told}");
    assert_eq!(asks(web, "PATCH", "/api/config", "\"0\"", set("safety.cooldown_minutes", json!(9))).await.0, 412);
    assert_eq!(std::fs::read_to_string(home.file()).unwrap(), before);
    // A secret that nobody has seen is not lost, and one that is taken out would leave no account.
    for value in ["", "********"] {
        let set = set("devices.credentials.password", json!(value));
        assert_eq!(asks(web, "PATCH", "/api/config", "", set).await.2["changed"], json!([]));
    }
    assert_eq!(asks(web, "PATCH", "/api/config", "", set("devices.credentials.password", Value::Null)).await.0, 400);
    // What was there before can be had again.
    let (_, _, kept) = asks(web, "GET", "/api/config/backups", "", None).await;
    let name = kept["backups"][0].as_str().unwrap().to_owned();
    assert_eq!(asks(web, "POST", "/api/config/restore", "", Some(json!({ "name": "../house.yaml" }))).await.0, 400);
    assert_eq!(asks(web, "POST", "/api/config/restore", "", Some(json!({ "name": name }))).await.0, 200);
    home.peer.wait("heattrax/driveway/1/decision", &["\"longest_runtime_min\":360"]).await;
    home.stop().await;
}

#[tokio::test]
async fn a_schedule_is_looked_at_before_it_is_saved() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    let web = home.web.unwrap();
    let before = std::fs::read_to_string(home.file()).unwrap();
    let schedule = json!({ "on": { "type": "time", "value": "06:00" }, "off": { "type": "time", "value": "08:00" },
        "days": [1], "conditions": { "temperature_max": 34 } });
    let asked = json!({ "group": "walkway", "schedule": schedule });
    let (status, _, told) = asks(web, "POST", "/api/schedules/preview", "", Some(asked)).await;
    let windows = told["windows"].as_array().unwrap();
    assert_eq!((status, windows.len(), &told["note"]), (200, 1, &json!("if the weather asks for it")), "{told}");
    assert!(windows[0]["start"].as_str().unwrap().contains("T06:00:00-0"), "{told}");
    let wrong = json!({ "group": "walkway", "schedule": { "on": { "type": "time", "value": "26:00" } } });
    let (status, _, told) = asks(web, "POST", "/api/schedules/preview", "", Some(wrong)).await;
    assert_eq!(status, 400);
    assert!(told["problems"].as_array().unwrap().len() > 1, "{told}");
    let nowhere = json!({ "group": "attic", "schedule": {} });
    assert_eq!(asks(web, "POST", "/api/schedules/preview", "", Some(nowhere)).await.0, 404);
    assert_eq!(std::fs::read_to_string(home.file()).unwrap(), before);
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_editors_at_the_same_moment_one_is_told_so() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    let web = home.web.unwrap();
    let list = "/api/groups/walkway/schedules";
    let times = |on: &str| json!({ "name": "Two", "on": { "type": "time", "value": on }, "off": { "type": "time", "value": "23:30" } });
    for round in 0..4 {
        let adds = async || asks(web, "POST", list, "", Some(times("20:00"))).await.0;
        let (one, other) = tokio::join!(adds(), adds());
        assert_eq!(one.min(other) + one.max(other), 201 + 400, "{round}: {one}, {other}");
        let (_, etag, told) = asks(web, "GET", list, "", None).await;
        let here = format!("{list}/{}", told["schedules"].as_array().unwrap().len() - 1);
        let puts = async |on: &'static str| asks(web, "PUT", &here, &etag, Some(times(on))).await.0;
        let (one, other) = tokio::join!(puts("21:00"), puts("22:00"));
        assert_eq!((one.min(other), one.max(other)), (200, 412), "{round}");
        assert_eq!(asks(web, "DELETE", &here, "", None).await.0, 200);
    }
    home.stop().await;
}

#[tokio::test]
async fn a_mark_is_known_again_packed_by_a_proxy_and_among_others() {
    let site = Site::new(WHOLE).await;
    let hours = |hours: u8| json!({ "changes": [{ "path": "safety.max_runtime_hours", "value": hours }] });
    let enabled = json!({ "enabled": true });
    let schedules = "/api/groups/porch/schedules";
    let places = [
        ("/api/config", "PATCH", "/api/config".to_owned(), [hours(3), hours(4), hours(5), hours(6), hours(7)]),
        (schedules, "PUT", format!("{schedules}/0/enabled"), [(); 5].map(|()| enabled.clone())),
    ];
    for (shown, method, changed, bodies) in places {
        let marks: [&dyn Fn(&str) -> String; 5] = [
            &|it| format!("W/{it}"),
            &|it| format!("\"x\", {it}"),
            &|it| format!("{it},W/\"x\""),
            &|it| format!("\"x\"\r\nIf-Match: {it}"),
            &|_| "*".to_owned(),
        ];
        for (mark, body) in marks.iter().zip(&bodies) {
            let told = send(site.at, "GET", shown, "", &Value::Null).await;
            let header = format!("If-Match: {}\r\n", mark(told.header("etag").unwrap()));
            let told = send(site.at, method, &changed, &header, body).await;
            assert_eq!(told.status, 200, "{header}: {}", told.body);
        }
        for strange in ["W/\"0\"", "\"0\", \"1\"", "\"\"", ",", "\"0\", *"] {
            let header = format!("If-Match: {strange}\r\n");
            assert_eq!(send(site.at, method, &changed, &header, &bodies[0]).await.status, 412, "{changed} {header}");
        }
    }
    site.stop().await;
}

#[tokio::test]
async fn a_bridge_is_set_up_step_by_step_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("heattrax.yaml");
    let (bridge, web) = in_setup(&file).await;
    let running = tokio::spawn(bridge.run_until(std::future::pending()));
    let (status, _, told) = asks(web, "GET", "/api/setup", "", None).await;
    assert_eq!((status, &told["needed"], &told["writable"]), (200, &json!(true), &json!(true)), "{told}");
    let account = json!({ "username": "ann@example.org", "password": "hunter 3" });
    assert_eq!(asks(web, "POST", "/api/setup/account", "", Some(account)).await.0, 200);
    let (_, _, told) = asks(web, "GET", "/api/setup", "", None).await;
    assert_eq!((&told["steps"]["account"], &told["steps"]["place"]), (&json!(true), &json!(false)), "{told}");
    let (status, _, told) = asks(web, "POST", "/api/setup/finish", "", Some(json!({}))).await;
    assert!(status == 400 && !told["problems"].as_array().unwrap().is_empty(), "{told}");
    let place = |latitude| json!({ "latitude": latitude, "longitude": -74.0, "timezone": "America/New_York" });
    assert_eq!(asks(web, "POST", "/api/setup/place", "", Some(place(95.0))).await.0, 400);
    let (status, _, told) = asks(web, "POST", "/api/setup/place", "", Some(place(40.7))).await;
    assert_eq!(status, 200, "{told}");
    let mat = |name: &str, outlet: u8| json!({ "name": name, "ip": "192.0.2.5", "outlets": [outlet], "group": "front walk", "class": "heater", "melt": true });
    for (name, outlet) in [("Mat", 0), ("Step", 1)] {
        let (status, _, told) = asks(web, "POST", "/api/setup/devices", "", Some(json!([mat(name, outlet)]))).await;
        assert_eq!(status, 200, "{told}");
    }
    let (status, _, told) = asks(web, "POST", "/api/setup/finish", "", Some(json!({}))).await;
    assert_eq!((status, &told["restart"]), (200, &json!("it was in setup mode")), "{told}");
    assert_eq!(running.await.unwrap().unwrap(), Ended::Restart);
    let text = std::fs::read_to_string(&file).unwrap();
    let settings = heattrax::config::parse("x", &text, &Default::default(), &Default::default()).unwrap();
    assert_eq!(settings.control.groups.values().next().unwrap().members.len(), 2, "{text}");
}

#[tokio::test]
async fn what_holds_a_value_beside_the_file_is_said_and_the_file_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("heattrax.yaml");
    std::fs::write(&file, "location: {latitude: 940.7, longitude: -74, timezone: America/New_York}\n").unwrap();
    let mut permissions = std::fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&file, permissions).unwrap();
    let (bridge, web) = in_setup(&file).await;
    let running = tokio::spawn(bridge.run_until(std::future::pending()));
    let (_, _, told) = asks(web, "GET", "/api/setup", "", None).await;
    // A section that is missing as a whole has none of its steps done.
    let steps = json!({ "account": false, "place": false, "devices": false });
    assert_eq!((&told["writable"], &told["steps"]), (&json!(false), &steps), "{told}");
    let place = json!({ "latitude": 40.7, "longitude": -74.0, "timezone": "America/New_York" });
    let (status, _, told) = asks(web, "POST", "/api/setup/place", "", Some(place)).await;
    assert!(status == 409 && told["error"].as_str().unwrap().contains("read-only"), "{status} {told}");
    running.abort();
}

#[tokio::test]
async fn a_kept_file_is_uploaded_if_it_is_right() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    let web = home.web.unwrap();
    let before = std::fs::read_to_string(home.file()).unwrap();
    let wrong = before.replace("max_runtime_hours: 6", "max_runtime_hours: -6");
    let right = before.replace("max_runtime_hours: 6", "max_runtime_hours: 5");
    for (name, text, status) in [("x.txt", &right, 400), ("x.yaml", &wrong, 400), ("x.yml", &right, 200)] {
        let body = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"config_file\"; filename=\"{name}\"\r\n\r\n{text}\r\n--edge--\r\n"
        );
        let head = format!(
            "POST /api/config/upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = tokio::net::TcpStream::connect(web).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, (head + &body).as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {answer}");
        let now = std::fs::read_to_string(home.file()).unwrap();
        assert_eq!(now, if status == 200 { right.clone() } else { before.clone() });
    }
    home.stop().await;
}
