//! What the broker still holds from an earlier life of this bridge, and what of it is gone or announced elsewhere now.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::{
    announced::{self, Known},
    discovery,
    leftovers::Left,
    message::{Message, Payload},
    topics::Topics,
    truth::Truth,
};
use crate::model::{DeviceLayout, House};

/// How long the broker is listened to after a connect.
const WINDOW: Duration = Duration::from_secs(2);

/// What the broker was found to announce: topic to entities.
#[derive(Debug, Default)]
pub(super) struct Readback {
    closes: Option<Instant>,
    found: BTreeMap<String, Vec<Known>>,
    /// The state that it was found to hold, and whose it is.
    left: BTreeMap<String, Left>,
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
            self.found.insert(message.topic.clone(), announced::entities(payload));
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
        if self.closes.is_some() || !discovery::is_complete(house) {
            return;
        }
        self.settle_state(house, truth);
        if self.found.is_empty() {
            return;
        }
        let places = truth.places();
        for (topic, before) in std::mem::take(&mut self.found) {
            let now = truth.held(&topic).filter(|now| !now.payload.is_empty()).cloned();
            let (here, elsewhere): (Vec<_>, Vec<_>) =
                before.into_iter().partition(|it| places.get(&it.unique).is_none_or(|place| *place == topic));
            if let Some(now) = &now {
                truth.take_back_components(&topic, &here, now);
            }
            if !elsewhere.is_empty() {
                tracing::info!("what {topic} announced is announced elsewhere now");
                truth.migrate(&topic, &elsewhere.iter().filter_map(|it| places.get(&it.unique).cloned()).collect());
            } else if now.is_none() {
                tracing::info!("{topic} is not announced any more, it is cleared");
                truth.take_back(&topic);
            }
        }
    }

    fn settle_state(&mut self, house: &House, truth: &mut Truth) {
        for (topic, left) in std::mem::take(&mut self.left) {
            if !left.is_there(house) && truth.held(&topic).is_none() {
                tracing::info!("{topic} is the state of something that is no more, it is cleared");
                truth.take_back(&topic);
            }
        }
    }
}
