//! What is asked about a device's meters: which outlets have one, and what it reads. No I/O.
//!
//! A meter is a convenience and its outlet is not: meters are asked when nothing else is due, one request at a time. A question
//! that fails rests, longer each time, so that a meter which hangs does not hold up every round.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::{
    meter::Meters,
    outlet::{Asked, Outlet},
    pace::Pauses,
};
use crate::model::{Metered, Pin};

/// One question about meters, which takes one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    /// Which outlets have a meter, by the device's list of components?
    Components,
    /// Does the outlet have a meter? Only asked of devices that do not say.
    HasMeter(u8),
    /// Does the outlet's meter know voltage and current?
    HasVoltage(u8),
    /// What does the outlet's meter read?
    Reading(u8, Asked),
}

/// What is known about the meters, and which questions rest.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The device has been asked for its list of components.
    listed: bool,
    known: BTreeMap<u8, Known>,
    /// What was known of the same device earlier; holds until it is learned.
    remembered: BTreeMap<u8, Metered>,
    rests: BTreeMap<Question, Rest>,
}

/// `None` until it is learned.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    energy: Option<bool>,
    voltage: Option<bool>,
}

#[derive(Debug)]
struct Rest {
    pauses: Pauses,
    until: Instant,
}

impl Survey {
    /// A survey that has asked nothing yet, of a device that may have been known earlier.
    pub(super) fn remembering(pin: Option<&Pin>) -> Self {
        Self { remembered: pin.map(|it| it.metered.clone()).unwrap_or_default(), ..Self::default() }
    }

    /// The next question about what there is to measure, if there is one that does not rest.
    pub(super) fn to_learn(&self, outlets: &BTreeMap<u8, Outlet>, now: Instant) -> Option<Question> {
        if !self.listed {
            return Some(Question::Components).filter(|it| !self.rests(it, now));
        }
        let mut unknown = outlets.keys().filter_map(|slot| match self.known(*slot) {
            Known { energy: None, .. } => Some(Question::HasMeter(*slot)),
            Known { energy: Some(true), voltage: None } => Some(Question::HasVoltage(*slot)),
            Known { .. } => None,
        });
        unknown.find(|it| !self.rests(it, now))
    }

    /// The next reading that is due and does not rest: power before energy.
    pub(super) fn to_read(&self, outlets: &BTreeMap<u8, Outlet>, now: Instant) -> Option<Question> {
        let both = |it: &Outlet| it.power_due && it.usage_due;
        let together = outlets.iter().filter(|(_, it)| both(it)).map(|(slot, _)| (*slot, Asked::Both));
        let power = outlets.iter().filter(|(_, it)| it.power_due).map(|(slot, _)| (*slot, Asked::Power));
        let usage = outlets.iter().filter(|(_, it)| it.usage_due).map(|(slot, _)| (*slot, Asked::Usage));
        // Where all at once gets no answer, each is asked for by itself.
        let mut due = together.chain(power).chain(usage).map(|(slot, asked)| Question::Reading(slot, asked));
        due.find(|it| !self.rests(it, now))
    }

    /// What is known to be measured at an outlet.
    pub(super) fn meters(&self, slot: u8) -> Meters {
        let Known { energy, voltage } = self.known(slot);
        let remembered = self.remembered.get(&slot).copied().unwrap_or_default();
        let energy = energy.unwrap_or(remembered.energy);
        Meters { energy, voltage: energy && voltage.unwrap_or(remembered.voltage) }
    }

    /// The answer to [`Question::Components`]: the child ids of the outlets that have a meter (`None` is the single plug), or
    /// `None` if the device cannot say.
    pub(super) fn listed(&mut self, outlets: &BTreeMap<u8, Outlet>, metered: Option<&[Option<String>]>) {
        self.listed = true;
        let Some(metered) = metered else { return };
        for (slot, outlet) in outlets {
            let energy = metered.iter().any(|it| it.as_deref() == outlet.child());
            self.known.entry(*slot).or_default().energy = Some(energy);
        }
    }

    /// The answer to [`Question::HasMeter`].
    pub(super) fn has_meter(&mut self, slot: u8, has: bool) {
        self.known.entry(slot).or_default().energy = Some(has);
    }

    /// The answer to [`Question::HasVoltage`].
    pub(super) fn has_voltage(&mut self, slot: u8, has: bool) {
        self.known.entry(slot).or_default().voltage = Some(has);
    }

    /// The question was answered, whatever the answer.
    pub(super) fn answered(&mut self, question: Question) {
        self.rests.remove(&question);
    }

    /// The question was not answered: it rests, longer than the last time.
    pub(super) fn unanswered(&mut self, question: Question) {
        let now = Instant::now();
        let rest = self.rests.entry(question).or_insert_with(|| Rest { pauses: Pauses::deaf_meter(), until: now });
        rest.until = now + rest.pauses.next();
    }

    fn rests(&self, question: &Question, now: Instant) -> bool {
        self.rests.get(question).is_some_and(|it| it.until > now)
    }

    fn known(&self, slot: u8) -> Known {
        self.known.get(&slot).copied().unwrap_or_default()
    }
}
