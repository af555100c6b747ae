//! What somebody wants changed, as changes of the file.

use serde_json::{Map, Value};

use super::change::{Change, Step, plain};
use crate::{
    config::{
        address,
        schedule::{OFF as CLOSES, ON as OPENS},
        tree::{Kind, Node},
    },
    model::{Address, ConfigEdit, Slug, UNNAMED, Which},
};

/// Keys of an item that may be set by a message. Its outlets and its rated power are for the file alone.
const OF_DEVICE: [&str; 4] = ["ip_address", "mac", "poll_seconds", "discovery_timeout_seconds"];
/// Keys of a group that have words of their own, or that safety hangs on: whoever reaches the broker may not lift a limit.
const NOT_OF_GROUP: [&str; 6] = ["items", "schedules", "automation", "class", "require_device_timer", "circuit"];
/// Keys of what melts snow of which the same holds.
const NOT_OF_MELT: &str = "max_runtime_hours";
/// The limits of a schedule.
const LIMITS: &str = "safety";

/// The changes of the file that bring about what is wanted.
///
/// # Errors
/// In words: there is no such thing in the file, or it is not to be changed this way.
pub(super) fn changes(file: &Node, wish: &ConfigEdit) -> Result<Vec<Change>, String> {
    match wish {
        ConfigEdit::Set(_) | ConfigEdit::Whole(_) => Err("values are set by their paths".to_owned()),
        ConfigEdit::PutSchedule { group, replaces, schedule } => put(file, group, replaces.as_ref(), schedule),
        ConfigEdit::RemoveSchedule { group, which } => {
            let (path, schedules) = schedules_of(file, group)?;
            Ok(vec![Change::Remove(item(&path, position(schedules, which)?))])
        }
        ConfigEdit::EnableSchedule { group, which, enabled } => {
            let (path, schedules) = schedules_of(file, group)?;
            let path = item(&path, position(schedules, which)?);
            Ok(vec![Change::Set(key(&path, "enabled"), Value::Bool(*enabled))])
        }
        ConfigEdit::TimeSchedule { group, which, opens, time } => {
            let (path, schedules) = schedules_of(file, group)?;
            let place = position(schedules, which)?;
            let window = if *opens { OPENS } else { CLOSES };
            let known =
                schedules.get(place).into_iter().flat_map(Node::entries).find(|it| window.contains(&it.key.as_str()));
            let known = known.filter(|it| text(&it.value, "type") == Some("time"));
            let entry =
                known.ok_or_else(|| format!("`{}` has no such time by the clock that could be set", which.name))?;
            let path = key(&key(&item(&path, place), &entry.key), "value");
            Ok(vec![Change::Set(path, Value::String(time.strftime("%H:%M").to_string()))])
        }
        ConfigEdit::Rename { device, slot, name } => {
            let path = named_item(file, device, *slot)?;
            Ok(vec![Change::Set(key(&path, "name"), Value::String(name.clone()))])
        }
        ConfigEdit::SetDevice { device, options } => {
            let path = named_item(file, device, None)?;
            let known = |name: &&String| !OF_DEVICE.contains(&name.as_str());
            if let Some(strange) = options.keys().find(known) {
                return Err(format!("`{strange}` is no option of a device: {}", OF_DEVICE.join(", ")));
            }
            Ok(options.iter().filter_map(|(name, value)| set(file, key(&path, name), value)).collect())
        }
        ConfigEdit::SetGroup { group, options } => {
            let (path, _) = group_of(file, group)?;
            if let Some((kept, _)) = options.iter().find(|(name, _)| is_for_the_file(name)) {
                return Err(format!("`{kept}` is not to be set by a message: it is for the file"));
            }
            let each = options.iter().map(|(name, value)| {
                let path = name.split('.').fold(path.clone(), |path, level| key(&path, level));
                set(file, path, value)
            });
            Ok(each.flatten().collect())
        }
        ConfigEdit::SetAutomation { group, flags } => {
            let (path, _) = group_of(file, group)?;
            let path = key(&path, "automation");
            if at(file, &path).is_none() {
                let flags = flags.iter().filter(|(_, value)| !value.is_null());
                let flags: Map<_, _> = flags.map(|(name, value)| (name.clone(), value.clone())).collect();
                return Ok(if flags.is_empty() { Vec::new() } else { vec![Change::Set(path, Value::Object(flags))] });
            }
            Ok(flags.iter().filter_map(|(name, value)| set(file, key(&path, name), value)).collect())
        }
    }
}

/// Does safety hang on this option of a group?
fn is_for_the_file(name: &str) -> bool {
    match name.split('.').collect::<Vec<_>>()[..] {
        // Taken out as a whole it would be begun anew without its limit.
        ["melt"] => true,
        ["melt", key] => key == NOT_OF_MELT,
        [key, ..] => NOT_OF_GROUP.contains(&key),
        [] => false,
    }
}

fn put(
    file: &Node,
    group: &Slug,
    replaces: Option<&Which>,
    schedule: &Map<String, Value>,
) -> Result<Vec<Change>, String> {
    let name = schedule.get("name").and_then(Value::as_str).filter(|it| !it.trim().is_empty());
    let name = name.ok_or("a schedule needs a `name`")?;
    if schedule.contains_key(LIMITS) {
        return Err("the limits of a schedule (`safety`) are for the file: leave them out, and they stay as they are"
            .to_owned());
    }
    let (path, schedules) = schedules_of(file, group)?;
    let place = match replaces {
        Some(which) if which.name != name && schedules.iter().any(|it| name_of(it) == name) => {
            return Err(format!("there is a schedule `{name}` in this group already"));
        }
        Some(which) => Some(position(schedules, which)?),
        None if schedules.iter().any(|it| name_of(it) == name) => Some(position(schedules, &Which::named(name))?),
        None => None,
    };
    let Some((position, known)) = place.and_then(|at| Some((at, schedules.get(at)?))) else {
        return Ok(vec![Change::Append(path, Value::Object(schedule.clone()))]);
    };
    let mut schedule = schedule.clone();
    if let Some(limits) = at(known, &[Step::Key(LIMITS.to_owned())]) {
        schedule.insert(LIMITS.to_owned(), plain(limits));
    }
    Ok(vec![Change::Set(item(&path, position), Value::Object(schedule))])
}

/// Sets a key, or takes it out if it is there. `None` if there is nothing to do.
fn set(file: &Node, path: Vec<Step>, value: &Value) -> Option<Change> {
    match value {
        Value::Null => at(file, &path).map(|_| Change::Remove(path)),
        value => Some(Change::Set(path, value.clone())),
    }
}

fn at<'a>(file: &'a Node, path: &[Step]) -> Option<&'a Node> {
    path.iter().try_fold(file, |node, step| match (step, &node.kind) {
        (Step::Key(key), Kind::Map(entries)) => entries.iter().find(|it| it.key == *key).map(|it| &it.value),
        (Step::Item(item), Kind::List(items)) => items.get(*item),
        _ => None,
    })
}

fn key(path: &[Step], name: &str) -> Vec<Step> {
    [path, &[Step::Key(name.to_owned())]].concat()
}

fn item(path: &[Step], at: usize) -> Vec<Step> {
    [path, &[Step::Item(at)]].concat()
}

fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|it| &it.kind) {
        Some(Kind::List(items)) => items,
        _ => &[],
    }
}

fn text<'a>(node: &'a Node, name: &str) -> Option<&'a str> {
    match &at(node, &[Step::Key(name.to_owned())])?.kind {
        Kind::Text(text) | Kind::Number(_, text) => Some(text),
        _ => None,
    }
}

/// Every group of the file, by its key.
fn groups(file: &Node) -> (Vec<Step>, impl Iterator<Item = (&String, &Node)>) {
    let path = key(&[Step::Key("devices".to_owned())], "groups");
    let entries = at(file, &path).map_or(&[][..], Node::entries);
    (path, entries.iter().map(|it| (&it.key, &it.value)))
}

fn group_of<'a>(file: &'a Node, group: &Slug) -> Result<(Vec<Step>, &'a Node), String> {
    let (path, mut groups) = groups(file);
    let found = groups.find(|(name, _)| Slug::of(name).as_ref() == Some(group));
    let (name, node) = found.ok_or_else(|| format!("the file has no group `{group}`"))?;
    Ok((key(&path, name), node))
}

fn schedules_of<'a>(file: &'a Node, group: &Slug) -> Result<(Vec<Step>, &'a [Node]), String> {
    let (path, node) = group_of(file, group)?;
    let path = key(&path, "schedules");
    Ok((path, items(at(node, &[Step::Key("schedules".to_owned())]))))
}

fn name_of(schedule: &Node) -> &str {
    text(schedule, "name").unwrap_or(UNNAMED)
}

/// Where a schedule stands in its list. One that has moved, or one of several of that name, is not guessed at.
fn position(schedules: &[Node], which: &Which) -> Result<usize, String> {
    let Which { name, place } = which;
    let mut all = schedules.iter().enumerate().filter(|(_, it)| name_of(it) == name).map(|(at, _)| at);
    if let Some(place) = place {
        let moved = || format!("schedule {place} of that group is not `{name}` any more: look at the list again");
        return all.find(|at| at == place).ok_or_else(moved);
    }
    match (all.next(), all.next()) {
        (Some(at), None) => Ok(at),
        (None, _) => Err(format!("there is no schedule `{name}` in that group")),
        _ => Err(format!(
            "several schedules of that group have the name `{name}`: say its place, or give each a name of its own"
        )),
    }
}

/// The item that names a device, or one outlet of it. Items with one address are one device, and the first names it.
fn named_item(file: &Node, device: &Slug, slot: Option<u8>) -> Result<Vec<Step>, String> {
    let (path, groups) = groups(file);
    let mut all: Vec<(Vec<Step>, &Node, Address)> = Vec::new();
    for (name, group) in groups {
        let path = key(&key(&path, name), "items");
        let listed = items(at(group, &[Step::Key("items".to_owned())])).iter().enumerate();
        all.extend(
            listed.filter_map(|(at, node)| Some((item(&path, at), node, address::read(text(node, "ip_address")?)?))),
        );
    }
    let named = |node: &Node| text(node, "name").and_then(Slug::of).as_ref() == Some(device);
    let first = all.iter().find(|(_, node, _)| named(node));
    let (path, _, place) = first.ok_or_else(|| format!("the file has no device `{device}`"))?;
    let Some(slot) = slot else { return Ok(path.clone()) };
    let one = |it: &Address| it.host == place.host && it.port.unwrap_or(80) == place.port.unwrap_or(80);
    let of_device: Vec<_> = all.iter().filter(|(.., address)| one(address)).collect();
    if of_device.len() < 2 {
        return Err(format!("the file names `{device}` as a whole: its outlets have no names of their own"));
    }
    let holds = |node: &Node| {
        let slots = items(at(node, &[Step::Key("outlets".to_owned())]));
        let is_it = |it: &Node| matches!(&it.kind, Kind::Number(_, text) if text.parse() == Ok(i64::from(slot) - 1));
        slots.len() == 1 && slots.iter().any(is_it)
    };
    let found = of_device.iter().find(|(_, node, _)| holds(node));
    found
        .map(|(path, ..)| path.clone())
        .ok_or_else(|| format!("no item of the file is outlet {slot} of `{device}` alone"))
}
