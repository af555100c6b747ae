//! The forecast read for one group: the stretches that are icy, and when the mat is to be on for each.

use jiff::{SignedDuration, Timestamp};

use super::{
    falls::{Air, Falls, falls},
    physics,
    surface::{self, Surface},
};
use crate::{
    control::civil::{earlier, later},
    model::{BlackIce, Celsius, Forecast, FrostRule, Hazard, Ice, Interval, Melt, Mode, Place},
};

/// Frost needs no more warm-up than the mat does.
const FROST_LEAD: SignedDuration = SignedDuration::from_mins(30);
/// Frosts that are no further apart are one.
const FROSTS_JOIN: SignedDuration = SignedDuration::from_hours(2);
/// This much frost is slippery, in mm water equivalent.
const FROST: f64 = 0.02;
/// Frost that no longer grows is none on a mat that was warm while it grew: at least this much settles, in mm an hour.
const SETTLES: f64 = 0.01;
/// A film of water that freezes is ice from this much on, in mm.
const FILM: f64 = 0.03;
/// A wet walk is guarded from this surface temperature on, in °C: an estimate may be off by a kelvin, and black ice is not seen.
const NEAR_FREEZING: f64 = 1.0;
/// Heat dries the film: after this long there is nothing left to freeze.
const FILM_DRIES: SignedDuration = SignedDuration::from_hours(3);
/// Snow that fell faster than the mat melts keeps it on for at most this much longer.
const CLEARS_AT_MOST: SignedDuration = SignedDuration::from_hours(6);
/// The mat's heat evaporates a film of half a millimetre in this time (0.5 kg/m² x 2.5 MJ/kg at 388 W/m² is 54 min).
const DRIES: SignedDuration = SignedDuration::from_mins(60);
/// A mat that is on for a storm stays on over a gap in the forecast of at most this length.
const UNKNOWN_BRIDGED: SignedDuration = SignedDuration::from_hours(2);
/// Hysteresis of the wet bulb for a mat that is on, in K.
const MARGIN: f64 = 0.5;

/// A stretch that is icy, and the times of the heat for it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::control) struct Stretch {
    pub(in crate::control) ice: Ice,
    /// The heat begins.
    pub(in crate::control) heat_from: Timestamp,
    /// What fell is melted.
    pub(in crate::control) clear_at: Timestamp,
    /// The heat ends.
    pub(in crate::control) heat_to: Timestamp,
    /// The source's code and its figures disagree about it.
    pub(in crate::control) disagree: bool,
    /// Two sources disagree about it.
    pub(in crate::control) contested: bool,
}

impl Stretch {
    /// What the mat does about it at an instant. `None` when it need not be on for it.
    pub(in crate::control) fn mode(&self, now: Timestamp) -> Option<Mode> {
        if now < self.heat_from || self.heat_to <= now {
            return None;
        }
        Some(if !self.ice.hazard.is_precipitation() {
            Mode::FrostGuard
        } else if now < self.ice.from {
            Mode::Preheat
        } else if now < self.clear_at {
            Mode::Melt
        } else {
            Mode::AfterRun
        })
    }
}

/// The forecast as one group reads it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::control) struct Reading {
    /// For a mat that is off. Storms and frosts, each ascending by `heat_from`.
    pub(in crate::control) strict: Vec<Stretch>,
    /// For a mat that is on by these rules: what nearly counts, and gaps after what counts, count too.
    pub(in crate::control) loose: Vec<Stretch>,
    /// Nothing is known of what falls in these, with what is missing.
    pub(in crate::control) gaps: Vec<(Timestamp, Timestamp, &'static str)>,
    /// The forecast reaches so far.
    pub(in crate::control) until: Timestamp,
}

/// What the reading of every group of a house begins with.
pub(in crate::control) struct Common<'a> {
    intervals: &'a [Interval],
    airs: Vec<Air>,
    /// The surface while no mat heats it.
    surface: Vec<Option<Surface>>,
}

impl<'a> Common<'a> {
    pub(in crate::control) fn new(forecast: &'a Forecast, place: Place) -> Self {
        let intervals = &forecast.intervals[..];
        let airs: Vec<Air> = intervals.iter().map(Air::of).collect();
        let wets: Vec<f64> = intervals
            .iter()
            .zip(&airs)
            .map(|(it, air)| match falls(it, air, 0.0) {
                Falls::Rain => it.precipitation.unwrap_or(0.2),
                _ => 0.0,
            })
            .collect();
        let surface = surface::walk(intervals, &airs, &wets, place);
        Self { intervals, airs, surface }
    }

    /// The reading of a group.
    pub(in crate::control) fn read(&self, melt: &Melt, black_ice: Option<&BlackIce>) -> Reading {
        let (strict, gaps) = self.stretches(melt, black_ice, false);
        let (loose, _) = self.stretches(melt, black_ice, true);
        let until = self.intervals.last().map_or(Timestamp::MIN, |it| it.end);
        Reading { strict, loose, gaps, until }
    }

    fn stretches(
        &self,
        melt: &Melt,
        black_ice: Option<&BlackIce>,
        held: bool,
    ) -> (Vec<Stretch>, Vec<(Timestamp, Timestamp, &'static str)>) {
        let mut storms = Storms::new(melt, held);
        let mut covered = self.intervals.first().map_or(Timestamp::MIN, |it| it.start);
        for (index, (interval, air)) in self.intervals.iter().zip(&self.airs).enumerate() {
            if interval.start > covered {
                storms.gap(covered, interval.start, "the forecast");
            }
            covered = interval.end;
            storms.take(interval, air, self.surface.get(index).copied().flatten());
        }
        let (mut found, gaps) = storms.finish();
        found.extend(self.frosts(melt, black_ice, held));
        found.sort_by_key(|it| it.heat_from);
        (found, gaps)
    }

    fn frosts(&self, melt: &Melt, black_ice: Option<&BlackIce>, held: bool) -> Vec<Stretch> {
        let mut frosts = Frosts { melt, found: Vec::new() };
        // Water that has frozen since then.
        let mut froze: Option<Timestamp> = None;
        for (index, (interval, air)) in self.intervals.iter().zip(&self.airs).enumerate() {
            let surface = self.surface.get(index).copied().flatten();
            let margin = if held { MARGIN } else { 0.0 };
            if let Falls::Icy { hazard: Hazard::FreezingFog, disagree } = falls(interval, air, margin) {
                frosts.add(Hazard::FreezingFog, interval, air, surface, disagree);
                continue;
            }
            match melt.frost {
                FrostRule::Radiative if surface.is_some_and(|it| is_frosty(&it, held)) => {
                    frosts.add(Hazard::Frost, interval, air, surface, false);
                    continue;
                }
                FrostRule::Seed if black_ice.is_some_and(|rule| is_black_ice(interval, air, rule)) => {
                    frosts.add(Hazard::BlackIce, interval, air, surface, false);
                    continue;
                }
                _ => {}
            }
            let freezes = melt.refreeze && surface.is_some_and(|it| may_freeze(&it));
            if !freezes {
                froze = froze.filter(|_| surface.is_some_and(|it| may_freeze(&it)));
                continue;
            }
            let since = *froze.get_or_insert(interval.start);
            if interval.start < later(since, FILM_DRIES) {
                frosts.add(Hazard::Refreeze, interval, air, surface, false);
            }
        }
        frosts.found
    }
}

/// Is it wet, and cold or nearly so while it cools?
fn may_freeze(it: &Surface) -> bool {
    it.film >= FILM && (it.coldest <= 0.0 || (it.coldest <= NEAR_FREEZING && it.cools))
}

/// Does frost settle, and is there enough of it?
fn is_frosty(it: &Surface, held: bool) -> bool {
    let less = if held { 0.5 } else { 1.0 };
    it.frost >= FROST * less && it.settles >= SETTLES * less
}

/// The seed's rule: near freezing and damp.
fn is_black_ice(it: &Interval, air: &Air, rule: &BlackIce) -> bool {
    const EPSILON: f64 = 1e-9;
    air.temperature.is_some_and(|air| air <= rule.temperature_max.0 + EPSILON)
        && air.temperature.zip(air.dew).is_some_and(|(air, dew)| air - dew <= rule.spread + EPSILON)
        && it.humidity.is_some_and(|it| it >= rule.humidity_min - EPSILON)
}

fn ice(hazard: Hazard, it: &Interval, air: &Air, surface: Option<Surface>) -> Ice {
    Ice {
        hazard,
        from: it.start,
        to: it.end,
        air: air.temperature.map(Celsius),
        wet_bulb: air.wet_bulb.map(Celsius),
        surface: surface.map(|it| Celsius(it.coldest)),
        amount: if hazard.is_precipitation() { it.precipitation } else { None },
    }
}

/// Frosts, as they are found.
struct Frosts<'a> {
    melt: &'a Melt,
    found: Vec<Stretch>,
}

impl Frosts<'_> {
    fn add(&mut self, hazard: Hazard, it: &Interval, air: &Air, surface: Option<Surface>, disagree: bool) {
        if let Some(last) = self.found.last_mut().filter(|last| later(last.ice.to, FROSTS_JOIN) >= it.start) {
            // It is called by what it began with, as its figures are.
            last.ice.to = it.end;
            (last.clear_at, last.heat_to) = (it.end, it.end);
            return;
        }
        let heat_from = earlier(it.start, FROST_LEAD.min(self.melt.lead));
        let ice = ice(hazard, it, air, surface);
        self.found.push(Stretch { ice, heat_from, clear_at: it.end, heat_to: it.end, disagree, contested: false });
    }
}

/// Storms, as they are found.
struct Storms<'a> {
    melt: &'a Melt,
    held: bool,
    found: Vec<Stretch>,
    gaps: Vec<(Timestamp, Timestamp, &'static str)>,
    /// Snow that lies although the mat is on, in mm water equivalent.
    load: f64,
    /// What the mat melts in an hour, by the last interval.
    rate: f64,
}

impl<'a> Storms<'a> {
    fn new(melt: &'a Melt, held: bool) -> Self {
        Self { melt, held, found: Vec::new(), gaps: Vec::new(), load: 0.0, rate: 0.0 }
    }

    fn take(&mut self, it: &Interval, air: &Air, surface: Option<Surface>) {
        let margin = if self.held { MARGIN } else { 0.0 };
        let hours = it.end.duration_since(it.start).as_secs_f64() / 3600.0;
        if let Some(temperature) = air.temperature {
            self.rate = physics::melts_an_hour(self.melt.heat, temperature, it.wind.unwrap_or(3.0));
        }
        match falls(it, air, margin) {
            Falls::Icy { hazard, disagree } if hazard.is_precipitation() => {
                self.load = (self.load + it.precipitation.unwrap_or(0.0) - self.rate * hours).max(0.0);
                self.add(ice(hazard, it, air, surface), surface, disagree);
            }
            Falls::Unknown(what) => self.gap(it.start, it.end, what),
            _ => self.load = (self.load - self.rate * hours).max(0.0),
        }
    }

    /// Nobody knows what falls: never dry after a storm, for a mat that is on.
    fn gap(&mut self, from: Timestamp, to: Timestamp, what: &'static str) {
        self.gaps.push((from, to, what));
        let held = self.held;
        let bridged = |last: &&mut Stretch| held && last.clear_at >= from && last.ice.to <= from;
        if let Some(last) = self.found.last_mut().filter(bridged) {
            let until = to.min(later(last.ice.to, UNKNOWN_BRIDGED));
            if until > last.clear_at {
                last.clear_at = until;
                last.heat_to = last.heat_to.max(later(until, self.melt.after_run));
            }
        }
    }

    fn add(&mut self, new: Ice, surface: Option<Surface>, disagree: bool) {
        let clears = if self.rate > 0.0 {
            SignedDuration::try_from_secs_f64(self.load / self.rate * 3600.0).unwrap_or(CLEARS_AT_MOST)
        } else {
            SignedDuration::ZERO
        };
        let clear_at = later(new.to, clears.min(CLEARS_AT_MOST));
        // What is wet freezes again where the surface is cold, so it is dried whatever the after-run says.
        let dries =
            if self.melt.refreeze && surface.is_none_or(|it| it.coldest <= 0.0) { DRIES } else { SignedDuration::ZERO };
        let heat_to = later(clear_at, self.melt.after_run.max(dries));
        if let Some(last) = self.found.last_mut().filter(|last| last.ice.to == new.from) {
            last.ice.to = new.to;
            last.ice.hazard = last.ice.hazard.max(new.hazard);
            last.ice.amount = match (last.ice.amount, new.amount) {
                (Some(one), Some(other)) => Some(one + other),
                (one, other) => one.or(other),
            };
            last.disagree |= disagree;
            (last.clear_at, last.heat_to) = (clear_at, heat_to);
            return;
        }
        let heat_from = earlier(new.from, self.melt.lead);
        self.found.push(Stretch { ice: new, heat_from, clear_at, heat_to, disagree, contested: false });
    }

    fn finish(self) -> (Vec<Stretch>, Vec<(Timestamp, Timestamp, &'static str)>) {
        (self.found, self.gaps)
    }
}
