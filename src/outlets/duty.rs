//! What a device's task does next. Nothing is queued: each time the orders are compared with what the outlets reported.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    guard::Tempo,
    led::LedDuty,
    outlet::Outlet,
    survey::{Question, Survey},
};
use crate::{
    hub::Operation,
    model::{Order, Orders, Switch, Timer},
};

/// One thing to do, which takes at most one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// Move a relay.
    Switch(u8, Switch),
    /// Set the countdown of an outlet that is on anew.
    Arm(u8),
    /// Take a countdown away that has nothing left to do.
    Clear(u8),
    /// Read the countdown of an outlet.
    ReadCountdown(u8),
    /// Look after the outlet's lasting settings.
    Settle(u8),
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
    /// Look after the light on the housing.
    Led(LedDuty),
    /// Nothing until then, or until there are new orders.
    Rest(Instant),
}

impl Duty {
    /// What it is counted as. `None` if nothing is asked of the device.
    pub(super) fn operation(self, with_timers: bool) -> Option<Operation> {
        match self {
            Self::Switch(..) => Some(Operation::Switch),
            Self::ReadCountdown(_) if !with_timers => None,
            Self::Arm(_) | Self::Clear(_) | Self::ReadCountdown(_) | Self::Settle(_) => Some(Operation::Timer),
            Self::Look | Self::Poll => Some(Operation::Poll),
            Self::Ask(_) => Some(Operation::Meter),
            Self::Housing | Self::Led(_) => Some(Operation::Info),
            Self::Announce | Self::Enrich | Self::Rest(_) => None,
        }
    }
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

/// Now, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Instant,
    /// The time of the house.
    pub(super) clock: Timestamp,
    pub(super) tempo: Tempo,
}

/// The most urgent duty. OFF goes before everything, and all of them before a look; a countdown that runs low is set anew before
/// anything is switched on; ON waits until what was switched has been looked at; the meters wait for everything else.
pub(super) fn next(
    outlets: &BTreeMap<u8, Outlet>,
    orders: &Orders,
    survey: &Survey,
    agenda: Agenda,
    moment: Moment,
) -> Duty {
    let now = moment.now;
    let condemned = outlets.iter().filter(|(_, it)| it.guard.is_condemned()).map(|(slot, _)| *slot);
    let due = |to: Switch| {
        let wanted = orders.wanted.iter().filter(move |(_, wanted)| wanted.switch == to);
        wanted.map(|(slot, _)| *slot)
    };
    let insisted = orders.wanted.iter().filter(|(_, order)| order.insist && !order.switch.is_on());
    let insisted = insisted.map(|(slot, _)| *slot).find(|slot| outlets.get(slot).is_some_and(|it| it.may_insist(now)));
    let can = |slot: &u8, to| outlets.get(slot).is_some_and(|it| it.is_due(to, now));
    if let Some(slot) = condemned.chain(due(Switch::Off)).find(|slot| can(slot, Switch::Off)) {
        return Duty::Switch(slot, Switch::Off);
    }
    if let Some(slot) = insisted {
        return Duty::Switch(slot, Switch::Off);
    }
    if outlets.values().any(Outlet::awaits_look) {
        return Duty::Look;
    }
    if let Some(slot) = to_arm(outlets, orders, moment) {
        return Duty::Arm(slot);
    }
    if let Some(slot) = due(Switch::On).find(|slot| can(slot, Switch::On)) {
        return Duty::Switch(slot, Switch::On);
    }
    if outlets.values().any(|it| !it.has_answered(orders.commanded)) {
        return Duty::Look;
    }
    if agenda.poll_at <= now {
        return Duty::Poll;
    }
    let rest_until = wake_at(outlets, orders, agenda, moment);
    match background(outlets, orders, survey, agenda, now) {
        Some(duty) if agenda.quiet_until <= now => duty,
        Some(_) => Duty::Rest(rest_until.min(agenda.quiet_until)),
        None => Duty::Rest(rest_until),
    }
}

/// An outlet that is on, is to stay on, and whose countdown is missing or runs low.
fn to_arm(outlets: &BTreeMap<u8, Outlet>, orders: &Orders, moment: Moment) -> Option<u8> {
    let wanted_on = |it: &&Outlet, order: &Order| order.switch.is_on() && it.switch() == Some(Switch::On);
    let due = |it: &Outlet, order| it.guard.is_due(order, moment.tempo, moment.now, moment.clock);
    let mut ordered = orders.wanted.iter().filter_map(|(slot, order)| Some((*slot, outlets.get(slot)?, order)));
    ordered.find(|(_, it, order)| wanted_on(it, order) && due(it, order)).map(|(slot, ..)| slot)
}

/// What the meters can do comes before what they read, for it decides which request reads them.
fn background(
    outlets: &BTreeMap<u8, Outlet>,
    orders: &Orders,
    survey: &Survey,
    agenda: Agenda,
    now: Instant,
) -> Option<Duty> {
    let timers = || timers(outlets, orders);
    let learn = survey.to_learn(outlets, now).map(Duty::Ask);
    let read = || survey.to_read(outlets, now).map(Duty::Ask);
    let enrich = || agenda.measured.then_some(Duty::Enrich);
    let housing = || agenda.housing_due.then_some(Duty::Housing);
    let meters = learn.or(agenda.learned.then_some(Duty::Announce));
    meters.or_else(timers).or_else(read).or_else(enrich).or_else(housing)
}

/// What can wait about the timers of the outlets.
fn timers(outlets: &BTreeMap<u8, Outlet>, orders: &Orders) -> Option<Duty> {
    let order = |slot| orders.wanted.get(slot);
    let guarded = |slot| order(slot).filter(|it| it.timer != Timer::None);
    let off = |slot| order(slot).is_some_and(|it| !it.switch.is_on());
    let left_over =
        outlets.iter().find(|(slot, it)| it.guard.is_left_over() && it.switch() == Some(Switch::Off) && off(slot));
    let unread = || outlets.iter().find(|(slot, it)| order(slot).is_some() && it.guard.is_unread());
    let unsettled =
        || outlets.iter().find(|(slot, it)| guarded(slot).is_some_and(|order| it.guard.is_unsettled(order.longest_on)));
    let clear = left_over.map(|(slot, _)| Duty::Clear(*slot));
    let read = || unread().map(|(slot, _)| Duty::ReadCountdown(*slot));
    clear.or_else(read).or_else(|| unsettled().map(|(slot, _)| Duty::Settle(*slot)))
}

/// The poll, or the end of an outlet's pause or the next setting of its countdown that comes before it.
fn wake_at(outlets: &BTreeMap<u8, Outlet>, orders: &Orders, agenda: Agenda, moment: Moment) -> Instant {
    let ordered = || orders.wanted.iter().filter_map(|(slot, order)| Some((outlets.get(slot)?, order)));
    let retries = ordered().filter_map(|(it, order)| it.retry_at(order.switch));
    let armed = ordered().filter(|(_, order)| order.switch.is_on() && order.timer != Timer::None);
    let renewals = armed.filter_map(|(it, _)| it.guard.due_at(moment.tempo));
    retries.chain(renewals).filter(|at| *at > moment.now).fold(agenda.poll_at, Instant::min)
}
