//! One connection to one plug, kept open as long as the plug lets it be.
//!
//! Some plugs close the connection after each answer and others keep it; both are dialled again without a word when there is
//! something to ask. A connection whose answer did not come is never used again: the answer could come later, to another question.

use std::{io, sync::Arc};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request,
    body::{Bytes, Incoming},
    client::conn::http1::{Builder, SendRequest},
    header::{COOKIE, HOST, SET_COOKIE},
};
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;

use crate::outlets::Network;

/// The longest answer. The list of a strip's outlets takes a few kB.
const LONGEST: usize = 256 * 1024;

/// What is read at once, and the longest head of an answer: a house of hundreds of plugs keeps as many of these.
const READS: usize = 4096;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    /// The port is closed: nothing was sent.
    #[error("the connection was refused")]
    Refused,
    /// The network failed: the request may have arrived.
    #[error("{0}")]
    Network(String),
    /// What came is not HTTP.
    #[error("{0}")]
    NotHttp(String),
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) set_cookie: Option<String>,
    pub(super) body: Bytes,
}

/// The way to one plug.
#[derive(Debug)]
pub(super) struct Http {
    network: Arc<dyn Network>,
    /// `host:port`, as it is dialled.
    target: String,
    /// As the plug is addressed in the `Host` line.
    host: String,
    open: Option<Connection>,
}

#[derive(Debug)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Http {
    /// Nothing is dialled yet.
    pub(super) fn new(network: Arc<dyn Network>, target: String, host: String) -> Self {
        Self { network, target, host, open: None }
    }

    /// Sends a request and waits for the answer. Dropped before that, it hangs up.
    ///
    /// # Errors
    /// There was no answer, or none that is HTTP.
    pub(super) async fn post(&mut self, path: &str, cookie: Option<&str>, body: Vec<u8>) -> Result<Answer, HttpError> {
        let request = self.request(path, cookie, body)?;
        let mut connection = self.ready().await?;
        let response = match connection.sender.try_send_request(request).await {
            Ok(response) => response,
            Err(mut error) => match error.take_message() {
                // The plug hung up before a byte was sent.
                Some(request) => {
                    connection = self.dial().await?;
                    connection.sender.send_request(request).await.map_err(|error| named(&error))?
                }
                None => return Err(named(error.error())),
            },
        };
        let status = response.status().as_u16();
        let set_cookie = response.headers().get(SET_COOKIE).and_then(|it| it.to_str().ok()).map(str::to_owned);
        let body = whole(response.into_body()).await?;
        self.open = Some(connection);
        Ok(Answer { status, set_cookie, body })
    }

    fn request(&self, path: &str, cookie: Option<&str>, body: Vec<u8>) -> Result<Request<Full<Bytes>>, HttpError> {
        let mut request = Request::post(path).header(HOST, &self.host);
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        request.body(Full::new(body.into())).map_err(|error| HttpError::NotHttp(error.to_string()))
    }

    /// The open connection, or a new one if the plug has closed it.
    async fn ready(&mut self) -> Result<Connection, HttpError> {
        if let Some(mut connection) = self.open.take()
            && connection.sender.ready().await.is_ok()
        {
            return Ok(connection);
        }
        self.dial().await
    }

    async fn dial(&self) -> Result<Connection, HttpError> {
        let stream = self.network.dial(self.target.clone()).await.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => HttpError::Refused,
            _ => HttpError::Network(error.to_string()),
        })?;
        let mut builder = Builder::new();
        builder.title_case_headers(true).read_buf_exact_size(Some(READS));
        let opened = builder.handshake(TokioIo::new(stream)).await;
        let (sender, connection) = opened.map_err(|error| named(&error))?;
        let task = tokio::spawn(async move {
            // What goes wrong is told to whoever waits for an answer.
            let _ = connection.await;
        });
        Ok(Connection { sender, task })
    }
}

async fn whole(body: Incoming) -> Result<Bytes, HttpError> {
    let collected = Limited::new(body, LONGEST).collect().await;
    collected.map(|it| it.to_bytes()).map_err(|error| HttpError::Network(error.to_string()))
}

/// The innermost cause says it best.
fn named(error: &hyper::Error) -> HttpError {
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    match error.is_parse() {
        true => HttpError::NotHttp(root.to_string()),
        false => HttpError::Network(root.to_string()),
    }
}
