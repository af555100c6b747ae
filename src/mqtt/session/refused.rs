//! What the broker does not take from us: told once for each topic, with what to do about it.

use super::Session;
use crate::{
    model::{Notice, NoticeKind},
    mqtt::client::{Asked, Refusal},
};

/// Topics that are told of. A broker that takes nothing at all needs no list of a thousand outlets.
const TOLD: usize = 20;

impl Session {
    /// The broker's rules forbid something.
    pub(super) fn refused(&mut self, refusal: Refusal) {
        let Refusal { asked, topic, reason } = refusal;
        if self.refused.len() >= TOLD || !self.refused.insert((asked, topic.clone())) {
            return;
        }
        let (what, follows) = match asked {
            Asked::Publish => ("to publish on", "nobody sees what is said there"),
            Asked::Subscribe => ("to subscribe to", "nothing that is said there is heard"),
        };
        let words = format!(
            "the broker does not allow us {what} {topic} ({reason}): {follows}; allow it in the broker's access rules for our \
             user, then restart the bridge or the broker"
        );
        self.broker_refused(&topic, words);
    }

    /// A message is too large for the broker, in bytes.
    pub(super) fn left_out(&mut self, topic: String, length: usize, largest: u32) {
        if self.too_large.len() >= TOLD || !self.too_large.insert(topic.clone()) {
            return;
        }
        let words = format!(
            "the message on {topic} has {length} bytes, and the broker takes packets of at most {largest}: it is left out; raise \
             the broker's limit (mosquitto: `max_packet_size`)"
        );
        self.broker_refused(&topic, words);
    }

    fn broker_refused(&self, topic: &str, words: String) {
        let notice = Notice::new(self.handle.clock.now(), NoticeKind::BrokerRefused, words);
        self.handle.notify(notice.with("topic", topic));
    }
}
