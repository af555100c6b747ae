//! Several devices at once, and the panel to reach into them.

use std::time::Duration;

use heattrax::emulator::{EmulateOptions, Fleet, Model, emulate};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::bench::{client, http};

#[tokio::test]
async fn the_panel_shows_and_moves_and_breaks_devices() {
    let control = Some("127.0.0.1:0".parse().unwrap());
    let options = EmulateOptions { count: 2, control, ..EmulateOptions::new(Model::P210M) };
    let fleet = Fleet::start(options).await.unwrap();
    let panel = fleet.control().unwrap();
    let address = fleet.plugs()[1].address();
    let stop = CancellationToken::new();
    let running = tokio::spawn(fleet.run(stop.clone()));
    let ask = async |line: &str| {
        let answer = http(panel, line, "", b"").await.unwrap();
        (answer.status, serde_json::from_slice::<Value>(&answer.body).unwrap())
    };

    let strip = client().p304(address.to_string()).await.unwrap();
    assert_eq!(ask("POST /load?device=2&slot=2&watts=450").await.0, 200);
    assert_eq!(ask("POST /press?device=2&slot=2").await.1["outlets"][1]["on"], true);
    assert!(strip.get_child_device_list().await.unwrap()[1].device_on);
    ask("POST /pass?device=2&seconds=7200").await;
    let (_, state) = ask("GET /state").await;
    let (first, second) = (&state["devices"][0], &state["devices"][1]);
    assert_eq!(second["outlets"][1]["energy"].as_f64().unwrap().round(), 900.0);
    assert_eq!((&first["outlets"][1]["on"], &second["counts"]["logins"]), (&Value::from(false), &Value::from(1)));
    assert_ne!((&first["mac"], &first["device_id"]), (&second["mac"], &second["device_id"]));

    ask("POST /fault?device=2&what=drop_after&times=1").await;
    strip.get_device_info().await.unwrap_err();
    strip.get_device_info().await.unwrap();
    ask("POST /expire?device=2").await;
    assert!(strip.get_device_info().await.unwrap_err().to_string().contains("SESSION_TIMEOUT"));
    ask("POST /vanish?device=2").await;
    TcpStream::connect(address).await.unwrap_err();
    assert_eq!(ask("GET /state").await.1["devices"][1]["is_there"], false);
    ask("POST /come_back?device=2").await;
    TcpStream::connect(address).await.unwrap();
    assert_eq!(ask("POST /drift?device=2&slot=2&watts=-1.5").await.0, 200);
    assert_eq!(ask("POST /move?device=2&to=127.0.0.1:0").await.0, 200);
    TcpStream::connect(address).await.unwrap_err();
    let moved = ask("GET /state").await.1["devices"][1]["address"].as_str().unwrap().to_owned();
    TcpStream::connect(moved).await.unwrap();

    let wrong = [
        "POST /press?slot=9",
        "POST /press?device=3",
        "POST /press?device=0",
        "POST /load?slot=1",
        "POST /load?watts=much",
        "POST /fault?what=gremlins",
        "POST /fault?what=status:many",
        "POST /protect?what=tired",
        "POST /drift?watts=down",
        "POST /move?to=home",
    ];
    for line in wrong {
        let (status, answer) = ask(line).await;
        assert!(status == 400 && answer["error"].is_string(), "{line}: {answer}");
    }
    assert_eq!((ask("GET /press").await.0, ask("POST /dance").await.0), (404, 404));
    stop.cancel();
    running.await.unwrap();
    TcpStream::connect(address).await.unwrap_err();
    TcpStream::connect(panel).await.unwrap_err();
}

#[tokio::test]
async fn emulation_ends_when_told_and_a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    let options = EmulateOptions { listen, ..EmulateOptions::new(Model::P100) };
    let error = emulate(options, CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains(&listen.to_string()), "{error}");
    let stop = CancellationToken::new();
    stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), emulate(EmulateOptions::new(Model::P100), stop)).await;
    ended.unwrap().unwrap();
}
