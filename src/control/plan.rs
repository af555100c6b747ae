//! The plan: when each group will be on, why, and what that takes.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{
    foresight::{Foresight, horizon},
    tariff,
};
use crate::model::{ControlSettings, Decision, House, Ice, Mode, OutletId, Plan, PlannedWindow, Reason, Slug, Switch};

/// What is foreseen for each group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Foreseen {
    /// When it will be on.
    pub plans: BTreeMap<Slug, Plan>,
    /// The icy stretches that its rules act on, ascending.
    pub ice: BTreeMap<Slug, Vec<Ice>>,
}

/// When each group will be on if the forecast comes true and nobody does anything: by running the controller itself forward, so
/// cooldowns, limits and wishes are in it. To `until`, but no further than the forecast reaches, and at most 48 h.
pub fn plan(settings: &Arc<ControlSettings>, house: &House, until: Timestamp) -> BTreeMap<Slug, Plan> {
    foresee(settings, house, until).plans
}

/// The same, with the icy stretches.
pub fn foresee(settings: &Arc<ControlSettings>, house: &House, until: Timestamp) -> Foreseen {
    let until = horizon(settings, house, until);
    let mut ahead = Foresight::of(settings, house);
    let mut tracks: Vec<Track> = settings.groups.keys().map(|it| Track::of(it, settings, ahead.house())).collect();
    loop {
        let from = ahead.at();
        let (price, changes_at) = price(settings, from);
        for track in &mut tracks {
            track.look(ahead.house(), house, from, price);
        }
        let next = changes_at.filter(|it| *it > from).map_or(until, |it| it.min(until));
        if !ahead.step(next) {
            break;
        }
        for track in &mut tracks {
            track.spend(hours(from, ahead.at()), price);
        }
    }
    let (mut plans, mut ice) = (BTreeMap::new(), BTreeMap::new());
    for mut track in tracks {
        track.close(ahead.at());
        ice.insert(track.group.clone(), std::mem::take(&mut track.ice));
        plans.insert(track.group.clone(), track.plan(settings, house.at, ahead.at()));
    }
    Foreseen { plans, ice }
}

/// The price of a kWh at an instant, and when it could be another.
fn price(settings: &ControlSettings, at: Timestamp) -> (Option<f64>, Option<Timestamp>) {
    (tariff::price_at(settings, at), tariff::changes_at(settings, at))
}

/// A group on its way.
struct Track {
    group: Slug,
    /// Its outlets, with what hangs on each in W.
    outlets: Vec<(OutletId, Option<u32>)>,
    open: Option<PlannedWindow>,
    /// What draws now, in kW; `None` where nobody knows.
    load: Option<f64>,
    windows: Vec<PlannedWindow>,
    ice: Vec<Ice>,
}

impl Track {
    fn of(group: &Slug, settings: &ControlSettings, house: &House) -> Self {
        let outlets = house.groups.get(group).map(|it| it.outlets.clone()).unwrap_or_default();
        let outlets = outlets.into_iter().map(|id| {
            let watts = settings.rated_watts(&id);
            (id, watts)
        });
        let outlets = outlets.collect();
        Self { group: group.clone(), outlets, open: None, load: None, windows: Vec::new(), ice: Vec::new() }
    }

    /// Looks at the group as it is from `now` on. `living` is the house that the plan began with.
    fn look(&mut self, house: &House, living: &House, now: Timestamp, price: Option<f64>) {
        let mut speaks: Option<(&OutletId, &Decision)> = None;
        self.load = None;
        for (id, watts) in &self.outlets {
            let Some(outlet) = house.outlets.get(id) else { continue };
            note_ice(&mut self.ice, &outlet.decision);
            if outlet.switch() == Some(Switch::On) {
                self.load =
                    watts.map(|it| f64::from(it) / 1000.0).into_iter().chain(self.load).reduce(|one, it| one + it);
                speaks = speaks.or(Some((id, &outlet.decision)));
            }
        }
        let mode = speaks.map(|(_, it)| it.mode());
        if self.open.as_ref().map(|it| it.mode) == mode {
            return;
        }
        // What is on already has begun when it was switched on.
        let since = |id: &OutletId| living.outlets.get(id).filter(|it| it.switch() == Some(Switch::On))?.on_since;
        let begins = |id| since(id).filter(|at| now == living.at && *at < now).unwrap_or(now);
        let next = speaks.map(|(id, decision)| (begins(id), window(begins(id), decision)));
        self.close(now);
        let Some((start, window)) = next else { return };
        self.open = Some(window);
        self.spend(hours(start, now), price);
    }

    /// Counts the energy of some hours.
    fn spend(&mut self, hours: f64, price: Option<f64>) {
        let (Some(window), Some(load)) = (&mut self.open, self.load) else { return };
        let spent = load * hours;
        window.kwh = Some(window.kwh.unwrap_or_default() + spent);
        if let Some(price) = price {
            window.cost = Some(window.cost.unwrap_or_default() + spent * price);
        }
    }

    fn close(&mut self, now: Timestamp) {
        let Some(mut window) = self.open.take() else { return };
        window.end = whole_second(now);
        if window.start < window.end {
            self.windows.push(window);
        }
    }

    fn plan(mut self, settings: &ControlSettings, made_at: Timestamp, until: Timestamp) -> Plan {
        for window in &mut self.windows {
            window.kwh = window.kwh.map(|it| rounded(it, 1000.0));
            window.cost = window.cost.map(|it| rounded(it, 100.0));
        }
        let sum = |read: fn(&PlannedWindow) -> Option<f64>, scale| {
            let all = self.windows.iter().filter_map(read).reduce(|one, other| one + other);
            all.map(|it| rounded(it, scale))
        };
        Plan {
            made_at: whole_second(made_at),
            until: whole_second(until),
            kwh: sum(|it| it.kwh, 1000.0),
            cost: sum(|it| it.cost, 100.0),
            currency: settings.tariff.as_ref().map(|it| it.currency.clone()).filter(|it| !it.is_empty()),
            windows: self.windows,
        }
    }
}

fn window(start: Timestamp, decision: &Decision) -> PlannedWindow {
    let (mode, reason): (Mode, _) = (decision.mode(), decision.reason.to_string());
    PlannedWindow { start: whole_second(start), end: start, mode, reason, kwh: None, cost: None }
}

/// Adds the stretch of ice that a decision is about, whoever wins; one that is known already may have grown.
fn note_ice(known: &mut Vec<Ice>, decision: &Decision) {
    for opinion in &decision.opinions {
        let Some(Reason::Icy { ice, .. }) = &opinion.reason else { continue };
        match known.iter_mut().rfind(|it| it.hazard == ice.hazard && it.from == ice.from) {
            Some(before) => before.to = before.to.max(ice.to),
            None => known.push(ice.clone()),
        }
    }
}

fn hours(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() / 3600.0
}

fn rounded(figure: f64, scale: f64) -> f64 {
    (figure * scale).round() / scale
}

/// The second that has begun.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_millisecond().div_euclid(1000)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Hazard, Opinion, VoiceName};

    fn snow(from: i64, to: i64) -> Ice {
        let at = |second| Timestamp::from_second(second).unwrap_or_default();
        let (air, wet_bulb, surface, amount) = (None, None, None, None);
        Ice { hazard: Hazard::Snow, from: at(from), to: at(to), air, wet_bulb, surface, amount }
    }

    #[test]
    fn a_stretch_of_ice_is_noted_once_and_grows() {
        let mut known = Vec::new();
        for ice in [snow(0, 100), snow(0, 200), snow(0, 100), snow(500, 600)] {
            let reason = Reason::Icy { mode: Mode::Melt, ice };
            let opinion = Opinion { reason: Some(reason), ..Opinion::silent(VoiceName::Melt) };
            let decision = Decision {
                switch: Switch::Off,
                reason: Reason::ControlOff,
                since: Timestamp::UNIX_EPOCH,
                until: None,
                review_at: None,
                next: None,
                opinions: vec![opinion],
            };
            note_ice(&mut known, &decision);
        }
        assert_eq!(known, [snow(0, 200), snow(500, 600)], "although another voice wins");
    }
}
