//! The rehearsal: the very same controller with plugs that do at once what they are told. Simulations and plans stand on it, so that
//! what they show is what would be decided.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use super::{Controller, start};
use crate::model::{
    Availability, Cause, ControlSettings, Event, House, Housing, Mac, Memory, Notice, Outlet, OutletId, Report, Slug,
    Socket, Switch,
};

/// Plugs obey and the controller decides again, at most so often for one event. One round is the rule; a house that does not come
/// to rest is looked at again when its next deadline has come.
const ROUNDS: usize = 8;

/// A controller with ideal plugs. Time is an argument, as ever: nothing happens between two calls.
#[derive(Debug)]
pub struct Rehearsal {
    controller: Controller,
    /// Kept, because a minute in which nothing is due must cost nothing.
    deadline: Option<Timestamp>,
}

impl Rehearsal {
    /// An ideal house: each device of the settings is there, has the sockets that groups list, and is off.
    ///
    /// Of a device whose number of sockets nobody knows (no group lists any, and the memory has never met it), there is one.
    pub fn new(settings: Arc<ControlSettings>, memory: &Memory, now: Timestamp) -> Self {
        let mut controller = Controller::rehearsing(Arc::clone(&settings), memory, now);
        let devices: Vec<Slug> = controller.house.devices.keys().cloned().collect();
        for (number, device) in devices.into_iter().enumerate() {
            let housing = ideal_housing(&settings, memory, &device, number);
            introduce(&mut controller, device, Arc::new(housing), now, off);
        }
        Self::settled(controller, now)
    }

    /// A living house goes on with ideal plugs, from the moment of its picture: its memory, its weather, whether everybody is away, and the
    /// positions, times on and fault flags that were reported last. A plug that does not answer is taken to be there again.
    pub fn of(settings: Arc<ControlSettings>, house: &House) -> Self {
        let (memory, now) = (house.memory(), house.at);
        // A clock that is trusted goes on being trusted, be it that of a recording.
        let begin = if house.clock.is_trusted { Controller::rehearsing } else { Controller::new };
        let mut controller = begin(Arc::clone(&settings), &memory, now);
        controller.weather_settled |= house.weather.fresh.is_some();
        controller.house.weather = Arc::clone(&house.weather);
        // What has been told of it has been told.
        controller.read(now, &mut Vec::new());
        controller.house.broker = house.broker.clone();
        for (id, outlet) in &house.outlets {
            start::add_outlet(&mut controller.house, &settings, id, "", outlet.memory.clone());
            if let Some(known) = controller.house.outlets.get_mut(id) {
                // Since when it is wanted so is part of the decision that goes on.
                Arc::make_mut(known).decision = outlet.decision.clone();
            }
        }
        controller.decide_again(now, None);
        let devices: Vec<Slug> = controller.house.devices.keys().cloned().collect();
        for (number, device) in devices.into_iter().enumerate() {
            let known = house.devices.get(&device).and_then(|it| it.housing.clone());
            let housing = known.unwrap_or_else(|| Arc::new(ideal_housing(&settings, &memory, &device, number)));
            let outlets: BTreeMap<u8, &Arc<Outlet>> =
                house.outlets.values().filter(|it| it.id.device == device).map(|it| (it.id.slot, it)).collect();
            introduce(&mut controller, device, housing, now, |slot, answers| match outlets.get(&slot) {
                Some(outlet) => as_reported(outlet, answers, now),
                None => off(slot, answers),
            });
        }
        Self::settled(controller, now)
    }

    fn settled(controller: Controller, now: Timestamp) -> Self {
        let mut rehearsal = Self { controller, deadline: None };
        rehearsal.obey(now, &mut Vec::new());
        rehearsal
    }

    /// Something happens, and the plugs do what is then wanted. `now` must not be before that of an earlier call.
    pub fn tell(&mut self, event: Event, now: Timestamp) -> Vec<Notice> {
        let mut notices = self.controller.handle(event, now);
        self.obey(now, &mut notices);
        notices
    }

    /// Time has passed: what is due happens, and the plugs do what is then wanted. Where nothing is due, nothing happens at all, and
    /// the picture stays as it was taken.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Notice> {
        if self.deadline.is_some_and(|due| due <= now) { self.tell(Event::DeadlinePassed, now) } else { Vec::new() }
    }

    /// The earliest moment at which something could change by itself, after the last that was told.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// The picture, as taken when something last happened.
    pub fn house(&self) -> &House {
        &self.controller.house
    }

    /// What the settings say.
    pub fn settings(&self) -> &ControlSettings {
        &self.controller.settings
    }

    /// The plugs do what they are told, until nobody is told anything new.
    fn obey(&mut self, now: Timestamp, notices: &mut Vec<Notice>) {
        for _ in 0..ROUNDS {
            let news = self.news();
            if news.is_empty() {
                break;
            }
            for (device, reports) in news {
                notices.extend(self.controller.handle(Event::DeviceReported { device, reports, rssi: None }, now));
            }
        }
        self.deadline = self.controller.next_deadline();
    }

    /// What plugs have to say after doing as they were told: only those with news speak.
    fn news(&self) -> BTreeMap<Slug, Vec<Report>> {
        let mut news: BTreeMap<Slug, Vec<Report>> = BTreeMap::new();
        let there = |it: &&Arc<Outlet>| it.availability == Availability::Online;
        for outlet in self.controller.house.outlets.values().filter(there) {
            let Some(before) = &outlet.reported else { continue };
            let left_alone = self.controller.waits_for_weather(outlet);
            let wanted = if left_alone { before.switch } else { outlet.decision.switch };
            if wanted == before.switch && outlet.answered >= outlet.commanded {
                continue;
            }
            let device = &outlet.id.device;
            let answers = self.controller.commanded.get(device).copied().unwrap_or_default();
            let moved = wanted != before.switch;
            let report = Report {
                cause: if moved { Cause::Switched } else { Cause::Polled },
                // A flag goes when the outlet is switched on again.
                fault: before.fault.filter(|_| !moved || !wanted.is_on()),
                switch: wanted,
                ..off(outlet.id.slot, answers)
            };
            news.entry(device.clone()).or_default().push(report);
        }
        news
    }
}

/// A device is met for the first time.
fn introduce(
    controller: &mut Controller,
    device: Slug,
    housing: Arc<Housing>,
    now: Timestamp,
    report: impl Fn(u8, u64) -> Report,
) {
    let answers = controller.orders(&device).commanded;
    let reports = housing.sockets.iter().map(|it| report(it.slot, answers)).collect();
    controller.handle(Event::DeviceIdentified { device: device.clone(), housing }, now);
    controller.handle(Event::DeviceReported { device, reports, rssi: None }, now);
}

/// The first word of a socket that is off.
fn off(slot: u8, answers: u64) -> Report {
    Report {
        slot,
        switch: Switch::Off,
        on_time: None,
        energy: None,
        fault: None,
        timer: None,
        cause: Cause::FirstContact,
        answers,
    }
}

/// The first word of a socket, as it was last heard.
fn as_reported(outlet: &Outlet, answers: u64, now: Timestamp) -> Report {
    let Some(reported) = &outlet.reported else { return off(outlet.id.slot, answers) };
    let since = outlet.on_since.filter(|_| reported.switch.is_on());
    let on_time = since.map(|it| now.duration_since(it).max(SignedDuration::ZERO));
    Report { switch: reported.switch, on_time, fault: reported.fault, ..off(outlet.id.slot, answers) }
}

/// A device with the sockets that anybody has named.
fn ideal_housing(settings: &ControlSettings, memory: &Memory, device: &Slug, number: usize) -> Housing {
    let mut slots: BTreeSet<u8> = BTreeSet::new();
    let members = settings.groups.values().flat_map(|it| &it.members).filter(|it| it.device == *device);
    slots.extend(members.flat_map(|it| it.slots.iter().flatten()));
    let config = settings.devices.get(device);
    slots.extend(config.into_iter().flat_map(|it| it.outlet_names.keys()));
    let pin = memory.pins.get(device);
    slots.extend(pin.into_iter().flat_map(|it| it.metered.keys()));
    slots.extend(memory.outlets.keys().filter(|it: &&OutletId| it.device == *device).map(|it| it.slot));
    if slots.is_empty() {
        slots.insert(1);
    }
    let made_up = u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes();
    let mac = config.and_then(|it| it.mac).or(pin.map(|it| it.mac));
    let socket = |slot| Socket { slot, label: String::new(), meters_energy: false, meters_voltage: false };
    Housing {
        model: "ideal".to_owned(),
        firmware: String::new(),
        hardware: String::new(),
        // A locally administered address, which no real device has.
        mac: mac.unwrap_or(Mac([2, 0, 0, 0, made_up[0], made_up[1]])),
        device_id: pin.and_then(|it| it.device_id.clone()).unwrap_or_default(),
        address: config.map_or_else(String::new, |it| it.address.to_string()),
        rssi: None,
        protocol: None,
        led: None,
        sockets: slots.into_iter().map(socket).collect(),
    }
}
