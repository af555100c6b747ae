use std::time::Duration;

use heattrax::{
    model::{Availability, Broker},
    web::healthcheck,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{Room, house, info, turn};

#[tokio::test]
async fn it_asks_the_control_loop_and_nothing_else() {
    let room = Room::start(info(), house(Broker::Unknown, Availability::Unknown)).await;
    let port = room.address.port();
    for url in [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}/healthz")] {
        assert_eq!(healthcheck(&url).await, Ok(()), "{url}");
    }
    let error = healthcheck(&format!("http://127.0.0.1:{port}/readyz")).await.unwrap_err();
    assert!(error.contains("answered 503: {\"ready\":false"), "{error}");
    turn(Duration::from_secs(16)).await;
    let error = healthcheck(&format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(error, Ok(()), "the page is there even when the loop hangs");
    let error = healthcheck(&format!("http://127.0.0.1:{port}/healthz")).await.unwrap_err();
    assert!(error.contains("the control loop has not come round"), "{error}");
}

#[tokio::test]
async fn a_wrong_address_is_named() {
    for url in [
        "",
        "127.0.0.1:4328",
        "https://127.0.0.1:4328/healthz",
        "http://",
        "http:///healthz",
        "http://:80/",
        "http://localhost:port/",
        "http://localhost:99999/",
        "http://user@localhost/",
        "http://[::1/",
        "http://local host/",
        "http://localhost/\r\nX: y",
    ] {
        let error = healthcheck(url).await.unwrap_err();
        assert!(error.contains("is not an address such as http://127.0.0.1:4328/healthz"), "{url}: {error}");
    }
}

#[tokio::test]
async fn nobody_there_and_nobody_answering_are_errors() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let url = format!("http://{address}/healthz");
    let asking = tokio::spawn(async move { healthcheck(&url).await });
    let _silent = listener.accept().await.unwrap();
    turn(Duration::from_secs(4)).await;
    assert_eq!(asking.await.unwrap(), Err(format!("{address} did not answer within 3 s")));
    drop(listener);
    let error = healthcheck(&format!("http://{address}/healthz")).await.unwrap_err();
    assert!(error.contains("cannot be reached"), "{error}");
}

#[tokio::test]
async fn only_a_200_of_http_is_well() {
    for (said, words) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", "answered 204"),
        ("HTTP/1.1 500 Oh\r\n\r\nbroken\x1b[31m", "answered 500: broken[31m"),
        ("SSH-2.0-OpenSSH_9.9\r\n", "does not speak HTTP"),
        ("HTTP/1.1\r\n\r\n", "does not speak HTTP"),
        ("", "does not speak HTTP"),
        ("200 200 200\r\n\r\n", "does not speak HTTP"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            stream.write_all(said.as_bytes()).await.unwrap();
        });
        let error = healthcheck(&url).await.unwrap_err();
        assert!(error.contains(words), "{said:?}: {error}");
    }
}
