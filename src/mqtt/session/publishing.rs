//! How the session hands on what is owed.

use super::Session;

/// Room for a packet's header, and those of its topic and its mark.
const HEADER: usize = 64;

impl Session {
    /// Hands over what is owed, as far as the broker keeps up.
    pub(super) fn publish(&mut self) {
        let Some(line) = &self.line else { return };
        let mut too_large = Vec::new();
        while line.has_room(self.published) {
            let Some(message) = self.truth.take_next() else { break };
            let length = message.payload.len() + message.correlation.as_ref().map_or(0, Vec::len);
            if message.topic.len() + length + HEADER > usize::try_from(line.largest).unwrap_or(usize::MAX) {
                too_large.push((message.topic, length, line.largest));
                continue;
            }
            let empties = message.payload.is_empty() && self.outbound.context.topics.is_announcement(&message.topic);
            let emptied = empties.then(|| message.topic.clone());
            match line.publish(message) {
                Ok(()) => {
                    self.published += 1;
                    // The broker may be slow: each clear has an echo of its own.
                    emptied.into_iter().for_each(|it| *self.emptied.entry(it).or_default() += 1);
                }
                Err(message) => {
                    self.truth.put_back(message);
                    break;
                }
            }
        }
        self.complaints.untold(self.truth.lost());
        too_large.into_iter().for_each(|(topic, length, largest)| self.left_out(topic, length, largest));
    }
}
