//! Another config for a running bridge: what it changes is begun anew, everything else goes on.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{oneshot, watch},
    time::timeout,
};

use super::{Bridge, heating, tell_unreadable_cron};
use crate::{
    hub::Amendment,
    model::{Availability, BrokerHost, DeviceSettings, MqttSettings, Orders, Settings, Slug, Switch, WebSettings},
};

/// The hub takes other settings within this time.
const HUB: Duration = Duration::from_secs(2);

/// What somebody wants of the bridge as a whole.
#[derive(Debug)]
pub(super) enum Want {
    /// Stop as at the end, read the config anew, and start again.
    Restart,
    /// Go on with these settings.
    Amend(Box<Settings>, oneshot::Sender<Applied>),
}

/// How other settings came into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// Everything that they do not concern went on.
    Live,
    /// The bridge starts again, because of this.
    Restart(&'static str),
}

impl Bridge {
    /// Goes on with other settings, if it can.
    pub(super) async fn amend(&mut self, settings: Settings) -> Applied {
        let Some(before) = self.in_force.take() else { return Applied::Restart("it was in setup mode") };
        let why = hangs_on_the_start(&before, &settings).or_else(|| self.unsafe_to_let_go(&before, &settings));
        if let Some(why) = why {
            self.in_force = Some(before);
            return Applied::Restart(why);
        }
        let login = before.credentials != settings.credentials;
        let anew = |it: &&DeviceSettings| login || !before.devices.contains(it);
        let anew: BTreeSet<Slug> = settings.devices.iter().filter(anew).map(|it| it.slug.clone()).collect();
        let is_there = |slug: &Slug| settings.control.devices.contains_key(slug);
        let gone: Vec<_> = self.devices.keys().filter(|it| anew.contains(*it) || !is_there(it)).cloned().collect();
        for slug in gone {
            // Two tasks must never speak to one device.
            if let Some(room) = self.devices.remove(&slug) {
                room.let_go().await;
            }
        }
        if !self.amend_hub(&settings, &anew).await {
            self.in_force = Some(before);
            return Applied::Restart("the control loop did not take it");
        }
        tell_unreadable_cron(&settings.control);
        settings.warnings.iter().filter(|it| !before.warnings.contains(it)).for_each(|it| tracing::warn!("{it}"));
        let pins = self.handle.picture().memory().pins;
        for device in settings.devices.iter().filter(|it| anew.contains(&it.slug)) {
            self.spawn_device(device, &settings.credentials, pins.get(&device.slug).cloned());
        }
        if before.notify != settings.notify {
            self.spawn_notify(&settings).await;
        }
        if before.weather != settings.weather {
            self.spawn_weather(settings.weather.clone()).await;
        }
        if before.mqtt != settings.mqtt || before.homeassistant != settings.homeassistant {
            self.spawn_mqtt(&settings).await;
        }
        if before.log.level != settings.log.level
            && let Some(lever) = &self.levers.log
            && let Err(words) = lever.set(Some(&settings.log.level))
        {
            tracing::warn!("the log goes on as it was: {words}");
        }
        self.in_force = Some(settings);
        Applied::Live
    }

    async fn amend_hub(&mut self, settings: &Settings, anew: &BTreeSet<Slug>) -> bool {
        let Some(amendments) = self.amendments.clone() else { return false };
        let board = || watch::channel(Arc::new(Orders::default())).0;
        let boards: BTreeMap<_, _> = anew.iter().map(|slug| (slug.clone(), board())).collect();
        let (done, is_done) = oneshot::channel();
        let (control, shown) = (Arc::clone(&settings.control), Arc::new(settings.shown.clone()));
        let amendment = Amendment { settings: control, shown, boards: boards.clone(), done };
        let told = async { amendments.send(amendment).await.is_ok() && is_done.await.is_ok() };
        if !timeout(HUB, told).await.unwrap_or(false) {
            return false;
        }
        self.orders.extend(boards);
        self.orders.retain(|slug, _| settings.control.devices.contains_key(slug));
        self.heaters = heating(&settings.control);
        true
    }

    /// A heater that nobody would talk to any more must not be left on: a start in good order sees to it.
    fn unsafe_to_let_go(&self, before: &Settings, settings: &Settings) -> Option<&'static str> {
        let house = self.handle.picture();
        // Whoever stands at the same place, or is the same housing by its MAC address, is taken over, by whatever name.
        let stays = |slug: &Slug| {
            let Some(was) = before.control.devices.get(slug) else { return false };
            let pin = house.devices.get(slug).and_then(|it| it.pin.as_ref()).map(|it| it.mac);
            let mac = pin.or(was.mac);
            let is_it = |it: &DeviceSettings| {
                (it.address == was.address && it.mac == was.mac) || (mac.is_some() && it.mac == mac)
            };
            settings.devices.iter().any(is_it)
        };
        let left = house.outlets.values().filter(|it| self.heaters.contains(&it.id.device) && !stays(&it.id.device));
        let may_heat = |it: &crate::model::Outlet| match it.switch() {
            Some(Switch::Off) => false,
            Some(Switch::On) => !it.is_watched(house.at),
            None => it.availability != Availability::Offline,
        };
        left.map(Arc::as_ref)
            .any(may_heat)
            .then_some("a heater that is not in it any more has to be switched off first")
    }
}

/// Any free port (0) is none that a file can ask for: whoever started the bridge on it wants it kept.
fn is_same_page(before: Option<&WebSettings>, now: Option<&WebSettings>) -> bool {
    match (before, now) {
        (Some(before), Some(now)) if before.port == 0 => *before == WebSettings { port: 0, ..now.clone() },
        (before, now) => before == now,
    }
}

/// What is only looked at when the bridge starts.
fn hangs_on_the_start(before: &Settings, settings: &Settings) -> Option<&'static str> {
    let embedded = |it: &Settings| it.mqtt.as_ref().is_some_and(|it| it.host == BrokerHost::Embedded);
    let port = |it: &Settings| it.mqtt.as_ref().map(|it: &MqttSettings| it.port);
    if !is_same_page(before.web.as_ref(), settings.web.as_ref()) {
        Some("the page's own settings are only read at a start")
    } else if !is_same_page(before.health.as_ref(), settings.health.as_ref()) {
        Some("the port of the probes alone is only opened at a start")
    } else if before.mqtt.is_some() != settings.mqtt.is_some() {
        Some("whether there is a broker is only asked at a start")
    } else if (embedded(before) || embedded(settings))
        && (embedded(before) != embedded(settings) || port(before) != port(settings))
    {
        Some("the embedded broker only begins and ends with the bridge")
    } else if before.data != settings.data {
        Some("the folder of the memory is only opened at a start")
    } else if before.history != settings.history {
        Some("how the history is kept is only read at a start")
    } else if before.log.format != settings.log.format {
        Some("how the log is written is only read at a start")
    } else {
        None
    }
}
