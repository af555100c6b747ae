//! The first contact after each login: who is it, where are its relays?
//!
//! The same is asked when only a session was renewed, for behind a renewed session can be another device (two plugs of one
//! account that have swapped addresses). But if it is the same device, and nothing but the session was lost since the last look,
//! then its past is known: an outlet that has moved meanwhile was moved by a person, and is reported like one at any other poll.
//! The vendor's app ends our session each time somebody switches with it, and what they did must hold.
//!
//! A power cut that is over before the next look ends nothing but the session either, and opens what is to stay off after it. It
//! takes the countdown with it, which a hand does not: an outlet that was opened while ours ran and has none any more was opened
//! by nobody. That is how plugs are described and how the emulated ones behave; nobody has tried it on a real one.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    answer::{self, About, Look},
    identity::Expected,
    link::{Kind, Link, LinkError},
    outlet::Outlet,
    pace,
    survey::Survey,
    task::Task,
};
use crate::{
    hub::Operation,
    model::{Availability, Cause, Event, House, Housing, Mac, OutletId, Pin, Switch},
};

/// How long the hub may take to show a report before the orders are looked at all the same.
const SHOWN_WITHIN: Duration = Duration::from_millis(250);

impl Task {
    /// A connection and a login, counted.
    pub(super) async fn connect(&self) -> Result<Link, LinkError> {
        let began = Instant::now();
        let connected = Link::connect(&self.settings, &self.credentials, &self.network).await;
        self.vitals.note(Operation::Connect, began.elapsed(), connected.is_err());
        connected
    }

    /// Meets the device behind a new login, and reports all its outlets. Nothing is switched.
    pub(super) async fn meet(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let commanded = self.orders.borrow().commanded;
        let info = link.info().await?;
        let about = answer::about(&info);
        let mac = self.recognise(&about)?;
        let renewed = self.unbroken && self.is_the_same(&about, mac);
        self.is_strip = !about.is_single;
        let looks = self.first_looks(link, &info, &about).await?;
        let same_outlets = looks.iter().map(|it| it.slot).eq(self.outlets.keys().copied());
        let renewed = renewed && same_outlets && !self.was_without_power(link, &looks).await?;
        if !same_outlets || self.housing.as_ref().is_none_or(|it| it.firmware != about.firmware) {
            // The meters are asked about once, and again after an update of the firmware; but not before the outlets are safe.
            self.survey = Survey::remembering(self.pin.as_ref());
        }
        let met_before = self.housing.is_some();
        self.outlets.retain(|slot, _| looks.iter().any(|it| it.slot == *slot));
        for look in &looks {
            let meters = self.survey.meters(look.slot);
            let outlet = self.outlets.entry(look.slot).or_insert_with(|| Outlet::new(look.clone()));
            outlet.can_measure(meters);
            if !renewed {
                outlet.guard.met();
            }
        }
        self.identify(&about, mac, Some(link.protocol())).await;
        self.found();
        let asked_at = self.handle.clock.now();
        let cause = if renewed { Cause::Polled } else { Cause::FirstContact };
        self.record(looks, commanded, about.rssi, cause).await;
        if !met_before {
            self.agenda.poll_at =
                tokio::time::Instant::now() + pace::until_second_look(self.settings.poll_every, &self.settings.slug);
        }
        self.fresh = false;
        self.until_shown(asked_at).await;
        self.tell_of_missing_outlets().await;
        Ok(())
    }

    /// Reads the list of a strip's outlets.
    pub(super) fn read_strip(&self, list: &Value) -> Result<Vec<Look>, LinkError> {
        answer::strip(list).map_err(|text| self.place.error(Kind::Garbled, &text))
    }

    /// Takes in what the housing says about itself now and then: signal and firmware.
    pub(super) async fn refresh_housing(&mut self, info: &Value) {
        let about = answer::about(info);
        if let Some(mac) = about.mac {
            self.identify(&about, mac, None).await;
        }
    }

    /// Is it the device that is expected at this address? A pin is drawn at the first contact; the config's `mac` beats it.
    fn recognise(&mut self, about: &About) -> Result<Mac, LinkError> {
        let pinned = self.pin.as_ref().filter(|it| it.device_id.as_ref() == Some(&about.device_id)).map(|it| it.mac);
        let Some(mac) = about.mac.or(pinned) else {
            return Err(self.place.error(Kind::Garbled, "it does not say its MAC address"));
        };
        let meant = Expected::of(&self.settings, self.pin.as_ref());
        if meant.is(mac, about) {
            return Ok(mac);
        }
        let expected = meant.mac.unwrap_or(mac);
        let own = if mac == expected { " with another device id" } else { "" };
        let detail = format!(
            "another device ({}, {mac}{own}) answers at {}, expected {} ({expected})",
            about.model,
            self.place.address(),
            self.settings.name
        );
        Err(self.place.error(Kind::Stranger, &detail))
    }

    /// Is it the device that was met before? Another firmware has restarted it.
    fn is_the_same(&self, about: &About, mac: Mac) -> bool {
        self.housing
            .as_ref()
            .is_some_and(|it| it.mac == mac && it.device_id == about.device_id && it.firmware == about.firmware)
    }

    /// Has an outlet been opened together with the countdown that ran on it?
    async fn was_without_power(&self, link: &mut Link, looks: &[Look]) -> Result<bool, LinkError> {
        for look in looks.iter().filter(|it| it.switch == Some(Switch::Off)) {
            let armed = |it: &&Outlet| it.was_moved(look) && it.guard.runs();
            if !link.has_timers() || self.outlets.get(&look.slot).filter(armed).is_none() {
                continue;
            }
            match link.countdown(look.child.as_deref()).await {
                Ok(None) => return Ok(true),
                Ok(Some(_)) => {}
                // Who is not told by the device keeps to what a hand would have done.
                Err(error) if error.kind == Kind::Device => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    async fn first_looks(&self, link: &mut Link, info: &Value, about: &About) -> Result<Vec<Look>, LinkError> {
        if about.is_single {
            return Ok(vec![answer::single(info)]);
        }
        let looks = match link.children().await {
            Ok(list) => self.read_strip(&list)?,
            // Neither a relay nor children: a camera, a sensor.
            Err(error) if error.kind == Kind::Device => Vec::new(),
            Err(error) => return Err(error),
        };
        if looks.is_empty() {
            return Err(self.place.error(Kind::NoOutlets, &about.model));
        }
        Ok(looks)
    }

    /// Announces the housing if the connection is new or something but the signal has changed.
    async fn identify(&mut self, about: &About, mac: Mac, protocol: Option<&str>) {
        let protocol = protocol.or(self.housing.as_ref().and_then(|it| it.protocol.as_deref()));
        let mut housing = Housing {
            model: about.model.clone(),
            firmware: about.firmware.clone(),
            hardware: about.hardware.clone(),
            mac,
            device_id: about.device_id.clone(),
            address: self.place.address().to_string(),
            rssi: self.housing.as_ref().and_then(|it| it.rssi),
            protocol: protocol.map(str::to_owned),
            led: self.led.shown(),
            sockets: self.outlets.values().map(Outlet::socket).collect(),
        };
        let changed = self.housing.as_deref() != Some(&housing);
        housing.rssi = about.rssi;
        let housing = Arc::new(housing);
        self.housing = Some(Arc::clone(&housing));
        if changed || self.announce {
            self.announce = false;
            self.pin = Some(Pin::renewed(&housing, self.pin.as_ref()));
            self.send(Event::DeviceIdentified { device: self.settings.slug.clone(), housing }).await;
        }
    }

    /// Orders that were given before the hub had heard of a change may rest on what was true before it: an outlet that a person has
    /// switched by its button would be switched back at once. The hub shows the orders that a report leads to before
    /// it shows the report on the board, so that the orders are good as soon as the board shows all outlets at a later time than
    /// `asked_at`. A hub that takes longer than a quarter of a second is not waited for: then the orders that hold are followed.
    pub(super) async fn until_shown(&mut self, asked_at: Timestamp) {
        let device = &self.settings.slug;
        let reported = self.outlets.iter().filter(|(_, it)| it.report(Cause::Polled, self.tempo).is_some());
        let ids: Vec<_> = reported.map(|(slot, _)| OutletId::new(device.clone(), *slot)).collect();
        let shown = |house: &Arc<House>| {
            let online = house.devices.get(device).is_some_and(|it| it.availability == Availability::Online);
            let later = |id| house.outlets.get(id).and_then(|it| it.reported_at).is_some_and(|at| at >= asked_at);
            online && ids.iter().all(later)
        };
        // Neither a slow hub nor one that has stopped is a reason to leave an OFF undone.
        let _ = tokio::time::timeout(SHOWN_WITHIN, self.handle.house.wait_for(shown)).await;
    }

    /// The config may name a slot that the device does not have.
    async fn tell_of_missing_outlets(&mut self) {
        let orders = self.orders.borrow().clone();
        for (slot, wanted) in orders.wanted.iter().filter(|(slot, _)| !self.outlets.contains_key(slot)) {
            let has: Vec<_> = self.outlets.keys().map(u8::to_string).collect();
            let text = format!("{} has no outlet {slot}, only {}", self.place, has.join(", "));
            self.tell(*slot, (wanted.switch, text)).await;
        }
    }
}
