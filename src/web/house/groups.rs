//! A group: what its outlets do together.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Look, minutes, outlets::rests_until, rounded};
use crate::model::{Control, Group, GroupState, Outlet, Reason, Switch};

/// A group.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(in crate::web) struct GroupView {
    name: String,
    /// `heater`, `light` or `generic`.
    class: &'static str,
    /// Its rules are silent when false.
    enabled: bool,
    /// `ON`, `OFF`, `MIXED`, or `null` while none of its outlets has reported.
    state: Option<&'static str>,
    /// What all its outlets are set to; `auto` where they differ.
    control: &'static str,
    /// Mode, reason and so on are those of an outlet that is wanted on, else of one that something keeps off, else of the first.
    mode: Option<&'static str>,
    reason: Option<&'static str>,
    sentence: Option<String>,
    until: Option<String>,
    next_on: Option<String>,
    next_off: Option<String>,
    /// The longest time on since local midnight, of its outlets.
    runtime_today_min: i64,
    /// The longest time on since the last rest, of its outlets.
    runtime_min: i64,
    cooldown_until: Option<String>,
    /// In W, of the outlets that measure.
    power: Option<f64>,
    schedules: usize,
    /// As `device/slot`.
    outlets: Vec<String>,
}

pub(super) fn view(look: &Look<'_>, group: &Group) -> GroupView {
    let outlets: Vec<&Arc<Outlet>> = group.outlets.iter().filter_map(|id| look.house.outlets.get(id)).collect();
    let spoken = spokesman(&outlets).map(|it| &it.decision);
    let settings = look.settings.and_then(|it| it.groups.get(&group.slug));
    let next = |to: Switch| {
        let changes = outlets.iter().filter_map(|it| it.decision.next).filter(|it| it.switch == to);
        look.maybe(changes.map(|it| it.at).min())
    };
    let power = outlets.iter().filter_map(|it| it.reported.as_ref()?.energy?.power);
    GroupView {
        name: group.name.clone(),
        class: settings.map_or("generic", |it| it.class.as_str()),
        enabled: settings.is_none_or(|it| it.enabled),
        state: state(group.state(look.house)),
        control: control(&outlets).as_str(),
        mode: spoken.map(|it| it.mode().as_str()),
        reason: spoken.map(|it| it.reason.key()),
        sentence: spoken.map(|it| it.reason.to_string()),
        until: look.maybe(spoken.and_then(|it| it.until)),
        next_on: next(Switch::On),
        next_off: next(Switch::Off),
        runtime_today_min: outlets.iter().map(|it| minutes(it.runtime_today)).max().unwrap_or_default(),
        runtime_min: outlets.iter().map(|it| minutes(it.memory.run.elapsed(look.house.at))).max().unwrap_or_default(),
        cooldown_until: look.maybe(outlets.iter().filter_map(|it| rests_until(&it.decision)).max()),
        power: rounded(power.reduce(|one, other| one + other), 1),
        schedules: group.schedules.len(),
        outlets: group.outlets.iter().map(ToString::to_string).collect(),
    }
}

/// As programs read it.
pub(in crate::web) fn state(position: GroupState) -> Option<&'static str> {
    match position {
        GroupState::On => Some("ON"),
        GroupState::Off => Some("OFF"),
        GroupState::Mixed => Some("MIXED"),
        GroupState::Unknown => None,
    }
}

fn control(outlets: &[&Arc<Outlet>]) -> Control {
    let mut controls = outlets.iter().map(|it| it.control());
    let first = controls.next().unwrap_or_default();
    if controls.all(|it| it == first) { first } else { Control::Auto }
}

/// The outlet that speaks for all of them.
pub(in crate::web) fn spokesman<'a>(outlets: &[&'a Arc<Outlet>]) -> Option<&'a Outlet> {
    let first = |asks: fn(&Outlet) -> bool| outlets.iter().copied().map(Arc::as_ref).find(|it| asks(it));
    let wanted_on = first(|it| it.decision.switch.is_on());
    wanted_on.or_else(|| first(|it| it.decision.reason != Reason::NothingAsks)).or_else(|| first(|_| true))
}
