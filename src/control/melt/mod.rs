//! The voice of storm heating and frost guard.
//!
//! The forecast is read once, when it comes: which stretches are icy on an unheated walk, and when a mat has to be on for each
//! ([`Reading`]). The voice looks up what that says about the present moment, unless a station near the house knows better.

mod assumed;
mod falls;
mod physics;
mod reading;
mod shut;
mod station;
mod surface;

use jiff::{SignedDuration, Timestamp};

pub use self::falls::precipitation;
pub(super) use self::{
    reading::{Common, Reading, Stretch},
    shut::{shut, shut_of},
};
use super::{
    civil::later,
    conditions::Sky,
    schedule::earliest,
    tariff,
    voice::{Facts, Voice},
};
use crate::model::{ControlSettings, Melt, Mode, Opinion, Outlet, Reason, Switch, VoiceName, Wait};

/// A mat that is on stays on if the next heat begins within this time: the relay and the mat are spared a cycle.
const BRIDGE: SignedDuration = SignedDuration::from_mins(60);

/// What is known of the weather, for one group.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) settings: &'a ControlSettings,
    pub(super) sky: Sky<'a>,
    pub(super) reading: Option<&'a Reading>,
}

impl<'a> View<'a> {
    fn of(facts: &Facts<'a>) -> Self {
        Self { settings: facts.settings, sky: facts.sky, reading: facts.reading }
    }
}

/// What melting says at an instant, apart from what is peculiar to one outlet.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// ON for this reason; or why not.
    pub(super) on: Result<Reason, Reason>,
    /// When the heat ends.
    pub(super) until: Option<Timestamp>,
    /// When this could be different by itself.
    pub(super) changes_at: Option<Timestamp>,
}

/// Looks at the icy stretches around `now`. `held`: the mat is on by these rules already.
pub(super) fn look(melt: &Melt, view: View<'_>, now: Timestamp, held: bool) -> Look {
    let nothing = Reading::default();
    let reading = view.reading.unwrap_or(&nothing);
    let stretches = if held { &reading.loose } else { &reading.strict };
    let measured = view.sky.measured(now).map(|it| station::look(&it, reading, view.sky.forecast, now, held));
    let frost_counts = measured.as_ref().is_none_or(|it| !it.rules_out_frost);
    let counts = |it: &&Stretch| it.ice.hazard.is_precipitation() || frost_counts;
    let gap =
        reading.gaps.iter().find(|(_, to, _)| *to > now).map(|(from, to, _)| if *from > now { *from } else { *to });
    let price = melt.frost_waits.then(|| tariff::changes_at(view.settings, now)).flatten();
    let mut changes_at = [edges(stretches, now), gap, price].into_iter().flatten().min();
    let waits = tariff::expensive(view.settings, now).filter(|_| melt.frost_waits);
    let active = stretches.iter().filter(counts).filter_map(|it| Some((it.mode(now)?, it)));
    let mut best = active.min_by_key(|(mode, it)| (rank(*mode), it.ice.from)).map(|(mode, it)| (mode, it.ice.clone()));
    if let Some(station::Measured { ice: Some((mode, ice)), .. }) = &measured
        && best.as_ref().is_none_or(|(found, _)| rank(*found) > rank(*mode))
    {
        best = Some((*mode, ice.clone()));
    }
    if let Some((mode, ice)) = best {
        if let Some((window, until)) = waits.filter(|_| mode == Mode::FrostGuard) {
            let wait = Wait::Expensive { window: window.name.clone() };
            let changes_at = earliest(changes_at, Some(until));
            return Look { on: Err(Reason::Waits { wait }), until: None, changes_at };
        }
        let until = end(stretches, now);
        return Look { on: Ok(Reason::Icy { mode, ice }), until, changes_at };
    }
    let next = stretches.iter().filter(counts).find(|it| now < it.heat_from);
    let bridged =
        |it: &&Stretch| it.heat_from <= later(now, BRIDGE) && (it.ice.hazard.is_precipitation() || waits.is_none());
    if held && let Some(next) = next.filter(bridged) {
        let mode = if next.ice.hazard.is_precipitation() { Mode::Preheat } else { Mode::FrostGuard };
        let reason = Reason::Icy { mode, ice: next.ice.clone() };
        return Look { on: Ok(reason), until: Some(next.heat_to), changes_at };
    }
    if !held && let Some(next) = next {
        // A mat that is on by then for another reason stays on for it.
        changes_at = earliest(changes_at, Some(next.heat_from));
    }
    let silent = match view.reading {
        None => unknown("the forecast"),
        Some(_) if now >= reading.until => unknown("the forecast"),
        Some(_) => no_ice(reading, next, now),
    };
    Look { on: Err(silent), until: None, changes_at }
}

fn no_ice(reading: &Reading, next: Option<&Stretch>, now: Timestamp) -> Reason {
    let gap = reading.gaps.iter().find(|(from, to, _)| *from <= now && now < *to);
    match gap {
        Some((_, _, what)) => unknown(what),
        None => Reason::NoIce { next: next.map(|it| (it.ice.hazard, it.heat_from)) },
    }
}

/// What the mat does first when several stretches ask for it.
fn rank(mode: Mode) -> u8 {
    match mode {
        Mode::Melt => 0,
        Mode::Preheat => 1,
        Mode::AfterRun => 2,
        _ => 3,
    }
}

fn unknown(what: &str) -> Reason {
    Reason::IceUnknown { what: what.to_owned() }
}

/// The next instant at which any stretch begins or ends to count.
fn edges(stretches: &[Stretch], now: Timestamp) -> Option<Timestamp> {
    let mut first: Option<Timestamp> = None;
    for it in stretches {
        let bridge = later(it.heat_from, -BRIDGE);
        let edges = [bridge, it.heat_from, it.ice.from, it.clear_at, it.heat_to];
        first = edges.into_iter().filter(|at| *at > now).chain(first).min();
        // Ascending: the ones that follow begin later still.
        if first.is_some_and(|first| first <= bridge) {
            break;
        }
    }
    first
}

/// When the heat that is on now ends, through all stretches that overlap.
fn end(stretches: &[Stretch], now: Timestamp) -> Option<Timestamp> {
    let mut end: Option<Timestamp> = None;
    for it in stretches {
        let begun = it.heat_from <= end.unwrap_or(now);
        if begun && it.heat_to > now {
            end = Some(end.map_or(it.heat_to, |end| end.max(it.heat_to)));
        }
    }
    end
}

/// Is the outlet on because these rules wanted it?
pub(super) fn held(outlet: &Outlet) -> bool {
    outlet.memory.ruled_since.is_some() && outlet.switch() == Some(Switch::On)
}

/// What storm heating and frost guard say about an outlet. `shut`: why rules are silent.
pub(super) fn voice(facts: &Facts<'_>, shut: Option<&shut::Shut>) -> Voice {
    let silent = Voice::silent(VoiceName::Melt);
    let Some((melt, group)) = facts.group.and_then(|it| Some((it.melt.as_ref()?, it))) else { return silent };
    if !group.enabled {
        return silent.because(Reason::GroupDisabled);
    }
    if facts.clock_is_wrong() {
        return silent.because(Reason::ClockNotTrusted);
    }
    let held = held(facts.outlet);
    let look = look(melt, View::of(facts), facts.now, held);
    // Each hour may be too warm, too cold or unknown; and what is known grows old.
    let hour = facts.sky.forecast.and_then(|it| it.at(facts.now)).map(|it| it.end);
    let known = [hour, facts.sky.changes_at, look.changes_at];
    let mut changes_at = known.into_iter().flatten().filter(|at| *at > facts.now).min();
    if let Some(shut) = shut {
        let opinion = Opinion { changes_at: earliest(changes_at, shut.until), ..silent.opinion };
        return Voice { opinion, ..silent }.because(shut.reason.clone());
    }
    let moved = facts.outlet.memory.moved_at;
    let spared = |least: SignedDuration| moved.map(|at| later(at, least)).filter(|until| *until > facts.now);
    let on = match look.on {
        Err(Reason::NoIce { .. }) if held && spared(melt.least_on).is_some() => {
            changes_at = earliest(changes_at, spared(melt.least_on));
            Ok((Reason::LeastOn, spared(melt.least_on)))
        }
        Err(Reason::IceUnknown { .. }) if held && facts.held_until().is_some() => {
            changes_at = earliest(changes_at, facts.held_until());
            Ok((Reason::Held, facts.held_until()))
        }
        Ok(_) if !held && facts.outlet.switch() == Some(Switch::Off) && spared(melt.least_off).is_some() => {
            changes_at = earliest(changes_at, spared(melt.least_off));
            Err(Reason::Waits { wait: Wait::LeastOff })
        }
        Ok(reason) => Ok((reason, look.until)),
        Err(reason) => Err(reason),
    };
    let (wish, reason, until) = match on {
        Ok((reason, until)) => (Some(Switch::On), reason, until),
        Err(reason) => (None, reason, None),
    };
    let opinion = Opinion { voice: VoiceName::Melt, wish, reason: Some(reason), changes_at };
    Voice { opinion, until, limit: wish.map(|_| melt.longest_on), rest: None }
}
