//! The timers on the plugs: what is asked of them, and what they tell.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp, Unit};

use super::{Controller, record::tell};
use crate::model::{
    Change, Class, Fault, Notice, NoticeKind, Order, Outlet, OutletId, Report, Switch, Timer, TimerConcern, VoiceName,
};

/// A change this close to the moment at which a timer on the plug was due is the timer's work.
const DUE: SignedDuration = SignedDuration::from_secs(30);

impl Controller {
    /// What is to be brought about at an outlet, and when its plug should end it by itself.
    pub(super) fn order(&self, outlet: &Outlet) -> Order {
        let decision = &outlet.decision;
        let next_off = decision.next.filter(|it| it.switch == Switch::Off).map(|Change { at, .. }| at);
        let limit = || decision.opinions.iter().find(|it| it.voice == VoiceName::Safety)?.changes_at;
        // Whole seconds, so that an end which is worked out anew is the same end.
        let whole = |at: Timestamp| at.round(Unit::Second).unwrap_or(at);
        let off_by = decision.switch.is_on().then(|| next_off.or_else(limit)).flatten().map(whole);
        let group = outlet.group.as_ref().and_then(|it| self.settings.groups.get(it));
        let timer = match outlet.class {
            Class::Heater if group.is_none_or(|it| it.require_device_timer) => Timer::Required,
            Class::Heater => Timer::Wanted,
            _ => Timer::None,
        };
        let longest_on = (timer != Timer::None).then(|| self.facts(outlet, self.house.at).most_allowed());
        let insist = outlet.alarm == Some(Fault::RelayStuck);
        Order { switch: decision.switch, off_by, timer, longest_on, insist }
    }

    /// Passes on what the task of a device has found out about a timer.
    pub(super) fn timer_noticed(
        &self,
        id: &OutletId,
        concern: TimerConcern,
        text: &str,
        now: Timestamp,
        notices: &mut Vec<Notice>,
    ) -> Option<BTreeSet<OutletId>> {
        let kind = match concern {
            TimerConcern::NotArmed => NoticeKind::TimerNotArmed,
            TimerConcern::Foreign => NoticeKind::ForeignTimer,
        };
        if let Some(outlet) = self.house.outlets.get(id) {
            notices.push(tell(outlet, now, kind, &format!("has a plug whose timer needs a look: {text}")));
        }
        Some(BTreeSet::new())
    }

    /// What the plug has confirmed holds no longer: nobody knows when it goes off by itself.
    pub(super) fn timer_doubted(&mut self, id: &OutletId) -> Option<BTreeSet<OutletId>> {
        let Some(outlet) = self.house.outlets.get_mut(id) else { return Some(BTreeSet::new()) };
        if let Some(report) = &mut Arc::make_mut(outlet).reported {
            report.timer = None;
        }
        Some(BTreeSet::from([id.clone()]))
    }

    /// Remembers what a plug's lasting auto-off timer was set to, so that it is not taken for somebody's own later.
    pub(super) fn auto_off_set(&mut self, id: &OutletId, minutes: u32) -> Option<BTreeSet<OutletId>> {
        if let Some(device) = self.house.devices.get_mut(&id.device)
            && let Some(pin) = &mut Arc::make_mut(device).pin
        {
            pin.auto_off.insert(id.slot, minutes);
        }
        Some(BTreeSet::new())
    }
}

/// Was a timer on the plug due when the outlet was seen to be off, by what it reported before?
pub(super) fn was_due(outlet: &Outlet, report: &Report, now: Timestamp) -> bool {
    let timer = outlet.reported.as_ref().and_then(|it| it.timer).zip(outlet.reported_at);
    let Some((remain, at)) = timer.filter(|_| report.switch == Switch::Off) else { return false };
    // Nobody saw it happen: it can be as late as now, and as early as the report before.
    let due = at.saturating_add(remain).unwrap_or(Timestamp::MAX);
    let latest = due.saturating_sub(DUE).unwrap_or(Timestamp::MIN);
    latest <= now
}
