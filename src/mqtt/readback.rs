//! What the broker still holds from an earlier life of this bridge, and what of it is gone or announced elsewhere now.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    announced::{self, Known},
    discovery,
    leftovers::{Left, proven},
    message::{Message, Payload},
    packed::Held,
    topics::Topics,
    truth::{Entry, Rank, Truth},
};
use crate::model::{DeviceLayout, House};

/// How long the broker is listened to after a connect.
pub(super) const WINDOW: Duration = Duration::from_secs(2);
/// State is cleared so long after the announcements of what it belonged to: Home Assistant lets go of an entity in its own time, and logs
/// a warning for each topic that it still listens to.
const STATE_LATER: Duration = Duration::from_secs(2);
/// Home Assistant is given so long to forget what is announced anew afterwards.
const ANEW_AFTER: Duration = Duration::from_secs(3);

/// What an announcement was found to hold.
#[derive(Debug)]
struct Found {
    entities: Vec<Known>,
    /// As it was.
    was: Held,
    /// Outlets are children of their housing in it.
    family: bool,
}

/// What the broker was found to announce: topic to entities.
#[derive(Debug, Default)]
pub(super) struct Readback {
    closes: Option<Instant>,
    found: BTreeMap<String, Found>,
    /// What is announced anew, and when.
    anew: Option<(Instant, BTreeSet<String>)>,
    /// The state that it was found to hold, and whose it is.
    left: BTreeMap<String, Left>,
    /// When that is cleared.
    clears: Option<Instant>,
    /// It has been listened to for long enough once.
    listened: bool,
    /// What is heard until it closes.
    hears: Vec<String>,
}

impl Readback {
    /// What is to be heard while it is open. Entities that are announced by themselves are many, those of other bridges too: they
    /// are only asked for where the bridge announces its own that way, and once after the start, when it may have done so before. So
    /// is state: what goes later is cleared as it goes.
    pub(super) fn filters(&self, topics: &Topics, layout: DeviceLayout) -> Vec<String> {
        let alone = layout == DeviceLayout::Components || !self.listened;
        let alone = alone.then(|| topics.announced_alone_filter());
        let state = (!self.listened).then(|| topics.state_filters()).into_iter().flatten();
        [topics.announced_filter()].into_iter().chain(alone).chain(state).collect()
    }

    /// Begins to listen to these filters.
    pub(super) fn open(&mut self, now: Instant, hears: Vec<String>) {
        self.closes = Some(now + WINDOW);
        self.hears = hears;
    }

    /// When to stop listening.
    pub(super) fn closes(&self) -> Option<Instant> {
        self.closes
    }

    /// When there is something to clear, or to announce anew.
    pub(super) fn clears(&self) -> Option<Instant> {
        let anew = self.anew.as_ref().map(|(at, _)| *at);
        anew.into_iter().chain(self.clears).min()
    }

    /// Stops listening; what is not to be heard any more. The announcements of devices are: should somebody clear one, people are
    /// told.
    pub(super) fn close(&mut self, topics: &Topics, layout: DeviceLayout) -> Vec<String> {
        self.closes = None;
        self.listened = true;
        let watched = (layout != DeviceLayout::Components).then(|| topics.announced_filter());
        let mut hears = std::mem::take(&mut self.hears);
        hears.retain(|filter| Some(filter) != watched.as_ref());
        hears
    }

    /// Notes what is announced of ours. Only replays count: anything fresh is our own echo.
    pub(super) fn note(&mut self, topics: &Topics, unique: &str, message: &Message) {
        let Payload::Bytes(bytes) = &message.payload else { return };
        let Ok(payload) = std::str::from_utf8(bytes) else { return };
        if self.closes.is_some() && message.retain && !payload.is_empty() && announced::is_ours(topics, unique, payload)
        {
            let (entities, family) = (announced::entities(payload), announced::is_family(payload));
            let was = Held::of(Entry { rank: Rank::AnnounceChild, payload: payload.to_owned() });
            let found = Found { entities, was, family };
            self.found.insert(message.topic.clone(), found);
        }
    }

    /// Notes state that may be left from an earlier life.
    pub(super) fn note_state(&mut self, topics: &Topics, message: &Message) {
        if self.closes.is_some()
            && message.retain
            && let Some(left) = Left::of(topics, message)
        {
            self.left.insert(message.topic.clone(), left);
        }
    }

    /// Takes back what is announced but exists no longer, and has moved what is announced elsewhere now. Does nothing while the
    /// broker is listened to, nor while a configured device has not said what it is: what looks removed may only not be there yet.
    pub(super) fn settle(&mut self, house: &House, truth: &mut Truth) {
        let now = Instant::now();
        if let Some((_, topics)) = self.anew.take_if(|(at, _)| *at <= now) {
            topics.iter().for_each(|topic| truth.say_again(topic));
        }
        if self.closes.is_some() || !discovery::is_complete(house) {
            self.clears = None;
            return;
        }
        self.settle_announcements(truth);
        if self.left.is_empty() {
            return;
        }
        if *self.clears.get_or_insert(now + STATE_LATER) <= now {
            self.clears = None;
            self.settle_state(house, truth);
        }
    }

    fn settle_announcements(&mut self, truth: &mut Truth) {
        if self.found.is_empty() {
            return;
        }
        let places = truth.places();
        for (topic, Found { entities: before, was, family }) in std::mem::take(&mut self.found) {
            let now = truth.held(&topic).filter(|now| !now.payload.is_empty());
            let (here, elsewhere): (Vec<_>, Vec<_>) =
                before.into_iter().partition(|it| places.get(&it.unique).is_none_or(|place| *place == topic));
            if let Some(now) = &now {
                if elsewhere.is_empty() {
                    truth.take_back_components(&topic, &here, now, &was.entry());
                } else {
                    // What is announced elsewhere now must not be told of here again.
                    let nothing = Entry { rank: Rank::AnnounceChild, payload: String::new() };
                    truth.take_back_components(&topic, &here, now, &nothing);
                }
            }
            if !elsewhere.is_empty() {
                tracing::info!("what {topic} announced is announced elsewhere now");
                let to: BTreeSet<_> = elsewhere.iter().filter_map(|it| places.get(&it.unique).cloned()).collect();
                let is_family = |topic: &String| truth.held(topic).is_some_and(|it| announced::is_family(&it.payload));
                if family || to.iter().any(is_family) {
                    // It makes no child of a device and no device of a child. What it forgets it knows again by its unique id.
                    let (_, anew) = self.anew.get_or_insert((Instant::now() + ANEW_AFTER, BTreeSet::new()));
                    for topic in to.into_iter().chain([topic]) {
                        truth.forget(&topic);
                        anew.insert(topic);
                    }
                } else {
                    truth.migrate(&topic, &to);
                }
            } else if now.is_none() {
                tracing::info!("{topic} is not announced any more, it is cleared");
                truth.note_gone(&topic, &was.entry());
                truth.take_back(&topic);
            }
        }
    }

    fn settle_state(&mut self, house: &House, truth: &mut Truth) {
        for (topic, left) in proven(std::mem::take(&mut self.left)) {
            if !left.is_there(house) && truth.held(&topic).is_none() {
                tracing::info!("{topic} is the state of something that is no more, it is cleared");
                truth.take_back(&topic);
            }
        }
    }
}
