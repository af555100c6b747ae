//! The voice of safety: the longest runtime, and the rest after a cut.

use jiff::{SignedDuration, Timestamp};

use super::{
    civil::later,
    decide::{Facts, Voice},
};
use crate::model::{Class, Opinion, Reason, Switch, VoiceName};

/// Says OFF when the outlet has been on for as long as is allowed, and until it has rested.
pub(super) fn voice(facts: &Facts<'_>, limit: SignedDuration) -> Voice {
    let memory = &facts.outlet.memory;
    if facts.stopping && facts.outlet.class == Class::Heater {
        return off(Reason::Stopping, None);
    }
    if let Some(cut) = memory.cut {
        let until = memory.run.off_since.map(|off| later(off.max(cut.at), cut.rest));
        let reason = match memory.run.on_since {
            Some(_) => Reason::OnTooLong { ran: cut.ran, limit: cut.limit },
            None => Reason::Resting { until },
        };
        if until.is_none_or(|until| facts.now < until) {
            return off(reason, until);
        }
    }
    let ran = elapsed(facts);
    if memory.run.on_since.is_some() {
        let due = later(facts.now, limit - ran);
        return if ran >= limit {
            off(Reason::OnTooLong { ran, limit }, None)
        } else {
            Voice {
                opinion: Opinion { changes_at: Some(due), ..Opinion::silent(VoiceName::Safety) },
                ..Voice::silent(VoiceName::Safety)
            }
        };
    }
    // It went off by itself at its limit: what it has run still counts, or switching it off and on would lift the limit.
    match memory.run.off_since.map(|since| later(since, facts.settings.safety.rest)) {
        Some(until) if ran >= limit && facts.now < until => off(Reason::Resting { until: Some(until) }, Some(until)),
        _ => Voice::silent(VoiceName::Safety),
    }
}

/// Time on since the last real rest.
pub(super) fn elapsed(facts: &Facts<'_>) -> SignedDuration {
    let run = &facts.outlet.memory.run;
    let rested = run.off_since.is_some_and(|since| facts.now >= later(since, facts.settings.safety.rest));
    if run.on_since.is_none() && rested { SignedDuration::ZERO } else { run.elapsed(facts.now) }
}

fn off(reason: Reason, until: Option<Timestamp>) -> Voice {
    let opinion =
        Opinion { voice: VoiceName::Safety, wish: Some(Switch::Off), reason: Some(reason), changes_at: until };
    Voice { opinion, until, limit: None, rest: None }
}
