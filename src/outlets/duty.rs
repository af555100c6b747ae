//! What a device's task does next. Nothing is queued: each time the orders are compared with what the outlets reported.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::outlet::{Asked, Outlet};
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
    /// Read a meter.
    Measure(u8, Asked),
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
    /// Meters were read and not reported.
    pub(super) measured: bool,
    /// The housing is to be asked about itself.
    pub(super) housing_due: bool,
    /// Nothing that can wait is asked before this: a meter settles after a switch, and who switches once often switches again.
    pub(super) quiet_until: Instant,
}

/// The most urgent duty. OFF goes before everything, and all of them before a look; ON waits until what was switched has been
/// looked at; the meters wait for everything else.
pub(super) fn next(outlets: &BTreeMap<u8, Outlet>, orders: &Orders, agenda: Agenda, now: Instant) -> Duty {
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
    match background(outlets, agenda) {
        Some(duty) if agenda.quiet_until <= now => duty,
        Some(_) => Duty::Rest(rest_until.min(agenda.quiet_until)),
        None => Duty::Rest(rest_until),
    }
}

fn background(outlets: &BTreeMap<u8, Outlet>, agenda: Agenda) -> Option<Duty> {
    let power = outlets.iter().find(|(_, it)| it.power_due).map(|(slot, _)| Duty::Measure(*slot, Asked::Power));
    let usage = || outlets.iter().find(|(_, it)| it.usage_due).map(|(slot, _)| Duty::Measure(*slot, Asked::Usage));
    let enrich = || agenda.measured.then_some(Duty::Enrich);
    power.or_else(usage).or_else(enrich).or(agenda.housing_due.then_some(Duty::Housing))
}

/// The poll, or the end of an outlet's pause that comes before it.
fn wake_at(outlets: &BTreeMap<u8, Outlet>, orders: &Orders, agenda: Agenda, now: Instant) -> Instant {
    let retries = orders.wanted.iter().filter_map(|(slot, wanted)| outlets.get(slot)?.retry_at(*wanted));
    retries.filter(|at| *at > now).fold(agenda.poll_at, Instant::min)
}
