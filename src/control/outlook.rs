//! What the rules of a group will say if nothing else happens: worked out once for all of its outlets.
//!
//! It assumes that the forecast goes on being renewed with the same content, or every look further than its age would be blank.

use jiff::{SignedDuration, Timestamp};

use super::{
    conditions::Sky,
    decide, schedule,
    timetable::Openings,
    voice::{Facts, Voice},
    wishes,
};
use crate::model::{Change, ControlSettings, Decision, GroupSettings, Opinion, Switch, VoiceName};

/// Looks at the rules on the way to the horizon.
const LOOKS: usize = 1024;
/// Steps of one outlet on the way to its next change.
const STEPS: usize = 64;
/// An outlook is made anew after this time, so that its horizon moves along.
const LASTS: SignedDuration = SignedDuration::from_hours(1);

/// What the rules say for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    /// They ask for ON, with this longest time on.
    limit: Option<SignedDuration>,
    /// Is the weather known, as far as they ask for it?
    known: bool,
}

/// What the rules of a group will say.
#[derive(Debug)]
pub(super) struct Outlook {
    /// From when on the rules say what.
    steps: Vec<(Timestamp, Step)>,
    /// Nothing is known from here on.
    until: Timestamp,
    made_at: Timestamp,
    /// Was there a forecast to act on?
    fresh: bool,
}

impl Default for Outlook {
    /// Of an outlet without rules.
    fn default() -> Self {
        Self { steps: Vec::new(), until: Timestamp::MAX, made_at: Timestamp::MIN, fresh: false }
    }
}

impl Outlook {
    pub(super) fn new(
        group: &GroupSettings,
        openings: &[Openings],
        settings: &ControlSettings,
        sky: Sky<'_>,
        now: Timestamp,
    ) -> Self {
        let fresh = sky.forecast.is_some();
        let sky = Sky { changes_at: None, ..sky };
        let mut until = openings.iter().map(Openings::until).min().unwrap_or(Timestamp::MAX);
        let mut steps: Vec<(Timestamp, Step)> = Vec::new();
        let mut at = now;
        for look in 0.. {
            if look == LOOKS {
                until = until.min(at);
            }
            if at >= until {
                break;
            }
            let look = schedule::look(group, openings, settings, sky, at);
            let step = if group.enabled {
                Step { limit: look.limit(settings), known: look.is_known() }
            } else {
                Step { limit: None, known: true }
            };
            if steps.last().is_none_or(|(_, before)| *before != step) {
                steps.push((at, step));
            }
            match look.changes_at.filter(|next| *next > at) {
                Some(next) => at = next,
                None => break,
            }
        }
        Self { steps, until, made_at: now, fresh }
    }

    /// Does it still hold?
    pub(super) fn holds(&self, sky: Sky<'_>, now: Timestamp) -> bool {
        let age = now.duration_since(self.made_at);
        !age.is_negative() && age < LASTS && self.fresh == sky.forecast.is_some()
    }

    /// What the rules will say at an instant.
    fn voice(&self, at: Timestamp) -> (Voice, bool) {
        let after = self.steps.partition_point(|(from, _)| *from <= at);
        let step = self.steps[..after].last().map_or(Step { limit: None, known: true }, |(_, step)| *step);
        let changes_at = self.steps.get(after).map(|(from, _)| *from);
        let wish = step.limit.map(|_| Switch::On);
        let opinion = Opinion { changes_at, wish, ..Opinion::silent(VoiceName::Schedule) };
        (Voice { opinion, until: None, limit: step.limit, rest: None }, step.known)
    }

    /// The next change of an outlet's position if nothing else happens.
    pub(super) fn next_change(&self, facts: &Facts<'_>, decision: &Decision) -> Option<Change> {
        let mut at = decision.review_at?;
        let mut wish = facts.wish;
        for _ in 0..STEPS {
            if at >= self.until {
                return None;
            }
            let (rules, known) = self.voice(at);
            let then = decide::with_rules(&Facts { now: at, wish, ..*facts }, rules, known);
            if then.decision.switch != decision.switch {
                return Some(Change { at, switch: then.decision.switch });
            }
            // A wish that has ended does not come back, even if the rules come to say again what they said.
            wish = wish.filter(|it| wishes::holds(it, then.rules, at));
            at = then.decision.review_at?;
        }
        None
    }
}
