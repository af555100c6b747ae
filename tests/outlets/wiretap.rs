//! A wire between the task and its device that knows the password: it hears what is asked, and can swallow single requests.

use std::sync::{Arc, Mutex};

use heattrax::{
    emulator::Plug,
    klap::{SessionKeys, auth_hash},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub(crate) struct Wiretap {
    pub(crate) port: u16,
    heard: Arc<Mutex<Heard>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Heard {
    sessions: Vec<SessionKeys>,
    requests: Vec<Vec<String>>,
    swallowed: Vec<&'static str>,
}

impl Wiretap {
    /// Each of these methods gets no answer, and is not carried out.
    pub(crate) async fn swallowing(plug: &Plug, methods: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Heard { swallowed: methods.to_vec(), ..Heard::default() }));
        let (device, ear) = (plug.address(), Arc::clone(&heard));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let device = TcpStream::connect(device).await.unwrap();
                tokio::spawn(carry(client, device, Arc::clone(&ear)));
            }
        });
        Self { port, heard, task }
    }

    /// The methods that were asked for so far, each of a batch.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.requests().concat()
    }

    /// The methods of each request so far.
    pub(crate) fn requests(&self) -> Vec<Vec<String>> {
        self.heard.lock().unwrap().requests.clone()
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        self.asked().iter().filter(|it| *it == method).count()
    }
}

impl Drop for Wiretap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(mut client: TcpStream, mut device: TcpStream, heard: Arc<Mutex<Heard>>) -> Option<()> {
    loop {
        let (head, body) = message(&mut client).await?;
        let methods = heard.lock().unwrap().overhear(&head, &body).unwrap_or_default();
        if methods.iter().any(|it| heard.lock().unwrap().swallowed.contains(&it.as_str())) {
            // Held open until the client has had enough.
            let _ = client.read(&mut [0; 1]).await;
            return None;
        }
        device.write_all(&[head.as_bytes(), &body].concat()).await.ok()?;
        let (answer, content) = message(&mut device).await?;
        if head.contains("/handshake1") && content.len() >= 16 {
            let auth = auth_hash("user@example.com", "hunter2");
            let keys = SessionKeys::derive(&body[..16].try_into().ok()?, &content[..16].try_into().ok()?, &auth);
            heard.lock().unwrap().sessions.push(keys);
        }
        client.write_all(&[answer.as_bytes(), &content].concat()).await.ok()?;
    }
}

impl Heard {
    fn overhear(&mut self, head: &str, body: &[u8]) -> Option<Vec<String>> {
        let number = head.split_once("seq=")?.1.split([' ', '&']).next()?.parse().ok()?;
        let plain = self.sessions.iter().rev().find_map(|it| it.open(number, body).ok())?;
        let text = String::from_utf8(plain).ok()?;
        let named = text.split(r#""method":""#).skip(1).filter_map(|it| it.split('"').next());
        let inner = named.filter(|it| !matches!(*it, "control_child" | "multipleRequest"));
        let methods: Vec<_> = inner.map(str::to_owned).collect();
        self.requests.push(methods.clone());
        Some(methods)
    }
}

/// One HTTP message with a length: its head, and its body.
async fn message(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let lengths = head.lines().filter_map(|it| it.split_once(':'));
    let length = lengths
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .find_map(|(_, it)| it.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, body))
}
