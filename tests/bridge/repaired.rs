//! The config as text, over HTTP: looked at, checked, saved; and a wrong one repaired without a shell.

use std::{net::SocketAddr, path::Path};

use heattrax::{
    app::{self, Ended, Levers},
    config::{Overrides, Sources, Writer},
    hub::Clock,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    home::Home,
    noon,
    site::{Site, WHOLE, send},
};

const RULES: &str = r#"    walkway:
      class: heater
      items: [ { name: Driveway, ip_address: "{mat}", outlets: [0], poll_seconds: 1 } ]
      schedules: # all day
        - { name: always, on: { type: time, value: "00:00" }, off: { type: time, value: "23:59" } }
"#;

/// Status, mark and body.
pub(crate) async fn asks(
    address: SocketAddr,
    method: &str,
    path: &str,
    mark: &str,
    body: Option<Value>,
) -> (u16, String, Value) {
    let body = body.map(|it| it.to_string()).unwrap_or_default();
    let mark = if mark.is_empty() { String::new() } else { format!("If-Match: {mark}\r\n") };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n{mark}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mark = head.lines().find_map(|it| it.strip_prefix("etag: ")).unwrap_or_default().to_owned();
    let body = serde_json::from_str(body).unwrap_or_else(|_| json!(body));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), mark, body)
}

#[tokio::test]
async fn the_file_is_edited_as_text_and_in_force_at_once() {
    let mut home = Home::new(RULES, Clock::driven(noon(), 1.0)).await;
    home.watched_over().await;
    let web = home.web.unwrap();
    let (status, mark, found) = asks(web, "GET", "/api/config/text", "", None).await;
    let text = found["text"].as_str().unwrap().to_owned();
    assert!(status == 200 && text.contains("# all day") && !mark.is_empty(), "{found}");
    // What would be wrong is told with its place, and nothing is changed.
    let wrong = text.replace("max_runtime_hours: 6", "max_runtime_hours: -6");
    let (status, _, told) = asks(web, "POST", "/api/config/check", "", Some(json!({ "text": wrong }))).await;
    assert_eq!(
        (status, &told["problems"][0]["path"], &told["problems"][0]["line"]),
        (200, &json!("safety.max_runtime_hours"), &json!(2))
    );
    let (status, _, told) = asks(web, "PUT", "/api/config/text", &mark, Some(json!({ "text": wrong }))).await;
    assert_eq!((status, &told["problems"][0]["path"]), (400, &json!("safety.max_runtime_hours")));
    let file = std::fs::read_to_string(home.file()).unwrap();
    // Somebody else has not seen what the first one has changed.
    let silent = text.replace("{ name: always,", "{ name: always, enabled: false,");
    let (status, newer, told) = asks(web, "PUT", "/api/config/text", &mark, Some(json!({ "text": silent }))).await;
    assert_eq!((status, &told["restart"]), (200, &Value::Null));
    home.peer.wait("heattrax/driveway/1", &["\"OFF\""]).await;
    assert_eq!(asks(web, "PUT", "/api/config/text", &mark, Some(json!({ "text": text }))).await.0, 412);
    assert_eq!(asks(web, "PUT", "/api/config/text", &newer, Some(json!({ "text": text }))).await.0, 200);
    home.peer.wait("heattrax/driveway/1", &["\"ON\""]).await;
    assert!(std::fs::read_to_string(home.file()).unwrap() == file, "the secrets behind the asterisks are there again");
    home.stop().await;
}

/// What `main` does with a config that is absent or wrong, the page on any free port.
pub(crate) async fn in_setup(file: &Path) -> (app::Bridge, SocketAddr) {
    let flags = Overrides { data: file.parent().map(Path::to_owned), ..Overrides::default() };
    let writer = Writer::new(Sources { file: Some(file.to_owned()), flags, ..Sources::default() });
    let mut problems = writer.check().unwrap_err();
    problems.partial.web.port = 0;
    let bridge =
        app::setup(problems, Clock::wall(), Levers { config: Some(writer), ..Levers::default() }).await.unwrap();
    let address = bridge.web_address().unwrap();
    (bridge, address)
}

const GOOD: &str = "location: {latitude: 40.7, longitude: -74, timezone: America/New_York}\n\
    safety: {max_runtime_hours: 6, cooldown_minutes: 30}\n\
    devices: {credentials: {username: someone@example.org, password: hunter3}, groups: {}}\n";

#[tokio::test]
async fn a_wrong_config_is_repaired_on_the_page_and_the_bridge_starts_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("heattrax.yaml");
    std::fs::write(&file, GOOD.replace("40.7", "940.7")).unwrap();
    let (bridge, web) = in_setup(&file).await;
    let running = tokio::spawn(bridge.run_until(std::future::pending()));
    let (_, _, house) = asks(web, "GET", "/api/house", "", None).await;
    assert!(house["bridge"]["setup"][0].as_str().unwrap().contains("location.latitude"), "{house}");
    let (_, mark, found) = asks(web, "GET", "/api/config/text", "", None).await;
    assert!(found["text"].as_str().unwrap().contains("940.7"));
    let (status, _, told) = asks(web, "PUT", "/api/config/text", &mark, Some(json!({ "text": GOOD }))).await;
    assert_eq!((status, &told["restart"]), (200, &json!("it was in setup mode")));
    assert_eq!(running.await.unwrap().unwrap(), Ended::Restart);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), GOOD);
    let kept = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .any(|it| it.file_name().to_string_lossy().ends_with(".bak"));
    assert!(kept, "the file as it was is kept");
}

#[tokio::test]
async fn a_first_config_is_written_where_there_was_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config").join("heattrax.yaml");
    let (bridge, web) = in_setup(&file).await;
    let running = tokio::spawn(bridge.run_until(std::future::pending()));
    assert_eq!(asks(web, "GET", "/api/config/text", "", None).await.2["text"], "");
    assert_eq!(asks(web, "GET", "/api/config/download", "", None).await.0, 404);
    assert_eq!(asks(web, "PUT", "/api/config/text", "", Some(json!({ "text": GOOD }))).await.0, 200);
    assert_eq!(running.await.unwrap().unwrap(), Ended::Restart);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), GOOD);
}

#[tokio::test]
async fn a_mistake_beside_the_password_lets_nobody_in() {
    for (web, needs) in [
        ("{password: abcdefgh, sesion_hours: 24}", "password"),
        ("{password_file: /no/such/file}", "code"),
        ("hello", "code"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("heattrax.yaml");
        std::fs::write(&file, format!("{GOOD}web: {web}\n")).unwrap();
        let (bridge, at) = in_setup(&file).await;
        let running = tokio::spawn(bridge.run_until(std::future::pending()));
        assert_eq!(asks(at, "GET", "/api/config/text", "", None).await.0, 401, "{web}");
        let pin = json!({ "changes": [{ "path": "web.password", "value": "mine now" }] });
        assert_eq!(asks(at, "PATCH", "/api/config", "", Some(pin)).await.0, 401, "{web}");
        assert_eq!(asks(at, "GET", "/api/auth/session", "", None).await.2["needs"], needs, "{web}");
        running.abort();
    }
}

#[tokio::test]
async fn no_secret_is_seen_and_what_is_sent_back_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("heattrax.yaml");
    // Not even of a text that nobody can read, nor of what is a comment by now.
    let broken = format!("# password: \"before\"\n{GOOD}mqtt: [\n");
    std::fs::write(&file, &broken).unwrap();
    let (bridge, web) = in_setup(&file).await;
    let running = tokio::spawn(bridge.run_until(std::future::pending()));
    let (_, mark, found) = asks(web, "GET", "/api/config/text", "", None).await;
    let download = asks(web, "GET", "/api/config/download", "", None).await.2;
    for secret in ["someone@", "hunter3", "before"] {
        assert!(!found.to_string().contains(secret) && !download.to_string().contains(secret), "{found} {download}");
    }
    let seen = found["text"].as_str().unwrap().replace("mqtt: [\n", "");
    let doubled = format!("{seen}mqtt: {{ password: \"********\" }}\n");
    for (method, path) in [("POST", "/api/config/check"), ("PUT", "/api/config/text")] {
        let (_, _, told) = asks(web, method, path, "", Some(json!({ "text": doubled }))).await;
        let problem = &told["problems"][0];
        assert_eq!(
            (&problem["path"], &problem["allowed"]),
            (&json!("mqtt.password"), &json!("the secret itself")),
            "{told}"
        );
    }
    let (status, _, told) = asks(web, "PUT", "/api/config/text", &mark, Some(json!({ "text": seen }))).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(running.await.unwrap().unwrap(), Ended::Restart);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), broken.replace("mqtt: [\n", ""));
}

/// The answer, byte for byte.
async fn raw(address: SocketAddr, request: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end + 4..].to_vec())
}

/// The request that uploads such a file.
fn upload(file: &[u8]) -> Vec<u8> {
    let head = b"--edge\r\nContent-Disposition: form-data; name=\"config_file\"; filename=\"x.yaml\"\r\n\r\n";
    let body = [head, file, b"\r\n--edge--\r\n"].concat();
    let head = format!(
        "POST /api/config/upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

#[tokio::test]
async fn a_file_that_is_not_in_utf_8_is_repaired_on_the_page() {
    let text = format!("# B\u{fc}rgersteig\n{GOOD}");
    let latin: Vec<u8> = text.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect();
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (bytes, is_uploaded) in [(&latin, false), (&utf16, false), (&latin, true)] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("heattrax.yaml");
        std::fs::write(&file, bytes).unwrap();
        let (bridge, web) = in_setup(&file).await;
        let running = tokio::spawn(bridge.run_until(std::future::pending()));
        let (status, mark, found) = asks(web, "GET", "/api/config/text", "", None).await;
        let masked = text.replace("someone@example.org", "\"********\"").replace("hunter3", "\"********\"");
        assert_eq!((status, &found["text"]), (200, &json!(masked)), "{found}");
        assert!(found["note"].as_str().unwrap().contains("not in UTF-8"), "{found}");
        let (head, kept) =
            raw(web, b"GET /api/config/download HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200") && kept == masked.as_bytes(), "{head}");
        let account = json!({ "username": "me@example.com", "password": "another" });
        let change = json!({ "changes": [{ "path": "safety.max_runtime_hours", "value": 5 }] });
        for (method, path, body) in [
            ("PATCH", "/api/config", &change),
            ("POST", "/api/credentials", &account),
            ("POST", "/api/setup/account", &account),
        ] {
            let (status, _, told) = asks(web, method, path, "", Some(body.clone())).await;
            assert!(status == 409 && told["error"].as_str().unwrap().contains("/api/config/text"), "{path}: {told}");
        }
        if is_uploaded {
            // No letter is guessed where nobody looks it over.
            let (head, told) = raw(web, &upload(&latin)).await;
            assert!(head.starts_with("HTTP/1.1 400"), "{head} {}", String::from_utf8_lossy(&told));
            let (head, told) = raw(web, &upload(text.as_bytes())).await;
            assert!(head.starts_with("HTTP/1.1 200"), "{head} {}", String::from_utf8_lossy(&told));
        } else {
            let (status, _, told) = asks(web, "PUT", "/api/config/text", &mark, Some(found)).await;
            assert_eq!(status, 400, "its other keys are none of a text's: {told}");
            let (status, _, told) = asks(web, "PUT", "/api/config/text", &mark, Some(json!({ "text": masked }))).await;
            assert_eq!(status, 200, "{told}");
        }
        assert_eq!(running.await.unwrap().unwrap(), Ended::Restart);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        let mut beside = std::fs::read_dir(folder.path()).unwrap().flatten().map(|it| it.path());
        let backup = beside.find(|it| it.extension().is_some_and(|it| it == "bak")).unwrap();
        assert_eq!(std::fs::read(backup).unwrap(), *bytes);
    }
}

#[tokio::test]
async fn the_page_is_not_switched_off_over_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("heattrax.yaml");
    std::fs::write(&file, GOOD.replace("40.7", "940.7")).unwrap();
    let (bridge, web) = in_setup(&file).await;
    let running = tokio::spawn(bridge.run_until(std::future::pending()));
    let off = format!("{GOOD}web: {{enabled: false}}\n");
    let earlier = "heattrax.yaml.2026-01-01T00-00-00Z.bak";
    std::fs::write(folder.path().join(earlier), &off).unwrap();
    for (method, path, body) in [
        ("PATCH", "/api/config", json!({ "changes": [{ "path": "web.enabled", "value": false }] })),
        ("PUT", "/api/config", json!({ "location": { "latitude": 40.7 }, "web": { "enabled": false } })),
        ("PUT", "/api/config/text", json!({ "text": off })),
        ("POST", "/api/config/restore", json!({ "name": earlier })),
    ] {
        let (status, _, told) = asks(web, method, path, "", Some(body)).await;
        assert!(status == 409 && told["error"].as_str().unwrap().contains("HEATTRAX_WEB_ENABLED"), "{path}: {told}");
    }
    let (head, told) = raw(web, &upload(off.as_bytes())).await;
    assert!(head.starts_with("HTTP/1.1 409"), "{head} {}", String::from_utf8_lossy(&told));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), GOOD.replace("40.7", "940.7"));
    running.abort();
}

#[tokio::test]
async fn a_large_config_is_saved_and_uploaded_and_nothing_else_is_large() {
    let site = Site::new(WHOLE).await;
    let padding = |byte: &str| format!("{WHOLE}{}", format!("# {}\n", byte.repeat(98)).repeat(5_000));
    let (one, other) = (padding("a"), padding("b"));
    assert!(one.len() > 500_000);
    let text = json!({ "text": one });
    let (status, told) = site.http("POST", "/api/config/check", text.clone()).await;
    assert_eq!((status, &told["problems"]), (200, &json!([])));
    assert_eq!(site.http("PUT", "/api/config/text", text).await.0, 200);
    assert_eq!(std::fs::read_to_string(site.file()).unwrap(), one);
    let (head, told) = raw(site.at, &upload(other.as_bytes())).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head} {}", String::from_utf8_lossy(&told));
    assert_eq!(std::fs::read_to_string(site.file()).unwrap(), other);
    let whole = format!("{{ \"safety\": {{ \"cooldown_minutes\": 45 }}{} }}", " ".repeat(500_000));
    assert_eq!(site.http("PUT", "/api/config", Value::String(whole)).await.0, 200);
    for (method, path, announced) in [
        ("PATCH", "/api/config", "70000"),
        ("POST", "/api/credentials", "70000"),
        ("PUT", "/api/config/text", "2100000"),
        ("POST", "/api/config/upload", "2100000"),
    ] {
        let told = send(site.at, method, path, &format!("Content-Length: {announced}\r\n"), &Value::Null).await;
        assert_eq!(told.status, 413, "{method} {path}: {}", told.body);
    }
    site.stop().await;
}
