//! What Home Assistant is told about: the house in, retained announcements out. Pure.
//!
//! One device for the bridge, one for each housing, one for each outlet and one for each group, each with all its entities;
//! `arrangement.rs` lays them out. Abbreviated keys throughout.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    arrangement::{Draft, arranged},
    entities::{BRIDGE, GROUP, HOUSING, OUTLET, SCHEDULE, SEEN},
    outbound::Context,
    sheet::{Attributes, Entity, Form, Outlives, Row, Sheet, Template},
    topics::Topics,
    truth::{Entries, Rank},
    views::{BridgeView, DeviceView, GroupView, OutletView, ScheduleView, outlets_of},
};
use crate::model::{Device, Group, HomeAssistantVersion, House, Mac, Slug};

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
        topics.base().to_owned()
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

impl Announced for ScheduleView {
    fn availability(&self, topics: &Topics) -> Vec<String> {
        vec![topics.bridge_availability()]
    }

    fn commands(&self, topics: &Topics) -> String {
        topics.schedule(&self.group, &self.slug)
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
    let mut drafts = Vec::new();
    match part {
        Part::Bridge => drafts.push(bridge(house, context)),
        Part::Device(slug) => {
            if let Some(device) = house.devices.get(slug) {
                drafts = self::device(house, context, device);
            }
        }
        Part::Group(slug) => {
            if let Some(group) = house.groups.get(slug) {
                drafts.push(self::group(house, context, group));
            }
        }
    }
    arranged(drafts, context)
}

fn bridge(house: &Arc<House>, context: &Context) -> Draft {
    let device = json!({
        "ids": [context.topics.bridge_unique()],
        "name": "HeatTrax",
        "mf": "HeatTrax",
        "mdl": "Bridge",
        "sw": context.identity.version,
    });
    let root = Root { unique: context.topics.bridge_unique(), device, names: "heattrax", prefix: "", called: None };
    root.draft(context, &context.bridge(house), &[BRIDGE], Rank::AnnounceBridge)
}

fn group(house: &House, context: &Context, group: &Arc<Group>) -> Draft {
    let unique = format!("{}_group_{}", context.topics.bridge_unique(), group.slug);
    let device = json!({
        "ids": [unique],
        "name": group.name,
        "mf": "HeatTrax",
        "mdl": "Group",
        "via_device": context.topics.bridge_unique(),
    });
    let root = Root { unique: &unique, device, names: &format!("heattrax_{}", group.slug), prefix: "", called: None };
    let mut draft = root.draft(context, &GroupView::of(house, group), &[GROUP], Rank::AnnounceChild);
    for view in ScheduleView::all(group) {
        let prefix = format!("schedule_{}_", view.slug);
        let root = Root {
            unique: &format!("{unique}_schedule_{}", view.slug),
            device: Value::Null,
            names: &format!("heattrax_{}_schedule_{}", group.slug, view.slug),
            prefix: &prefix,
            called: Some(&view.schedule.name),
        };
        draft.components.extend(root.draft(context, &view, &[SCHEDULE], Rank::AnnounceChild).components);
    }
    draft
}

/// The housing, and its outlets after it; nothing while it has not said what it is.
fn device(house: &House, context: &Context, device: &Arc<Device>) -> Vec<Draft> {
    let (Some(mac), Some(housing)) = (identity(device), &device.housing) else { return Vec::new() };
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
    let root = Root { unique: &unique, device: about, names: device.slug.as_str(), prefix: "", called: None };
    let mut drafts = vec![root.draft(context, &DeviceView::of(house, device), &[HOUSING, SEEN], Rank::AnnounceHousing)];
    let views = outlets_of(house, &device.slug).map(|outlet| OutletView::of(house, outlet));
    for view in views.filter(OutletView::is_known) {
        let outlet = &view.outlet;
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
        let root = Root { unique: &own, device: about, names: &names, prefix: &format!("{slot}_"), called: None };
        drafts.push(root.draft(context, &view, &[OUTLET], Rank::AnnounceChild));
    }
    drafts
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
    /// What the names of its entities begin with, if the device's own name does not tell them from others.
    called: Option<&'a str>,
}

impl Root<'_> {
    fn draft<V: Announced>(self, context: &Context, view: &V, sheets: &[&[Sheet<V>]], rank: Rank) -> Draft {
        let mut components = Map::new();
        for sheet in sheets.iter().copied().flatten().filter(|sheet| (sheet.has)(view)) {
            for row in sheet.rows.iter().filter(|row| (row.has)(view)) {
                if let Some(entity) = row.entity.as_ref().filter(|it| is_known(it, context)) {
                    let component = self.component(context, view, sheet, row, entity);
                    components.insert(format!("{}{}", self.prefix, entity.key), component);
                }
            }
        }
        let availability = listed(view.availability(&context.topics));
        Draft { unique: self.unique.to_owned(), device: self.device, availability, components, rank }
    }

    fn component<V: Announced>(
        &self,
        context: &Context,
        view: &V,
        sheet: &Sheet<V>,
        row: &Row<V>,
        entity: &Entity,
    ) -> Value {
        let topics = &context.topics;
        let topic = (sheet.topic)(topics, view);
        let mut component = Map::new();
        component.insert("p".to_owned(), json!(entity.platform));
        component.insert("name".to_owned(), self.name(entity));
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
            if let Some(seconds) = context.command_expiry {
                component.insert("msg_exp_int".to_owned(), json!(seconds));
            }
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
        if let Some((least, most)) = row.bounds.map(|bounds| bounds(view)) {
            component.insert("min".to_owned(), least);
            component.insert("max".to_owned(), most);
        }
        component.extend(entity.more.iter().map(|(key, more)| ((*key).to_owned(), more.value())));
        Value::Object(component)
    }

    fn name(&self, entity: &Entity) -> Value {
        match (self.called, entity.name) {
            (Some(called), Some(name)) => json!(format!("Schedule {called} {name}")),
            (Some(called), None) => json!(format!("Schedule {called}")),
            (None, name) => json!(name),
        }
    }

    fn entity_id(&self, entity: &Entity) -> String {
        match entity.name {
            None => format!("{}.{}", entity.platform, self.names),
            Some(_) => format!("{}.{}_{}", entity.platform, self.names, entity.key),
        }
    }
}

/// Does every Home Assistant that listens know such an entity?
fn is_known(entity: &Entity, context: &Context) -> bool {
    entity.platform != "time" || context.min_version.is_some_and(|it| it >= HomeAssistantVersion::TIMES)
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
        (Form::Fields, Template::Holds) => Some(format!("{{{{ 'ON' if {value} | default(false) else 'OFF' }}}}")),
        (Form::Fields, Template::Short) => Some(format!("{{{{ {value}[:255] if {value} else none }}}}")),
        (Form::Fields, Template::Mixed) => {
            Some(format!("{{{{ 'ON' if {value} == 'MIXED' else {value} | default(none) }}}}"))
        }
    }
}

/// Has every configured device said what it is, so that whatever is not announced now is really gone?
pub(super) fn is_complete(house: &House) -> bool {
    house.devices.values().all(|device| device.housing.is_some())
}
