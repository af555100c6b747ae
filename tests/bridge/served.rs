//! A whole bridge over HTTP: what is asked for there becomes a relay, and the answer is what the plug reported.

use heattrax::hub::Clock;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{PEOPLE_ONLY, home::Home, noon};

impl Home {
    pub(crate) async fn http(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.web()).await.unwrap();
        let body = body.map(|it| it.to_string()).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned())))
    }

    /// Switches what can be switched. Where the house's time runs fast, an answer may come too late, and the plug may not have been
    /// asked yet: then it is tried again.
    pub(crate) async fn switches(&self, path: &str, state: &str) -> Value {
        let mut last = (0, Value::Null);
        for _ in 0..200 {
            last = self.http("POST", path, Some(json!({ "state": state }))).await;
            match last.0 {
                404 | 504 => tokio::time::sleep(std::time::Duration::from_millis(25)).await,
                _ => break,
            }
        }
        assert_eq!(last.0, 200, "{:#}", last.1);
        last.1
    }
}

pub(crate) async fn home() -> Home {
    let mut home = Home::new(PEOPLE_ONLY, Clock::driven(noon(), 1.0)).await;
    home.peer.wait("heattrax/driveway/1", &["\"state\":\"OFF\""]).await;
    home.peer.wait("heattrax/porch/2", &["\"state\":\"OFF\""]).await;
    home
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_switched_over_http_is_answered_by_the_plugs_own_report() {
    let mut home = home().await;
    let (status, told) =
        home.http("POST", "/api/outlets/porch/2/set", Some(json!({ "state": "ON", "for": "45m" }))).await;
    assert_eq!(
        (status, &told["state"], &told["decision"]["mode"]),
        (200, &json!("ON"), &json!("manual_on")),
        "{told:#}"
    );
    assert!(home.lights.relay(2) && !home.lights.relay(1));
    let (status, told) = home.http("POST", "/api/groups/porch/set", Some(json!({ "state": "TOGGLE" }))).await;
    assert_eq!((status, &told["state"]), (200, &json!("OFF")), "{told:#}");
    let (status, _) = home.http("POST", "/api/groups/porch/control-mode", Some(json!({ "control": "off" }))).await;
    assert_eq!(status, 200);
    let (status, told) = home.http("POST", "/api/outlets/porch/1/set", Some(json!({ "state": "ON" }))).await;
    assert!(status == 409 && told["error"].as_str().unwrap().contains("control is set to off"), "{status} {told:#}");
    let (status, told) = home.http("POST", "/api/outlets/porch/1/set", Some(json!({ "stat": "ON" }))).await;
    assert!(status == 400 && told["error"].as_str().unwrap().contains("`stat`"), "{status} {told:#}");
    assert_eq!(home.http("POST", "/api/outlets/porch/9/set", Some(json!({ "state": "ON" }))).await.0, 404);
    assert_eq!(home.http("POST", "/api/outlets/porch/1/ack", None).await.0, 409);
    home.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_predecessors_clients_switch_by_index_from_zero_in_both_spellings() {
    let mut home = home().await;
    let seed = json!({ "group_name": "porch", "device_name": "Porch", "outlet_index": 0, "action": "on" });
    let (status, told) = home.http("POST", "/api/devices/control", Some(seed)).await;
    assert_eq!((status, &told["success"], &told["outlet"]), (200, &json!(true), &json!(0)), "{told:#}");
    assert!(home.lights.relay(1) && !home.lights.relay(2));
    let absent = json!({ "group": "porch", "device": "Porch", "action": "on" });
    let (status, told) = home.http("POST", "/api/devices/control", Some(absent)).await;
    let error = told["error"].as_str().unwrap_or_default();
    assert!(status == 400 && error.starts_with("Missing required field: outlet;"), "{told:#}");
    assert!(!home.lights.relay(2), "an absent outlet is not all of them");
    let all = json!({ "group": "porch", "device": "Porch", "outlet": null, "action": "on" });
    assert_eq!(home.http("POST", "/api/devices/control", Some(all)).await.0, 200);
    assert!(home.lights.relay(2));
    let (_, told) = home.http("POST", "/api/groups/porch/control", Some(json!({ "action": "off" }))).await;
    assert_eq!((&told["success"], &told["total"]), (&json!(true), &json!(2)), "{told:#}");
    let on = json!({ "group": "walkway", "action": "on", "timeout_hours": 3 });
    let (status, told) = home.http("POST", "/api/mat/control", Some(on)).await;
    assert_eq!((status, &told["groups"]["walkway"]["is_on"]), (200, &json!(true)), "{told:#}");
    let (status, told) = home.http("POST", "/api/mat/reset-auto", Some(json!({ "group": "walkway" }))).await;
    assert_eq!((status, &told["groups"]["walkway"]["is_on"]), (200, &json!(false)), "{told:#}");
    assert_eq!(home.http("POST", "/api/mat/reset-auto", Some(json!({ "group": "x" }))).await.0, 404);
    let (_, told) = home.http("PUT", "/api/vacation_mode", Some(json!({ "enabled": true }))).await;
    assert_eq!(told, json!({ "success": true, "enabled": true }));
    assert_eq!(home.http("PUT", "/api/vacation_mode", Some(json!({ "enabled": "false" }))).await.0, 400);
    let (status, metrics) = home.http("GET", "/metrics", None).await;
    assert!(
        status == 200 && metrics.as_str().unwrap().contains("heattrax_outlet_on{device=\"porch\",slot=\"1\""),
        "{metrics}"
    );
    for path in [
        "house",
        "status",
        "system/status",
        "devices/status",
        "solar_times",
        "groups/porch/automation",
        "logs",
        "health",
    ] {
        assert_eq!(home.http("GET", &format!("/api/{path}"), None).await.0, 200, "{path}");
    }
    home.stop().await;
}
