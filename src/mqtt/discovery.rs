//! What Home Assistant is told about: the house in, retained announcements out. Pure.
//!
//! Layout `via_device`: one device for the bridge, one for each housing, one for each outlet and one for each group, each with
//! one announcement that holds all its entities. Abbreviated keys throughout. The root of an announcement is a closed schema: one
//! key that an old Home Assistant does not know, and it drops the whole device.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    entities::{BRIDGE, GROUP, HOUSING, OUTLET},
    outbound::Context,
    sheet::{Attributes, Entity, Form, Outlives, Row, Sheet, Template},
    topics::Topics,
    truth::{Entries, Entry, Rank},
    views::{BridgeView, DeviceView, GroupView, OutletView, outlets_of},
};
use crate::model::{Device, Group, House, Mac, Slug};

/// A device of Home Assistant.
trait Announced {
    /// Topics whose `online` makes it available.
    fn availability(&self, topics: &Topics) -> Vec<String>;
    /// What its command topics begin with.
    fn commands(&self, topics: &Topics) -> String;
}

impl Announced for BridgeView {
    fn availability(&self, topics: &Topics) -> Vec<String> {
        vec![topics.bridge_availability()]
    }

    fn commands(&self, topics: &Topics) -> String {
        topics.vacation()
    }
}

impl Announced for DeviceView {
    fn availability(&self, topics: &Topics) -> Vec<String> {
        vec![topics.bridge_availability(), topics.device_availability(&self.device.slug)]
    }

    fn commands(&self, topics: &Topics) -> String {
        topics.device(&self.device.slug)
    }
}

impl Announced for OutletView {
    fn availability(&self, topics: &Topics) -> Vec<String> {
        vec![topics.bridge_availability(), topics.device_availability(&self.outlet.id.device)]
    }

    fn commands(&self, topics: &Topics) -> String {
        topics.outlet(&self.outlet.id)
    }
}

impl Announced for GroupView {
    /// Not that of its devices: a group stays useful while one of them is away.
    fn availability(&self, topics: &Topics) -> Vec<String> {
        vec![topics.bridge_availability()]
    }

    fn commands(&self, topics: &Topics) -> String {
        topics.group(&self.group.slug)
    }
}

/// What is announced together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The bridge.
    Bridge,
    /// A housing with its outlets.
    Device(Slug),
    /// A group.
    Group(Slug),
}

/// The announcements of a part of the house; none of what is not there. A device that has not said what it is yet is left out:
/// what was announced of it before stays.
pub(super) fn announcements(house: &Arc<House>, context: &Context, part: &Part) -> Entries {
    let mut entries = Entries::new();
    match part {
        Part::Bridge => announce_bridge(house, context, &mut entries),
        Part::Device(slug) => {
            if let Some(device) = house.devices.get(slug) {
                announce_device(house, context, device, &mut entries);
            }
        }
        Part::Group(slug) => {
            if let Some(group) = house.groups.get(slug) {
                announce_group(house, context, group, &mut entries);
            }
        }
    }
    entries
}

fn announce_bridge(house: &Arc<House>, context: &Context, entries: &mut Entries) {
    let device = json!({
        "ids": [context.topics.bridge_unique()],
        "name": "HeatTrax",
        "mf": "HeatTrax",
        "mdl": "Bridge",
        "sw": context.identity.version,
    });
    let root = Root { unique: context.topics.bridge_unique(), device, names: "heattrax", prefix: "" };
    root.announce(context, &context.bridge(house), BRIDGE, Rank::AnnounceBridge, entries);
}

fn announce_group(house: &House, context: &Context, group: &Arc<Group>, entries: &mut Entries) {
    let unique = format!("{}_group_{}", context.topics.bridge_unique(), group.slug);
    let device = json!({
        "ids": [unique],
        "name": group.name,
        "mf": "HeatTrax",
        "mdl": "Group",
        "via_device": context.topics.bridge_unique(),
    });
    let root = Root { unique: &unique, device, names: &format!("heattrax_{}", group.slug), prefix: "" };
    root.announce(context, &GroupView::of(house, group), GROUP, Rank::AnnounceChild, entries);
}

fn announce_device(house: &House, context: &Context, device: &Arc<Device>, entries: &mut Entries) {
    let (Some(mac), Some(housing)) = (identity(device), &device.housing) else { return };
    let unique = format!("tapo_{}", mac.plain());
    let about = json!({
        "ids": [unique],
        "cns": [["mac", mac.to_string().to_lowercase()]],
        "name": device.name,
        "mf": "TP-Link",
        "mdl": housing.model,
        "hw": housing.hardware,
        "sw": housing.firmware,
        "via_device": context.topics.bridge_unique(),
    });
    let root = Root { unique: &unique, device: about, names: device.slug.as_str(), prefix: "" };
    root.announce(context, &DeviceView { device: device.clone() }, HOUSING, Rank::AnnounceHousing, entries);
    for outlet in outlets_of(house, &device.slug) {
        let view = OutletView::of(house, outlet);
        if !view.is_known() {
            continue;
        }
        let slot = outlet.id.slot;
        let own = format!("{unique}_{slot}");
        let about = json!({
            "ids": [own],
            "name": outlet.name,
            "mf": "TP-Link",
            "mdl": format!("{} outlet {slot}", housing.model),
            "via_device": unique,
        });
        let names = format!("{}_{slot}", device.slug);
        let root = Root { unique: &own, device: about, names: &names, prefix: &format!("{slot}_") };
        root.announce(context, &view, OUTLET, Rank::AnnounceChild, entries);
    }
}

/// The address that a device is known by in Home Assistant, for ever.
pub(super) fn identity(device: &Device) -> Option<Mac> {
    device.pin.as_ref().map(|pin| pin.mac).or_else(|| device.housing.as_ref().map(|housing| housing.mac))
}

/// One announcement.
struct Root<'a> {
    /// The device's unique id, and the beginning of its entities'.
    unique: &'a str,
    /// What Home Assistant shows of the device.
    device: Value,
    /// What entity ids are to begin with.
    names: &'a str,
    /// What component keys begin with, so that they stay unique should a housing and its outlets share an announcement.
    prefix: &'a str,
}

impl Root<'_> {
    fn announce<V: Announced>(
        self,
        context: &Context,
        view: &V,
        sheets: &[Sheet<V>],
        rank: Rank,
        entries: &mut Entries,
    ) {
        let mut components = Map::new();
        for sheet in sheets.iter().filter(|sheet| (sheet.has)(view)) {
            for row in sheet.rows.iter().filter(|row| (row.has)(view)) {
                if let Some(entity) = &row.entity {
                    let component = self.component(&context.topics, view, sheet, row, entity);
                    components.insert(format!("{}{}", self.prefix, entity.key), component);
                }
            }
        }
        let payload = json!({
            "dev": self.device,
            "o": { "name": "heattrax", "sw": context.identity.version },
            "avty": listed(view.availability(&context.topics)),
            "avty_mode": "all",
            "qos": 1,
            "cmps": components,
        });
        entries.insert(context.topics.announced(self.unique), Entry { rank, payload: payload.to_string() });
    }

    fn component<V: Announced>(
        &self,
        topics: &Topics,
        view: &V,
        sheet: &Sheet<V>,
        row: &Row<V>,
        entity: &Entity,
    ) -> Value {
        let topic = (sheet.topic)(topics, view);
        let mut component = Map::new();
        component.insert("p".to_owned(), json!(entity.platform));
        component.insert("name".to_owned(), json!(entity.name));
        component.insert("uniq_id".to_owned(), json!(format!("{}_{}", self.unique, entity.key)));
        component.insert("def_ent_id".to_owned(), json!(self.entity_id(entity)));
        // A button has no state.
        if entity.platform != "button" {
            component.insert("stat_t".to_owned(), json!(topic));
            if let Some(template) = template(sheet.form, row.field, entity.template) {
                component.insert("val_tpl".to_owned(), json!(template));
            }
        }
        if let Some(command) = entity.command {
            component.insert("cmd_t".to_owned(), json!(format!("{}/{command}", view.commands(topics))));
        }
        match entity.attributes {
            Attributes::None => {}
            Attributes::Own => {
                component.insert("json_attr_t".to_owned(), json!(topic));
            }
            Attributes::Below(level) => {
                component.insert("json_attr_t".to_owned(), json!(format!("{}/{level}", view.commands(topics))));
            }
        }
        match entity.outlives {
            Outlives::Nothing => {}
            Outlives::Device => {
                component.insert("avty".to_owned(), listed(vec![topics.bridge_availability()]));
            }
            Outlives::Bridge => {
                component.insert("avty".to_owned(), json!([]));
            }
        }
        component.extend(entity.more.iter().map(|(key, more)| ((*key).to_owned(), more.value())));
        Value::Object(component)
    }

    fn entity_id(&self, entity: &Entity) -> String {
        match entity.name {
            None => format!("{}.{}", entity.platform, self.names),
            Some(_) => format!("{}.{}_{}", entity.platform, self.names, entity.key),
        }
    }
}

fn listed(topics: Vec<String>) -> Value {
    topics.into_iter().map(|topic| json!({ "t": topic })).collect()
}

/// A field may be absent or null: an empty text would be logged as an error by Home Assistant, `None` is unknown to it.
fn template(form: Form, field: &str, template: Template) -> Option<String> {
    let value = format!("value_json.{field}");
    match (form, template) {
        (Form::Whole | Form::Passing, _) | (_, Template::Plain) => None,
        (Form::Fields, Template::Field) => Some(format!("{{{{ {value} | default(none) }}}}")),
        (Form::Fields, Template::Holds) => Some(format!("{{{{ 'ON' if {value} else 'OFF' }}}}")),
        (Form::Fields, Template::Short) => Some(format!("{{{{ {value}[:255] if {value} else none }}}}")),
        (Form::Fields, Template::Mixed) => {
            Some(format!("{{{{ 'ON' if {value} == 'MIXED' else {value} | default(none) }}}}"))
        }
    }
}

/// The entities of an announcement: component key and platform.
pub(super) fn components(payload: &str) -> Vec<(String, String)> {
    let Ok(root) = serde_json::from_str::<Value>(payload) else { return Vec::new() };
    let Some(components) = root.get("cmps").or_else(|| root.get("components")).and_then(Value::as_object) else {
        return Vec::new();
    };
    let platform = |it: &Value| it.get("p").or_else(|| it.get("platform"))?.as_str().map(str::to_owned);
    components.iter().filter_map(|(key, it)| Some((key.clone(), platform(it)?))).collect()
}

/// The announcement that takes entities back which `before` had and `payload` has no longer: merely leaving them out would leave
/// them in Home Assistant. `None` if there are none.
pub(super) fn farewell(before: &[(String, String)], payload: &str) -> Option<String> {
    let mut root = serde_json::from_str::<Value>(payload).ok()?;
    let components = root.get_mut("cmps")?.as_object_mut()?;
    let gone: Vec<_> = before.iter().filter(|(key, _)| !components.contains_key(key)).collect();
    if gone.is_empty() {
        return None;
    }
    components.extend(gone.into_iter().map(|(key, platform)| (key.clone(), json!({ "p": platform }))));
    Some(root.to_string())
}

/// Did this bridge announce it? Told from the unique id for the bridge and its groups, and from the announcement for plugs: another
/// bridge may have its own on the same broker.
pub(super) fn is_ours(topics: &Topics, unique: &str, payload: &str) -> bool {
    let bridge = topics.bridge_unique();
    if unique == bridge || unique.strip_prefix(bridge).is_some_and(|rest| rest.starts_with("_group_")) {
        return true;
    }
    if !unique.starts_with("tapo_") {
        return false;
    }
    let Ok(root) = serde_json::from_str::<Value>(payload) else { return false };
    let origin = root.pointer("/o/name").and_then(Value::as_str) == Some("heattrax");
    let via_us = root.pointer("/dev/via_device").and_then(Value::as_str) == Some(bridge);
    let available = root.get("avty").and_then(Value::as_array).is_some_and(|list| {
        let ours = topics.bridge_availability();
        list.iter().any(|it| it.get("t").and_then(Value::as_str) == Some(ours.as_str()))
    });
    origin && (via_us || available)
}

/// Has every configured device said what it is, so that whatever is not announced now is really gone?
pub(super) fn is_complete(house: &House) -> bool {
    house.devices.values().all(|device| device.housing.is_some())
}
