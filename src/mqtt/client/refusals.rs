//! What the broker refuses, with the topic that it is about: its answers carry numbers only, so what is under way is remembered.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Something that the broker does not let us do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::mqtt) struct Refusal {
    /// What was asked for.
    pub asked: Asked,
    /// The topic, or the filter.
    pub topic: String,
    /// The broker's reason, as far as it gave one.
    pub reason: String,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::mqtt) enum Asked {
    Publish,
    Subscribe,
}

/// What is under way on one connection. It is as long as the window of publishes, and a subscription or two.
#[derive(Debug, Default)]
pub(super) struct UnderWay(Mutex<Requests>);

#[derive(Debug, Default)]
struct Requests {
    /// Handed to the client, not numbered yet; in the client's order.
    handed: VecDeque<String>,
    /// Numbered, and waiting until its number is free.
    held_up: Option<String>,
    /// Sent, by their numbers.
    sent: BTreeMap<u16, String>,
    /// Subscriptions, in the order of their answers.
    filters: VecDeque<Vec<String>>,
}

impl UnderWay {
    /// Hands a publish to the client by `hand`, which says whether there was room. Nothing can be sent before it is noted.
    pub(super) fn publish(&self, topic: &str, hand: impl FnOnce() -> bool) -> bool {
        let mut requests = self.requests();
        let has_room = hand();
        if has_room {
            requests.handed.push_back(topic.to_owned());
        }
        has_room
    }

    /// The same for a subscription.
    pub(super) fn subscribe(&self, filters: Vec<String>, hand: impl FnOnce() -> bool) -> bool {
        let mut requests = self.requests();
        let has_room = hand();
        if has_room {
            requests.filters.push_back(filters);
        }
        has_room
    }

    /// The next publish has got this number.
    pub(super) fn sent(&self, number: u16) {
        let mut requests = self.requests();
        let topic = requests.held_up.take().or_else(|| requests.handed.pop_front());
        if let Some(topic) = topic {
            requests.sent.insert(number, topic);
        }
    }

    /// The next publish waits until its number is free. The client takes no other until then.
    pub(super) fn held_up(&self) {
        let mut requests = self.requests();
        requests.held_up = requests.handed.pop_front();
    }

    /// The publish of this number is answered: its topic.
    pub(super) fn answered(&self, number: u16) -> Option<String> {
        self.requests().sent.remove(&number)
    }

    /// The oldest subscription is answered: its filters.
    pub(super) fn subscribed(&self) -> Vec<String> {
        self.requests().filters.pop_front().unwrap_or_default()
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
