//! From items to devices: items with one address are one device.

use std::{collections::BTreeMap, time::Duration};

use super::{
    automation::Legacy,
    circuits,
    groups::{self, Group, Item},
    problem::Place,
    schedule::Units,
    section::{Book, Section, cut},
};
use crate::model::{Address, Circuit, Credentials, DeviceSettings, GroupSettings, Member, Secret, Slug};

/// Texts of templates that are no account.
const NO_USERNAMES: [&str; 4] =
    ["your_tapo_email@example.com", "your_tapo_username", "your_username", "your_email@example.com"];
const NO_PASSWORDS: [&str; 2] = ["your_tapo_password", "password"];
const POLL: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(5);

/// The `devices` section.
pub(super) struct Devices {
    pub(super) credentials: Credentials,
    pub(super) groups: BTreeMap<Slug, GroupSettings>,
    pub(super) devices: Vec<DeviceSettings>,
    pub(super) circuits: BTreeMap<String, Circuit>,
}

/// Reads the `devices` section.
pub(super) fn read(root: &Section<'_>, units: Units, legacy: &Legacy) -> Devices {
    let Some(it) = root.section("devices") else {
        root.miss("devices", "a section with the keys `credentials` and `groups`");
        return assembled(root.book, Credentials::default(), Vec::new());
    };
    let credentials = credentials(&it);
    let mut groups: Vec<Group> = Vec::new();
    let section = it.section("groups");
    for entry in section.as_ref().map_or(&[][..], Section::all) {
        let Some(group) = groups::read(it.book, entry, units, legacy) else { continue };
        match groups.iter().find(|other| other.settings.slug == group.settings.slug) {
            Some(other) => {
                let found = format!("a second group with the name `{}` in topics", other.settings.slug);
                let allowed = format!("another name than the group's on {}", other.place.brief());
                it.book.refuse(&entry.place, &format!("devices.groups.{}", entry.key), found, allowed);
            }
            None => groups.push(group),
        }
    }
    if section.is_none_or(|it| it.all().is_empty()) {
        it.book.warn(&it.place, "devices.groups", "there is no group: nothing can be switched");
    }
    it.close();
    assembled(root.book, credentials, groups)
}

fn assembled(book: &Book, credentials: Credentials, mut groups: Vec<Group>) -> Devices {
    let circuits = circuits::shared(book, &mut groups);
    let mut found: Vec<Found> = Vec::new();
    let mut settings = BTreeMap::new();
    for group in groups {
        let mut members = Vec::new();
        for item in group.items {
            let at = found.iter().position(|it| one_place(&it.settings.address, &item.address)).unwrap_or_else(|| {
                found.push(Found::new(&item));
                found.len() - 1
            });
            if let Some(device) = found.get_mut(at) {
                let slots = item.slots.as_ref().map(|slots| slots.iter().map(|(slot, ..)| *slot).collect());
                let rated_watts = item.rated_watts.as_ref().map(|(watts, _)| *watts);
                members.push(Member { device: device.settings.slug.clone(), slots, rated_watts });
                device.take(book, item);
            }
        }
        settings.insert(group.settings.slug.clone(), GroupSettings { members, ..group.settings });
    }
    one_slug_each(book, &found);
    found.iter().for_each(|device| device.one_group_each(book));
    let devices = found.into_iter().map(Found::finished).collect();
    Devices { credentials, groups: settings, devices, circuits }
}

/// No port is the vendor's port.
fn one_place(one: &Address, other: &Address) -> bool {
    one.host == other.host && one.port.unwrap_or(80) == other.port.unwrap_or(80)
}

/// A device while its items are being gathered.
struct Found {
    settings: DeviceSettings,
    place: Place,
    path: String,
    mac_place: Option<Place>,
    items: Vec<Item>,
}

impl Found {
    fn new(item: &Item) -> Self {
        let settings = DeviceSettings {
            slug: item.slug.clone(),
            name: item.name.clone(),
            address: item.address.clone(),
            mac: None,
            outlet_names: BTreeMap::new(),
            poll_every: item.poll.unwrap_or(POLL),
            timeout: item.timeout.unwrap_or(TIMEOUT),
        };
        let path = format!("{}.name", item.path);
        Self { settings, place: item.name_place.clone(), path, mac_place: None, items: Vec::new() }
    }

    /// The quickest poll and the most patient deadline of its items count: each item was promised that much.
    fn take(&mut self, book: &Book, item: Item) {
        self.settings.poll_every = item.poll.map_or(self.settings.poll_every, |it| {
            if self.items.iter().all(|it| it.poll.is_none()) { it } else { self.settings.poll_every.min(it) }
        });
        self.settings.timeout = item.timeout.map_or(self.settings.timeout, |it| {
            if self.items.iter().all(|it| it.timeout.is_none()) { it } else { self.settings.timeout.max(it) }
        });
        if let Some((mac, place)) = &item.mac {
            match (self.settings.mac, &self.mac_place) {
                (Some(first), Some(first_place)) if first != *mac => {
                    let allowed = format!("{first} as on {}: the address is the same", first_place.brief());
                    book.refuse(place, &format!("{}.mac", item.path), mac, allowed);
                }
                _ => (self.settings.mac, self.mac_place) = (Some(*mac), Some(place.clone())),
            }
        }
        self.items.push(item);
    }

    /// No outlet may be in two items: two groups would pull it in two ways.
    fn one_group_each(&self, book: &Book) {
        for (at, item) in self.items.iter().enumerate() {
            for earlier in self.items.iter().take(at) {
                for (place, path, what) in shared(earlier, item) {
                    let allowed = if earlier.group == item.group {
                        format!("each outlet once; {} has it", earlier.path)
                    } else {
                        format!("each outlet in one group; {} ({}) has it", earlier.path, earlier.place.brief())
                    };
                    book.refuse(&place, &path, what, allowed);
                }
            }
        }
    }

    /// With several items, each names its outlets; a single item is the device and names nothing more.
    fn finished(mut self) -> DeviceSettings {
        if self.items.len() > 1 {
            for item in &self.items {
                let slots = item.slots.as_deref().unwrap_or_default();
                for (slot, ..) in slots {
                    let name = if slots.len() == 1 { item.name.clone() } else { format!("{} {slot}", item.name) };
                    self.settings.outlet_names.insert(*slot, name);
                }
            }
        }
        self.settings
    }
}

/// The outlets that two items of one device share, as the later one names them.
fn shared(earlier: &Item, item: &Item) -> Vec<(Place, String, String)> {
    let again = |slot: u8| format!("outlet {} of {} again", slot - 1, item.address);
    match (&earlier.slots, &item.slots) {
        (Some(taken), Some(slots)) => slots
            .iter()
            .filter(|(slot, ..)| taken.iter().any(|(it, ..)| it == slot))
            .map(|(slot, path, place)| (place.clone(), path.clone(), again(*slot)))
            .collect(),
        (None, Some(slots)) => {
            slots.iter().map(|(slot, path, place)| (place.clone(), path.clone(), again(*slot))).collect()
        }
        (_, None) => vec![(item.place.clone(), item.path.clone(), format!("all outlets of {} again", item.address))],
    }
}

fn one_slug_each(book: &Book, devices: &[Found]) {
    for (at, device) in devices.iter().enumerate() {
        let others =
            devices.iter().enumerate().filter(|(other, it)| *other != at && it.settings.slug == device.settings.slug);
        if let Some((_, other)) = others.into_iter().next() {
            let found = format!("\"{}\", in topics `{}`", cut(&device.settings.name), device.settings.slug);
            let address = &other.settings.address;
            let allowed = format!("another name than that of {address} on {}", other.place.brief());
            book.refuse(&device.place, &device.path, found, allowed);
        }
    }
}

fn credentials(it: &Section<'_>) -> Credentials {
    let Some(section) = it.section("credentials") else {
        it.miss("credentials", "a section with the `username` and `password` of the Tapo account");
        return Credentials::default();
    };
    let username = account(&section, "username", "username_file", &NO_USERNAMES);
    let password = account(&section, "password", "password_file", &NO_PASSWORDS);
    section.close();
    let username = username.map(|it| it.reveal().trim().to_owned()).unwrap_or_default();
    Credentials { username, password: password.unwrap_or_default() }
}

/// One half of the account. A template's placeholder is as good as nothing: no plug knows it.
fn account(it: &Section<'_>, key: &'static str, file_key: &'static str, placeholders: &[&str]) -> Option<Secret> {
    let allowed =
        format!("the Tapo account's {key} (here, as `{file_key}: PATH` or as HEATTRAX_TAPO_{})", key.to_uppercase());
    let before = it.book.count();
    let secret = it.secret(key, file_key).filter(|it| !it.reveal().trim().is_empty());
    match &secret {
        // Why it cannot be read has been told already.
        None if it.book.count() > before => {}
        None if it.has(key) => it.refuse(key, "an empty text", allowed),
        None => it.miss(key, allowed),
        Some(secret) if placeholders.contains(&secret.reveal().trim().to_lowercase().as_str()) => {
            it.refuse(key, "the placeholder of a template", allowed);
        }
        Some(_) => {}
    }
    secret
}
