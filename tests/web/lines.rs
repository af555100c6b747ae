use std::time::{Duration, Instant};

use heattrax::{
    model::{Availability, Broker},
    web::healthcheck,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Room, house, info, split, turn};

async fn room() -> Room {
    Room::start(info(), house(Broker::Connected, Availability::Online)).await
}

/// Lets the server see what arrived.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(150)).await;
}

/// Did the server end the connection?
async fn is_over(stream: &mut TcpStream) -> bool {
    let mut bytes = [0; 1024];
    loop {
        match tokio::time::timeout(Duration::from_millis(300), stream.read(&mut bytes)).await {
            Ok(Ok(0) | Err(_)) => return true,
            Ok(Ok(_)) => {}
            Err(_) => return false,
        }
    }
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let room = room().await;
    let mut stream = room.connect().await;
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut bytes = [0; 1024];
        let length = stream.read(&mut bytes).await.unwrap();
        assert!(bytes[..length].starts_with(b"HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn a_client_that_never_finishes_its_request_is_dropped() {
    let room = room().await;
    let mut idle = room.connect().await;
    let mut trickling = room.connect().await;
    let head = "POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n";
    trickling.write_all(head.as_bytes()).await.unwrap();
    settle().await;
    for _ in 0..9 {
        turn(Duration::from_secs(1)).await;
        trickling.write_all(b"a").await.unwrap();
        settle().await;
    }
    assert!(!is_over(&mut idle).await && !is_over(&mut trickling).await);
    turn(Duration::from_secs(6)).await;
    assert!(is_over(&mut idle).await && !is_over(&mut trickling).await);
    for _ in 0..10 {
        turn(Duration::from_secs(2)).await;
        trickling.write_all(b"a").await.unwrap();
        settle().await;
    }
    assert!(!is_over(&mut trickling).await);
    turn(Duration::from_secs(10)).await;
    assert!(is_over(&mut trickling).await, "no byte of it begins its time anew but the first");
}

#[tokio::test]
async fn a_client_that_goes_on_asking_is_kept() {
    let room = room().await;
    let mut stream = room.connect().await;
    for _ in 0..4 {
        turn(Duration::from_secs(10)).await;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut bytes = [0; 1024];
        let length = stream.read(&mut bytes).await.unwrap();
        assert!(bytes[..length].starts_with(b"HTTP/1.1 "), "dropped");
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_is_given_up_soon() {
    let room = room().await;
    let mut trickling = room.connect().await;
    trickling.write_all(b"GET / HTTP/1.1\r\nX-Long: ").await.unwrap();
    settle().await;
    for _ in 0..5 {
        turn(Duration::from_millis(1500)).await;
        trickling.write_all(b"a").await.unwrap();
        settle().await;
    }
    assert!(!is_over(&mut trickling).await);
    turn(Duration::from_secs(2)).await;
    assert!(is_over(&mut trickling).await, "each byte of it begins its time anew");
}

#[tokio::test]
async fn whoever_keeps_every_seat_warm_keeps_nobody_out() {
    for half in [
        "",
        "GET / HTTP/1.1\r\n",
        "POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{",
    ] {
        let room = room().await;
        let mut listener = room.connect().await;
        listener.write_all(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut held = Vec::new();
        for _ in 0..400 {
            let mut stream = room.connect().await;
            stream.write_all(half.as_bytes()).await.unwrap();
            held.push(stream);
        }
        settle().await;
        let url = format!("http://127.0.0.1:{}/healthz", room.address.port());
        assert_eq!(healthcheck(&url).await, Ok(()), "{half:?}");
        assert!(is_over(&mut held[0]).await && !is_over(&mut held[399]).await, "{half:?}: the oldest go");
        assert!(!is_over(&mut listener).await, "{half:?}: whoever listens has asked");
    }
}

#[tokio::test]
async fn large_bodies_and_headers_are_refused() {
    let room = room().await;
    for length in ["65537", "99999999999"] {
        let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n");
        assert_eq!(split(&room.say(&request).await).0, 413);
    }
    let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n", "a".repeat(2 * 1024 * 1024));
    let mut stream = room.connect().await;
    let _ = stream.write_all(request.as_bytes()).await;
    assert!(is_over(&mut stream).await);
}

#[tokio::test]
async fn nonsense_harms_nobody() {
    let room = room().await;
    for nonsense in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        &[0xff; 4096],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = room.connect().await;
        let _ = stream.write_all(nonsense).await;
        drop(stream);
    }
    assert_eq!(room.get("/healthz").await.0, 200);
}

#[tokio::test]
async fn the_stop_is_prompt_whoever_is_connected() {
    let room = room().await;
    let mut idle = room.connect().await;
    let mut kept = room.connect().await;
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut trickling = room.connect().await;
    trickling.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
    settle().await;
    let asked = Instant::now();
    room.stop.cancel();
    room.task.await.unwrap().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(2), "took {:?}", asked.elapsed());
    assert!(is_over(&mut idle).await && is_over(&mut kept).await && is_over(&mut trickling).await);
    assert!(TcpStream::connect(room.address).await.is_err());
}
