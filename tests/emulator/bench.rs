//! A bench to put devices on, and a client of our own that can say what the public ones do not.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Once},
    time::Duration,
};

use heattrax::{
    emulator::{Model, Plug, PlugOptions},
    klap::{self, SessionKeys},
};
use serde_json::{Value, json};
use tapo::ApiClient;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The account that the devices belong to, in the real client.
pub(crate) fn client() -> ApiClient {
    account("user@example.com", "hunter2")
}

pub(crate) fn account(username: &str, password: &str) -> ApiClient {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    ApiClient::new(username, password)
}

pub(crate) async fn plug(model: Model) -> Arc<Plug> {
    Arc::new(Plug::start(PlugOptions::new(model)).await.unwrap())
}

/// Waits until something is so.
pub(crate) async fn until(so: impl Fn() -> bool) {
    let wait = async {
        while !so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("it never came to be so");
}

/// An HTTP answer: status, head and body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// One HTTP request on a connection of its own.
pub(crate) async fn http(to: SocketAddr, line: &str, cookie: &str, body: &[u8]) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(to).await?;
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: {to}\r\nCookie: {cookie}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap();
    Ok(Answer { status, head, body: answer[end + 4..].to_vec() })
}

/// A session of our own with a device.
pub(crate) struct Session {
    pub(crate) address: SocketAddr,
    pub(crate) cookie: String,
    pub(crate) keys: SessionKeys,
    pub(crate) number: i32,
}

impl Session {
    /// The first half of a login: the session, and the proof that is still to be given.
    pub(crate) async fn half_open(address: SocketAddr) -> (Self, [u8; 32]) {
        let (local, auth) = ([7; 16], klap::auth_hash("user@example.com", "hunter2"));
        let answer = http(address, "POST /app/handshake1", "", &local).await.unwrap();
        let cookie = answer.head.split_once("TP_SESSIONID=").unwrap().1[..32].to_owned();
        let remote = answer.body[..16].try_into().unwrap();
        assert_eq!(answer.body[16..], klap::server_hash(&local, &remote, &auth));
        let keys = SessionKeys::derive(&local, &remote, &auth);
        let number = keys.first_number();
        let cookie = format!("TP_SESSIONID={cookie}");
        (Self { address, cookie, keys, number }, klap::client_hash(&local, &remote, &auth))
    }

    pub(crate) async fn login(address: SocketAddr) -> Self {
        let (session, proof) = Self::half_open(address).await;
        assert_eq!(http(address, "POST /app/handshake2", &session.cookie, &proof).await.unwrap().status, 200);
        session
    }

    /// Sends bytes under the number that is set, and opens the answer if there is one.
    pub(crate) async fn send(&self, plain: &[u8]) -> (u16, Vec<u8>) {
        let line = format!("POST /app/request?seq={}", self.number);
        let answer = http(self.address, &line, &self.cookie, &self.keys.seal(self.number, plain)).await.unwrap();
        let opened = self.keys.open(self.number, &answer.body).unwrap_or_default();
        (answer.status, opened)
    }

    /// Asks under the next number.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.number = self.number.wrapping_add(1);
        let (status, answer) = self.send(json!({"method": method, "params": params}).to_string().as_bytes()).await;
        assert_eq!(status, 200);
        serde_json::from_slice(&answer).unwrap()
    }

    /// Asks one outlet of a strip, and unwraps what it says.
    pub(crate) async fn ask_child(&mut self, plug: &Plug, slot: u8, method: &str, params: Value) -> Value {
        let id = format!("{}{:02}", plug.device_id(), slot - 1);
        let request = json!({"device_id": id, "requestData": {"method": method, "params": params}});
        self.ask("control_child", request).await["result"]["responseData"].clone()
    }
}
