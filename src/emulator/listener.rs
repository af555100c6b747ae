//! A listener whose connections can all be cut at once.

use std::{
    error::Error,
    io,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use hyper::{
    Request, Response,
    body::{Body, Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    net::TcpListener,
    sync::mpsc,
    task::JoinSet,
    time,
};
use tokio_util::sync::CancellationToken;

/// Connections that live together; more are turned away.
const CONNECTIONS: usize = 64;
/// How long to wait when the machine has run out of something, such as open files.
const PAUSE: Duration = Duration::from_millis(50);

/// Where connections come from.
pub(super) enum Door {
    /// A real port.
    Port(TcpListener),
    /// The process itself; the address that the client knows it by.
    Air(mpsc::Receiver<DuplexStream>, IpAddr),
}

/// One connection.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Door {
    async fn accept(&mut self) -> io::Result<(Box<dyn Stream>, IpAddr)> {
        match self {
            Self::Port(listener) => {
                let (stream, _) = listener.accept().await?;
                let address = stream.local_addr().map_or(Ipv4Addr::UNSPECIFIED.into(), |it| it.ip());
                Ok((Box::new(stream), address))
            }
            Self::Air(dialled, address) => match dialled.recv().await {
                Some(stream) => Ok((Box::new(stream), *address)),
                // Nobody can dial any more.
                None => std::future::pending().await,
            },
        }
    }
}

/// Accepts connections until told to stop, then closes the listener and all of them. `answer` is given the address at which
/// the client reached us; its error cuts the connection.
pub(super) async fn listen<A, F, B, E>(mut door: Door, stop: CancellationToken, answer: A)
where
    A: Fn(IpAddr, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<B>, E>> + Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: Error + Send + Sync + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = door.accept() => match accepted {
                Ok((stream, address)) if connections.len() < CONNECTIONS => {
                    let answer = answer.clone();
                    connections.spawn(async move {
                        let service = service_fn(move |request| answer(address, request));
                        // A client that hangs up, or is hung up on, is everyday life.
                        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                    });
                }
                Ok(_) => {}
                Err(_) => time::sleep(PAUSE).await,
            },
        }
    }
    drop(door);
    connections.shutdown().await;
}
