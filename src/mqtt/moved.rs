//! What the bridge left below another base topic: nobody else would ever clear it. Where that was is said by its own announcement, which the
//! broker still holds at the start.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    leftovers::{Left, proven},
    message::{Message, Payload},
    readback::WINDOW,
    topics::Topics,
};

/// What only the bridge itself publishes, below a base topic; [`Left`] knows what is of devices and groups.
const OF_THE_BRIDGE: [&str; 7] =
    ["bridge/availability", "bridge/info", "bridge/health", "bridge/devices", "vacation", "automation", "weather"];
const AVAILABILITY: &str = "/bridge/availability";

/// The base topics that the bridge had.
#[derive(Debug, Default)]
pub(super) struct Moved {
    bases: BTreeMap<String, Old>,
    closes: Option<Instant>,
}

#[derive(Debug)]
struct Old {
    topics: Topics,
    /// Nobody lives there: another bridge may have moved in.
    is_offline: bool,
    left: BTreeMap<String, Left>,
    /// What is the bridge's own.
    of_the_bridge: BTreeSet<String>,
}

impl Moved {
    /// The bridge's own announcement, as the broker held it. What is to be heard if it names another base topic than ours.
    pub(super) fn announced(&mut self, topics: &Topics, payload: &[u8], now: Instant) -> Vec<String> {
        let payload = serde_json::from_slice::<Value>(payload).ok();
        let base = payload.as_ref().and_then(base_of).filter(|it| *it != topics.base());
        let Some(base) = base.filter(|it| !self.bases.contains_key(*it)) else { return Vec::new() };
        let topics = topics.below_another(base);
        let filters = topics.state_filters().to_vec();
        self.closes = Some(now + WINDOW);
        self.bases.insert(
            base.to_owned(),
            Old { topics, is_offline: false, left: BTreeMap::new(), of_the_bridge: BTreeSet::new() },
        );
        filters
    }

    /// Notes what may have been left.
    pub(super) fn note(&mut self, message: &Message) {
        let Payload::Bytes(bytes) = &message.payload else { return };
        if self.closes.is_none() || !message.retain || bytes.is_empty() {
            return;
        }
        for (base, old) in &mut self.bases {
            let Some(below) = message.topic.strip_prefix(base.as_str()).and_then(|it| it.strip_prefix('/')) else {
                continue;
            };
            old.is_offline |= below == "bridge/availability" && bytes == b"offline";
            if OF_THE_BRIDGE.contains(&below) {
                old.of_the_bridge.insert(message.topic.clone());
            } else if let Some(left) = Left::of(&old.topics, message) {
                old.left.insert(message.topic.clone(), left);
            }
        }
    }

    /// When to stop listening.
    pub(super) fn closes(&self) -> Option<Instant> {
        self.closes
    }

    /// Stops listening: what is not to be heard any more, and what is to be cleared.
    pub(super) fn close(&mut self) -> (Vec<String>, Vec<String>) {
        self.closes = None;
        let filters = self.bases.values().flat_map(|it| it.topics.state_filters()).collect();
        let dead = self.bases.values_mut().filter(|it| it.is_offline);
        let left = dead.flat_map(|it| {
            let own = std::mem::take(&mut it.of_the_bridge);
            own.into_iter().chain(proven(std::mem::take(&mut it.left)).into_keys())
        });
        (filters, left.collect())
    }
}

/// The base topic of the bridge whose availability an announcement names.
fn base_of(announcement: &Value) -> Option<&str> {
    match announcement {
        Value::String(text) => text.strip_suffix(AVAILABILITY).filter(|it| !it.is_empty()),
        Value::Array(items) => items.iter().find_map(base_of),
        Value::Object(fields) => fields.values().find_map(base_of),
        _ => None,
    }
}
