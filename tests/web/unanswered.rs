//! A command of which nothing is heard: whoever asked is told so in time, whatever the control does.

use std::time::Duration;

use heattrax::{
    model::{Availability, Broker, Event},
    web::WebInfo,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Room, explained::settings, house, info, split, turn};

#[tokio::test]
async fn who_hears_nothing_of_a_command_is_told_so_after_twelve_seconds() {
    told_after(Duration::ZERO).await;
}

/// Browsers keep their connections, and open some ahead.
#[tokio::test]
async fn so_is_who_asks_on_a_connection_that_was_idle() {
    told_after(Duration::from_secs(10)).await;
}

async fn told_after(idle: Duration) {
    let info = WebInfo { settings: Some(settings()), ..info() };
    let mut room = Room::start(info, house(Broker::Connected, Availability::Online)).await;
    let body = r#"{"state":"OFF"}"#;
    let length = body.len();
    let mut line = room.connect().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    turn(idle).await;
    let request = format!(
        "POST /api/outlets/porch/2/set HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    line.write_all(request.as_bytes()).await.unwrap();
    // The control has it, and says nothing.
    let event = tokio::time::timeout(Duration::from_secs(5), room.heard.recv()).await.unwrap().unwrap();
    assert!(matches!(event, Event::Commanded(_)), "{event:?}");
    turn(Duration::from_secs(9)).await;
    let mut answer = String::new();
    let early = tokio::time::timeout(Duration::from_millis(200), line.read_to_string(&mut answer)).await;
    assert!(early.is_err(), "{answer}");
    turn(Duration::from_secs(3)).await;
    tokio::time::timeout(Duration::from_secs(5), line.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (status, told) = split(&answer);
    assert!(
        status == 504 && told.contains("nothing was heard of it in time") && !told.contains("\"success\":true"),
        "{answer}"
    );
}
