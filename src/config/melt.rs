//! The section `melt` of a group: storm heating and frost guard.

use jiff::SignedDuration;

use super::{
    range::Range,
    schedule::{LIMIT_HOURS, Units, hours, seconds},
    section::{Section, shown},
    shape::Shape,
    tree::Kind,
    values::number_of,
};
use crate::model::{Celsius, FrostRule, Melt, TooCold};

const LEAD_MINUTES: Range = Range::of(0.0, 720.0, "minutes");
const AFTER_RUN_MINUTES: Range = Range::of(0.0, 480.0, "minutes");
const LEAST_MINUTES: Range = Range::of(0.0, 120.0, "minutes");
const HEAT: Range = Range::of(50.0, 2000.0, "watts per square metre");

/// Reads the section. `None` if it has been switched off.
pub(super) fn read(it: Section<'_>, units: Units) -> Option<Melt> {
    let usual = Melt::default();
    let minutes =
        |key, range, usual: SignedDuration| it.number(key, range).map_or(usual, |minutes| seconds(minutes * 60.0));
    let melt = Melt {
        lead: minutes("lead_minutes", LEAD_MINUTES, usual.lead),
        after_run: minutes("after_run_minutes", AFTER_RUN_MINUTES, usual.after_run),
        frost: match it.one_of("frost", &["radiative", "seed", "off"]) {
            Some("seed") => FrostRule::Seed,
            Some("off") => FrostRule::Off,
            _ => FrostRule::Radiative,
        },
        refreeze: it.switch("refreeze").unwrap_or(usual.refreeze),
        too_warm: it.temperature(units, ("too_warm", "too_warm_f"), too_warm).unwrap_or(usual.too_warm),
        too_cold: too_cold(&it, units),
        heat: it.number("watts_per_m2", HEAT).unwrap_or(usual.heat),
        longest_on: it.number("max_runtime_hours", LIMIT_HOURS).map_or(usual.longest_on, hours),
        least_on: minutes("min_on_minutes", LEAST_MINUTES, usual.least_on),
        least_off: minutes("min_off_minutes", LEAST_MINUTES, usual.least_off),
        frost_waits: it.switch("frost_waits_for_tariff").unwrap_or(usual.frost_waits),
    };
    some_range_is_left(&it, &melt);
    let enabled = it.switch("enabled").unwrap_or(true);
    it.close();
    enabled.then_some(melt)
}

/// The range of the warm limit: -10 to 20 °C.
fn too_warm(units: Units) -> Range {
    match units {
        Units::Metric => Range::of(-10.0, 20.0, "°C"),
        Units::Imperial => Range::of(14.0, 68.0, "°F"),
    }
}

/// `auto`, `off` (which YAML reads as false when nobody quotes it) or a temperature.
fn too_cold(it: &Section<'_>, units: Units) -> TooCold {
    it.one_of_two("too_cold", "too_cold_f");
    let fahrenheit = it.number("too_cold_f", Units::Imperial.temperatures());
    let range = units.temperatures();
    it.note("too_cold", || Shape::OneOf(vec!["auto", "off"]));
    it.note("too_cold", || Shape::Number(range));
    let Some(entry) = it.get("too_cold") else {
        return fahrenheit.map_or_else(TooCold::default, |it| TooCold::Below(Celsius::from_fahrenheit(it)));
    };
    match &entry.value.kind {
        Kind::Bool(false) => return TooCold::Never,
        Kind::Text(word) if word.trim().eq_ignore_ascii_case("off") => return TooCold::Never,
        Kind::Text(word) if word.trim().eq_ignore_ascii_case("auto") => return TooCold::Budget,
        _ => {}
    }
    match number_of(&entry.value).filter(|degrees| range.has(*degrees)) {
        Some(degrees) => TooCold::Below(units.celsius(degrees)),
        None => {
            it.refuse("too_cold", shown(&entry.value), format!("auto, off or a number {range}"));
            TooCold::default()
        }
    }
}

/// Between the two limits there must be weather in which it heats.
fn some_range_is_left(it: &Section<'_>, melt: &Melt) {
    let TooCold::Below(coldest) = melt.too_cold else { return };
    if coldest.0 >= melt.too_warm.0 {
        let key = if it.has("too_cold") { "too_cold" } else { "too_cold_f" };
        let allowed = format!("less than `too_warm` ({}): it would never heat", melt.too_warm);
        it.refuse(key, coldest, allowed);
    }
}
