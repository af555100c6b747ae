//! Devices that the config does not name any more. A housing that comes back under another name and at another address, where nobody
//! says that it is the same one, is known by its MAC address as soon as it has said it: its limits, locks and wishes are its own.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Controller, amend::Renamed, start};
use crate::model::{Control, ControlSettings, Gone, House, Mac, Memory, Outlet};

/// So many are kept, the newest.
const KEPT: usize = 8;

/// Those that are remembered, and those that have left the config since it was written.
pub(super) fn known(settings: &ControlSettings, memory: &Memory) -> Vec<Gone> {
    let mut gone = memory.gone.clone();
    for (slug, pin) in memory.pins.iter().filter(|(slug, _)| !settings.devices.contains_key(*slug)) {
        let outlets = memory.outlets.iter().filter(|(id, _)| id.device == *slug);
        let outlets = outlets.map(|(id, it)| (id.slot, it.clone())).collect();
        keep(&mut gone, Gone { pin: pin.clone(), outlets });
    }
    gone
}

fn keep(gone: &mut Vec<Gone>, one: Gone) {
    gone.retain(|it| it.pin.mac != one.pin.mac);
    gone.push(one);
    let older = gone.len().saturating_sub(KEPT);
    gone.drain(..older);
}

/// An outlet of it goes on under its name of now. What has been asked of it by that name is newer.
pub(super) fn hand_over(gone: &mut Gone, outlet: &mut Outlet, now: Timestamp) {
    let Some(known) = gone.outlets.remove(&outlet.id.slot) else { return };
    let mut known = start::believable(known, now);
    let asked = std::mem::take(&mut outlet.memory);
    if asked.wish.is_some() {
        (known.wish, known.asked_because) = (asked.wish, asked.asked_because);
    }
    if asked.control == Control::Off {
        known.control = asked.control;
    }
    known.longest_on = asked.longest_on.or(known.longest_on);
    outlet.alarm = outlet.alarm.or(start::still_stuck(&known));
    outlet.memory = known;
}

impl Controller {
    /// Keeps what is known of the devices that other settings have taken away.
    pub(super) fn keep_orphans(&mut self, before: &House, renamed: &Renamed) {
        let mut gone = before.gone.to_vec();
        let there = &self.house.devices;
        for device in before.devices.values().filter(|it| !there.contains_key(&renamed.device(&it.slug))) {
            let Some(pin) = device.pin.clone() else { continue };
            let outlets = before.outlets.values().filter(|it| it.id.device == device.slug);
            let outlets = outlets.map(|it| (it.id.slot, it.memory.clone())).collect();
            keep(&mut gone, Gone { pin, outlets });
        }
        self.house.gone = Arc::new(gone);
    }

    /// What is known of a housing that has said who it is, handed over once.
    pub(super) fn orphan(&mut self, mac: Mac) -> Option<Gone> {
        let at = self.house.gone.iter().position(|it| it.pin.mac == mac)?;
        Some(Arc::make_mut(&mut self.house.gone).remove(at))
    }
}
