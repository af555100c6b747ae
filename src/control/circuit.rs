//! A circuit carries only so much: its outlets take turns.
//!
//! Of the outlets that all other voices wish on, those are *entitled* that fit together, by rank. An entitled outlet is *granted*
//! as soon as the relays that are closed, or may be, leave room for it: one that has to give way is first seen off. So the sum
//! holds at every moment, also while turns change.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    Controller,
    civil::later,
    decide::{self, Verdict},
    voice::{Facts, Full},
};
use crate::model::{
    Availability, Circuit, ControlSettings, Decision, Fault, Notice, Outlet, OutletId, Priority, Reason, Slug, Switch,
    Wait,
};

/// A turn, in seconds. Turns are those of the clock, so that they need not be remembered.
const TURN: i64 = 1800;
/// By then a timer on a plug has done what it is there for, however its clock runs.
const OVERDUE: SignedDuration = SignedDuration::from_mins(2);
/// Currents that differ by less are equal.
const EPSILON: f64 = 1e-6;

/// What is known of the circuits beside the settings.
#[derive(Debug, Default)]
pub(super) struct Circuits {
    /// The groups that each of them feeds, by its name.
    pub(super) groups: BTreeMap<String, Vec<Slug>>,
    /// The turn of the last decision, and whether somebody had to wait then.
    turns: BTreeMap<String, (i64, bool)>,
    /// Outlets that were ordered on, and off again before they had reported it: an order may still be under way until this
    /// number has been answered.
    unconfirmed: BTreeMap<OutletId, u64>,
}

impl Circuits {
    pub(super) fn new(settings: &ControlSettings) -> Self {
        let mut groups: BTreeMap<String, Vec<Slug>> = BTreeMap::new();
        for group in settings.groups.values() {
            if let Some(circuit) = group.circuit.as_ref().and_then(|it| settings.circuits.get(it)) {
                groups.entry(circuit.name.clone()).or_default().push(group.slug.clone());
            }
        }
        Self { groups, ..Self::default() }
    }

    /// Outlets have other names now, or are gone.
    pub(super) fn rename(&mut self, name: impl Fn(&OutletId) -> Option<OutletId>) {
        let unconfirmed = std::mem::take(&mut self.unconfirmed);
        self.unconfirmed = unconfirmed.into_iter().filter_map(|(id, it)| Some((name(&id)?, it))).collect();
    }

    /// The outlet has been looked at: nothing that was ordered before `answers` is under way any more.
    pub(super) fn heard(&mut self, id: &OutletId, answers: u64) {
        if self.unconfirmed.get(id).is_some_and(|number| answers >= *number) {
            self.unconfirmed.remove(id);
        }
    }
}

/// Who goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Person,
    Critical,
    Normal,
    Low,
}

/// What an outlet asks of its circuit.
#[derive(Clone, Debug)]
struct Claim {
    amps: f64,
    /// `None` if nothing wishes it on.
    rank: Option<Rank>,
    /// It has its turn.
    has_turn: bool,
    /// It has reported that it is on.
    seen_on: bool,
    /// Current may flow: by its report, by an order, or because nobody knows.
    may_flow: bool,
    /// Does it answer? Not before it has been heard for the first time.
    answers: bool,
    /// It cannot be reached.
    offline: bool,
    /// Its relay does not open, whatever it says.
    is_closed: bool,
}

/// What comes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grant {
    /// Nothing is claimed, or others go first.
    No,
    /// It is next, as soon as others are seen off.
    Soon,
    Yes,
}

/// Shares a circuit out. `keep`: those that have their turn go on before others of their rank.
fn share(budget: f64, claims: &[Claim], turn: i64, keep: bool) -> Vec<Grant> {
    let fits = |amps: f64| amps <= budget + EPSILON;
    let stuck = |it: &Claim| it.is_closed || (it.offline && it.may_flow);
    let mut order: Vec<_> = claims.iter().enumerate().filter_map(|(at, it)| Some((at, it, it.rank?))).collect();
    // What cannot be reached keeps nobody waiting, unless it is on. A person may try.
    order.retain(|(_, it, rank)| *rank == Rank::Person || !it.offline || stuck(it));
    let sizes = order.iter().fold(BTreeMap::<Rank, i64>::new(), |mut sizes, (_, _, rank)| {
        *sizes.entry(*rank).or_default() += 1;
        sizes
    });
    let mut seen: BTreeMap<Rank, i64> = BTreeMap::new();
    let mut order: Vec<_> = order
        .into_iter()
        .map(|(at, it, rank)| {
            let place = seen.entry(rank).or_default();
            let turned = (*place - turn).rem_euclid(sizes.get(&rank).copied().unwrap_or(1));
            *place += 1;
            let goes_on = match keep && it.has_turn {
                true if it.seen_on => 0,
                true => 1,
                false => 2,
            };
            ((it.offline && !stuck(it), rank, goes_on, turned), at, it)
        })
        .collect();
    order.sort_by_key(|(key, ..)| *key);
    let sum = |of: &dyn Fn(&Claim) -> bool| claims.iter().filter(|it| of(it)).map(|it| it.amps).sum::<f64>();
    let mut promised = sum(&stuck);
    let mut flows = sum(&|it| it.may_flow);
    let mut grants = vec![Grant::No; claims.len()];
    for ((_, rank, ..), at, it) in order {
        if !stuck(it) {
            if !fits(promised + it.amps) {
                continue;
            }
            promised += it.amps;
        }
        let more = if it.may_flow { 0.0 } else { it.amps };
        // Nothing is ordered of what has not been heard yet, or nobody would know what comes of it.
        let may_move = it.answers || rank == Rank::Person;
        let grant = if it.seen_on || (may_move && fits(flows + more)) { Grant::Yes } else { Grant::Soon };
        if grant == Grant::Yes {
            flows += more;
        }
        if let Some(found) = grants.get_mut(at) {
            *found = grant;
        }
    }
    grants
}

/// The rank of a decision to switch on.
fn rank(facts: &Facts<'_>, decision: &Decision) -> Option<Rank> {
    if !decision.switch.is_on() {
        return None;
    }
    Some(match &decision.reason {
        Reason::Wished { .. } => Rank::Person,
        Reason::Icy { .. } => Rank::Critical,
        Reason::Schedule { name, .. } => {
            let named = facts.group.iter().flat_map(|it| &it.schedules).filter(|it| it.enabled && it.name == *name);
            match named.map(|it| it.priority).max() {
                Some(Priority::Critical) => Rank::Critical,
                Some(Priority::Normal) | None => Rank::Normal,
                Some(Priority::Low) => Rank::Low,
            }
        }
        _ => Rank::Normal,
    })
}

impl Controller {
    /// The circuit that feeds an outlet, if it has one.
    pub(super) fn circuit_of(&self, outlet: &Outlet) -> Option<&Circuit> {
        // A house without circuits pays nothing for them.
        let group = if self.circuits.groups.is_empty() { None } else { outlet.group.as_ref() };
        let group = self.settings.groups.get(group?)?;
        self.settings.circuits.get(group.circuit.as_ref()?)
    }

    /// The circuits of these outlets, by name.
    pub(super) fn circuits_of(&self, ids: &BTreeSet<OutletId>) -> BTreeSet<String> {
        if self.circuits.groups.is_empty() {
            return BTreeSet::new();
        }
        let outlets = ids.iter().filter_map(|id| self.house.outlets.get(id));
        outlets.filter_map(|it| Some(self.circuit_of(it)?.name.clone())).collect()
    }

    /// Its outlets, ascending.
    fn fed_by(&self, circuit: &str) -> BTreeSet<OutletId> {
        let groups = self.circuits.groups.get(circuit).into_iter().flatten();
        groups.filter_map(|it| self.house.groups.get(it)).flat_map(|it| it.outlets.iter().cloned()).collect()
    }

    fn claim(&self, circuit: &Circuit, outlet: &Outlet, decision: &Decision, now: Timestamp) -> Claim {
        let rank = rank(&self.facts(outlet, now), decision);
        let offline = outlet.availability == Availability::Offline;
        // A plug that has confirmed a timer has opened the relay by itself meanwhile, whoever reaches it.
        let due = outlet.device_timer_off_at().filter(|_| offline).map(|at| later(at, OVERDUE));
        let has_opened = due.is_some_and(|due| due <= now);
        let seen_on = !has_opened && outlet.switch().map_or(outlet.memory.run.on_since.is_some(), Switch::is_on);
        // What cannot be reached does not do what it is ordered to.
        let ordered = outlet.decision.switch.is_on() && !offline;
        let unconfirmed = self.circuits.unconfirmed.contains_key(&outlet.id);
        // Where nobody says what hangs on it, it may be as much as the circuit carries.
        let rated = self.settings.rated_watts(&outlet.id).map(|watts| f64::from(watts) / circuit.volts);
        let is_closed = outlet.alarm == Some(Fault::RelayStuck);
        Claim {
            amps: rated.unwrap_or(circuit.amps),
            rank,
            has_turn: rank == Some(Rank::Person) || outlet.memory.ruled_since.is_some(),
            seen_on,
            may_flow: is_closed || seen_on || ordered || unconfirmed || outlet.availability == Availability::Unknown,
            answers: outlet.availability == Availability::Online,
            offline,
            is_closed,
        }
    }

    /// The turn, and whether those that run go on in it: they do until the end of a turn in which somebody had to wait.
    fn turn(&self, circuit: &Circuit, now: Timestamp) -> (i64, bool) {
        let turn = now.as_second().div_euclid(TURN);
        let last = self.circuits.turns.get(&circuit.name);
        (turn, last.is_none_or(|(number, waits)| *number == turn || !waits))
    }

    /// Why the circuit would not let an outlet be on that is otherwise decided to be. Rules give way to a person.
    pub(super) fn circuit_refuses(&self, outlet: &Outlet, now: Timestamp) -> Option<Reason> {
        let circuit = self.circuit_of(outlet)?;
        let (turn, keep) = self.turn(circuit, now);
        let ids = self.fed_by(&circuit.name);
        let claims = ids.iter().filter_map(|id| {
            let asks = *id == outlet.id;
            let it = if asks { outlet } else { self.house.outlets.get(id)? };
            let claim = self.claim(circuit, it, &decide::decide(&self.facts(it, now)).decision, now);
            // Whoever has asked before goes first.
            Some((id, Claim { has_turn: claim.has_turn && !asks, ..claim }))
        });
        let (ids, claims): (Vec<_>, Vec<_>) = claims.unzip();
        let at = ids.iter().position(|id| **id == outlet.id)?;
        let grant = share(circuit.amps, &claims, turn, keep).get(at).copied();
        (grant == Some(Grant::No)).then(|| full(circuit))
    }

    /// Decides every outlet of a circuit: first as if it carried everything, then with what it carries.
    pub(super) fn decide_circuit(&mut self, name: &str, now: Timestamp, notices: &mut Vec<Notice>) {
        let Some(circuit) = self.settings.circuits.get(name).cloned() else { return };
        let ids = self.fed_by(name);
        let mut looks: Vec<_> = ids.iter().filter_map(|id| self.look_at(id, now, notices)).collect();
        let (turn, keep) = self.turn(&circuit, now);
        let (claims, grants) = loop {
            let claims = looks.iter().map(|(outlet, verdict)| self.claim(&circuit, outlet, &verdict.decision, now));
            let claims: Vec<_> = claims.collect();
            let grants = share(circuit.amps, &claims, turn, keep);
            if !self.end_holds(&mut looks, &grants, now) {
                break (claims, grants);
            }
        };
        let waits = claims.iter().zip(&grants).any(|(claim, grant)| claim.rank.is_some() && *grant == Grant::No);
        self.circuits.turns.insert(circuit.name.clone(), (turn, waits));
        let next = Timestamp::from_second((turn + 1) * TURN).unwrap_or(Timestamp::MAX);
        let full = Full { circuit: &circuit, next_turn: next };
        for ((mut outlet, verdict), (claim, grant)) in looks.into_iter().zip(claims.iter().zip(grants)) {
            let keeps_off = claim.rank.is_some() && grant != Grant::Yes;
            let decision = if keeps_off {
                decide::decide(&Facts { full: Some(full), ..self.facts(&outlet, now) }).decision
            } else {
                verdict.decision.clone()
            };
            // One that waits only until another is seen off has its turn already.
            let ruled = if grant == Grant::Soon { &verdict.decision } else { &decision };
            self.note_rule(&mut outlet, ruled, now);
            // When it has to give way, nobody knows.
            let foreseen =
                claim.rank.is_none() || (grant == Grant::Yes && (!waits || claim.rank == Some(Rank::Person)));
            self.conclude(outlet, decision, foreseen, now);
        }
    }

    /// What goes on only because nobody knows the weather any more ends for good where the circuit has no room for it: it no longer
    /// claims anything. Says whether there was such an outlet.
    fn end_holds(&self, looks: &mut [(Outlet, Verdict)], grants: &[Grant], now: Timestamp) -> bool {
        let mut ended = false;
        for ((outlet, verdict), grant) in looks.iter_mut().zip(grants) {
            let held = verdict.decision.switch.is_on() && verdict.decision.reason == Reason::Held;
            if held && *grant == Grant::No {
                outlet.memory.ruled_since = None;
                *verdict = decide::decide(&self.facts(outlet, now));
                ended = true;
            }
        }
        ended
    }

    /// An order to switch on may be under way, although another is wanted now: until the plug has been looked at afresh its relay
    /// counts as closed.
    pub(super) fn doubt(&mut self, outlet: &mut Outlet) {
        let ordered_on = outlet.decision.switch.is_on() && outlet.switch() != Some(Switch::On);
        if !ordered_on || outlet.availability == Availability::Offline || self.circuit_of(outlet).is_none() {
            return;
        }
        let number = self.commanded.entry(outlet.id.device.clone()).or_default();
        *number += 1;
        outlet.commanded = *number;
        self.circuits.unconfirmed.insert(outlet.id.clone(), *number);
    }

    /// The same for every outlet of a device that is about to be lost.
    pub(super) fn doubt_device(&mut self, device: &Slug) {
        if self.circuits.groups.is_empty() {
            return;
        }
        for id in self.outlets_of(device) {
            let Some(outlet) = self.house.outlets.get(&id) else { continue };
            let mut outlet = Outlet::clone(outlet);
            self.doubt(&mut outlet);
            self.house.outlets.insert(id, Arc::new(outlet));
        }
    }
}

/// Why an outlet has to wait.
pub(super) fn full(circuit: &Circuit) -> Reason {
    Reason::Waits { wait: Wait::Circuit { name: circuit.name.clone(), amps: circuit.amps } }
}
