//! What Home Assistant has been told about, part by part: who changed is announced again, and nobody else.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    discovery::{self, Part},
    outbound::Context,
    truth::Truth,
};
use crate::model::House;

/// The parts of the house, and which of them have changed.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The topics on which a part is announced.
    announced: BTreeMap<Part, BTreeSet<String>>,
    changed: BTreeSet<Part>,
    /// The inventory holds every part, so it is written for many changes at once.
    inventory_changed: bool,
}

impl Layout {
    /// A part has to be announced again, and the inventory to be written.
    pub(super) fn changed(&mut self, part: Part) {
        self.changed.insert(part);
        self.inventory_changed = true;
    }

    /// Is the inventory older than the house?
    pub(super) fn has_new_inventory(&self) -> bool {
        self.inventory_changed
    }

    /// The inventory is about to be written.
    pub(super) fn inventory_written(&mut self) {
        self.inventory_changed = false;
    }

    /// Announces what has changed, and takes back what is gone.
    pub(super) fn announce(&mut self, house: &Arc<House>, context: &Context, truth: &mut Truth) {
        let mut gone = BTreeSet::new();
        for part in std::mem::take(&mut self.changed) {
            let entries = discovery::announcements(house, context, &part);
            let topics: BTreeSet<_> = entries.keys().cloned().collect();
            let before = self.announced.remove(&part).unwrap_or_default();
            gone.extend(before.difference(&topics).cloned());
            if !topics.is_empty() {
                self.announced.insert(part, topics);
            }
            for (topic, entry) in entries {
                truth.announce(&topic, entry);
            }
        }
        for topic in gone {
            // A plug that moved to another entry of the config is announced by that one now.
            if !self.announced.values().any(|topics| topics.contains(&topic)) {
                if let Some(was) = truth.held(&topic) {
                    truth.note_gone(&topic, &was);
                }
                truth.take_back(&topic);
            }
        }
    }
}
