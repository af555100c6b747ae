//! What else could hang on the same outlet: for comparison, scored by the same judge.

use crate::model::Slug;

use super::{
    GroupOutcome,
    judge::{self, Hour, Limits, Step, Steps, Truth},
};

/// What hangs on a rival's outlet, in W.
const WATTS: u32 = 1500;
/// 32, 35 and 45 °F in °C.
const FREEZING: f64 = 0.0;
const THERMOSTAT_ON: f64 = 1.67;
const THERMOSTAT_OFF: f64 = 7.22;
/// The predecessor looked at the house every so many seconds, cut after so many, and rested for so many after each switching-off.
const LOOK: i64 = 600;
const LONGEST: i64 = 6 * 3600;
const REST: i64 = 1800;
/// Nothing limits a rival: a hundred years.
const ENDLESS: i64 = 100 * 366 * 86_400;

/// A rule that looks at the present hour alone.
type Rule = fn(&mut State, &Hour, i64);

#[derive(Default)]
struct State {
    on: bool,
    since: i64,
}

/// A thermostat plug: on at 35 °F, off at 45 °F.
fn thermostat(state: &mut State, hour: &Hour, _: i64) {
    state.on = match hour.air {
        Some(air) if air <= THERMOSTAT_ON => true,
        Some(air) if air >= THERMOSTAT_OFF => false,
        _ => state.on,
    };
}

/// The storm rule of the Python scheduler as it behaved: its "60 minutes ahead" were the hour that had already begun, it asked for
/// at most 32 °F, cut after 6 h, and rested half an hour after each switching-off.
fn predecessor(state: &mut State, hour: &Hour, now: i64) {
    if now % LOOK != 0 {
        return;
    }
    let snows = hour.air.is_some_and(|air| air <= FREEZING) && hour.precipitation.is_some_and(|mm| mm > 0.0);
    let may = if state.on { now - state.since < LONGEST } else { now - state.since >= REST };
    let on = snows && may;
    if on != state.on {
        (state.on, state.since) = (on, now);
    }
}

/// The rivals over the same weather and steps, none with limits of its own.
pub(super) fn rivals(hours: &[Hour], truth: &Truth, start: i64, step: i64, count: usize) -> Vec<GroupOutcome> {
    let rules: [(&str, Rule); 2] = [("predecessor", predecessor), ("thermostat", thermostat)];
    let played = rules.into_iter().filter_map(|(name, rule)| {
        let steps = Steps { start, step, states: play(hours, rule, start, step, count) };
        let limits = Limits { longest_on: ENDLESS, ..Limits::default() };
        let score = judge::judge(truth, &steps, &limits);
        Some(GroupOutcome { slug: Slug::of(name)?, heats: true, assumed_watts: false, score, rows: Vec::new() })
    });
    played.collect()
}

fn play(hours: &[Hour], rule: Rule, start: i64, step: i64, count: usize) -> Vec<Step> {
    let mut state = State { on: false, since: i64::MIN / 2 };
    let mut next = 0;
    let mut states = Vec::with_capacity(count);
    for number in 0..count {
        let now = start + i64::try_from(number).unwrap_or(i64::MAX / step.max(1)).saturating_mul(step);
        while hours.get(next).is_some_and(|it| it.end <= now) {
            next += 1;
        }
        if let Some(hour) = hours.get(next).filter(|it| it.start <= now) {
            rule(&mut state, hour, now);
        }
        let watts = if state.on { WATTS } else { 0 };
        states.push(Step { on: state.on, watts, ..Step::default() });
    }
    states
}
