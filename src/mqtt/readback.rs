//! What the broker still announces from an earlier life of this bridge, and what of it is gone.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::{
    discovery,
    message::{Message, Payload},
    topics::Topics,
    truth::Truth,
};
use crate::model::House;

/// How long the broker is listened to after a connect.
const WINDOW: Duration = Duration::from_secs(2);

/// What the broker was found to announce: topic to entities.
#[derive(Debug, Default)]
pub(super) struct Readback {
    closes: Option<Instant>,
    found: BTreeMap<String, Vec<(String, String)>>,
}

impl Readback {
    /// Begins to listen.
    pub(super) fn open(&mut self, now: Instant) {
        self.closes = Some(now + WINDOW);
    }

    /// When to stop listening.
    pub(super) fn closes(&self) -> Option<Instant> {
        self.closes
    }

    /// Stops listening.
    pub(super) fn close(&mut self) {
        self.closes = None;
    }

    /// Notes what is announced of ours. Only replays count: anything fresh is our own echo.
    pub(super) fn note(&mut self, topics: &Topics, unique: &str, message: &Message) {
        let Payload::Bytes(bytes) = &message.payload else { return };
        let Ok(payload) = std::str::from_utf8(bytes) else { return };
        if self.closes.is_some() && message.retain && !payload.is_empty() && discovery::is_ours(topics, unique, payload)
        {
            self.found.insert(message.topic.clone(), discovery::components(payload));
        }
    }

    /// Takes back what is announced but exists no longer. Does nothing while the broker is listened to, nor while a configured
    /// device has not said what it is: what looks removed may only not be there yet.
    pub(super) fn settle(&mut self, house: &House, truth: &mut Truth) {
        if self.closes.is_some() || self.found.is_empty() || !discovery::is_complete(house) {
            return;
        }
        for (topic, before) in std::mem::take(&mut self.found) {
            match truth.held(&topic).cloned() {
                Some(now) if !now.payload.is_empty() => truth.take_back_components(&topic, &before, &now),
                _ => {
                    tracing::info!("{topic} is not announced any more, it is cleared");
                    truth.take_back(&topic);
                }
            }
        }
    }
}
