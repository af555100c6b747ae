//! The ladder: who may speak about an outlet, and what comes of it.

use jiff::SignedDuration;

use super::{
    melt, pause, safety, schedule,
    voice::{Facts, Voice},
    wishes,
};
use crate::model::{Decision, Mode, Opinion, Reason, Switch, VoiceName, Wait};

/// A decision, and the rest that a cut would bring.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) decision: Decision,
    pub(super) rest: SignedDuration,
    /// What the rules alone would say. `None` while they ask for weather that nobody knows.
    pub(super) rules: Option<Switch>,
}

/// What the rules of an outlet's group say: storm heating and frost guard, and schedules.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) melt: Voice,
    pub(super) schedule: Voice,
    /// Is the weather known, as far as they ask for it?
    pub(super) known: bool,
}

impl Rules {
    fn of(facts: &Facts<'_>) -> Self {
        let shut = melt::shut_of(facts);
        let melt = melt::voice(facts, shut.as_ref());
        let mut schedule = schedule::voice(facts);
        if let Some(shut) = shut.filter(|_| schedule.opinion.wish.is_some()) {
            let changes_at = schedule::earliest(schedule.opinion.changes_at, shut.until);
            let opinion = Opinion { wish: None, reason: Some(shut.reason), changes_at, ..schedule.opinion };
            schedule = Voice { opinion, ..Voice::silent(VoiceName::Schedule) };
        }
        let unknown = |it: &Voice| {
            matches!(
                it.opinion.reason,
                Some(Reason::WeatherUnknown { .. } | Reason::IceUnknown { .. } | Reason::ClockNotTrusted)
            )
        };
        let known = !unknown(&melt) && !unknown(&schedule);
        Self { melt, schedule, known }
    }

    fn wish(&self) -> Option<Switch> {
        self.melt.opinion.wish.or(self.schedule.opinion.wish)
    }

    /// Would they wish ON if the relay had not been moved a moment ago?
    fn spare_the_relay(&self) -> bool {
        matches!(self.melt.opinion.reason, Some(Reason::Waits { wait: Wait::LeastOff }))
    }

    /// The largest limit of those that wish ON.
    fn limit(&self) -> Option<SignedDuration> {
        self.melt.limit.max(self.schedule.limit)
    }

    /// The rest after a cut: that of the rule that is shown.
    fn rest(&self) -> Option<SignedDuration> {
        if self.melt.opinion.wish.is_some() { self.melt.rest } else { self.schedule.rest }
    }
}

/// Decides one outlet: of the ladder's voices, most important first, the first with a wish wins.
pub(super) fn decide(facts: &Facts<'_>) -> Verdict {
    with_rules(facts, Rules::of(facts))
}

/// The same, with what the rules say given.
pub(super) fn with_rules(facts: &Facts<'_>, rules: Rules) -> Verdict {
    let rules_say = match rules.wish() {
        _ if facts.vacation || facts.is_paused() => Some(Switch::Off),
        Some(switch) => Some(switch),
        // A relay that is spared, perhaps because a person has just switched it off, is no change of their mind.
        None if rules.spare_the_relay() => Some(Switch::On),
        None => rules.known.then_some(Switch::Off),
    };
    let wish = wishes::wish(facts, rules_say);
    let vacation = wishes::vacation(facts);
    let pause = pause::voice(facts);
    let wished = wish.opinion.wish.or(vacation.opinion.wish).or(pause.opinion.wish).or(rules.wish());
    // The largest limit among the voices that now wish ON; none when the outlet is not to be on in any case.
    let limits = wish.limit.into_iter().chain(rules.limit().filter(|_| !facts.vacation && !facts.is_paused()));
    let limit = limits.max().filter(|_| wished == Some(Switch::On));
    // Until the first forecast has come, a rule that waits for it may be the one that allows the most: it must not be cut for a lesser.
    let limit = limit.map(|it| if facts.starting { it.max(facts.most_allowed()) } else { it });
    let limit = limit.map(|it| facts.lowered(it));
    let rest = rules.rest().unwrap_or(facts.settings.safety.rest);
    let Rules { melt, schedule, .. } = rules;
    let ladder = [wishes::control_off(facts), safety::voice(facts, limit), wish, vacation, pause, melt, schedule];
    Verdict { decision: decided(facts, ladder), rest, rules: rules_say }
}

fn decided<const N: usize>(facts: &Facts<'_>, ladder: [Voice; N]) -> Decision {
    // Silent voices count too: the safety limit of an outlet that is on must wake us while an override speaks.
    let review_at = ladder.iter().filter_map(|it| it.opinion.changes_at).filter(|at| *at > facts.now).min();
    let winner = ladder.iter().find(|it| it.opinion.wish.is_some());
    let (switch, reason, until) = match winner {
        Some(voice) => (voice.opinion.wish.unwrap_or(Switch::Off), voice.opinion.reason.clone(), voice.until),
        None => (Switch::Off, why_silent(&ladder), None),
    };
    let reason = reason.unwrap_or(Reason::NothingAsks);
    let opinions = ladder.into_iter().map(|it| it.opinion).collect();
    Decision { switch, reason, since: facts.now, until, review_at, next: None, opinions }
}

/// Of the silent voices, one that says more than that nothing is the matter; else the last that says anything.
fn why_silent(ladder: &[Voice]) -> Option<Reason> {
    let reasons = || ladder.iter().rev().filter_map(|it| it.opinion.reason.as_ref());
    let telling = reasons().find(|it| it.mode() != Mode::Idle);
    telling.or_else(|| reasons().next()).cloned()
}
