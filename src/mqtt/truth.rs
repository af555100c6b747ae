//! What the broker should hold for us, and what it has not been told yet.
//!
//! A publish that the client accepted may still be lost with the connection, so nothing is ever ticked off for good: at each
//! connect everything is owed again. Per topic only the newest payload is owed, however slow the broker is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

use super::{
    announced::{self, Known},
    packed::Held,
};

/// The order in which topics are published: Home Assistant has to know an entity before it can become available, and
/// a device before what hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The bridge's announcement.
    AnnounceBridge,
    /// A housing's announcement.
    AnnounceHousing,
    /// An outlet's or a group's announcement.
    AnnounceChild,
    /// The bridge's availability.
    BridgeAvailability,
    /// A device's availability.
    DeviceAvailability,
    /// State.
    State,
}

impl Rank {
    /// Is it an announcement to Home Assistant?
    pub fn announces(self) -> bool {
        self < Self::BridgeAvailability
    }
}

/// A retained message: where, when in the order, what. An empty payload clears the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When in the order.
    pub rank: Rank,
    /// What.
    pub payload: String,
}

/// Topic to message.
pub type Entries = BTreeMap<String, Entry>;

/// Something that is published once, in its turn, before what is retained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: String,
    /// Should the broker keep it?
    pub retain: bool,
    /// MQTT 5: the mark by which the asker knows the answer.
    pub correlation: Option<Vec<u8>>,
}

impl Once {
    /// A message that the broker does not keep.
    pub fn passing(topic: String, payload: String) -> Self {
        Self { topic, payload, retain: false, correlation: None }
    }

    /// Clears what the broker holds on a topic.
    pub fn clear(topic: String) -> Self {
        Self { topic, payload: String::new(), retain: true, correlation: None }
    }
}

/// What lets Home Assistant move entities to another announcement.
const MIGRATE: &str = r#"{"migrate_discovery":true}"#;

/// Messages that are published once and may wait for the broker: an event for each outlet of a large house, a few times over.
const ONCE: usize = 4096;

/// Topics of others' messages that wait to be forgotten. The broker tells of those beyond at the next connect.
const UNWANTED: usize = 256;

/// Announcements that are gone and that Home Assistant may not know to be.
const GONE: usize = 256;

/// What the broker should hold, and what it is owed.
#[derive(Debug, Default)]
pub struct Truth {
    holds: BTreeMap<String, Held>,
    owed: BTreeSet<(Rank, String)>,
    first: VecDeque<Once>,
    once: VecDeque<Once>,
    /// Topics of others' messages that the broker is to forget.
    unwanted: BTreeSet<String>,
    lost: u64,
    /// What was announced and is no more, as it was last: a Home Assistant that was not there when it went does not know so.
    gone: BTreeMap<String, Held>,
}

impl Truth {
    /// Says what a topic should hold. Owed if it is news.
    pub fn say(&mut self, topic: &str, entry: Entry) {
        match self.holds.get(topic) {
            Some(held) if held.is(&entry) => return,
            Some(held) if held.rank() != entry.rank => drop(self.owed.remove(&(held.rank(), topic.to_owned()))),
            _ => {}
        }
        self.owed.insert((entry.rank, topic.to_owned()));
        self.holds.insert(topic.to_owned(), Held::of(entry));
    }

    /// Says what Home Assistant is told about a device. Single entities that it was told about before and is not now are taken
    /// back by name.
    pub fn announce(&mut self, topic: &str, entry: Entry) {
        if self.holds.get(topic).is_some_and(|held| held.is(&entry)) {
            return;
        }
        if let Some(held) = self.holds.get(topic).map(Held::entry) {
            self.take_back_components(topic, &announced::entities(&held.payload), &entry, &held);
        }
        self.say(topic, entry);
    }

    /// Takes back the entities that a device was announced with before and is not any more; `was` is what was announced.
    pub(super) fn take_back_components(&mut self, topic: &str, before: &[Known], now: &Entry, was: &Entry) {
        if let Some(payload) = announced::farewell(before, &now.payload) {
            self.note_gone(topic, was);
            self.say_first(Once { topic: topic.to_owned(), payload, retain: true, correlation: None });
            self.owed.insert((now.rank, topic.to_owned()));
        }
    }

    /// Has Home Assistant move entities from an announcement to others, where they are announced now: it lets go of all that the old
    /// one announced without forgetting them, hears the others anew, and the old one is announced as it is now, or cleared.
    pub fn migrate(&mut self, from: &str, to: &BTreeSet<String>) {
        let payload = MIGRATE.to_owned();
        self.say_first(Once { topic: from.to_owned(), payload, retain: false, correlation: None });
        to.iter().for_each(|topic| self.say_again(topic));
        match self.holds.get(from) {
            Some(held) if !held.is_empty() => self.say_again(from),
            _ => self.take_back(from),
        }
    }

    /// Has Home Assistant forget an announcement, which is to be said again afterwards if it still is.
    pub fn forget(&mut self, topic: &str) {
        self.say_first(Once::clear(topic.to_owned()));
        if self.holds.get(topic).is_none_or(Held::is_empty) {
            self.take_back(topic);
        }
    }

    /// Where each entity is announced, by its unique id.
    pub fn places(&self) -> BTreeMap<String, String> {
        let announced = self.holds.iter().filter(|(_, held)| held.rank().announces() && !held.is_empty());
        let entities = announced.flat_map(|(topic, held)| {
            let known = announced::entities(&held.payload()).into_iter();
            known.map(move |it| (it.unique, topic.clone()))
        });
        entities.collect()
    }

    /// Owes a topic once more although nothing of it changed.
    pub fn say_again(&mut self, topic: &str) {
        if let Some(held) = self.holds.get(topic) {
            self.owed.insert((held.rank(), topic.to_owned()));
        }
    }

    /// Clears a topic, and remembers to clear it at each connect.
    pub fn take_back(&mut self, topic: &str) {
        let rank = self.holds.get(topic).map_or(Rank::State, Held::rank);
        self.say(topic, Entry { rank, payload: String::new() });
    }

    /// Notes what is not announced any more, until Home Assistant has started once: it keeps what it has not seen go.
    pub(super) fn note_gone(&mut self, topic: &str, was: &Entry) {
        if !was.payload.is_empty() && (self.gone.len() < GONE || self.gone.contains_key(topic)) {
            self.gone.entry(topic.to_owned()).or_insert_with(|| Held::of(was.clone()));
        }
    }

    /// Tells a Home Assistant that has started of what went while it was away: it can only let go of what it has been told of in this
    /// life, so each is announced as it was, and taken back.
    pub fn bid_farewell(&mut self) {
        let gone = std::mem::take(&mut self.gone);
        let places = if gone.is_empty() { BTreeMap::new() } else { self.places() };
        for (topic, was) in gone {
            let before = was.payload();
            // What has come up elsewhere since must not be told of here.
            let elsewhere = |it: &Known| places.get(&it.unique).is_some_and(|place| *place != topic);
            if announced::entities(&before).iter().any(elsewhere) {
                continue;
            }
            let now = self.holds.get(&topic).map(Held::payload).unwrap_or_default();
            let taken_back = if now.is_empty() {
                Some(String::new())
            } else {
                announced::farewell(&announced::entities(&before), &now)
            };
            let Some(payload) = taken_back else { continue };
            self.say_first(Once::passing(topic.clone(), before));
            self.say_first(Once { topic, payload, retain: true, correlation: None });
        }
    }

    /// Owes all but what was cleared: when Home Assistant has started. It would warn of each announcement that it never had.
    pub fn owe_all_that_is(&mut self) {
        let there = self.holds.iter().filter(|(_, held)| !held.is_empty());
        self.owed.extend(there.map(|(topic, held)| (held.rank(), topic.clone())));
    }

    /// Owes what is no announcement and was not cleared: from time to time, should something have got lost unseen.
    pub fn owe_state(&mut self) {
        let there = self.holds.iter().filter(|(_, held)| !held.rank().announces() && !held.is_empty());
        self.owed.extend(there.map(|(topic, held)| (held.rank(), topic.clone())));
    }

    /// Owes everything: after each connect, for the broker may have lost what it was told.
    pub fn owe_everything(&mut self) {
        self.owed = self.holds.iter().map(|(topic, held)| (held.rank(), topic.clone())).collect();
    }

    /// Queues a message that is published once, before everything else.
    pub fn say_first(&mut self, message: Once) {
        self.first.push_back(message);
    }

    /// Queues a message that is published once, after the announcements. The oldest gives way when the queue is full.
    pub fn say_once(&mut self, message: Once) {
        if self.once.len() == ONCE {
            self.once.pop_front();
            self.lost += 1;
        }
        self.once.push_back(message);
    }

    /// Has the broker forget what somebody else had it keep, once nothing else is owed: nobody waits for it, and whoever sends such
    /// messages without end must not hold up what is.
    pub fn unwanted(&mut self, topic: &str) {
        if self.unwanted.len() < UNWANTED {
            self.unwanted.insert(topic.to_owned());
        }
    }

    /// Is the broker to forget what it holds on a topic?
    pub fn is_unwanted(&self, topic: &str) -> bool {
        self.unwanted.contains(topic)
    }

    /// What is to be published next.
    pub fn take_next(&mut self) -> Option<Once> {
        if let Some(message) = self.first.pop_front() {
            return Some(message);
        }
        let announces = self.owed.first().is_some_and(|(rank, _)| rank.announces());
        if !announces && let Some(message) = self.once.pop_front() {
            return Some(message);
        }
        let Some((_, topic)) = self.owed.pop_first() else { return self.unwanted.pop_first().map(Once::clear) };
        let payload = self.holds.get(&topic)?.payload();
        Some(Once { topic, payload, retain: true, correlation: None })
    }

    /// Puts a message back that could not be handed on.
    pub fn put_back(&mut self, message: Once) {
        if message.retain && self.holds.get(&message.topic).is_some_and(|held| held.payload() == message.payload) {
            self.say_again(&message.topic);
        } else {
            self.first.push_front(message);
        }
    }

    /// What the topic should hold.
    pub fn held(&self, topic: &str) -> Option<Entry> {
        self.holds.get(topic).map(Held::entry)
    }

    /// Should the topic hold anything?
    pub fn holds(&self, topic: &str) -> bool {
        self.holds.get(topic).is_some_and(|it| !it.is_empty())
    }

    /// Is anything owed?
    pub fn is_settled(&self) -> bool {
        self.owed.is_empty() && self.first.is_empty() && self.once.is_empty() && self.unwanted.is_empty()
    }

    /// Messages for once that had to give way, since the last question.
    pub fn lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}

/// The payload of a topic: text as it is, anything else as JSON, nothing for `null`.
pub(super) fn payload_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
