//! The endpoints of the bridge's predecessor: their paths, shapes and status codes, so that its clients go on working. Its bugs are not
//! kept; `docs/http.md` lists them.

mod automation;
mod control;
mod devices;
mod mats;
mod status;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;

pub(super) use self::status::probes;
use super::Site;
use crate::model::{ControlSettings, DeviceSettings, GroupSettings, House, Member, OutletId, Switch};

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .merge(status::routes())
        .merge(devices::routes())
        .merge(control::routes())
        .merge(mats::routes())
        .merge(automation::routes())
}

/// An item of a group, as the config lists it.
struct Item<'a> {
    group: &'a GroupSettings,
    device: &'a DeviceSettings,
    member: &'a Member,
    /// As the config names it: the device's name, or that of outlets which have an item of their own.
    name: String,
}

/// Every item of every group, in the config's order.
fn items(settings: &ControlSettings) -> impl Iterator<Item = Item<'_>> {
    settings.groups.values().flat_map(move |group| {
        group.members.iter().filter_map(move |member| {
            let device = settings.devices.get(&member.device)?;
            Some(Item { group, device, member, name: name_of(device, member) })
        })
    })
}

fn name_of(device: &DeviceSettings, member: &Member) -> String {
    let slots = member.slots.as_deref().unwrap_or_default();
    let own = slots.first().and_then(|slot| Some((slot, device.outlet_names.get(slot)?)));
    match own {
        // Several outlets of one item have its name and their number.
        Some((slot, name)) if slots.len() > 1 => {
            name.strip_suffix(&format!(" {slot}")).unwrap_or(&device.name).to_owned()
        }
        Some((_, name)) => name.clone(),
        None => device.name.clone(),
    }
}

impl Item<'_> {
    /// Its outlets: those that the config lists, else all that are known of the device.
    fn outlets(&self, house: &House) -> Vec<OutletId> {
        let device = &self.device.slug;
        match &self.member.slots {
            Some(slots) => slots.iter().map(|slot| OutletId::new(device.clone(), *slot)).collect(),
            None => {
                let all = OutletId::new(device.clone(), u8::MIN)..=OutletId::new(device.clone(), u8::MAX);
                house.outlets.range(all).map(|(id, _)| id.clone()).collect()
            }
        }
    }

    fn is_named(&self, name: &str) -> bool {
        self.name == name || self.device.name == name || self.device.slug.as_str() == name
    }
}

/// `on` or `off`.
fn low(switch: Switch) -> &'static str {
    if switch.is_on() { "on" } else { "off" }
}

/// The groups by the names that the config gives them.
fn by_name(settings: &ControlSettings, value: impl Fn(&GroupSettings) -> Value) -> Value {
    let groups: BTreeMap<&str, Value> = settings.groups.values().map(|it| (it.name.as_str(), value(it))).collect();
    json!(groups)
}
