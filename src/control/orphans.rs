//! Devices that the config does not name any more. A housing that comes back under another name and at another address, where nobody
//! says that it is the same one, is known by its MAC address as soon as it has said it: its limits, locks and wishes are its own.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Controller, amend::Renamed, start};
use crate::model::{Control, House, Mac, Outlet, Pin, Remembered};

/// So many are kept, the newest.
const KEPT: usize = 8;

/// What is known of a device that is gone.
#[derive(Debug)]
pub(super) struct Orphan {
    pin: Pin,
    outlets: BTreeMap<u8, Remembered>,
}

impl Controller {
    /// Keeps what is known of the devices that other settings have taken away.
    pub(super) fn keep_orphans(&mut self, before: &House, renamed: &Renamed) {
        let there = &self.house.devices;
        for device in before.devices.values().filter(|it| !there.contains_key(&renamed.device(&it.slug))) {
            let Some(pin) = device.pin.clone() else { continue };
            let outlets = before.outlets.values().filter(|it| it.id.device == device.slug);
            let outlets = outlets.map(|it| (it.id.slot, it.memory.clone())).collect();
            self.orphans.retain(|it| it.pin.mac != pin.mac);
            self.orphans.push(Orphan { pin, outlets });
        }
        let older = self.orphans.len().saturating_sub(KEPT);
        self.orphans.drain(..older);
    }

    /// What is known of a housing that has said who it is, handed over once.
    pub(super) fn orphan(&mut self, mac: Mac) -> Option<Orphan> {
        let at = self.orphans.iter().position(|it| it.pin.mac == mac)?;
        Some(self.orphans.remove(at))
    }
}

impl Orphan {
    /// Its identity.
    pub(super) fn pin(&self) -> &Pin {
        &self.pin
    }

    /// What is remembered of its outlets.
    pub(super) fn memories(&mut self) -> impl Iterator<Item = &mut Remembered> {
        self.outlets.values_mut()
    }

    /// An outlet of it goes on under its name of now. What has been asked of it by that name is newer.
    pub(super) fn hand_over(&mut self, outlet: &mut Outlet, now: Timestamp) {
        let Some(known) = self.outlets.remove(&outlet.id.slot) else { return };
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
}
