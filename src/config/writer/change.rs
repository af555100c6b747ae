//! A change of the text of a config that leaves everything else in it as it is: comments, order, quotes.
//!
//! The text is changed by the crate `yaml-edit`, and then both texts are read again: if anything but what was to be changed says
//! something else afterwards, the change is not made.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    str::FromStr,
    sync::Arc,
};

use serde_json::{Map, Value};
use yaml_edit::{Document, YamlNode};

use super::render;
use crate::config::{
    tree::{Kind, Node},
    yaml,
};

/// One level of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A key of a section.
    Key(String),
    /// An item of a list, from 0.
    Item(usize),
}

/// What becomes of the value at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is this, with the sections above it where they are missing.
    Set(Vec<Step>, Value),
    /// The list there has one more item.
    Append(Vec<Step>, Value),
    /// It is gone.
    Remove(Vec<Step>),
}

/// A path as it is written in problems.
pub(super) struct Written<'a>(pub(super) &'a [Step]);

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Item(item) => write!(f, "[{item}]")?,
            }
        }
        Ok(())
    }
}

impl Change {
    pub(super) fn path(&self) -> &[Step] {
        match self {
            Self::Set(path, _) | Self::Append(path, _) | Self::Remove(path) => path,
        }
    }
}

/// The text with the change made.
///
/// # Errors
/// In words: the text cannot be changed there without touching something else.
pub(super) fn changed(text: &str, change: &Change) -> Result<String, String> {
    let there = Written(change.path()).to_string();
    let before = plain(&tree(text)?);
    let wanted = expected(before.clone(), change).ok_or_else(|| format!("there is no `{there}` to be changed"))?;
    if wanted == before {
        return Ok(text.to_owned());
    }
    if before.is_null() || before.as_object().is_some_and(Map::is_empty) {
        return Ok(begun(text, &wanted));
    }
    let steps = in_steps(&before, change);
    // What the crate does with a text that nobody has thought of must not take the bridge down.
    let made = catch_unwind(AssertUnwindSafe(|| made(text, &steps)));
    let new = made.ok().flatten().ok_or_else(|| format!("the file is written so that `{there}` cannot be changed"))?;
    if plain(&tree(&new)?) == wanted {
        return Ok(new);
    }
    Err(format!("`{there}` cannot be changed without changing something else in the file"))
}

/// A text that says nothing yet, perhaps with comments, begins with this.
fn begun(text: &str, wanted: &Value) -> String {
    let comments = text.lines().filter(|it| it.trim_start().starts_with('#')).map(|it| format!("{it}\n"));
    let lines = wanted.as_object().into_iter().flatten().map(|(key, value)| {
        let fields = value.as_object().filter(|it| !it.is_empty());
        let Some(fields) = fields else { return format!("{}: {}\n", render::key(key), render::flow(value)) };
        let fields = fields.iter().map(|(key, it)| format!("  {}: {}\n", render::key(key), render::flow(it)));
        format!("{}:\n{}", render::key(key), fields.collect::<String>())
    });
    comments.chain(lines).collect()
}

fn tree(text: &str) -> Result<Node, String> {
    let (tree, problems) = yaml::read(&Arc::from("the config"), text);
    match problems.first() {
        Some(problem) => Err(problem.to_string()),
        None => Ok(tree),
    }
}

/// A tree without its places.
pub(super) fn plain(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(it) => Value::Bool(*it),
        Kind::Number(it, text) => text.parse::<i64>().map_or_else(|_| Value::from(*it), Value::from),
        Kind::Text(it) => Value::String(it.clone()),
        Kind::List(items) => Value::Array(items.iter().map(plain).collect()),
        Kind::Map(entries) => {
            Value::Object(entries.iter().map(|it| (it.key.clone(), plain(&it.value))).collect::<Map<_, _>>())
        }
    }
}

/// What the file is to say afterwards. `None` if the path leads nowhere.
fn expected(mut root: Value, change: &Change) -> Option<Value> {
    match change {
        Change::Set(path, value) => *reach(&mut root, path)? = value.clone(),
        Change::Append(path, value) => match reach(&mut root, path)? {
            Value::Array(items) => items.push(value.clone()),
            empty @ Value::Null => *empty = Value::Array(vec![value.clone()]),
            _ => return None,
        },
        Change::Remove(path) => {
            let (last, above) = path.split_last()?;
            match (last, at_mut(&mut root, above)?) {
                (Step::Key(key), Value::Object(fields)) => {
                    fields.shift_remove(key)?;
                }
                (Step::Item(item), Value::Array(items)) if *item < items.len() => {
                    items.remove(*item);
                }
                _ => return None,
            }
        }
    }
    Some(root)
}

/// The value at a path, made where only sections are missing.
fn reach<'a>(root: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(root, |value, step| match step {
        Step::Key(key) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            Some(value.as_object_mut()?.entry(key.clone()).or_insert(Value::Null))
        }
        Step::Item(item) => value.get_mut(*item),
    })
}

fn at_mut<'a>(root: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(root, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Item(item) => value.get_mut(*item),
    })
}

fn at<'a>(root: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(root, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Item(item) => value.get(*item),
    })
}

/// The same change in such steps as the crate can make: what is missing above a value is set as a whole, and what would leave a
/// section or a list empty sets an empty one, for nothing at all would say something else.
fn in_steps(before: &Value, change: &Change) -> Change {
    match change {
        Change::Append(path, value) if !at(before, path).is_some_and(Value::is_array) => {
            in_steps(before, &Change::Set(path.clone(), Value::Array(vec![value.clone()])))
        }
        Change::Set(path, value) => {
            let is_there = |length: &usize| {
                let above = path.get(..*length).and_then(|path| at(before, path));
                above.is_some_and(|it| it.is_object() || it.is_array())
            };
            let known = (0..path.len()).rev().find(is_there).unwrap_or_default();
            let missing = path.get(known + 1..).unwrap_or_default();
            let value = missing.iter().rev().fold(value.clone(), |value, step| match step {
                Step::Key(key) => Value::Object([(key.clone(), value)].into_iter().collect()),
                Step::Item(_) => Value::Array(vec![value]),
            });
            Change::Set(path.get(..=known).unwrap_or(path).to_vec(), value)
        }
        Change::Remove(path) => {
            let above = path.get(..path.len().saturating_sub(1)).unwrap_or_default();
            match at(before, above) {
                Some(Value::Object(fields)) if fields.len() == 1 && !above.is_empty() => {
                    Change::Set(above.to_vec(), Value::Object(Map::new()))
                }
                Some(Value::Array(items)) if items.len() == 1 => Change::Set(above.to_vec(), Value::Array(Vec::new())),
                _ => change.clone(),
            }
        }
        Change::Append(..) => change.clone(),
    }
}

fn made(text: &str, change: &Change) -> Option<String> {
    let document = Document::from_str(text).ok()?;
    match change {
        Change::Set(path, value) => {
            let (last, above) = path.split_last()?;
            match (last, node(&document, above)?) {
                (Step::Key(key), YamlNode::Mapping(section)) => section.set(key.as_str(), of_json(value)?),
                (Step::Item(item), YamlNode::Sequence(list)) => {
                    list.set(*item, of_json(value)?);
                }
                _ => return None,
            }
        }
        Change::Append(path, value) => match node(&document, path)? {
            YamlNode::Sequence(list) => list.push(of_json(value)?),
            _ => return None,
        },
        Change::Remove(path) => {
            let (last, above) = path.split_last()?;
            match (last, node(&document, above)?) {
                (Step::Key(key), YamlNode::Mapping(section)) => drop(section.remove(key.as_str())),
                (Step::Item(item), YamlNode::Sequence(list)) => drop(list.remove(*item)),
                _ => return None,
            }
        }
    }
    Some(document.to_string())
}

fn node(document: &Document, path: &[Step]) -> Option<YamlNode> {
    let root = YamlNode::Mapping(document.as_mapping()?);
    path.iter().try_fold(root, |node, step| match (step, node) {
        (Step::Key(key), YamlNode::Mapping(section)) => section.get(key.as_str()),
        (Step::Item(item), YamlNode::Sequence(list)) => list.get(*item),
        _ => None,
    })
}

/// A value as the crate takes it: the node of a text, so that its quotes and its style are ours.
fn of_json(value: &Value) -> Option<YamlNode> {
    Document::from_str(&format!("value: {}\n", render::flow(value))).ok()?.as_mapping()?.get("value")
}
