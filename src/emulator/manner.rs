//! How an answer goes out: whole, in pieces, or cut in the middle.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::wire::HangUp;

/// The pieces of an answer that drips.
const PIECE: usize = 16;

/// How an answer goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// All at once.
    Whole,
    /// Half of it, then the connection is cut.
    Half,
    /// In small pieces, this far apart.
    Drip(Duration),
}

/// The body of an answer.
pub(super) struct Answer {
    rest: Bytes,
    manner: Manner,
    /// Until the next piece.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Answer {
    pub(super) fn new(bytes: Bytes, manner: Manner) -> Self {
        Self { rest: bytes, manner, pause: None }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = HangUp;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HangUp>>> {
        let it = self.get_mut();
        if it.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = it.rest.len();
        let piece = match it.manner {
            Manner::Whole => length,
            Manner::Half if it.pause.is_some() => return Poll::Ready(Some(Err(HangUp::Cut))),
            Manner::Half => {
                // The rest never comes.
                it.pause = Some(Box::pin(sleep(Duration::ZERO)));
                length.div_ceil(2).min(length - 1).max(1)
            }
            Manner::Drip(pause) => {
                let pausing = it.pause.get_or_insert_with(|| Box::pin(sleep(pause)));
                if pausing.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                it.pause = None;
                PIECE.min(length)
            }
        };
        Poll::Ready(Some(Ok(Frame::data(it.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
