//! Messages that wait for the room: many, for a house full of switches is commanded in one breath, and yet bounded in number and
//! in size. Commands have half of the room to themselves, and one that finds none is counted, so that it can be told.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc},
    time::Instant,
};

use crate::mqtt::message::{Message, Payload};

/// Messages that may wait.
const MESSAGES: usize = 4096;
/// Bytes that they may hold together.
const BYTES: usize = 16 * 1024 * 1024;

/// What a message is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Somebody wants something.
    Command,
    /// An announcement that the broker replays: there may be thousands, and most of them are known.
    Replay,
}

/// A message, and the room that it takes up until it is read.
#[derive(Debug)]
struct Waiting {
    message: Message,
    /// Nobody wants it any more after this.
    expires: Option<Instant>,
    _bytes: OwnedSemaphorePermit,
}

impl Waiting {
    fn is_wanted(&self) -> bool {
        let wanted = self.expires.is_none_or(|at| Instant::now() < at);
        if !wanted {
            tracing::debug!("a message on {} came too late to be followed", self.message.topic);
        }
        wanted
    }
}

/// Where messages are put in.
#[derive(Clone, Debug)]
pub struct Slot {
    messages: mpsc::Sender<Waiting>,
    bytes: Arc<Semaphore>,
    missed: Arc<AtomicU64>,
    wake: Arc<Notify>,
}

/// Where messages are taken out.
#[derive(Debug)]
pub struct Inbox {
    messages: mpsc::Receiver<Waiting>,
    missed: Arc<AtomicU64>,
}

/// An empty box. `wake` is notified when a command found no room.
pub fn inbox(wake: Arc<Notify>) -> (Slot, Inbox) {
    let (sender, receiver) = mpsc::channel(MESSAGES);
    let missed = Arc::new(AtomicU64::new(0));
    let slot = Slot { messages: sender, bytes: Arc::new(Semaphore::new(BYTES)), missed: missed.clone(), wake };
    (slot, Inbox { messages: receiver, missed })
}

impl Slot {
    /// Puts a message in if there is room, and never waits.
    pub fn put(&self, message: Message, weight: Weight) {
        self.put_until(message, weight, None);
    }

    /// The same, for a message that nobody wants any more after `expires` (MQTT 5 message expiry).
    pub fn put_until(&self, message: Message, weight: Weight, expires: Option<Instant>) {
        if self.try_put(message, weight, expires) {
            return;
        }
        match weight {
            Weight::Command => {
                self.missed.fetch_add(1, Ordering::Release);
                self.wake.notify_one();
            }
            Weight::Replay => tracing::debug!("the broker announces more than can be read"),
        }
    }

    fn try_put(&self, message: Message, weight: Weight, expires: Option<Instant>) -> bool {
        let is_half_full = || self.messages.capacity() < MESSAGES / 2 || self.bytes.available_permits() < BYTES / 2;
        if weight == Weight::Replay && is_half_full() {
            return false;
        }
        let size = u32::try_from(size(&message)).unwrap_or(u32::MAX);
        let Ok(bytes) = self.bytes.clone().try_acquire_many_owned(size) else { return false };
        self.messages.try_send(Waiting { message, expires, _bytes: bytes }).is_ok()
    }
}

impl Inbox {
    /// The next message, when there is one. `None` once nothing can come any more.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            let waiting = self.messages.recv().await?;
            if waiting.is_wanted() {
                return Some(waiting.message);
            }
        }
    }

    /// The next message, if there is one.
    pub fn waiting(&mut self) -> Option<Message> {
        loop {
            let waiting = self.messages.try_recv().ok()?;
            if waiting.is_wanted() {
                return Some(waiting.message);
            }
        }
    }

    /// Commands that found no room, since the last question.
    pub fn missed(&self) -> u64 {
        self.missed.swap(0, Ordering::AcqRel)
    }
}

fn size(message: &Message) -> usize {
    let payload = match &message.payload {
        Payload::Bytes(bytes) => bytes.len(),
        Payload::TooLong(_) => 0,
    };
    let reply = message.reply.as_ref();
    let reply = reply.map_or(0, |reply| reply.topic.len() + reply.correlation.as_ref().map_or(0, Vec::len));
    message.topic.len() + payload + reply
}
