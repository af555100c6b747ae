//! What must never happen: each breach of a limit, once, with when and what.

use super::{
    Because, Limits, Step, Steps, Truth,
    spans::{self, Span},
};

/// A breach of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// When it began, in unix seconds.
    pub at: i64,
    /// What.
    pub what: String,
}

pub(super) fn breaches(truth: &Truth, steps: &Steps, limits: &Limits, on: &[Span]) -> Vec<Breach> {
    let mut found: Vec<Breach> = Vec::new();
    if let Some(limit) = limits.too_warm {
        // What the air is at a step's beginning is known to the controller only then: one step is granted.
        let mut at = 0;
        let too_warm = |number: usize, step: &Step| {
            let air = air_at(truth, steps.at(number), &mut at);
            step.because != Because::Person && air.is_some_and(|it| it > limit + 1e-9)
        };
        episodes(steps, 2, &mut found, too_warm, &format!("on in air warmer than {limit:.1} °C"));
    }
    for run in on.iter().filter(|it| it.1 - it.0 > limits.longest_on + steps.step) {
        let what = format!("on for {} min, {} are allowed", (run.1 - run.0) / 60, limits.longest_on / 60);
        found.push(Breach { at: run.0, what });
    }
    if let Some(valid) = limits.forecast_valid {
        let stale = |_: usize, step: &Step| {
            let granted = match step.because {
                Because::Weather => valid,
                Because::Held => valid + limits.hold,
                Because::LeastOn => valid + limits.least_on,
                Because::Person | Because::Clock | Because::Nothing | Because::Forbidden => return false,
            };
            step.forecast_age.is_none_or(|age| i64::from(age) > granted + steps.step)
        };
        episodes(steps, 1, &mut found, stale, "on by a rule although the forecast is too old");
    }
    let forbidden = |_: usize, step: &Step| step.because == Because::Forbidden;
    episodes(steps, 1, &mut found, forbidden, "on during rest, lockout or control off");
    found.sort_by_key(|it| it.at);
    found
}

/// Adds each stretch of at least `least` steps that it is on and `wrong`.
fn episodes(
    steps: &Steps,
    least: usize,
    found: &mut Vec<Breach>,
    mut wrong: impl FnMut(usize, &Step) -> bool,
    what: &str,
) {
    let mut length = 0;
    for (number, step) in steps.states.iter().enumerate() {
        length = if step.on && wrong(number, step) { length + 1 } else { 0 };
        if length == least {
            found.push(Breach { at: steps.at(number + 1 - least), what: what.to_owned() });
        }
    }
}

/// The air at an instant. `from` is where to begin to look: instants ascend.
fn air_at(truth: &Truth, at: i64, from: &mut usize) -> Option<f64> {
    while truth.air.get(*from).is_some_and(|((_, end), _)| *end <= at) {
        *from += 1;
    }
    truth.air.get(*from).filter(|(span, _)| spans::holding(std::slice::from_ref(span), at).is_some()).map(|it| it.1)
}
