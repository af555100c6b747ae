//! Somebody else's client: the vendor's app, as far as timers go.

use heattrax::{
    emulator::Plug,
    klap::{SessionKeys, auth_hash, client_hash},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub(crate) struct Client {
    cookie: String,
    keys: SessionKeys,
    number: i32,
}

impl Client {
    pub(crate) async fn login(plug: &Plug) -> Self {
        let (local, auth) = ([9; 16], auth_hash("user@example.com", "hunter2"));
        let (head, body) = post(plug, "/app/handshake1", "", &local).await;
        let remote = body[..16].try_into().unwrap();
        let cookie = head.split_once("TP_SESSIONID=").unwrap().1.split(';').next().unwrap().to_owned();
        post(plug, "/app/handshake2", &cookie, &client_hash(&local, &remote, &auth)).await;
        let keys = SessionKeys::derive(&local, &remote, &auth);
        Self { cookie, number: keys.first_number(), keys }
    }

    async fn ask(&mut self, plug: &Plug, slot: u8, method: &str, params: Value) -> Value {
        let id = format!("{}{:02}", plug.device_id(), slot - 1);
        let inner = json!({"method": method, "params": params});
        let request = json!({"method": "control_child", "params": {"device_id": id, "requestData": inner}});
        self.number = self.number.wrapping_add(1);
        let sealed = self.keys.seal(self.number, request.to_string().as_bytes());
        let (_, body) = post(plug, &format!("/app/request?seq={}", self.number), &self.cookie, &sealed).await;
        let said: Value = serde_json::from_slice(&self.keys.open(self.number, &body).unwrap()).unwrap();
        said["result"]["responseData"]["result"].clone()
    }

    pub(crate) async fn countdown(&mut self, plug: &Plug, slot: u8, delay: u64, on: bool) {
        let rule = json!({"enable": true, "delay": delay, "desired_states": {"on": on}});
        self.ask(plug, slot, "add_countdown_rule", rule).await;
    }

    pub(crate) async fn remains(&mut self, plug: &Plug, slot: u8) -> Option<u64> {
        let rules = self.ask(plug, slot, "get_countdown_rules", json!({})).await;
        rules["rule_list"][0]["remain"].as_u64()
    }
}

async fn post(plug: &Plug, path: &str, cookie: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(plug.address()).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: plug\r\nConnection: close\r\nCookie: TP_SESSIONID={cookie}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end..].to_vec())
}
