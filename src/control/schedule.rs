//! The voice of the schedules.

use jiff::{SignedDuration, Timestamp};

use super::{
    conditions::{self, Asked, Sky},
    tariff,
    timetable::Openings,
    voice::{Facts, Voice},
};
use crate::model::{
    Class, ControlSettings, Fact, GroupSettings, Opinion, Priority, Reason, Schedule, Switch, TariffWindow, VoiceName,
    Wait,
};

/// A schedule whose window is open and whose conditions hold.
struct Active<'a> {
    schedule: &'a Schedule,
    until: Option<Timestamp>,
}

/// A schedule whose window is open, but not all that it asks of the weather is so.
type Waiting<'a> = (&'a Schedule, Fact, Asked);

/// The schedules of a group at an instant.
#[derive(Default)]
pub(super) struct Look<'a> {
    active: Vec<Active<'a>>,
    waiting: Option<Waiting<'a>>,
    /// One could speak, but waits for the end of expensive hours.
    expensive: Option<&'a TariffWindow>,
    /// When this could be different by itself.
    pub(super) changes_at: Option<Timestamp>,
}

/// Looks at every schedule of a group.
pub(super) fn look<'a>(
    group: &'a GroupSettings,
    openings: &[Openings],
    settings: &'a ControlSettings,
    sky: Sky<'_>,
    now: Timestamp,
) -> Look<'a> {
    let mut look = Look::default();
    let mut can_wait = false;
    let mut asks_the_weather = false;
    for (schedule, openings) in group.schedules.iter().zip(openings).filter(|(it, _)| it.enabled) {
        let opening = openings.at(now);
        look.changes_at = earliest(look.changes_at, Some(opening.changes_at));
        let Some(until) = opening.open else { continue };
        asks_the_weather |= !schedule.conditions.is_empty();
        match conditions::unmet_by_either(&schedule.conditions, &settings.thresholds, sky, now) {
            None if group.class == Class::Heater && schedule.priority == Priority::Low => {
                can_wait = true;
                look.expensive = tariff::expensive(settings, now).map(|(window, _)| window);
                if look.expensive.is_none() {
                    look.active.push(Active { schedule, until });
                }
            }
            None => look.active.push(Active { schedule, until }),
            Some((fact, asked)) => {
                // What is unknown is told first: it may become known at any moment.
                let told = look.waiting.is_some_and(|(_, told, _)| told == Fact::Unknown || fact != Fact::Unknown);
                look.waiting = if told { look.waiting } else { Some((schedule, fact, asked)) };
            }
        }
    }
    if asks_the_weather {
        let edges = [sky.forecast, sky.second].into_iter().flatten();
        let edges = edges.filter_map(|it| conditions::change_at(&settings.thresholds, it, now));
        look.changes_at = edges.chain(look.changes_at).chain(sky.changes_at).min();
    }
    if can_wait {
        look.changes_at = earliest(look.changes_at, tariff::changes_at(settings, now));
    }
    look
}

impl<'a> Look<'a> {
    /// The schedule that goes on wishing what it wished before nobody knew the weather any more, and until when.
    fn held(&self, facts: &Facts<'_>) -> Option<(&'a Schedule, Timestamp)> {
        let (schedule, fact, _) = self.waiting?;
        Some((schedule, facts.held_until()?)).filter(|_| fact == Fact::Unknown)
    }

    /// Is it known what the weather is like, as far as it is asked for?
    pub(super) fn is_known(&self) -> bool {
        !self.active.is_empty() || self.waiting.is_none_or(|(_, fact, _)| fact != Fact::Unknown)
    }

    /// The longest time on that the active ones allow: the largest of them. `None` if none is active.
    pub(super) fn limit(&self, settings: &ControlSettings) -> Option<SignedDuration> {
        self.active.iter().map(|it| it.schedule.longest_on.unwrap_or(settings.safety.longest_on)).max()
    }
}

/// What the schedules of the outlet's group say.
pub(super) fn voice(facts: &Facts<'_>) -> Voice {
    let silent = Voice::silent(VoiceName::Schedule);
    let Some(group) = facts.group else { return silent };
    if !group.enabled {
        return silent.because(Reason::GroupDisabled);
    }
    if facts.clock_is_wrong() {
        return silent.because(Reason::ClockNotTrusted);
    }
    let look = look(group, facts.openings, facts.settings, facts.sky, facts.now);
    let says = |wish, reason| Opinion { voice: VoiceName::Schedule, wish, reason, changes_at: look.changes_at };
    let Some(winner) = winner(&look.active) else {
        if let Some((held, until)) = look.held(facts) {
            let opinion = says(Some(Switch::On), Some(Reason::Held));
            let limit = held.longest_on.unwrap_or(facts.settings.safety.longest_on);
            let opinion = Opinion { changes_at: earliest(opinion.changes_at, Some(until)), ..opinion };
            return Voice { opinion, until: Some(until), limit: Some(limit), rest: held.rest };
        }
        let expensive = look.expensive.filter(|_| look.is_known());
        let expensive = expensive.map(|it| Reason::Waits { wait: Wait::Expensive { window: it.name.clone() } });
        let reason = expensive.or(look.waiting.map(|(schedule, fact, asked)| waits(schedule, fact, asked)));
        return Voice { opinion: says(None, reason), ..silent };
    };
    let others = look.active.iter().filter(|it| !std::ptr::eq(it.schedule, winner.schedule));
    let reason = Reason::Schedule {
        name: winner.schedule.name.clone(),
        until: winner.until,
        also: others.map(|it| it.schedule.name.clone()).collect(),
    };
    Voice {
        opinion: says(Some(Switch::On), Some(reason)),
        until: winner.until,
        limit: look.limit(facts.settings),
        rest: winner.schedule.rest,
    }
}

/// The first of the highest priority.
fn winner<'a>(active: &'a [Active<'a>]) -> Option<&'a Active<'a>> {
    let highest = active.iter().map(|it| it.schedule.priority).max()?;
    active.iter().find(|it| it.schedule.priority == highest)
}

fn waits(schedule: &Schedule, fact: Fact, asked: Asked) -> Reason {
    let (name, what) = (schedule.name.clone(), asked.words(fact));
    if fact == Fact::Unknown { Reason::WeatherUnknown { name, what } } else { Reason::ConditionNotMet { name, what } }
}

/// The earlier of two instants that may be missing.
pub(super) fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}
