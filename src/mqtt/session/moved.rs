//! What the session does about an earlier base topic.

use tokio::time::Instant;

use super::{Filter, Session};
use crate::mqtt::message::{Message, Payload};

impl Session {
    /// Looks at the bridge's own announcement while the broker tells what it holds. In setup mode the base topic may be a stand-in.
    pub(super) fn hear_announced(&mut self, unique: &str, message: &Message) {
        let is_replay = message.retain && self.readback.closes().is_some();
        let is_known = self.outbound.context.identity.setup.is_empty();
        let Payload::Bytes(bytes) = &message.payload else { return };
        if !is_replay || !is_known || unique != self.topics().bridge_unique() {
            return;
        }
        let heard = self.moved.announced(&self.outbound.context.topics, bytes, Instant::now());
        if let (Some(line), false) = (&self.line, heard.is_empty()) {
            let filters: Vec<Filter> = heard.into_iter().map(|filter| Filter { filter, as_published: false }).collect();
            if !line.subscribe(&filters) {
                tracing::warn!("what lies below an earlier base topic is left there: the client is full");
            }
        }
    }

    /// Clears what was left below it.
    pub(super) fn leave_moved(&mut self) {
        let (filters, left) = self.moved.close();
        for filter in filters {
            if let Some(line) = &self.line {
                line.unsubscribe(&filter);
            }
        }
        for topic in left.into_iter().filter(|it| self.truth.held(it).is_none()).collect::<Vec<_>>() {
            tracing::info!("{topic} is below an earlier base topic, it is cleared");
            self.truth.take_back(&topic);
        }
    }
}
