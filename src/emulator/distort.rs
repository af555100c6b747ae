//! What becomes of an answer before it is sealed: fields that are missing, meters that are not there or talk nonsense.

use serde_json::{Map, Value, json};

/// The methods that a firmware without meters does not know.
const METER_METHODS: [&str; 4] = ["get_energy_usage", "get_current_power", "get_emeter_data", "get_emeter_vgain_igain"];

/// The figures of a meter.
const FIGURES: [&str; 9] = [
    "current_power",
    "today_energy",
    "month_energy",
    "today_runtime",
    "month_runtime",
    "power_mw",
    "current_ma",
    "voltage_mv",
    "energy_wh",
];

/// Is this method about a meter?
pub(super) fn is_of_meters(method: &str) -> bool {
    METER_METHODS.contains(&method)
}

/// Takes every field of a name out. Was there one?
pub(super) fn remove_field(answer: &mut Value, name: &str) -> bool {
    each_object(answer, &mut |fields| fields.shift_remove(name).is_some())
}

/// Every field of a name says something else. Was there one?
pub(super) fn replace_field(answer: &mut Value, name: &str, says: &Value) -> bool {
    each_object(answer, &mut |fields| fields.get_mut(name).map(|it| *it = says.clone()).is_some())
}

/// The lists of what a device can do no longer name a meter.
pub(super) fn remove_meters(answer: &mut Value) -> bool {
    each_object(answer, &mut |fields| {
        let list = fields.get_mut("component_list").and_then(Value::as_array_mut);
        list.is_some_and(|list| {
            let before = list.len();
            list.retain(|it| it["id"] != "energy_monitoring");
            list.len() != before
        })
    })
}

/// Every figure of a meter becomes one that cannot be, another one each time. Was there one?
pub(super) fn talk_nonsense(answer: &mut Value) -> bool {
    each_object(answer, &mut |fields| {
        let figures = fields.iter_mut().filter(|(name, _)| FIGURES.contains(&name.as_str()));
        figures.map(|(_, figure)| *figure = nonsense()).count() > 0
    })
}

fn nonsense() -> Value {
    match fastrand::u8(..6) {
        0 => json!(-1),
        1 => json!(i64::MIN),
        2 => json!(u64::MAX),
        3 => json!(1e308),
        4 => json!("NaN"),
        _ => Value::Null,
    }
}

/// Does something to every object of an answer. Did it do anything?
fn each_object(value: &mut Value, does: &mut impl FnMut(&mut Map<String, Value>) -> bool) -> bool {
    match value {
        Value::Object(fields) => {
            let did = does(fields);
            fields.values_mut().fold(did, |did, it| each_object(it, does) | did)
        }
        Value::Array(items) => items.iter_mut().fold(false, |did, it| each_object(it, does) | did),
        _ => false,
    }
}
