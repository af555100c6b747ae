//! What a voice of the ladder may look at, and what it says.

use jiff::{SignedDuration, Timestamp};

use super::{civil::later, conditions::Sky, melt::Reading, timetable::Openings};
use crate::model::{Circuit, Class, ControlSettings, GroupSettings, Opinion, Outlet, Reason, Switch, VoiceName, Wish};

/// All that a decision may look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) now: Timestamp,
    pub(super) settings: &'a ControlSettings,
    pub(super) group: Option<&'a GroupSettings>,
    /// The windows of the group's schedules.
    pub(super) openings: &'a [Openings],
    pub(super) outlet: &'a Outlet,
    /// The outlet's wish: another than it remembers when looking ahead.
    pub(super) wish: Option<Wish>,
    pub(super) sky: Sky<'a>,
    /// The forecast as the outlet's group reads it, as long as it may be acted on.
    pub(super) reading: Option<&'a Reading>,
    pub(super) vacation: bool,
    /// Rules are silent until then.
    pub(super) paused: Option<Timestamp>,
    pub(super) stopping: bool,
    /// Is the first forecast after a start still under way?
    pub(super) starting: bool,
    /// Can the clock be right?
    pub(super) clock_trusted: bool,
    /// Its circuit carries as much as it may without it.
    pub(super) full: Option<Full<'a>>,
}

/// A circuit that carries as much as it may.
#[derive(Clone, Copy, Debug)]
pub(super) struct Full<'a> {
    pub(super) circuit: &'a Circuit,
    /// When others may have their turn.
    pub(super) next_turn: Timestamp,
}

impl Facts<'_> {
    /// Has a person told all rules to be silent for a while?
    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some_and(|until| self.now < until)
    }

    /// Are rules silent because the clock shows a time that cannot be? Only those of heaters are.
    pub(super) fn clock_is_wrong(&self) -> bool {
        !self.clock_trusted && self.outlet.class == Class::Heater
    }

    /// Until when what rules decided is kept although the weather has become unknown, if it is: only a heater that they had switched
    /// on and that reports so.
    pub(super) fn held_until(&self) -> Option<Timestamp> {
        let until = later(self.sky.stale_since?, self.settings.hold_unknown?);
        let memory = &self.outlet.memory;
        let runs = memory.ruled_since.is_some() && self.outlet.switch() == Some(Switch::On);
        (runs && self.outlet.class == Class::Heater && self.now < until).then_some(until)
    }

    /// A limit, or a person's own where that is lower.
    pub(super) fn lowered(&self, limit: SignedDuration) -> SignedDuration {
        self.outlet.memory.longest_on.map_or(limit, |own| own.min(limit))
    }

    /// The longest time on that any rule of the outlet's group may allow it.
    pub(super) fn most_allowed(&self) -> SignedDuration {
        let global = self.settings.safety.longest_on;
        let rules = self.group.iter().flat_map(|it| &it.schedules).filter(|it| it.enabled);
        let melt = self.group.and_then(|it| it.melt.as_ref()).map(|it| it.longest_on);
        self.lowered(rules.filter_map(|it| it.longest_on).chain(melt).fold(global, SignedDuration::max))
    }
}

/// What one voice says, with the limits that come with it.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    pub(super) opinion: Opinion,
    /// When its wish ends by itself.
    pub(super) until: Option<Timestamp>,
    /// The longest time on, counted from the last real rest, that it allows itself.
    pub(super) limit: Option<SignedDuration>,
    /// The rest after a cut that it asks for.
    pub(super) rest: Option<SignedDuration>,
}

impl Voice {
    /// A voice with nothing to say.
    pub(super) fn silent(voice: VoiceName) -> Self {
        Self { opinion: Opinion::silent(voice), until: None, limit: None, rest: None }
    }

    /// The same, with why.
    pub(super) fn because(mut self, reason: Reason) -> Self {
        self.opinion.reason = Some(reason);
        self
    }
}
