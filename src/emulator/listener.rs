//! A listener whose connections can all be cut at once.

use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet, time};
use tokio_util::sync::CancellationToken;

/// Connections that live together; more are turned away.
const CONNECTIONS: usize = 64;
/// How long to wait when the machine has run out of something, such as open files.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until told to stop, then closes the listener and all of them. `answer` is given the address at which
/// the client reached us; its error cuts the connection.
pub(super) async fn listen<A, F, E>(listener: TcpListener, stop: CancellationToken, answer: A)
where
    A: Fn(IpAddr, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Full<Bytes>>, E>> + Send,
    E: Error + Send + Sync + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < CONNECTIONS => {
                    let answer = answer.clone();
                    connections.spawn(async move {
                        let address = stream.local_addr().map_or(Ipv4Addr::UNSPECIFIED.into(), |it| it.ip());
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
    drop(listener);
    connections.shutdown().await;
}
