//! Requests that change the config.

use serde_json::{Map, Value};

use super::{Given, Request};
use crate::{
    hub::Errand,
    model::{ConfigEdit, Slug, Which},
};

pub(super) fn put(given: &Given<'_>) -> Result<Request, String> {
    let schedule = object(given.asked.schedule.as_ref(), "schedule")?;
    let (asked, own) = (&given.asked, schedule.get("name").and_then(Value::as_str));
    let names_another = asked.index.is_some() || (asked.name.is_some() && asked.name.as_deref() != own);
    let replaces = if names_another { Some(which(given)?) } else { None };
    edit(given, ConfigEdit::PutSchedule { group: group(given)?, replaces, schedule })
}

pub(super) fn remove(given: &Given<'_>) -> Result<Request, String> {
    edit(given, ConfigEdit::RemoveSchedule { group: group(given)?, which: which(given)? })
}

pub(super) fn enable(given: &Given<'_>) -> Result<Request, String> {
    let enabled = given.asked.enabled.ok_or("`enabled` is missing: true or false")?;
    edit(given, ConfigEdit::EnableSchedule { group: group(given)?, which: which(given)?, enabled })
}

pub(super) fn rename(given: &Given<'_>) -> Result<Request, String> {
    edit(given, ConfigEdit::Rename { device: device(given)?, slot: given.asked.slot, name: name(given)? })
}

pub(super) fn device_options(given: &Given<'_>) -> Result<Request, String> {
    let options = object(given.asked.options.as_ref(), "options")?;
    edit(given, ConfigEdit::SetDevice { device: device(given)?, options })
}

pub(super) fn group_options(given: &Given<'_>) -> Result<Request, String> {
    let options = object(given.asked.options.as_ref(), "options")?;
    edit(given, ConfigEdit::SetGroup { group: group(given)?, options })
}

fn edit(given: &Given<'_>, wish: ConfigEdit) -> Result<Request, String> {
    Ok(Request::Errand(Errand::Edit(wish, given.asked.etag.clone())))
}

fn group(given: &Given<'_>) -> Result<Slug, String> {
    given.group()?.ok_or_else(|| "`group` is missing".to_owned())
}

fn device(given: &Given<'_>) -> Result<Slug, String> {
    let named = given.asked.device.as_ref().ok_or("`device` is missing")?;
    let known = named.parse::<Slug>().ok().filter(|it| given.house.devices.contains_key(it));
    known.ok_or_else(|| "there is no such device".to_owned())
}

fn name(given: &Given<'_>) -> Result<String, String> {
    let named = given.asked.name.as_deref().map(str::trim).filter(|it| !it.is_empty());
    named.map(str::to_owned).ok_or_else(|| "`name` is missing".to_owned())
}

fn which(given: &Given<'_>) -> Result<Which, String> {
    Ok(Which { name: name(given)?, place: given.asked.index })
}

fn object(given: Option<&Value>, name: &str) -> Result<Map<String, Value>, String> {
    let fields = given.and_then(Value::as_object).filter(|it| !it.is_empty());
    fields.cloned().ok_or_else(|| format!("`{name}` is missing: a JSON object"))
}
