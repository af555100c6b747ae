//! Values at paths, and the config as a whole, as changes of the file. What holds already is left alone, wherever it is said: so a page
//! may send back all that it was shown, masked secrets and values of the environment included.

use serde_json::{Map, Value};

use super::change::{Change, Step};
use crate::{
    config::{
        show::{self, MASK},
        tree::{Kind, Node},
    },
    model::ConfigEdit,
};

/// Values that are set at once.
const MOST: usize = 256;
/// Levels of a path.
const DEEPEST: usize = 16;

/// The changes of the file that bring about what is wanted. `holds` is what holds by now, whoever says it.
///
/// # Errors
/// In words: a path cannot be read.
pub(super) fn changes(file: &Node, holds: &Node, wish: &ConfigEdit) -> Result<Vec<Change>, String> {
    let mut found = Vec::new();
    match wish {
        ConfigEdit::Whole(given) => {
            let here = Here { file: Some(file), holds: Some(holds), path: Vec::new(), is_whole: false };
            here.becomes(&Value::Object(given.clone()), &mut found);
        }
        ConfigEdit::Set(pairs) if pairs.len() > MOST => {
            return Err(format!("{} values at once, at most {MOST} are set", pairs.len()));
        }
        ConfigEdit::Set(pairs) => {
            for (path, value) in pairs {
                let steps = steps(path, file)?;
                let here = Here { file: at(file, &steps), holds: at(holds, &steps), path: steps, is_whole: false };
                here.becomes(value, &mut found);
            }
        }
        _ => return Err("this is no change of values".to_owned()),
    }
    Ok(in_order(found))
}

/// Every path was read in the file as it is: items go last, and those further down before those above, so that none of the others moves.
fn in_order(found: Vec<Change>) -> Vec<Change> {
    let goes = |it: &Change| matches!(it, Change::Remove(path) if matches!(path.last(), Some(Step::Item(_))));
    let (mut gone, mut all): (Vec<_>, Vec<_>) = found.into_iter().partition(goes);
    gone.sort_by(|one, other| other.path().cmp(one.path()));
    gone.dedup();
    all.extend(gone);
    all
}

/// A place in the config.
struct Here<'a> {
    file: Option<&'a Node>,
    holds: Option<&'a Node>,
    path: Vec<Step>,
    /// Is what is not named to be taken out?
    is_whole: bool,
}

impl<'a> Here<'a> {
    fn becomes(&self, value: &Value, found: &mut Vec<Change>) {
        let value = bare(value);
        let (key, above) = last_two(&self.path);
        if show::is_secret(key, above) && matches!(value.as_str(), Some("" | MASK)) {
            return;
        }
        match value {
            Value::Null if self.file.is_some() => found.push(Change::Remove(self.path.clone())),
            Value::Null => {}
            Value::Object(fields) if self.is_section() => self.fields_become(fields, found),
            Value::Array(items) if (1..=items.len()).contains(&self.items()) => {
                let (there, new) = items.split_at(self.items());
                for (index, value) in there.iter().enumerate() {
                    self.below(Step::Item(index), true).becomes(value, found);
                }
                found.extend(new.iter().map(|it| Change::Append(self.path.clone(), clean(it, key))));
            }
            value if self.holds.is_some_and(|it| alike(&said(it), value)) => {}
            value => found.push(Change::Set(self.path.clone(), clean(value, key))),
        }
    }

    fn fields_become(&self, fields: &Map<String, Value>, found: &mut Vec<Change>) {
        // A group that a list of all groups leaves out is to go.
        let is_groups =
            matches!(&self.path[..], [Step::Key(one), Step::Key(other)] if one == "devices" && other == "groups");
        if self.is_whole || is_groups {
            let gone = self.file.into_iter().flat_map(Node::entries).filter(|it| !fields.contains_key(&it.key));
            let gone = gone.filter(|it| !show::is_secret(&it.key, last_two(&self.path).0));
            found.extend(gone.map(|it| Change::Remove(self.with(Step::Key(it.key.clone())))));
        }
        for (key, value) in fields {
            self.below(Step::Key(key.clone()), self.is_whole).becomes(value, found);
        }
    }

    fn with(&self, step: Step) -> Vec<Step> {
        [&self.path[..], &[step]].concat()
    }

    fn below(&self, step: Step, is_whole: bool) -> Here<'a> {
        let one = std::slice::from_ref(&step);
        let (file, holds) = (self.file.and_then(|it| at(it, one)), self.holds.and_then(|it| at(it, one)));
        Here { file, holds, path: self.with(step), is_whole }
    }

    fn is_section(&self) -> bool {
        [self.file, self.holds].into_iter().flatten().any(|it| matches!(it.kind, Kind::Map(_)))
    }

    /// Items of the list in the file.
    fn items(&self) -> usize {
        match self.file.map(|it| &it.kind) {
            Some(Kind::List(items)) => items.len(),
            _ => 0,
        }
    }
}

/// What is said by a leaf of the shape in which the config is shown, or the value itself.
fn bare(value: &Value) -> &Value {
    let leaf = value.as_object().filter(|it| it.contains_key("source") && it.contains_key("readonly"));
    leaf.and_then(|it| it.get("value")).unwrap_or(value)
}

/// A new value, without what is no value.
fn clean(value: &Value, key: &str) -> Value {
    match bare(value) {
        Value::Object(fields) => {
            let is_given = |name: &str, it: &Value| {
                let is_kept = show::is_secret(name, key) && matches!(it.as_str(), Some("" | MASK));
                !(it.is_null() || is_kept)
            };
            let fields = fields.iter().map(|(name, it)| (name, bare(it))).filter(|(name, it)| is_given(name, it));
            Value::Object(fields.map(|(name, it)| (name.clone(), clean(it, name))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(|it| clean(it, key)).collect()),
        other => other.clone(),
    }
}

/// The keys of the last two levels.
fn last_two(path: &[Step]) -> (&str, &str) {
    let mut keys = path.iter().rev().map(|it| match it {
        Step::Key(key) => key.as_str(),
        Step::Item(_) => "",
    });
    (keys.next().unwrap_or_default(), keys.next().unwrap_or_default())
}

/// What a node says, secrets too.
fn said(node: &Node) -> Value {
    match &node.kind {
        Kind::List(items) => Value::Array(items.iter().map(said).collect()),
        Kind::Map(entries) => Value::Object(entries.iter().map(|it| (it.key.clone(), said(&it.value))).collect()),
        _ => show::shown(node),
    }
}

/// `6` and `6.0` are one number.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len() && one.iter().all(|(key, it)| other.get(key).is_some_and(|other| alike(it, other)))
        }
        _ => one == other,
    }
}

fn at<'a>(root: &'a Node, path: &[Step]) -> Option<&'a Node> {
    path.iter().try_fold(root, |node, step| match (step, &node.kind) {
        (Step::Key(key), Kind::Map(entries)) => entries.iter().find(|it| it.key == *key).map(|it| &it.value),
        (Step::Item(item), Kind::List(items)) => items.get(*item),
        _ => None,
    })
}

/// Reads `devices.groups.mat.items[0].name`, or `/devices/groups/mat/items/0/name` where a key has a dot in it.
fn steps(path: &str, file: &Node) -> Result<Vec<Step>, String> {
    let steps = if let Some(pointer) = path.strip_prefix('/') { pointed(pointer, file) } else { dotted(path) };
    let steps = steps.filter(|it| (1..=DEEPEST).contains(&it.len()));
    steps.ok_or_else(|| {
        let shown: String = path.chars().filter(|it| !it.is_control()).take(80).collect();
        format!("`{shown}` is no path: `safety.max_runtime_hours` and `devices.groups.mat.items[0].name` are")
    })
}

fn pointed(pointer: &str, file: &Node) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    for level in pointer.split('/') {
        let is_list = at(file, &steps).is_some_and(|it| matches!(it.kind, Kind::List(_)));
        let step = if is_list {
            Step::Item(level.parse().ok()?)
        } else {
            Step::Key(level.replace("~1", "/").replace("~0", "~"))
        };
        steps.push(step);
    }
    Some(steps)
}

fn dotted(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    for level in path.split('.') {
        let (key, mut rest) = level.split_at(level.find('[').unwrap_or(level.len()));
        if key.is_empty() {
            return None;
        }
        steps.push(Step::Key(key.to_owned()));
        while !rest.is_empty() {
            let (item, further) = rest.strip_prefix('[')?.split_once(']')?;
            steps.push(Step::Item(item.parse().ok()?));
            rest = further;
        }
    }
    Some(steps)
}
