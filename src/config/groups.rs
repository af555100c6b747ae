//! Groups and their items, as they are written.

use std::time::Duration;

use super::{
    address,
    automation::{self, Legacy},
    circuits, melt,
    problem::Place,
    range::Range,
    schedule::{self, Units},
    section::{Book, Section, cut, shown},
    shape::Shape,
    tree::Entry,
    values::whole_of,
};
use crate::model::{Address, Class, GroupSettings, Mac, Schedule, Slug};

/// Words that have a meaning in topics.
const RESERVED: [&str; 5] = ["automation", "bridge", "group", "weather", "vacation"];
/// A wish ends after at most a day.
pub(super) const WISH_HOURS: Range = Range::above(0.0, 24.0, "hours");
const POLL_SECONDS: Range = Range::of(1.0, 3600.0, "seconds");
const TIMEOUT_SECONDS: Range = Range::of(1.0, 60.0, "seconds");
pub(super) const RATED_WATTS: Range = Range::of(1.0, 5000.0, "watts");
const OUTLET: Range = Range::of(0.0, 15.0, "");

/// An item of a group with all its places.
pub(super) struct Item {
    pub(super) group: Slug,
    pub(super) path: String,
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) name_place: Place,
    pub(super) slug: Slug,
    pub(super) address: Address,
    /// Slots from 1 with the path and place of each; `None` for all.
    pub(super) slots: Option<Vec<(u8, String, Place)>>,
    pub(super) mac: Option<(Mac, Place)>,
    pub(super) poll: Option<Duration>,
    pub(super) timeout: Option<Duration>,
    pub(super) rated_watts: Option<(u32, Place)>,
}

/// A group without its members, and its items.
pub(super) struct Group {
    pub(super) settings: GroupSettings,
    pub(super) items: Vec<Item>,
    pub(super) place: Place,
    pub(super) circuit: Option<circuits::Written>,
}

/// The slug of a name, which must not be one of the reserved words.
pub(super) fn slug_of(book: &Book, place: &Place, path: &str, name: &str) -> Option<Slug> {
    let allowed = format!("a name with letters or digits, other than {}", super::values::one_of(&RESERVED));
    let Some(slug) = Slug::of(name) else {
        book.refuse(place, path, format!("\"{}\"", cut(name)), allowed);
        return None;
    };
    if RESERVED.contains(&slug.as_str()) {
        book.refuse(place, path, format!("the reserved name `{slug}`"), allowed);
        return None;
    }
    Some(slug)
}

/// Reads one entry of `devices.groups`.
pub(super) fn read(book: &Book, entry: &Entry, units: Units, legacy: &Legacy) -> Option<Group> {
    let path = format!("devices.groups.{}", entry.key);
    let it = Section::new(book, path.clone(), entry.place.clone(), &entry.value);
    let slug = slug_of(book, &entry.place, &path, &entry.key);
    let heats = heats(&it);
    let schedules = automation::read(&it, schedules(&it, units), legacy);
    let class = match it.one_of("class", &["heater", "light", "generic"]) {
        Some("heater") => Class::Heater,
        Some("light") => Class::Light,
        Some(_) => Class::Generic,
        None if heats => Class::Heater,
        None => Class::Generic,
    };
    let melt = it.section("melt").and_then(|it| melt::read(it, units));
    if melt.is_some() && class != Class::Heater {
        it.refuse("class", format!("`{}` beside `melt`", class.as_str()), "heater: what melts snow is one");
    }
    let settings = GroupSettings {
        slug: slug.clone()?,
        name: entry.key.clone(),
        enabled: it.switch("enabled").unwrap_or(true),
        class,
        members: Vec::new(),
        schedules,
        melt,
        circuit: None,
        wish_lasts: it.number("manual_override_hours", WISH_HOURS).map(schedule::hours),
        require_device_timer: it.switch("require_device_timer").unwrap_or(class == Class::Heater),
    };
    let mut items = Vec::new();
    for (path, node) in it.list("items") {
        let item = Section::new(book, path, node.place.clone(), node);
        items.extend(read_item(&item, slug.as_ref()));
        item.close();
    }
    let circuit = circuits::read(&it);
    it.close();
    Some(Group { settings, items, place: entry.place.clone(), circuit })
}

/// Is the group there to melt snow? It is when its rules ask for weather.
fn heats(it: &Section<'_>) -> bool {
    let conditional = it.list("schedules").iter().any(|(_, node)| schedule::is_conditional(node));
    conditional || it.get("automation").is_some_and(automation::heats) || it.has("melt")
}

fn schedules(it: &Section<'_>, units: Units) -> Vec<Schedule> {
    let mut schedules = Vec::new();
    for (path, node) in it.list("schedules") {
        let section = Section::new(it.book, path, node.place.clone(), node);
        schedules.push(schedule::read(&section, units));
        section.close();
    }
    schedules
}

fn read_item(it: &Section<'_>, group: Option<&Slug>) -> Option<Item> {
    for key in ["name", "ip_address"].into_iter().filter(|key| !it.has(key)) {
        it.miss(key, if key == "name" { "a name" } else { address::ALLOWED });
    }
    let name = it.text("name");
    let slug = name.as_ref().and_then(|name| slug_of(it.book, &it.place_of("name"), &it.path_of("name"), name));
    let address = it.text("ip_address").and_then(|text| {
        let address = address::read(&text);
        if address.is_none() {
            it.refuse("ip_address", format!("\"{}\"", cut(&text)), address::ALLOWED);
        }
        address
    });
    let slots = slots(it);
    let mac = mac(it);
    let poll = it.number("poll_seconds", POLL_SECONDS).map(Duration::from_secs_f64);
    let timeout = it.number("discovery_timeout_seconds", TIMEOUT_SECONDS).map(Duration::from_secs_f64);
    it.whole::<i64>("outlet", Range::from(0.0));
    it.warn("outlet", "only for display, as it always was: `outlets: [N]` says which outlets the item has");
    let rated_watts = it.whole("rated_watts", RATED_WATTS).map(|watts| (watts, it.place_of("rated_watts")));
    Some(Item {
        group: group?.clone(),
        path: it.path.clone(),
        place: it.place.clone(),
        name: name?,
        name_place: it.place_of("name"),
        slug: slug?,
        address: address?,
        slots,
        mac,
        poll,
        timeout,
        rated_watts,
    })
}

/// The config counts outlets from 0, plugs count their slots from 1.
fn slots(it: &Section<'_>) -> Option<Vec<(u8, String, Place)>> {
    let mut slots: Vec<(u8, String, Place)> = Vec::new();
    for (path, node) in it.list("outlets") {
        it.book.note(&path, || Shape::Whole(OUTLET));
        let index = whole_of(node).filter(|index| OUTLET.has(*index));
        let Some(index) = index else {
            it.book.refuse(&node.place, &path, shown(node), format!("a whole number {OUTLET}"));
            continue;
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be 0 to 15")]
        let slot = index as u8 + 1;
        if slots.iter().any(|(it, ..)| *it == slot) {
            it.book.refuse(&node.place, &path, format!("outlet {index} again"), "each outlet once");
            continue;
        }
        slots.push((slot, path, node.place.clone()));
    }
    (!slots.is_empty()).then_some(slots)
}

fn mac(it: &Section<'_>) -> Option<(Mac, Place)> {
    let text = it.text("mac")?;
    match text.parse() {
        Ok(mac) => Some((mac, it.place_of("mac"))),
        Err(_) => {
            it.refuse("mac", format!("\"{}\"", cut(&text)), "a MAC address such as A0:B1:C2:D3:E4:F5");
            None
        }
    }
}
