//! The layers of a config, weakest first: defaults, file, environment, command line. Which one wins is figment's to say;
//! the places stay ours, because figment knows the source of a value but not its line.

use figment::{
    Error, Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};

use super::{
    problem::Place,
    tree::{Entry, Kind, Node},
};

/// Where a word may stand as well as a section.
const EITHER: [&[&str]; 1] = [&["weather_api", "when_unknown"]];

/// One layer.
pub(super) struct Layer {
    /// Its name, different from the other layers'.
    pub(super) name: &'static str,
    /// A map.
    pub(super) tree: Node,
}

impl Provider for &Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(dict(&self.tree)))
    }
}

/// A key without a value sets nothing, as if it were not there: often all below it is commented out.
fn dict(node: &Node) -> Dict {
    let set = node.entries().iter().filter(|entry| !matches!(entry.value.kind, Kind::Null));
    set.map(|entry| (entry.key.clone(), value(&entry.value))).collect()
}

fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::from(figment::value::Empty::None),
        Kind::Bool(it) => Value::from(*it),
        Kind::Number(it, _) => Value::from(*it),
        Kind::Text(it) => Value::from(it.as_str()),
        Kind::List(items) => Value::from(items.iter().map(value).collect::<Vec<_>>()),
        Kind::Map(_) => Value::from(dict(node)),
    }
}

/// Merges the layers, weakest first. Maps are merged key by key; of anything else the strongest wins as a whole.
pub(super) fn merged(layers: &[Layer], root: Node) -> Node {
    let figment = layers.iter().fold(Figment::new(), |figment, layer| figment.merge(layer));
    let Ok(Value::Dict(_, dict)) = figment.find_value("") else { return root };
    let merging = Merging { figment: &figment, layers };
    Node { place: root.place, kind: Kind::Map(merging.entries(&dict, &mut Vec::new())) }
}

struct Merging<'a> {
    figment: &'a Figment,
    layers: &'a [Layer],
}

impl Merging<'_> {
    /// The entries in the order of their places: figment sorts by name, but people see their devices in the file's order.
    fn entries(&self, dict: &Dict, path: &mut Vec<String>) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(dict.len());
        for (key, value) in dict {
            path.push(key.clone());
            entries.extend(self.entry(value, path));
            path.pop();
        }
        entries.extend(self.without_value(dict, path));
        entries.sort_by(|one, other| one.place.cmp(&other.place));
        entries
    }

    /// The keys that nobody gives a value: kept, so that a misspelt one is still told.
    fn without_value(&self, dict: &Dict, path: &[String]) -> Vec<Entry> {
        let maps = self.layers.iter().filter_map(|layer| match path {
            [] => Some(&layer.tree),
            _ => layer.tree.at(path).map(|entry| &entry.value),
        });
        let entries = maps.flat_map(|map| map.entries()).filter(|entry| matches!(entry.value.kind, Kind::Null));
        entries.filter(|entry| !dict.contains_key(&entry.key)).cloned().collect()
    }

    fn entry(&self, value: &Value, path: &mut Vec<String>) -> Option<Entry> {
        let holders = || self.layers.iter().filter_map(|layer| Some((layer.name, layer.tree.at(path)?)));
        let Value::Dict(_, dict) = value else {
            let winner = self.figment.get_metadata(value.tag())?.name.as_ref();
            return holders().find(|(name, _)| *name == winner).map(|(_, entry)| entry.clone());
        };
        // A stronger section would hide a number or a text in its place in the file, but that is a mistake to be told, unless both
        // may stand there.
        let both = EITHER.iter().any(|it| it.iter().eq(path.iter()));
        let fits =
            |it: &Entry| both || it.place == Place::Default || matches!(it.value.kind, Kind::Map(_) | Kind::Null);
        if let Some((_, wrong)) = holders().find(|(_, entry)| !fits(entry)) {
            return Some(wrong.clone());
        }
        let shown = holders().map(|(_, entry)| entry).min_by(|one, other| one.place.cmp(&other.place))?;
        let kind = Kind::Map(self.entries(dict, path));
        let place = shown.value.place.clone();
        Some(Entry { key: shown.key.clone(), place: shown.place.clone(), value: Node { place, kind } })
    }
}
