//! The voices of people: control off, a wish with an end, and vacation.

use jiff::{SignedDuration, Timestamp};

use super::{
    civil::later,
    safety,
    voice::{Facts, Voice},
};
use crate::model::{Control, ControlSettings, End, GroupSettings, Lasting, Opinion, Reason, Switch, VoiceName, Wish};

/// No wish lasts longer.
pub(super) const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// A person has taken the outlet out of service.
pub(super) fn control_off(facts: &Facts<'_>) -> Voice {
    let off = facts.outlet.memory.control == Control::Off;
    if off {
        says(VoiceName::ControlOff, Switch::Off, Reason::ControlOff)
    } else {
        Voice::silent(VoiceName::ControlOff)
    }
}

/// A person's wish, as long as it holds.
pub(super) fn wish(facts: &Facts<'_>, rules: Option<Switch>) -> Voice {
    let Some(wish) = facts.wish.filter(|it| holds(it, rules, facts.now)) else {
        return Voice::silent(VoiceName::Wish);
    };
    let latest = wish.end.latest();
    let limit = match wish.end {
        // The limit of a wish is its own end.
        End::Elapsed(at) | End::At(at) => safety::elapsed(facts).saturating_add(at.duration_since(facts.now)),
        // Nobody has named this one's end, so the global limit holds.
        End::NextChange { .. } => facts.settings.safety.longest_on,
    };
    let memory = &facts.outlet.memory;
    let words = memory.asked_because.clone().filter(|_| memory.wish == Some(wish));
    let reason = Reason::Wished { switch: wish.switch, origin: wish.origin, end: wish.end, words };
    let voice = says(VoiceName::Wish, wish.switch, reason);
    Voice {
        opinion: Opinion { changes_at: Some(latest), ..voice.opinion },
        until: Some(latest),
        limit: wish.switch.is_on().then_some(limit),
        rest: None,
    }
}

/// Has the wish not ended yet? Rules that are silent because nobody knows the weather, as after each start, have not changed
/// their mind.
pub(super) fn holds(wish: &Wish, rules: Option<Switch>, now: Timestamp) -> bool {
    now < wish.end.latest()
        && match wish.end {
            End::NextChange { rules_said, .. } => rules.is_none_or(|rules| rules == rules_said),
            End::Elapsed(_) | End::At(_) => true,
        }
}

/// Everybody is away.
pub(super) fn vacation(facts: &Facts<'_>) -> Voice {
    if facts.vacation {
        says(VoiceName::Vacation, Switch::Off, Reason::Vacation)
    } else {
        Voice::silent(VoiceName::Vacation)
    }
}

pub(super) fn says(voice: VoiceName, switch: Switch, reason: Reason) -> Voice {
    let opinion = Opinion { voice, wish: Some(switch), reason: Some(reason), changes_at: None };
    Voice { opinion, until: None, limit: None, rest: None }
}

/// When a wish that is made now ends.
///
/// # Errors
/// What is wrong with the end, in words.
pub(super) fn end_of(
    lasting: Lasting,
    settings: &ControlSettings,
    group: Option<&GroupSettings>,
    rules_said: Switch,
    now: Timestamp,
) -> Result<End, String> {
    let default = group.and_then(|it| it.wish_lasts).unwrap_or(settings.wish_lasts);
    let end = match lasting {
        Lasting::Default => End::Elapsed(later(now, default)),
        Lasting::For(length) => End::Elapsed(later(now, length)),
        Lasting::Until(at) => End::At(at),
        Lasting::NextChange => End::NextChange { rules_said, latest: later(now, LONGEST) },
    };
    let ahead = end.latest().duration_since(now);
    if ahead <= SignedDuration::ZERO || ahead > LONGEST {
        return Err("a wish must end in the future and at most 24 h ahead".to_owned());
    }
    Ok(end)
}
