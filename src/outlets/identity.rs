//! Is it the device that is meant? One rule, for the task that switches and for whoever only looks.

use super::answer::About;
use crate::model::{DeviceSettings, Mac, Pin};

/// The device that is meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    /// The config's `mac`, else that of the pin. `None` before the first contact.
    pub(super) mac: Option<Mac>,
    /// The pin's device id, unless the config names a `mac`, which beats the pin.
    id: Option<&'a str>,
}

impl<'a> Expected<'a> {
    /// By the config, and by the identity that was drawn at the first contact.
    pub(super) fn of(settings: &DeviceSettings, pin: Option<&'a Pin>) -> Self {
        let id = pin.filter(|_| settings.mac.is_none()).and_then(|it| it.device_id.as_deref());
        Self { mac: settings.mac.or(pin.map(|it| it.mac)), id }
    }

    /// Is a device with this MAC address the one? An id that it does not tell is none that differs.
    pub(super) fn is(&self, mac: Mac, about: &About) -> bool {
        let same_id = self.id.is_none_or(|id| id == about.device_id || about.device_id.is_empty());
        self.mac.is_none_or(|it| it == mac) && same_id
    }
}
