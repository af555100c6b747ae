//! Other settings for a running house: what was observed, asked for and remembered stays, what follows from the settings is worked
//! out afresh.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Controller, circuit::Circuits, start, timetable::Timetable};
use crate::model::{
    Availability, ControlSettings, Device, DeviceSettings, House, Notice, Outlet, OutletId, Slug, WeatherBoard,
};

impl Controller {
    /// Goes on with other settings. Every decision is then the one that a start with them would come to, had it seen what was seen.
    ///
    /// A device that is the same housing or stands at the same address under another name is the same one: its limits and wishes
    /// move with it.
    pub fn amend(&mut self, settings: Arc<ControlSettings>, now: Timestamp) -> Vec<Notice> {
        let renamed = Renamed::between(&self.house, &self.settings, &settings);
        let moved = self.settings.place != settings.place;
        let watched = settings.forecast_valid.is_some();
        let had_weather = self.settings.forecast_valid.is_some();
        let mut memory = self.house.memory();
        memory.pins = memory.pins.into_iter().map(|(slug, pin)| (renamed.device(&slug), pin)).collect();
        memory.whole = memory.whole.into_iter().map(|(slug, it)| (renamed.device(&slug), it)).collect();
        // What is remembered of outlets is carried with them, for some of it is not told to a disk.
        memory.outlets.clear();
        let mut house = start::house(&settings, &memory, now);
        house.broker = self.house.broker.clone();
        house.clock = self.house.clock;
        if watched && had_weather && !moved {
            house.weather = Arc::clone(&self.house.weather);
        } else {
            // The forecast was for elsewhere, or nobody renews it; the station stands where it stood.
            let station = self.house.weather.station;
            house.weather = Arc::new(WeatherBoard { station, ..WeatherBoard::default() });
            self.weather_settled = !watched;
            self.started = now;
        }
        self.timetable = Timetable::new(&settings);
        self.circuits.groups = Circuits::new(&settings).groups;
        let before = std::mem::replace(&mut self.house, house);
        let old = std::mem::replace(&mut self.settings, settings);
        let others = self.carry_devices(&before, &old, &renamed);
        self.carry_outlets(&before, &renamed, &others);
        self.keep_orphans(&before, &renamed);
        self.rekey(&renamed);
        self.outlooks.clear();
        self.house.at = now;
        self.prepare(now);
        let mut notices = self.missing_outlets(&old, now);
        // What the forecast says is known still, and read by the new settings: no mat goes off because somebody edits something.
        self.read(now, &mut notices);
        self.freshness(now, &mut notices);
        self.look_ahead(now, &mut notices);
        notices.extend(self.decide_again(now, None));
        notices
    }

    /// What a device said of itself stays, unless it is another one now: those are returned.
    fn carry_devices(&mut self, before: &House, old: &ControlSettings, renamed: &Renamed) -> BTreeSet<Slug> {
        let mut others = BTreeSet::new();
        for (slug, known) in &before.devices {
            let now = renamed.device(slug);
            let (Some(was), Some(is)) = (old.devices.get(slug), self.settings.devices.get(&now)) else { continue };
            let Some(entry) = self.house.devices.get_mut(&now) else { continue };
            let another = is.mac.is_some() && known.pin.as_ref().map(|it| it.mac) != is.mac;
            if another {
                others.insert(now);
                continue;
            }
            let entry: &mut Device = Arc::make_mut(entry);
            entry.housing.clone_from(&known.housing);
            if stays(was, is) {
                entry.availability = known.availability;
                entry.trouble.clone_from(&known.trouble);
                entry.rssi = known.rssi;
            }
        }
        others
    }

    fn carry_outlets(&mut self, before: &House, renamed: &Renamed, others: &BTreeSet<Slug>) {
        for (id, known) in &before.outlets {
            let now = renamed.outlet(id);
            let Some(device) = self.house.devices.get(&now.device) else { continue };
            let (housing, availability) = (device.housing.clone(), device.availability);
            let socket = housing.as_ref().and_then(|it| it.sockets.iter().find(|it| it.slot == now.slot));
            // What nothing but the old settings spoke of is gone with them.
            if socket.is_none() && !self.house.outlets.contains_key(&now) {
                continue;
            }
            let label = socket.map(|it| it.label.clone()).unwrap_or_default();
            start::add_outlet(&mut self.house, &self.settings, &now, &label, known.memory.clone());
            let name = start::name(&self.settings, &now, &label);
            let Some(entry) = self.house.outlets.get_mut(&now) else { continue };
            let (group, class, longest_on) = (entry.group.clone(), entry.class, entry.longest_on);
            let mut outlet = Outlet { id: now.clone(), name, group, class, longest_on, ..Outlet::clone(known) };
            if others.contains(&now.device) {
                // It has not been heard.
                (outlet.reported, outlet.reported_at, outlet.on_since) = (None, None, None);
            }
            if availability == Availability::Unknown {
                outlet.availability = Availability::Unknown;
            }
            *entry = Arc::new(outlet);
        }
    }

    /// Somebody listed an outlet that its device lacks.
    fn missing_outlets(&self, old: &ControlSettings, now: Timestamp) -> Vec<Notice> {
        let devices = self.house.devices.values().filter_map(|it| Some((&it.slug, it.housing.as_ref()?)));
        let missing = devices.flat_map(|(device, housing)| {
            let slots: Vec<u8> = housing.sockets.iter().map(|it| it.slot).collect();
            let known: BTreeSet<_> = start::missing_slots(old, device, &slots).collect();
            let news = start::missing_slots(&self.settings, device, &slots).filter(|it| !known.contains(it));
            let news: Vec<_> = news.map(|it| start::missing_slot(device, housing, &it, now)).collect();
            news
        });
        missing.collect()
    }

    /// What is kept beside the house goes by names too.
    fn rekey(&mut self, renamed: &Renamed) {
        let there: BTreeSet<_> = self.house.outlets.keys().cloned().collect();
        let devices = &self.house.devices;
        renamed.carry(&mut self.commanded, devices);
        renamed.carry(&mut self.looks, devices);
        renamed.carry(&mut self.leds, devices);
        let outlet = |id: &OutletId| Some(renamed.outlet(id)).filter(|it| there.contains(it));
        self.failing = self.failing.iter().filter_map(outlet).collect();
        self.watches =
            std::mem::take(&mut self.watches).into_iter().filter_map(|(id, it)| Some((outlet(&id)?, it))).collect();
        self.counts =
            std::mem::take(&mut self.counts).into_iter().filter_map(|(id, it)| Some((outlet(&id)?, it))).collect();
        self.circuits.rename(outlet);
    }
}

/// Is it still the same device at the same place?
fn stays(was: &DeviceSettings, is: &DeviceSettings) -> bool {
    was.address == is.address && was.slug == is.slug
}

/// Devices that have another name now.
pub(super) struct Renamed(BTreeMap<Slug, Slug>);

impl Renamed {
    fn between(house: &House, old: &ControlSettings, new: &ControlSettings) -> Self {
        let gone: Vec<_> = old.devices.values().filter(|it| !new.devices.contains_key(&it.slug)).collect();
        let mut came: Vec<_> = new.devices.values().filter(|it| !old.devices.contains_key(&it.slug)).collect();
        let mac = |was: &DeviceSettings| {
            let pin = house.devices.get(&was.slug).and_then(|it| it.pin.as_ref());
            pin.map(|it| it.mac).or(was.mac)
        };
        let mut renamed = BTreeMap::new();
        // The same housing, wherever it stands now; then whoever stands at the same place.
        for same_housing in [true, false] {
            for was in gone.iter().filter(|it| !(same_housing && mac(it).is_none())) {
                let fits = |is: &DeviceSettings| match same_housing {
                    true => is.mac == mac(was),
                    false => is.address == was.address,
                };
                if !renamed.contains_key(&was.slug)
                    && let Some(at) = came.iter().position(|it| fits(it))
                {
                    renamed.insert(was.slug.clone(), came.remove(at).slug.clone());
                }
            }
        }
        Self(renamed)
    }

    pub(super) fn device(&self, slug: &Slug) -> Slug {
        self.0.get(slug).unwrap_or(slug).clone()
    }

    /// What goes by devices goes on by their names of now.
    fn carry<T>(&self, kept: &mut BTreeMap<Slug, T>, devices: &BTreeMap<Slug, Arc<Device>>) {
        let renamed = std::mem::take(kept).into_iter().map(|(slug, it)| (self.device(&slug), it));
        *kept = renamed.filter(|(slug, _)| devices.contains_key(slug)).collect();
    }

    fn outlet(&self, id: &OutletId) -> OutletId {
        OutletId::new(self.device(&id.device), id.slot)
    }
}
