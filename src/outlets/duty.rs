//! What a device's task does next. Nothing is queued: each time the orders are compared with what the outlets reported.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::{
    outlet::Outlet,
    survey::{Question, Survey},
};
use crate::model::{Orders, Switch};

/// One thing to do, which takes at most one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// Move a relay.
    Switch(u8, Switch),
    /// Look at all outlets.
    Look,
    /// Look at all outlets because it is time to.
    Poll,
    /// Ask about a meter.
    Ask(Question),
    /// Announce what was learned about the meters.
    Announce,
    /// Report what the meters said.
    Enrich,
    /// Ask the housing about itself.
    Housing,
    /// Nothing until then, or until there are new orders.
    Rest(Instant),
}

/// What is due beside the outlets' own needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agenda {
    /// The next poll.
    pub(super) poll_at: Instant,
    /// Something was learned about the meters and not announced.
    pub(super) learned: bool,
    /// Meters were read and not reported.
    pub(super) measured: bool,
    /// The housing is to be asked about itself.
    pub(super) housing_due: bool,
    /// Nothing that can wait is asked before this: a meter settles after a switch, and who switches once often switches again.
    pub(super) quiet_until: Instant,
}

/// The most urgent duty. OFF goes before everything, and all of them before a look; ON waits until what was switched has been
/// looked at; the meters wait for everything else.
pub(super) fn next(
    outlets: &BTreeMap<u8, Outlet>,
    orders: &Orders,
    survey: &Survey,
    agenda: Agenda,
    now: Instant,
) -> Duty {
    let due = |to: Switch| {
        let wanted = orders.wanted.iter().filter(move |(_, wanted)| **wanted == to);
        wanted.map(|(slot, _)| *slot).find(|slot| outlets.get(slot).is_some_and(|it| it.is_due(to, now)))
    };
    if let Some(slot) = due(Switch::Off) {
        return Duty::Switch(slot, Switch::Off);
    }
    if outlets.values().any(Outlet::awaits_look) {
        return Duty::Look;
    }
    if let Some(slot) = due(Switch::On) {
        return Duty::Switch(slot, Switch::On);
    }
    if outlets.values().any(|it| !it.has_answered(orders.commanded)) {
        return Duty::Look;
    }
    if agenda.poll_at <= now {
        return Duty::Poll;
    }
    let rest_until = wake_at(outlets, orders, agenda, now);
    match background(outlets, survey, agenda, now) {
        Some(duty) if agenda.quiet_until <= now => duty,
        Some(_) => Duty::Rest(rest_until.min(agenda.quiet_until)),
        None => Duty::Rest(rest_until),
    }
}

/// What the meters can do comes before what they read, for it decides which request reads them.
fn background(outlets: &BTreeMap<u8, Outlet>, survey: &Survey, agenda: Agenda, now: Instant) -> Option<Duty> {
    let learn = survey.to_learn(outlets, now).map(Duty::Ask);
    let read = || survey.to_read(outlets, now).map(Duty::Ask);
    let enrich = || agenda.measured.then_some(Duty::Enrich);
    let housing = || agenda.housing_due.then_some(Duty::Housing);
    learn.or(agenda.learned.then_some(Duty::Announce)).or_else(read).or_else(enrich).or_else(housing)
}

/// The poll, or the end of an outlet's pause that comes before it.
fn wake_at(outlets: &BTreeMap<u8, Outlet>, orders: &Orders, agenda: Agenda, now: Instant) -> Instant {
    let retries = orders.wanted.iter().filter_map(|(slot, wanted)| outlets.get(slot)?.retry_at(*wanted));
    retries.filter(|at| *at > now).fold(agenda.poll_at, Instant::min)
}
