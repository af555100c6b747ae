//! The floor: a session that seals its requests before the clock starts, and reads the answers without opening them.
use std::time::{Duration, Instant};

use heattrax::klap::{self, SessionKeys};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::ACCOUNT;

/// A session of our own that seals ahead of time.
pub(crate) struct Bare {
    stream: TcpStream,
    cookie: String,
    keys: SessionKeys,
    number: i32,
    host: String,
}

impl Bare {
    pub(crate) async fn login(address: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (local, auth) = ([7; 16], klap::auth_hash(ACCOUNT.0, ACCOUNT.1));
        let (head, body) = exchange(&mut stream, &post("/app/handshake1", address, "", &local)).await;
        let cookie = format!("TP_SESSIONID={}", &head.split_once("TP_SESSIONID=").unwrap().1[..32]);
        let remote = body[..16].try_into().unwrap();
        let proof = klap::client_hash(&local, &remote, &auth);
        exchange(&mut stream, &post("/app/handshake2", address, &cookie, &proof)).await;
        let keys = SessionKeys::derive(&local, &remote, &auth);
        let number = keys.first_number();
        Self { stream, cookie, keys, number, host: address.to_owned() }
    }

    fn sealed(&mut self, asked: &Value) -> Vec<u8> {
        self.number = self.number.wrapping_add(1);
        let body = self.keys.seal(self.number, asked.to_string().as_bytes());
        post(&format!("/app/request?seq={}", self.number), &self.host, &self.cookie, &body)
    }

    /// Each item is a row of requests that are timed as one.
    pub(crate) async fn time(&mut self, asked: impl IntoIterator<Item = Vec<Value>>) -> Vec<Duration> {
        let sealed: Vec<Vec<_>> = asked.into_iter().map(|row| row.iter().map(|it| self.sealed(it)).collect()).collect();
        let mut times = Vec::new();
        for row in sealed {
            let start = Instant::now();
            for request in row {
                exchange(&mut self.stream, &request).await;
            }
            times.push(start.elapsed());
        }
        times
    }
}

fn post(path: &str, host: &str, cookie: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

async fn exchange(stream: &mut TcpStream, request: &[u8]) -> (String, Vec<u8>) {
    stream.write_all(request).await.unwrap();
    let (mut read, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        let got = stream.read(&mut chunk).await.unwrap();
        assert!(got > 0, "the plug hung up");
        read.extend_from_slice(&chunk[..got]);
        let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        assert!(head.contains(" 200 "), "{head}");
        let lower = head.to_ascii_lowercase();
        let length = lower.split_once("content-length: ").map_or("0", |it| it.1.split("\r\n").next().unwrap());
        if read.len() >= end + 4 + length.parse::<usize>().unwrap() {
            return (head, read.split_off(end + 4));
        }
    }
}
