//! An outlet: what it reported, what is wanted of it, and why.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Look, Passing, minutes, rounded};
use crate::model::{Availability, Decision, Energy, Opinion, Outlet, Reason, Switch, VoiceName};

/// An outlet.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(in crate::web) struct OutletView {
    name: String,
    device: String,
    /// From 1.
    slot: u8,
    group: Option<String>,
    /// `heater`, `light` or `generic`.
    class: &'static str,
    /// `ON` or `OFF`, as the plug reported last; `null` before that.
    state: Option<&'static str>,
    /// Does its device answer?
    available: bool,
    /// In W.
    power: Option<f64>,
    /// In V.
    voltage: Option<f64>,
    /// In A.
    current: Option<f64>,
    /// In kWh, since the plug's midnight.
    energy_today: Option<f64>,
    /// In kWh, since the first of the plug's month.
    energy_month: Option<f64>,
    /// In kWh, since it was first seen: the bridge's own count.
    energy_total: Option<f64>,
    on_since: Option<String>,
    runtime_today_min: i64,
    /// When it was heard last.
    #[schema(value_type = Option<String>)]
    last_seen: Passing<Option<String>>,
    /// When the plug goes off by itself, by the timers that it has confirmed.
    device_timer_off_at: Option<String>,
    #[serde(flatten)]
    decision: DecisionView,
    /// A fault that the plug reports or its meter shows: `overheat`, `overload`, `overcurrent`, `no_load`, `relay_stuck`,
    /// `over_rated`, `drift`.
    fault: Option<&'static str>,
    /// The fault in words.
    fault_words: Option<&'static str>,
    /// It is locked off until somebody acknowledges its fault.
    locked: bool,
    /// It rests after a safety cut, until then.
    cooldown_until: Option<String>,
    /// A command that waits for its answer.
    pending: Option<PendingView>,
}

/// What is wanted of an outlet, and why.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(in crate::web) struct DecisionView {
    /// `ON` or `OFF`.
    desired: &'static str,
    /// Who decides: `auto`, `on` or `off`.
    control: &'static str,
    /// One word, such as `melt`.
    mode: &'static str,
    /// The reason's name for programs.
    reason: &'static str,
    /// The reason for people.
    sentence: String,
    since: String,
    /// When the winning voice's wish ends by itself.
    until: Option<String>,
    /// The next change of position, if nothing else happens.
    next_change: Option<ChangeView>,
    /// The reason that keeps it off although a less important voice wishes it on.
    blocked: Option<&'static str>,
    /// Every voice, the most important first.
    voices: Vec<VoiceView>,
}

/// A change of position that is foreseen.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(in crate::web) struct ChangeView {
    at: String,
    /// `ON` or `OFF`.
    state: &'static str,
}

/// What one voice says.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(in crate::web) struct VoiceView {
    /// `control`, `safety`, `wish`, `vacation`, `pause`, `melt` or `schedule`.
    voice: &'static str,
    /// `ON`, `OFF`, or `null` when it is silent.
    wish: Option<&'static str>,
    /// Is it the one that is followed?
    wins: bool,
    reason: Option<&'static str>,
    sentence: Option<String>,
    changes_at: Option<String>,
}

/// A command that waits for its answer.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(in crate::web) struct PendingView {
    /// `ON` or `OFF`.
    state: &'static str,
    answer_by: String,
    /// The last failure, in words.
    failure: Option<String>,
}

pub(super) fn view(look: &Look<'_>, outlet: &Outlet) -> OutletView {
    let energy = outlet.reported.as_ref().and_then(|it| it.energy);
    let read = |read: fn(&Energy) -> Option<f64>, decimals| rounded(energy.as_ref().and_then(read), decimals);
    let fault = outlet.shown_fault();
    OutletView {
        name: outlet.name.clone(),
        device: outlet.id.device.to_string(),
        slot: outlet.id.slot,
        group: outlet.group.as_ref().map(ToString::to_string),
        class: outlet.class.as_str(),
        state: outlet.switch().map(Switch::as_str),
        available: outlet.availability == Availability::Online,
        power: read(|it| it.power, 1),
        voltage: read(|it| it.voltage, 1),
        current: read(|it| it.current, 3),
        energy_today: read(|it| it.today, 3),
        energy_month: read(|it| it.month, 3),
        energy_total: rounded(outlet.energy_total, 3),
        on_since: look.maybe(outlet.on_since.filter(|_| outlet.switch() == Some(Switch::On))),
        runtime_today_min: minutes(outlet.runtime_today),
        last_seen: Passing(look.maybe(outlet.reported_at)),
        device_timer_off_at: look.maybe(outlet.device_timer_off_at()),
        decision: decision(look, outlet),
        fault: fault.map(|it| it.as_str()),
        fault_words: fault.map(|it| it.words()),
        locked: outlet.memory.lockout.is_some_and(|it| !it.acknowledged),
        cooldown_until: look.maybe(rests_until(&outlet.decision)),
        pending: outlet.pending.as_ref().map(|it| PendingView {
            state: it.switch.as_str(),
            answer_by: look.time(it.answer_by),
            failure: it.failure.clone(),
        }),
    }
}

/// What is wanted of an outlet, and why.
pub(in crate::web) fn decision(look: &Look<'_>, outlet: &Outlet) -> DecisionView {
    let decision = &outlet.decision;
    let wished_on = decision.opinions.iter().any(|it| it.wish == Some(Switch::On));
    let winner = decision.opinions.iter().position(|it| it.wish.is_some());
    let voices = decision.opinions.iter().enumerate();
    DecisionView {
        desired: decision.switch.as_str(),
        control: outlet.control().as_str(),
        mode: decision.mode().as_str(),
        reason: decision.reason.key(),
        sentence: decision.reason.to_string(),
        since: look.time(decision.since),
        until: look.maybe(decision.until),
        next_change: decision.next.map(|it| ChangeView { at: look.time(it.at), state: it.switch.as_str() }),
        blocked: (wished_on && decision.switch == Switch::Off).then(|| decision.reason.key()),
        voices: voices.map(|(at, it)| voice(look, it, winner == Some(at))).collect(),
    }
}

fn voice(look: &Look<'_>, opinion: &Opinion, wins: bool) -> VoiceView {
    VoiceView {
        voice: opinion.voice.as_str(),
        wish: opinion.wish.map(Switch::as_str),
        wins,
        reason: opinion.reason.as_ref().map(Reason::key),
        sentence: opinion.reason.as_ref().map(ToString::to_string),
        changes_at: look.maybe(opinion.changes_at),
    }
}

/// When a rest after a safety cut ends.
pub(super) fn rests_until(decision: &Decision) -> Option<jiff::Timestamp> {
    let safety = decision.opinions.iter().find(|it| it.voice == VoiceName::Safety)?;
    match safety.reason {
        Some(Reason::Resting { until }) => until,
        _ => None,
    }
}
