//! Somebody who takes POSTs, as told.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

#[derive(Clone, Debug)]
pub(crate) enum Mood {
    /// Takes everything.
    Takes,
    /// Answers with this line, such as `500 Oh no`, and further headers.
    Answers(&'static str),
    /// Refuses bodies that hold this text.
    Dislikes(&'static str),
    /// Never says a word.
    Silent,
}

#[derive(Debug)]
pub(crate) struct Posted {
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: Value,
}

pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    pub(crate) mood: Arc<Mutex<Mood>>,
    posted: mpsc::UnboundedReceiver<Posted>,
}

impl Sink {
    pub(crate) async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mood = Arc::new(Mutex::new(mood));
        let (took, posted) = mpsc::unbounded_channel();
        let shared = Arc::clone(&mood);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&shared), took.clone()));
            }
        });
        Self { address, mood, posted }
    }

    pub(crate) fn is_now(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What was taken next.
    pub(crate) async fn next(&mut self) -> Posted {
        tokio::time::timeout(Duration::from_secs(30), self.posted.recv()).await.expect("it is posted").unwrap()
    }

    /// Nothing comes within a moment.
    pub(crate) async fn is_quiet(&mut self) {
        if let Ok(posted) = tokio::time::timeout(Duration::from_millis(300), self.posted.recv()).await {
            panic!("{posted:?}");
        }
    }

    /// The lines of a webhook that leads here.
    pub(crate) fn webhook(&self) -> String {
        format!("webhook: {{enabled: true, url: \"http://{}/hook/S3cr3t\"}}", self.address)
    }

    pub(crate) fn ntfy(&self) -> String {
        format!("ntfy: {{enabled: true, server: \"http://{}\", topic: S3cr3tTopic}}", self.address)
    }
}

async fn serve(mut stream: TcpStream, mood: Arc<Mutex<Mood>>, took: mpsc::UnboundedSender<Posted>) {
    let mut bytes = Vec::new();
    loop {
        let Some(posted) = read(&mut stream, &mut bytes).await else { return };
        let mood = mood.lock().unwrap().clone();
        let line = match &mood {
            Mood::Silent => {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                return;
            }
            Mood::Answers(line) => line,
            Mood::Dislikes(text) if posted.body.to_string().contains(text) => "400 Bad Request",
            Mood::Takes | Mood::Dislikes(_) => "200 OK",
        };
        if line.starts_with('2') {
            // The test may be over.
            let _ = took.send(posted);
        }
        if stream.write_all(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Posted> {
    loop {
        let text = String::from_utf8_lossy(bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |it| it.trim().parse().unwrap());
            if body.len() >= length {
                let json = serde_json::from_str(&body[..length]).unwrap_or(Value::Null);
                bytes.drain(..head.len() + 4 + length);
                return Some(Posted { head, body: json });
            }
        }
        let mut more = [0; 4096];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&more[..read]),
        }
    }
}
