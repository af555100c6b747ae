//! Circuits: what several groups may draw from one breaker.

use std::collections::BTreeMap;

use super::{
    groups::{Group, Item, RATED_WATTS},
    problem::Place,
    range::Range,
    section::{Book, Section, cut},
};
use crate::model::Circuit;

const AMPS: Range = Range::above(0.0, 100.0, "amperes");
const VOLTS: Range = Range::of(100.0, 240.0, "volts");
const USUAL_VOLTS: f64 = 120.0;

/// A `circuit` section and where it stands.
pub(super) struct Written {
    pub(super) circuit: Circuit,
    path: String,
    place: Place,
    amps_place: Place,
    volts_place: Place,
}

/// Reads the `circuit` of a group.
pub(super) fn read(group: &Section<'_>) -> Option<Written> {
    let it = group.section("circuit")?;
    if !it.has("name") {
        it.miss("name", "a name; groups that write the same one share the circuit");
    }
    let name = it.text("name").map(|name| cut(&name));
    let circuit = Circuit {
        name: name.clone().unwrap_or_default(),
        amps: it.required_number("amps", AMPS),
        volts: it.number("volts", VOLTS).unwrap_or(USUAL_VOLTS),
    };
    let written = Written {
        circuit,
        path: it.path.clone(),
        place: it.place.clone(),
        amps_place: it.place_of("amps"),
        volts_place: it.place_of("volts"),
    };
    it.close();
    // What has no name or no amperes has been told already, and nothing can be checked against it.
    name.filter(|_| written.circuit.amps > 0.0).map(|_| written)
}

/// The circuits of the groups, by name, once it is sure that each can carry what hangs on it.
pub(super) fn shared(book: &Book, groups: &mut [Group]) -> BTreeMap<String, Circuit> {
    let mut circuits: BTreeMap<String, Circuit> = BTreeMap::new();
    for at in 0..groups.len() {
        let (earlier, rest) = groups.split_at_mut(at);
        let Some(group) = rest.first_mut() else { break };
        let Some(written) = &mut group.circuit else { continue };
        // `Porch` and `porch` are one breaker: two would each be given all of its amperes.
        let first = earlier.iter().filter_map(|it| it.circuit.as_ref()).find(|it| it.is_named(&written.circuit.name));
        match first {
            Some(first) => {
                agree(book, first, written);
                written.circuit.name.clone_from(&first.circuit.name);
            }
            None => drop(circuits.insert(written.circuit.name.clone(), written.circuit.clone())),
        }
        group.settings.circuit = Some(written.circuit.name.clone());
        group.items.iter().for_each(|item| carried(book, &written.circuit, item));
    }
    circuits.values().for_each(|circuit| turns(book, circuit, groups));
    circuits
}

impl Written {
    fn is_named(&self, name: &str) -> bool {
        self.circuit.name.to_lowercase() == name.to_lowercase()
    }
}

/// Groups that share a circuit say the same of it.
fn agree(book: &Book, first: &Written, later: &Written) {
    let (one, other) = (&first.circuit, &later.circuit);
    let name = &one.name;
    let pairs = [
        ("amps", one.amps, other.amps, "A", &first.amps_place, &later.amps_place),
        ("volts", one.volts, other.volts, "V", &first.volts_place, &later.volts_place),
    ];
    for (key, expected, found, unit, first_place, place) in pairs {
        if expected.total_cmp(&found).is_ne() {
            let path = format!("{}.{key}", later.path);
            let allowed = format!("{expected} {unit} as on {}: it is the same circuit `{name}`", first_place.brief());
            book.refuse(place, &path, format!("{found} {unit}"), allowed);
        }
    }
}

/// What hangs on each outlet must be known, and the circuit must carry at least that alone.
fn carried(book: &Book, circuit: &Circuit, item: &Item) {
    let path = format!("{}.rated_watts", item.path);
    let Some((watts, place)) = &item.rated_watts else {
        let allowed =
            format!("what hangs on each of its outlets, a whole number {RATED_WATTS}, for circuit `{}`", circuit.name);
        return book.refuse(&item.place, &path, "nothing", allowed);
    };
    let most = circuit.amps * circuit.volts;
    if f64::from(*watts) > most {
        let Circuit { name, amps, volts } = circuit;
        let allowed = format!("at most {most:.0} watts on circuit `{name}` ({amps} A at {volts} V)");
        book.refuse(place, &path, watts, allowed);
    }
}

/// Says so when not all of a circuit's outlets can be on at once. An item without `outlets` counts once: how many its plug
/// has is not known yet.
fn turns(book: &Book, circuit: &Circuit, groups: &[Group]) {
    let on_it = |group: &&Group| group.settings.circuit.as_deref() == Some(circuit.name.as_str());
    let items = groups.iter().filter(on_it).flat_map(|group| &group.items);
    let watts: f64 = items
        .filter_map(|item| {
            let outlets = u32::try_from(item.slots.as_ref().map_or(1, Vec::len)).ok()?;
            Some(f64::from(item.rated_watts.as_ref()?.0) * f64::from(outlets))
        })
        .sum();
    let amps = watts / circuit.volts;
    let written = groups.iter().find_map(|group| group.circuit.as_ref().filter(|it| it.is_named(&circuit.name)));
    if let Some(written) = written.filter(|_| amps > circuit.amps) {
        let text = format!("all its outlets would draw {amps:.1} A of {} A: they will take turns", circuit.amps);
        book.warn(&written.place, &written.path, text);
    }
}
