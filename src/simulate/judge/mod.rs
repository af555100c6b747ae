//! The judge: scores what a group of heaters did against what was true of an unheated walk. It shares no line with the rules that it
//! scores, and works on plain numbers: unix seconds, °C, mm, W.
//!
//! An hour needs heat when frozen precipitation falls (P), when rain water has just frozen (R), or when frost grows (F); R and F come
//! from a balance of heat and water of 7 cm of concrete (`slab`, formulas and sources in `air`). The slab is a model that was never held
//! against a measured surface: it ranks rules, it does not measure ice.

mod air;
mod breaches;
mod score;
mod slab;
mod spans;
mod truth;

pub use self::{
    breaches::Breach,
    score::{Cover, Onsets, Score},
    spans::Span,
    truth::{Need, Truth, needs},
};

/// An hour of weather. What is unknown is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hour {
    /// First second.
    pub start: i64,
    /// First second after it.
    pub end: i64,
    /// Air in °C.
    pub air: Option<f64>,
    /// Dew point in °C.
    pub dew_point: Option<f64>,
    /// Relative humidity in percent.
    pub humidity: Option<f64>,
    /// Wind at 10 m in m/s.
    pub wind: Option<f64>,
    /// Sum over the hour in mm water equivalent.
    pub precipitation: Option<f64>,
    /// Cloud cover, 0 to 1.
    pub cloud: Option<f64>,
    /// What was seen: letters of S, F, R, U, Z, G and t.
    pub letters: String,
}

/// The weather of a place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weather {
    /// Ascending, without overlap; there may be gaps.
    pub hours: Vec<Hour>,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// Why a group is as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Because {
    /// Nothing that could switch it on.
    #[default]
    Nothing,
    /// A person asked.
    Person,
    /// A rule that looks at the weather.
    Weather,
    /// A rule that looks at the clock alone.
    Clock,
    /// The weather has become unknown, and what was decided is kept for a while.
    Held,
    /// It was switched on only a moment ago.
    LeastOn,
    /// It must be off: rest, lockout, or control set to off.
    Forbidden,
}

/// A group during one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Is any of its outlets on?
    pub on: bool,
    /// What those draw, in W.
    pub watts: u32,
    /// Why.
    pub because: Because,
    /// Seconds since the newest forecast was fetched; `None` while there was none.
    pub forecast_age: Option<u32>,
}

/// A group, step by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps {
    /// The first step's beginning.
    pub start: i64,
    /// Length of a step in seconds, above 0.
    pub step: i64,
    /// One a step.
    pub states: Vec<Step>,
}

impl Steps {
    /// The beginning of a step.
    fn at(&self, number: usize) -> i64 {
        self.start + i64::try_from(number).unwrap_or(i64::MAX / self.step.max(1)).saturating_mul(self.step)
    }

    /// When it was on.
    fn on(&self) -> Vec<Span> {
        let mut found = Vec::new();
        for (number, _) in self.states.iter().enumerate().filter(|(_, it)| it.on) {
            spans::push(&mut found, (self.at(number), self.at(number + 1)));
        }
        found
    }
}

/// What a group may not do. Seconds and °C.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Rules may not heat in warmer air; `None` where the group has no such limit.
    pub too_warm: Option<f64>,
    /// The longest run.
    pub longest_on: i64,
    /// No rule may act on an older forecast; `None` where there is none.
    pub forecast_valid: Option<i64>,
    /// For so long after that, what was decided may be kept.
    pub hold: i64,
    /// For so long it may stay on to spare the relay.
    pub least_on: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { too_warm: None, longest_on: 24 * 3600, forecast_valid: None, hold: 0, least_on: 0 }
    }
}

/// Scores a group.
pub fn judge(truth: &Truth, steps: &Steps, limits: &Limits) -> Score {
    let on = steps.on();
    Score { breaches: breaches::breaches(truth, steps, limits, &on), ..score::score(truth, steps, &on) }
}
