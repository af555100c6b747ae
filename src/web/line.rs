//! Connections that cannot be held for nothing: their number is limited ([`super::seats`]), and each has a deadline.
//!
//! The deadline runs from the last byte that was *sent*, and once anew from the first one that comes after it: a client that trickles a
//! request in, never finishes one, or does not read its answer is dropped when it passes, while an answer that keeps flowing keeps its
//! connection, and one that takes its time is waited for however long the connection was idle before. It is short until the head of a
//! request has come.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::{Instant, Sleep},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::seats::{Seat, Seats, Taken};

/// Connections at the same time; for the next one, one that asks for nothing gives way.
const MOST: usize = 320;
/// Time from the connection, or the last sent byte, to the next that is sent or comes.
const PATIENCE: Duration = Duration::from_secs(15);
/// Time from the first byte of a request to the last one of its head.
const HEAD: Duration = Duration::from_secs(10);
/// Time from the first byte of a request to the first of its answer. Longer than the longest answer takes: an edit of the config by
/// three errands of [`super::settings::WITHIN`].
const ANSWERED: Duration = Duration::from_secs(45);

/// Where connections come from.
pub(super) struct Lines {
    listener: TcpListener,
    seats: Arc<Seats>,
    cut: CancellationToken,
}

impl Lines {
    /// Every connection ends at once when `cut` is cancelled.
    pub(super) fn new(listener: TcpListener, cut: CancellationToken) -> Self {
        Self { listener, seats: Seats::new(MOST), cut }
    }
}

/// Where a connection comes from, and the seat that it has.
#[derive(Clone)]
pub(super) struct Peer(pub(super) SocketAddr, pub(super) Arc<Seat>);

impl Connected<IncomingStream<'_, Lines>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        Self(*stream.remote_addr(), Arc::clone(&stream.io().seat.0))
    }
}

impl Listener for Lines {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    let seat = self.seats.take(address.ip()).await;
                    let deadline = Box::pin(tokio::time::sleep(PATIENCE));
                    let cut = Box::pin(self.cut.clone().cancelled_owned());
                    return (Line { stream, deadline, cut, begun: None, seat }, address);
                }
                // Out of file descriptors, most likely: others must close theirs first.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection.
pub(super) struct Line {
    stream: TcpStream,
    deadline: Pin<Box<Sleep>>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    /// When the first byte came since something was sent, and how many requests had come before it.
    begun: Option<(Instant, u64)>,
    seat: Taken,
}

impl Line {
    /// While the stream itself has nothing to say: is it over?
    fn give_up(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        if self.cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(io::Error::new(io::ErrorKind::ConnectionAborted, "the bridge stops"));
        }
        if self.seat.0.poll_gone(context).is_ready() {
            return Poll::Ready(io::Error::new(io::ErrorKind::ConnectionAborted, "others have come"));
        }
        let mut over = self.deadline.as_mut().poll(context);
        if over.is_ready()
            && let Some((first, heads)) = self.begun
            && heads < self.seat.0.heads()
        {
            // The head has come meanwhile: now the answer is waited for.
            self.deadline.as_mut().reset(first + ANSWERED);
            over = self.deadline.as_mut().poll(context);
        }
        over.map(|()| io::Error::new(io::ErrorKind::TimedOut, "too slow"))
    }

    fn after_sending(&mut self, context: &mut Context<'_>, sent: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match sent {
            Poll::Pending => self.give_up(context).map(Err),
            Poll::Ready(Ok(bytes)) => {
                if bytes > 0 {
                    self.begun = None;
                    self.seat.0.sent();
                    self.deadline.as_mut().reset(Instant::now() + PATIENCE);
                }
                Poll::Ready(Ok(bytes))
            }
            failed => failed,
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Asked first: a client that always has one more byte must not escape the deadline.
        if let Poll::Ready(error) = self.give_up(context) {
            return Poll::Ready(Err(error));
        }
        let before = into.filled().len();
        let come = Pin::new(&mut self.stream).poll_read(context, into);
        if self.begun.is_none() && into.filled().len() > before {
            let now = Instant::now();
            self.begun = Some((now, self.seat.0.heads()));
            // What comes while one is answered is its body.
            let within = if self.seat.0.is_asked() { ANSWERED } else { HEAD };
            self.deadline.as_mut().reset(now + within);
        }
        come
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(context, from);
        self.after_sending(context, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(context, from);
        self.after_sending(context, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
