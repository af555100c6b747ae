//! A fault of a heater locks it off until somebody has looked at it.

use jiff::Timestamp;

use super::voice::Facts;
use crate::model::{Class, Fault, Lockout, Outlet, Reason, Report, Switch};

/// Remembers what a report says about faults; before the report is. Says whether the heater has been locked off by it.
///
/// `was_on` is the last known position. A flag that somebody has acknowledged and that is still shown locks again only when it is
/// another one, or when the plug has cut the outlet once more after it was switched on.
pub(super) fn note(outlet: &mut Outlet, report: &Report, was_on: bool, now: Timestamp) -> bool {
    if outlet.class != Class::Heater {
        return false;
    }
    let Some(fault) = report.fault.or(outlet.alarm.filter(|it| it.locks())) else {
        // What has been acknowledged ends with its flag; nothing else does.
        outlet.memory.lockout = outlet.memory.lockout.filter(|it| !it.acknowledged);
        return false;
    };
    let cut_again = was_on && report.switch == Switch::Off && outlet.decision.switch.is_on();
    let is_new = outlet.memory.lockout.is_none_or(|it| it.acknowledged && (it.fault != fault || cut_again));
    if is_new {
        outlet.memory.lockout = Some(Lockout { fault, at: now, acknowledged: false });
    }
    is_new
}

/// A fault that locks, as it is shown now.
fn shown(outlet: &Outlet) -> Option<Fault> {
    outlet.shown_fault().filter(|it| it.locks())
}

/// What somebody's acknowledgement makes of it. A flag that is no longer shown is forgotten, one that is may be tried against.
/// `None` where there is nothing to acknowledge.
pub(super) fn acknowledged(outlet: &Outlet) -> Option<Option<Lockout>> {
    let lockout = outlet.memory.lockout.filter(|it| !it.acknowledged)?;
    let gone = outlet.reported.is_some() && shown(outlet).is_none();
    Some((!gone).then_some(Lockout { acknowledged: true, ..lockout }))
}

/// The reason that keeps a heater off. A flag of too much load stays until the outlet is switched on again, so once acknowledged
/// it is no obstacle; too much heat passes by itself, and is one until it has, and so is a relay that is stuck.
pub(super) fn reason(facts: &Facts<'_>) -> Option<Reason> {
    if facts.outlet.class != Class::Heater {
        return None;
    }
    let shown = shown(facts.outlet);
    match (facts.outlet.memory.lockout, shown) {
        (Some(lockout), _) if !lockout.acknowledged => {
            Some(Reason::Faulty { fault: lockout.fault, acknowledged: false })
        }
        (Some(_), Some(fault)) => {
            matches!(fault, Fault::Overheat | Fault::RelayStuck).then_some(Reason::Faulty { fault, acknowledged: true })
        }
        // A light that the config has made a heater.
        (None, Some(fault)) => Some(Reason::Faulty { fault, acknowledged: false }),
        (_, None) => None,
    }
}
