//! What the rules of a group will say if nothing else happens: worked out once for all of its outlets.
//!
//! It assumes that the forecast goes on being renewed with the same content, or every look further than its age would be blank.

use jiff::{SignedDuration, Timestamp};

use super::{
    conditions::Sky,
    decide::{self, Rules},
    melt::{self, View},
    schedule,
    timetable::Openings,
    voice::{Facts, Voice},
    wishes,
};
use crate::model::{Change, Decision, GroupSettings, Opinion, Reason, Switch, VoiceName};

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

/// What the rules of a group say at an instant, and when that changes.
fn step(
    group: &GroupSettings,
    openings: &[Openings],
    view: View<'_>,
    held: bool,
    at: Timestamp,
) -> (Step, Option<Timestamp>) {
    if !group.enabled {
        return (Step { limit: None, known: true }, None);
    }
    let schedules = schedule::look(group, openings, view.settings, view.sky, at);
    let mut step = Step { limit: schedules.limit(view.settings), known: schedules.is_known() };
    let measured = view.sky.station.and_then(|it| it.changes_after(at));
    let Some(melt) = &group.melt else { return (step, schedule::earliest(schedules.changes_at, measured)) };
    let look = melt::look(melt, view, at, held);
    let mut changes_at = [schedules.changes_at, look.changes_at, measured].into_iter().flatten().min();
    match look.on {
        Ok(_) => step.limit = step.limit.max(Some(melt.longest_on)),
        Err(Reason::IceUnknown { .. }) => step.known = false,
        Err(_) => {}
    }
    if let Some(shut) = melt::shut(melt, view, at, held) {
        step.limit = None;
        changes_at = schedule::earliest(changes_at, shut.until);
    } else if step.limit.is_some() {
        // It may become too warm at each hour.
        let hour = view.sky.forecast.and_then(|it| it.at(at)).map(|it| it.end);
        changes_at = schedule::earliest(changes_at, hour);
    }
    (step, changes_at)
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
    pub(super) fn new(group: &GroupSettings, openings: &[Openings], view: View<'_>, on: bool, now: Timestamp) -> Self {
        let fresh = view.sky.forecast.is_some();
        let view = View { sky: Sky { changes_at: None, ..view.sky }, ..view };
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
            // A mat that is on stays on by gentler limits.
            let held = steps.last().map_or(on, |(_, step)| step.limit.is_some());
            let (step, changes_at) = step(group, openings, view, held, at);
            if steps.last().is_none_or(|(_, before)| *before != step) {
                steps.push((at, step));
            }
            match changes_at.filter(|next| *next > at) {
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
    fn voice(&self, at: Timestamp) -> Rules {
        let after = self.steps.partition_point(|(from, _)| *from <= at);
        let step = self.steps[..after].last().map_or(Step { limit: None, known: true }, |(_, step)| *step);
        let changes_at = self.steps.get(after).map(|(from, _)| *from);
        let wish = step.limit.map(|_| Switch::On);
        let opinion = Opinion { changes_at, wish, ..Opinion::silent(VoiceName::Schedule) };
        let schedule = Voice { opinion, until: None, limit: step.limit, rest: None };
        Rules { melt: Voice::silent(VoiceName::Melt), schedule, known: step.known }
    }

    /// The next change of an outlet's position if nothing else happens.
    pub(super) fn next_change(&self, facts: &Facts<'_>, decision: &Decision) -> Option<Change> {
        let mut at = decision.review_at?;
        let mut wish = facts.wish;
        for _ in 0..STEPS {
            // What is off stays so until a pause ends, unless a person wishes something: what rules say meanwhile is passed over.
            if let Some(until) = facts.paused.filter(|_| decision.switch == Switch::Off && wish.is_none()) {
                at = at.max(until);
            }
            if at >= self.until {
                return None;
            }
            let then = decide::with_rules(&Facts { now: at, wish, ..*facts }, self.voice(at));
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
