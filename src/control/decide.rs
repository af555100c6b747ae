//! The ladder: who may speak about an outlet, and what comes of it.

use jiff::{SignedDuration, Timestamp};

use super::{almanac::Almanac, conditions, safety, schedule, schedule::earliest, wishes};
use crate::model::{
    Change, ControlSettings, Decision, Forecast, GroupSettings, Opinion, Outlet, Reason, Switch, VoiceName,
};

/// How far ahead the next change is looked for.
const LOOK_AHEAD: SignedDuration = SignedDuration::from_hours(48);
/// Looks on the way there.
const LOOKS: usize = 192;

/// All that a decision may look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) now: Timestamp,
    pub(super) settings: &'a ControlSettings,
    pub(super) almanac: &'a Almanac,
    pub(super) group: Option<&'a GroupSettings>,
    pub(super) outlet: &'a Outlet,
    pub(super) forecast: Option<&'a Forecast>,
    pub(super) vacation: bool,
    pub(super) stopping: bool,
    /// Looking ahead: assumes that the forecast goes on being renewed.
    pub(super) ahead: bool,
}

impl<'a> Facts<'a> {
    /// The forecast, if it may be acted on.
    pub(super) fn fresh_forecast(&self) -> Option<&'a Forecast> {
        if self.ahead { self.forecast } else { conditions::fresh(self.settings, self.forecast, self.now) }
    }

    /// When a fact of the weather could change by itself.
    pub(super) fn weather_changes_at(&self) -> Option<Timestamp> {
        let forecast = self.fresh_forecast()?;
        let edge = conditions::change_at(&self.settings.thresholds, forecast, self.now);
        let stale = conditions::stale_at(self.settings, forecast).filter(|_| !self.ahead);
        earliest(edge, stale)
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

/// A decision, and the rest that a cut would bring.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) decision: Decision,
    pub(super) rest: SignedDuration,
    /// What the rules alone would say.
    pub(super) rules: Switch,
}

/// Decides one outlet: of the ladder's voices, most important first, the first with a wish wins.
pub(super) fn decide(facts: &Facts<'_>) -> Verdict {
    let rules = schedule::voice(facts);
    let rules_say = if facts.vacation { Switch::Off } else { rules.opinion.wish.unwrap_or(Switch::Off) };
    let wish = wishes::wish(facts, rules_say);
    // The largest limit among the voices that now wish ON; the global one when none does.
    let limit = wish.limit.into_iter().chain(rules.limit).max().unwrap_or(facts.settings.safety.longest_on);
    let rest = rules.rest.unwrap_or(facts.settings.safety.rest);
    let ladder = [wishes::control_off(facts), safety::voice(facts, limit), wish, wishes::vacation(facts), rules];
    Verdict { decision: decided(facts, ladder), rest, rules: rules_say }
}

fn decided<const N: usize>(facts: &Facts<'_>, ladder: [Voice; N]) -> Decision {
    // Silent voices count too: the safety limit of an outlet that is on must wake us while an override speaks.
    let review_at = ladder.iter().filter_map(|it| it.opinion.changes_at).filter(|at| *at > facts.now).min();
    let winner = ladder.iter().find(|it| it.opinion.wish.is_some());
    let (switch, reason, until) = match winner {
        Some(voice) => (voice.opinion.wish.unwrap_or(Switch::Off), voice.opinion.reason.clone(), voice.until),
        None => (Switch::Off, ladder.iter().rev().find_map(|it| it.opinion.reason.clone()), None),
    };
    let reason = reason.unwrap_or(Reason::NothingAsks);
    let opinions = ladder.into_iter().map(|it| it.opinion).collect();
    Decision { switch, reason, since: facts.now, until, review_at, next: None, opinions }
}

/// The next change of position if nothing else happens: the ladder run forward over its own review times.
pub(super) fn next_change(facts: &Facts<'_>, decision: &Decision) -> Option<Change> {
    let end = super::civil::later(facts.now, LOOK_AHEAD);
    let mut at = decision.review_at?;
    for _ in 0..LOOKS {
        if at > end {
            return None;
        }
        let then = decide(&Facts { now: at, ahead: true, ..*facts }).decision;
        if then.switch != decision.switch {
            return Some(Change { at, switch: then.switch });
        }
        at = then.review_at?;
    }
    None
}
