//! The voice of the schedules.

use jiff::{SignedDuration, Timestamp};

use super::{
    conditions,
    decide::{Facts, Voice},
    windows,
};
use crate::model::{Fact, Opinion, Reason, Schedule, Switch, VoiceName};

/// A schedule whose window is open and whose conditions hold.
struct Active<'a> {
    schedule: &'a Schedule,
    until: Option<Timestamp>,
}

/// What the schedules of the outlet's group say.
pub(super) fn voice(facts: &Facts<'_>) -> Voice {
    let silent = Voice::silent(VoiceName::Schedule);
    let Some(group) = facts.group else { return silent };
    if !group.enabled {
        return silent.because(Reason::GroupDisabled);
    }
    let mut active = Vec::new();
    let mut waiting = None;
    let mut changes_at = None;
    for schedule in group.schedules.iter().filter(|it| it.enabled) {
        let opening = windows::opening(schedule, &facts.settings.zone, facts.almanac, facts.now);
        changes_at = earliest(changes_at, Some(opening.changes_at));
        let Some(until) = opening.open else { continue };
        match blocked(facts, schedule) {
            None => active.push(Active { schedule, until }),
            Some(reason) => waiting = waiting.or(Some(reason)),
        }
        if !schedule.conditions.is_empty() {
            changes_at = earliest(changes_at, facts.weather_changes_at());
        }
    }
    let opinion = Opinion { voice: VoiceName::Schedule, wish: None, reason: waiting, changes_at };
    spoken(facts, &active).map_or(Voice { opinion: opinion.clone(), ..silent }, |voice| Voice {
        opinion: Opinion { changes_at, ..voice.opinion },
        ..voice
    })
}

/// Why a schedule with an open window is silent.
fn blocked(facts: &Facts<'_>, schedule: &Schedule) -> Option<Reason> {
    let forecast = facts.fresh_forecast();
    let (fact, what) = conditions::hold(&schedule.conditions, &facts.settings.thresholds, forecast, facts.now);
    let name = schedule.name.clone();
    match fact {
        Fact::Yes => None,
        Fact::No => Some(Reason::ConditionNotMet { name, what }),
        Fact::Unknown => Some(Reason::WeatherUnknown { name, what }),
    }
}

/// The winner is the first of the highest priority; the limits are the largest of all that are active.
fn spoken(facts: &Facts<'_>, active: &[Active<'_>]) -> Option<Voice> {
    let highest = active.iter().map(|it| it.schedule.priority).max()?;
    let winner = active.iter().find(|it| it.schedule.priority == highest)?;
    let others = active.iter().filter(|it| !std::ptr::eq(it.schedule, winner.schedule));
    let reason = Reason::Schedule {
        name: winner.schedule.name.clone(),
        until: winner.until,
        also: others.map(|it| it.schedule.name.clone()).collect(),
    };
    let safety = facts.settings.safety;
    let limit = |it: &Active<'_>| it.schedule.longest_on.unwrap_or(safety.longest_on);
    let longest: SignedDuration = active.iter().map(limit).max()?;
    Some(Voice {
        opinion: Opinion { voice: VoiceName::Schedule, wish: Some(Switch::On), reason: Some(reason), changes_at: None },
        until: winner.until,
        limit: Some(longest),
        rest: winner.schedule.rest,
    })
}

/// The earlier of two instants that may be missing.
pub(super) fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}
