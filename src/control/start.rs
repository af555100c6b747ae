//! The first picture: the settings' devices and groups, with what was remembered.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::{civil::later, orphans, pause, run, wishes::LONGEST};
use crate::model::{
    Availability, Broker, ClockTrust, ControlSettings, Decision, Device, End, Fault, Group, House, Housing, Lockout,
    Memory, Metering, Notice, NoticeKind, Outlet, OutletId, Pin, Reason, Remembered, Slug, Switch, WeatherBoard, Wish,
};

/// No rest that is remembered is believed to last longer.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(24 * 7);

/// The house before anything has happened.
pub(super) fn house(settings: &ControlSettings, memory: &Memory, now: Timestamp) -> House {
    let devices = settings.devices.values().map(|it| {
        let remembered = memory.pins.get(&it.slug).cloned();
        // The config's word is newer than the memory's: the owner may have replaced the housing.
        let pin = match (it.mac, remembered) {
            (Some(mac), Some(pin)) if pin.mac == mac => Some(pin),
            (Some(mac), _) => Some(Pin::of_mac(mac)),
            (None, pin) => pin,
        };
        let device = Device {
            slug: it.slug.clone(),
            name: it.name.clone(),
            address: it.address.to_string(),
            housing: None,
            availability: Availability::Unknown,
            trouble: None,
            rssi: None,
            pin,
        };
        (it.slug.clone(), Arc::new(device))
    });
    let groups = settings.groups.values().map(|it| {
        let schedules = it.schedules.clone().into();
        let lead = it.melt.as_ref().map(|it| it.lead);
        let group = Group { slug: it.slug.clone(), name: it.name.clone(), outlets: Vec::new(), schedules, lead };
        (it.slug.clone(), Arc::new(group))
    });
    let whole = memory.whole.iter().filter(|(slug, _)| settings.devices.contains_key(*slug));
    let whole = whole.map(|(slug, it)| (slug.clone(), it.clone()));
    // A config that was changed since is newer than what was said.
    let told = memory.vacation.filter(|it| it.config == settings.vacation);
    let mut house = House {
        at: now,
        devices: devices.collect(),
        outlets: BTreeMap::new(),
        whole: whole.collect(),
        gone: Arc::new(orphans::known(settings, memory)),
        groups: groups.collect(),
        weather: Arc::new(WeatherBoard::default()),
        vacation: told.map_or(settings.vacation, |it| it.away),
        vacation_told: told,
        paused: pause::believable(memory.paused, now),
        broker: Broker::Unknown,
        clock: ClockTrust { is_trusted: true, newest: memory.written_at },
    };
    let members = settings.groups.values().flat_map(|it| &it.members);
    let slots = members.flat_map(|it| it.slots.iter().flatten().map(|slot| OutletId::new(it.device.clone(), *slot)));
    // Outlets that the memory knows are shown at once too: their limits hold before the device has answered.
    let remembered = memory.outlets.keys().filter(|id| settings.devices.contains_key(&id.device)).cloned();
    for id in slots.chain(remembered) {
        // A device that is listed by its outlets now may have been listed as a whole when something was said of it.
        let known = memory.outlets.get(&id).or_else(|| memory.whole.get(&id.device)).cloned().unwrap_or_default();
        add_outlet(&mut house, settings, &id, "", believable(known, now));
    }
    house
}

/// Adds an outlet that was not known, and lists it in its group.
pub(super) fn add_outlet(
    house: &mut House,
    settings: &ControlSettings,
    id: &OutletId,
    label: &str,
    memory: Remembered,
) {
    if house.outlets.contains_key(id) {
        return;
    }
    let group = settings.group_of(id);
    let decision = Decision {
        switch: Switch::Off,
        reason: Reason::NothingAsks,
        since: house.at,
        until: None,
        review_at: None,
        next: None,
        opinions: Vec::new(),
    };
    let still_stuck = still_stuck(&memory);
    let runtime_today = run::remembered_today(&memory, house.at, &settings.zone);
    let outlet = Outlet {
        id: id.clone(),
        name: name(settings, id, label),
        group: group.map(|it| it.slug.clone()),
        class: group.map(|it| it.class).unwrap_or_default(),
        availability: Availability::Unknown,
        reported: None,
        reported_at: None,
        on_since: None,
        memory,
        decision,
        commanded: 0,
        answered: 0,
        pending: None,
        longest_on: settings.safety.longest_on,
        runtime_today,
        alarm: still_stuck,
        // What is remembered may be a little older than what was shown, and the total must not fall.
        energy_total: None,
    };
    house.outlets.insert(id.clone(), Arc::new(outlet));
    if let Some(group) = group.and_then(|it| house.groups.get_mut(&it.slug)) {
        let group = Arc::make_mut(group);
        group.outlets.push(id.clone());
        group.outlets.sort();
    }
}

/// A relay that somebody has looked at is locked only for as long as it is stuck: a restart must not take it for repaired.
pub(super) fn still_stuck(memory: &Remembered) -> Option<Fault> {
    memory.lockout.filter(|it| it.acknowledged && it.fault == Fault::RelayStuck).map(|it| it.fault)
}

/// The config's name, else the one in the vendor's app, else the device's name and slot.
pub(super) fn name(settings: &ControlSettings, id: &OutletId, label: &str) -> String {
    let device = settings.devices.get(&id.device);
    let configured = device.and_then(|it| it.outlet_names.get(&id.slot));
    let device_name = device.map_or_else(|| id.device.to_string(), |it| it.name.clone());
    // The plugs call their outlets `Outlet 1` in every house: the housing's name belongs to it.
    match (configured, label.trim()) {
        (Some(name), _) => name.clone(),
        (None, "") => format!("{device_name} outlet {}", id.slot),
        (None, label) if label.contains(&device_name) => label.to_owned(),
        (None, label) => format!("{device_name} {label}"),
    }
}

/// What was remembered, with what the present clock makes impossible put right: a clock that was wrong when it was written,
/// or is wrong now, must not lift a limit, hold a wish for years or let an outlet rest for ever.
pub(super) fn believable(mut memory: Remembered, now: Timestamp) -> Remembered {
    memory.run.on_since = memory.run.on_since.map(|at| at.min(now));
    memory.run.off_since = memory.run.off_since.map(|at| at.min(now)).filter(|_| memory.run.on_since.is_none());
    memory.ruled_since = memory.ruled_since.map(|at| at.min(now));
    memory.moved_at = memory.moved_at.map(|at| at.min(now));
    memory.lockout = memory.lockout.map(|it| Lockout { at: it.at.min(now), ..it });
    memory.metering = memory.metering.map(|it| Metering { at: it.at.min(now), ..it });
    memory.metering = memory.metering.filter(|it| it.total.is_finite() && it.total >= 0.0);
    memory.learned = memory.learned.filter(|it| it.watts.is_finite() && it.watts >= 0.0);
    memory.run.before = memory.run.before.clamp(SignedDuration::ZERO, SignedDuration::from_hours(24 * 366));
    if let Some(cut) = &mut memory.cut {
        cut.at = cut.at.min(now);
        cut.rest = cut.rest.clamp(SignedDuration::ZERO, LONGEST_REST);
        if memory.run.on_since.is_none() && memory.run.off_since.is_none() {
            // A rest needs a beginning, or it has no end.
            memory.run.off_since = Some(now);
        }
    }
    let longest = later(now, LONGEST);
    // Made in what is the future by a clock that is behind: an ON lasts no longer from now on than it was asked for.
    if let Some(wish) = memory.wish.as_mut().filter(|it| it.switch.is_on() && now < it.since) {
        let behind = now.duration_since(wish.since);
        wish.since = now;
        match &mut wish.end {
            End::Elapsed(at) | End::At(at) | End::NextChange { latest: at, .. } => *at = later(*at, behind),
        }
    }
    memory.wish = memory.wish.filter(|it| now < it.end.latest()).and_then(|it| match it.switch {
        _ if it.end.latest() <= longest => Some(it),
        // By a clock that is far behind. OFF is kept, for as long as a wish can last; nothing is heated on such a word.
        Switch::Off => Some(Wish { end: End::Elapsed(longest), ..it }),
        Switch::On => None,
    });
    memory
}

/// The slug and the words of a member that names a slot which the device lacks.
pub(super) fn missing_slots<'a>(
    settings: &'a ControlSettings,
    device: &'a Slug,
    slots: &'a [u8],
) -> impl Iterator<Item = (Slug, u8)> + 'a {
    settings.groups.values().flat_map(move |group| {
        let members = group.members.iter().filter(move |it| it.device == *device);
        let listed = members.flat_map(|it| it.slots.iter().flatten().copied());
        listed.filter(move |slot| !slots.contains(slot)).map(|slot| (group.slug.clone(), slot))
    })
}

/// Tells of such a member.
pub(super) fn missing_slot(device: &Slug, housing: &Housing, missing: &(Slug, u8), now: Timestamp) -> Notice {
    let (group, slot) = missing;
    let words = format!(
        "group `{group}` lists outlet {} (slot {slot}), but the {} has only {} outlets: it is never switched",
        slot - 1,
        housing.model,
        housing.sockets.len()
    );
    Notice::new(now, NoticeKind::Refused, words).about_device(device).about_group(Some(group))
}
