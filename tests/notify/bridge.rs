//! The whole bridge, with the ways to people and the endpoints.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use heattrax::{app::Bridge, config, hub::Clock};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    home::noon,
    http::{Mood, Sink},
};

async fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    let request = format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_endpoints_send_a_test_and_tell_how_each_way_does() {
    let (mut sink, folder) = (Sink::start(Mood::Takes).await, tempfile::tempdir().unwrap());
    let text = format!(
        "location: {{latitude: 40.7, longitude: -74.0, timezone: America/New_York}}
weather_api: {{enabled: false}}
devices:
  credentials: {{username: ann@example.org, password: hunter22}}
  groups: {{mat: {{items: [{{name: Walk, ip_address: \"127.0.0.1:9\"}}]}}}}
data: {}
notifications: {{test_on_startup: true, {}}}
",
        folder.path().display(),
        sink.webhook()
    );
    let mut settings = config::parse("house.yaml", &text, &BTreeMap::new(), &Default::default()).unwrap();
    settings.web.as_mut().unwrap().port = 0;
    let bridge = Bridge::start(settings, Clock::driven(noon(), 1.0)).await.unwrap();
    let web = bridge.web_address().unwrap();
    assert_eq!(sink.next().await.body["event_type"], "startup_test");

    let (status, queued) = ask(web, "POST", "/api/notifications/test", "{\"body\": \"Hello\"}").await;
    assert_eq!((status, queued["status"].as_str()), (202, Some("queued")));
    assert_eq!(sink.next().await.body["message"], "Hello");
    // As the first HeatTrax sent it: its receivers look for these.
    let both = "{\"provider\": \"webhook\", \"subject\": \"Snow\", \"body\": \"Hello again\"}";
    assert_eq!(ask(web, "POST", "/api/notifications/test", both).await.0, 202);
    let came = sink.next().await.body;
    for (key, value) in
        [("subject", "Snow"), ("body", "Hello again"), ("source", "HeatTrax Scheduler Test"), ("event_type", "test")]
    {
        assert_eq!(came[key], value, "{came}");
    }
    assert!(came["timestamp"].is_string(), "{came}");
    assert_eq!(ask(web, "POST", "/api/notifications/test", "").await.0, 202);
    sink.next().await;
    for wrong in ["{\"provider\": \"pigeon\"}", "{\"provider\": \"email\"}", "{\"bodi\": \"x\"}", "["] {
        let (status, answer) = ask(web, "POST", "/api/notifications/test", wrong).await;
        assert!(status == 400 && answer["error"].is_string(), "{wrong}: {status} {answer}");
    }
    let (status, told) = ask(web, "GET", "/api/notifications/status", "").await;
    assert_eq!((status, told["status"].as_str()), (200, Some("ok")));
    assert_eq!(told["providers"]["webhook"]["enabled"], true);
    assert_eq!(told["providers"]["email"]["enabled"], false);
    assert!(!told.to_string().contains("S3cr3t"), "{told}");
    sink.is_quiet().await;
    bridge.run_until(async {}).await.unwrap();
}
