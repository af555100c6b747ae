//! What devices answer, read so that a field which is missing, new or of another type costs that field and nothing else.
//!
//! Firmware versions differ in every status field, and a struct that insists on one of them would lose the whole outlet.
//! That is why nothing is derived here: each fact is looked up by itself, and what cannot be read is unknown.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::SignedDuration;
use serde_json::Value;

use crate::model::{Energy, Fault, Mac, Switch};

/// What a housing says about itself (`get_device_info`).
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// As the device names it; empty if it does not say.
    pub model: String,
    /// Firmware; empty if it does not say.
    pub firmware: String,
    /// Hardware revision; empty if it does not say.
    pub hardware: String,
    /// Hardware address.
    pub mac: Option<Mac>,
    /// 40 hexadecimal digits; empty if it does not say.
    pub device_id: String,
    /// Wi-Fi signal in dBm.
    pub rssi: Option<i16>,
    /// Does the housing itself have a relay? A strip does not, only its outlets do.
    pub is_single: bool,
}

/// What one outlet shows in one look.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// The device's `position`, from 1.
    pub slot: u8,
    /// How a strip addresses the outlet; `None` for a single plug.
    pub child: Option<String>,
    /// The owner's name for it; may be empty.
    pub label: String,
    /// The relay; `None` if the device does not say.
    pub switch: Option<Switch>,
    /// How long it has been on; `None` if the device does not say.
    pub on_time: Option<SignedDuration>,
    /// A fault flag.
    pub fault: Option<Fault>,
    /// The auto-off timer; `None` if the device has none.
    pub auto_off: Option<AutoOff>,
    /// Does it stay off when the power comes back? `None` if the device does not say.
    pub stays_off: Option<bool>,
}

/// The auto-off timer as an outlet shows it in each look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoOff {
    /// The time until it opens the relay, in whole seconds; `None` while it does not run.
    pub remain: Option<SignedDuration>,
}

/// A countdown that runs on an outlet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Countdown {
    /// What it was set to, in s. 0 if the device does not say.
    pub delay: u64,
    /// What is left of it, in s, from 1.
    pub remain: u64,
    /// What it does to the relay then; `None` if the device does not say.
    pub to: Option<Switch>,
}

/// Reads `get_device_info` of a housing.
pub fn about(info: &Value) -> About {
    About {
        model: text(info, "model").to_owned(),
        firmware: text(info, "fw_ver").to_owned(),
        hardware: text(info, "hw_ver").to_owned(),
        mac: text(info, "mac").parse().ok(),
        device_id: text(info, "device_id").to_owned(),
        rssi: number(info, "rssi").and_then(|it| i16::try_from(it).ok()).filter(|it| *it <= 0),
        is_single: position_of_relay(info).is_some(),
    }
}

/// Reads `get_device_info` of a plug with one outlet: slot 1.
pub fn single(info: &Value) -> Look {
    look(info, 1, None)
}

/// Reads `get_child_device_list` of a strip. Children that are not outlets (the night light of a P306, the sensors of a hub)
/// are left out.
///
/// # Errors
/// There is no list, or it does not say which outlet is which: a guess could switch the wrong load.
pub fn strip(list: &Value) -> Result<Vec<Look>, String> {
    let children = list.get("child_device_list").and_then(Value::as_array).ok_or("there is no list of outlets")?;
    let mut taken = BTreeSet::new();
    let mut looks = Vec::with_capacity(children.len());
    for child in children.iter().filter(|it| is_outlet(it)) {
        let id = text(child, "device_id");
        let slot = slot(child).filter(|_| !id.is_empty()).ok_or("an outlet does not say which one it is")?;
        if !taken.insert(slot) {
            return Err(format!("two outlets say that they are number {slot}"));
        }
        looks.push(look(child, slot, Some(id.to_owned())));
    }
    looks.sort_by_key(|it| it.slot);
    Ok(looks)
}

/// Reads `get_countdown_rules`: the countdown that runs. One that has run out stays in the list, disabled.
///
/// # Errors
/// There is no list, or it does not say how much is left: what cannot be read is no protection.
pub fn countdown(rules: &Value) -> Result<Option<Countdown>, String> {
    let rules = rules.get("rule_list").and_then(Value::as_array).ok_or("there is no list of countdowns")?;
    let Some(rule) = rules.iter().find(|it| it.get("enable").and_then(Value::as_bool) != Some(false)) else {
        return Ok(None);
    };
    let remain = count(rule, "remain").ok_or("a countdown does not say how much is left of it")?;
    let to = rule.pointer("/desired_states/on").and_then(Value::as_bool).map(Switch::from_bool);
    let delay = count(rule, "delay").unwrap_or_default();
    Ok(Some(Countdown { delay, remain, to }).filter(|it| it.remain > 0))
}

/// Reads `get_auto_off_config`: is it in force, and after how many minutes does it open the relay?
///
/// # Errors
/// One of them is not said.
pub fn auto_off(config: &Value) -> Result<(bool, u32), String> {
    let enabled = config.get("enable").and_then(Value::as_bool);
    let minutes = count(config, "delay_min").and_then(|it| u32::try_from(it).ok());
    enabled.zip(minutes).ok_or_else(|| "the auto-off timer does not say how it is set".to_owned())
}

/// Reads `get_energy_usage`: energy today and this month; single plugs add their power.
pub fn usage(said: &Value) -> Energy {
    Energy {
        power: count(said, "current_power").map(thousandth),
        today: count(said, "today_energy").map(thousandth),
        month: count(said, "month_energy").map(thousandth),
        ..Energy::default()
    }
}

/// Reads `get_emeter_data`: power, voltage and current.
pub fn voltages(said: &Value) -> Energy {
    Energy {
        power: count(said, "power_mw").map(thousandth),
        voltage: count(said, "voltage_mv").map(thousandth),
        current: count(said, "current_ma").map(thousandth),
        ..Energy::default()
    }
}

/// Reads `get_current_power`, which counts whole watts.
pub fn power(said: &Value) -> Energy {
    let power = count(said, "current_power").map(|it| thousandth(it.saturating_mul(1000)));
    Energy { power, ..Energy::default() }
}

/// The child ids of a strip's outlets whose components (`get_child_device_component_list`) name a meter. `None` if it does not say.
pub fn metered_children(said: &Value) -> Option<Vec<Option<String>>> {
    let children = said.get("child_component_list")?.as_array()?;
    let mut metered = Vec::new();
    for child in children {
        if names_a_meter(child)? {
            metered.push(Some(text(child, "device_id").to_owned()));
        }
    }
    Some(metered)
}

/// Does a list of components (`component_nego`) name a meter? `None` if there is no list.
pub fn names_a_meter(said: &Value) -> Option<bool> {
    let components = said.get("component_list")?.as_array()?;
    Some(components.iter().any(|it| text(it, "id") == "energy_monitoring"))
}

/// Kilowatt hours from the watt hours that devices count.
#[expect(clippy::cast_precision_loss, reason = "a plug's counter stays far below 2^53 Wh")]
pub fn thousandth(count: u64) -> f64 {
    count as f64 / 1000.0
}

fn look(info: &Value, slot: u8, child: Option<String>) -> Look {
    Look {
        slot,
        child,
        label: label(text(info, "nickname")),
        switch: position_of_relay(info),
        on_time: number(info, "on_time").filter(|it| *it >= 0).map(SignedDuration::from_secs),
        fault: fault(info),
        auto_off: shown_auto_off(info),
        stays_off: stays_off(info),
    }
}

fn shown_auto_off(info: &Value) -> Option<AutoOff> {
    let runs = info.get("auto_off_status")?.as_str()? == "on";
    let remain = number(info, "auto_off_remain_time").filter(|it| runs && *it > 0).map(SignedDuration::from_secs);
    Some(AutoOff { remain })
}

fn stays_off(info: &Value) -> Option<bool> {
    let states = info.get("default_states")?;
    let custom = text(states, "type") == "custom";
    Some(custom && states.pointer("/state/on").and_then(Value::as_bool) == Some(false))
}

fn position_of_relay(info: &Value) -> Option<Switch> {
    let flag = info.get("device_on").or_else(|| info.get("on_off"))?;
    flag.as_bool().or_else(|| flag.as_i64().map(|it| it != 0)).map(Switch::from_bool)
}

fn is_outlet(child: &Value) -> bool {
    match child.get("category").and_then(Value::as_str) {
        Some(category) => category.starts_with("plug") && !category.ends_with("sub-bulb"),
        // Without a category, a relay makes an outlet.
        None => position_of_relay(child).is_some(),
    }
}

/// The `position`, else the number that ends the child's id: the parent's id and then `00`, `01`, ….
fn slot(child: &Value) -> Option<u8> {
    let position = number(child, "position").and_then(|it| u8::try_from(it).ok()).filter(|it| *it > 0);
    position.or_else(|| {
        let parent = text(child, "original_device_id");
        let suffix = text(child, "device_id").strip_prefix(parent).filter(|it| it.len() == 2 && !parent.is_empty())?;
        u8::from_str_radix(suffix, 16).ok()?.checked_add(1)
    })
}

/// The flags differ by firmware and an unknown word is no fault: a new firmware must not put a heater out of service.
fn fault(info: &Value) -> Option<Fault> {
    let overheated = info.get("overheated").and_then(Value::as_bool) == Some(true);
    if overheated || matches!(text(info, "overheat_status"), "overheated" | "cool_down") {
        Some(Fault::Overheat)
    } else if text(info, "power_protection_status") == "overloaded" {
        Some(Fault::Overload)
    } else if matches!(text(info, "overcurrent_status"), "overcurrent" | "overloaded") {
        Some(Fault::Overcurrent)
    } else {
        None
    }
}

/// Names travel in base64. One that is not is shown as it came.
fn label(nickname: &str) -> String {
    let decoded = STANDARD.decode(nickname).ok().and_then(|it| String::from_utf8(it).ok());
    decoded.unwrap_or_else(|| nickname.to_owned())
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A count, which is never negative.
fn count(object: &Value, key: &str) -> Option<u64> {
    number(object, key).and_then(|it| u64::try_from(it).ok())
}

fn number(object: &Value, key: &str) -> Option<i64> {
    let value = object.get(key)?;
    #[expect(clippy::cast_possible_truncation, reason = "a float beyond i64 saturates, and the callers check ranges")]
    let whole = || value.as_f64().map(|it| it as i64);
    value.as_i64().or_else(whole)
}
