//! The voice of safety: the longest runtime, the rest after a cut, the lock after a fault, and the circuit.

use jiff::{SignedDuration, Timestamp};

use super::{
    circuit,
    civil::later,
    lockout,
    voice::{Facts, Voice},
};
use crate::model::{Class, Opinion, Reason, Remembered, Switch, VoiceName};

/// A plug that is still on this long after OFF was wanted does not obey: its time on is then cut like any other.
const DISOBEYS_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// Says OFF when the outlet has been on for as long as is allowed, and until it has rested.
///
/// `limit` is that of the voices that wish it on. Where none does, OFF is wanted in any case, and a wish that ended when it had run
/// for longer than the rules allow was no breach of theirs: safety speaks only if the plug does not obey.
pub(super) fn voice(facts: &Facts<'_>, limit: Option<SignedDuration>) -> Voice {
    let voice = limits(facts, limit);
    match facts.full {
        Some(full) if voice.opinion.wish.is_none() => {
            let changes_at = voice.opinion.changes_at.into_iter().chain([full.next_turn]).min();
            let waits = off(circuit::full(full.circuit), None);
            Voice { opinion: Opinion { changes_at, ..waits.opinion }, ..waits }
        }
        _ => voice,
    }
}

fn limits(facts: &Facts<'_>, limit: Option<SignedDuration>) -> Voice {
    let memory = &facts.outlet.memory;
    if facts.stopping && facts.outlet.class == Class::Heater && !facts.outlet.is_watched(facts.now) {
        return off(Reason::Stopping, None);
    }
    if let Some(reason) = lockout::reason(facts) {
        return off(reason, None);
    }
    if let Some(cut) = memory.cut {
        let until = rests_until(memory, facts.settings.safety.rest);
        let reason = match memory.run.on_since {
            Some(_) => Reason::OnTooLong { ran: cut.ran, limit: cut.limit },
            None => Reason::Resting { until },
        };
        if until.is_none_or(|until| facts.now < until) {
            return off(reason, until);
        }
    }
    if memory.run.on_since.is_some() {
        return while_on(facts, limit);
    }
    // It went off by itself at its limit: what it has run still counts, or switching it off and on would lift the limit.
    let silent = Voice::silent(VoiceName::Safety);
    match rests_until(memory, facts.settings.safety.rest).filter(|until| facts.now < *until) {
        Some(until) if limit.is_some_and(|limit| elapsed(facts) >= limit) => {
            off(Reason::Resting { until: Some(until) }, Some(until))
        }
        // When the rest is over, the run is forgotten.
        changes_at => Voice { opinion: Opinion { changes_at, ..silent.opinion }, ..silent },
    }
}

fn while_on(facts: &Facts<'_>, limit: Option<SignedDuration>) -> Voice {
    let ran = elapsed(facts);
    let allowed = limit.unwrap_or_else(|| facts.lowered(facts.settings.safety.longest_on));
    let reached = later(facts.now, allowed.saturating_sub(ran));
    let decision = &facts.outlet.decision;
    let due = match limit {
        Some(_) => reached,
        None if decision.switch.is_on() => reached.max(later(facts.now, DISOBEYS_AFTER)),
        None => reached.max(later(decision.since, DISOBEYS_AFTER)),
    };
    if facts.now >= due {
        return off(Reason::OnTooLong { ran, limit: allowed }, None);
    }
    let silent = Voice::silent(VoiceName::Safety);
    Voice { opinion: Opinion { changes_at: Some(due), ..silent.opinion }, ..silent }
}

/// When the rest ends that began when the outlet was seen off. `None` while it has not been.
pub(super) fn rests_until(memory: &Remembered, rest: SignedDuration) -> Option<Timestamp> {
    let off_since = memory.run.off_since?;
    Some(memory.cut.map_or_else(|| later(off_since, rest), |cut| later(off_since.max(cut.at), cut.rest)))
}

/// Time on since the last real rest.
pub(super) fn elapsed(facts: &Facts<'_>) -> SignedDuration {
    let memory = &facts.outlet.memory;
    let rested = rests_until(memory, facts.settings.safety.rest).is_some_and(|until| facts.now >= until);
    if memory.run.on_since.is_none() && rested { SignedDuration::ZERO } else { memory.run.elapsed(facts.now) }
}

fn off(reason: Reason, until: Option<Timestamp>) -> Voice {
    let opinion =
        Opinion { voice: VoiceName::Safety, wish: Some(Switch::Off), reason: Some(reason), changes_at: until };
    Voice { opinion, until, limit: None, rest: None }
}
