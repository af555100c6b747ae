//! The ladder: who may speak about an outlet, and what comes of it.

use jiff::SignedDuration;

use super::{
    safety, schedule,
    voice::{Facts, Voice},
    wishes,
};
use crate::model::{Decision, Reason, Switch};

/// A decision, and the rest that a cut would bring.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) decision: Decision,
    pub(super) rest: SignedDuration,
    /// What the rules alone would say. `None` while they ask for weather that nobody knows.
    pub(super) rules: Option<Switch>,
}

/// Decides one outlet: of the ladder's voices, most important first, the first with a wish wins.
pub(super) fn decide(facts: &Facts<'_>) -> Verdict {
    let rules = schedule::voice(facts);
    let known = !matches!(rules.opinion.reason, Some(Reason::WeatherUnknown { .. } | Reason::ClockNotTrusted));
    with_rules(facts, rules, known)
}

/// The same, with what the rules say given.
pub(super) fn with_rules(facts: &Facts<'_>, rules: Voice, known: bool) -> Verdict {
    let rules_say = match rules.opinion.wish {
        _ if facts.vacation => Some(Switch::Off),
        Some(switch) => Some(switch),
        None => known.then_some(Switch::Off),
    };
    let wish = wishes::wish(facts, rules_say);
    let vacation = wishes::vacation(facts);
    let wished = [&wish, &vacation, &rules].into_iter().find_map(|it| it.opinion.wish);
    // The largest limit among the voices that now wish ON; none when the outlet is not to be on in any case.
    let limits = wish.limit.into_iter().chain(rules.limit.filter(|_| !facts.vacation));
    let limit = limits.max().filter(|_| wished == Some(Switch::On));
    // Until the first forecast has come, a rule that waits for it may be the one that allows the most: it must not be cut for a lesser.
    let limit = limit.map(|it| if facts.starting { it.max(facts.most_allowed()) } else { it });
    let rest = rules.rest.unwrap_or(facts.settings.safety.rest);
    let ladder = [wishes::control_off(facts), safety::voice(facts, limit), wish, vacation, rules];
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
