//! What a device says about itself: the answers that are long lists of fields.
//!
//! Which fields a model has follows from its components, as with the real ones. Fields that a model lacks are left out.

use std::{net::IpAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

use super::{
    device::Device,
    models::{Emeter, Heat},
    outlet::{AfterPower, Outlet, Protection},
};

/// The answer to `get_device_info` from a single plug or from the housing of a strip.
pub(super) fn housing(device: &Device, address: IpAddr, now: Duration) -> Value {
    let traits = device.traits;
    let mut info = common(device);
    put(
        &mut info,
        json!({
            "avatar": "",
            "device_id": device.id,
            "ip": address.to_string(),
            "lang": "en_US",
            "mac": mac(device, "-"),
            "nickname": BASE64_STANDARD.encode(&device.nickname),
            "rssi": -56,
            "signal_level": 2,
            "specs": "",
            "ssid": BASE64_STANDARD.encode("Emulated Wi-Fi"),
            "time_diff": device.clock.standard_offset(now),
            "type": traits.family,
        }),
    );
    if let (false, Some(outlet)) = (traits.is_strip(), device.outlets.first()) {
        info.insert("avatar".to_owned(), json!(outlet.avatar));
        put(&mut info, relay(device, outlet, now));
    }
    Value::Object(info)
}

/// The answer to `get_device_info` from one outlet of a strip; the list of children is made of these.
pub(super) fn child(device: &Device, outlet: &Outlet, now: Duration) -> Value {
    let traits = device.traits;
    let is_lamp = traits.night_light == Some(outlet.position);
    let mut info = common(device);
    put(
        &mut info,
        json!({
            "avatar": outlet.avatar,
            "bind_count": 1,
            "category": if is_lamp { "plug.powerstrip.sub-bulb" } else { "plug.powerstrip.sub-plug" },
            "device_id": device.child_id(outlet.position),
            "mac": mac(device, ""),
            "nickname": BASE64_STANDARD.encode(&outlet.nickname),
            "original_device_id": device.id,
            "position": outlet.position,
            "slot_number": traits.listed.len(),
            "status_follow_edge": true,
            "type": if is_lamp { "SMART.TAPOBULB" } else { traits.family },
        }),
    );
    put(&mut info, relay(device, outlet, now));
    if is_lamp {
        info.insert("brightness".to_owned(), json!(100));
    } else if traits.tells_usb {
        info.insert("is_usb".to_owned(), json!(false));
    }
    if traits.has("power_protection") {
        put(&mut info, json!({"protection_enabled": false, "protection_power": 0}));
    }
    Value::Object(info)
}

/// Fields that everything has.
fn common(device: &Device) -> Map<String, Value> {
    let mut info = Map::new();
    put(
        &mut info,
        json!({
            "fw_id": "00000000000000000000000000000000",
            "fw_ver": device.traits.firmware,
            "has_set_location_info": true,
            "hw_id": "00000000000000000000000000000000",
            "hw_ver": device.traits.hardware,
            "latitude": 0,
            "longitude": 0,
            "model": device.traits.name,
            "oem_id": "00000000000000000000000000000000",
            "region": device.clock.region(),
        }),
    );
    info
}

/// Fields that go with a relay.
fn relay(device: &Device, outlet: &Outlet, now: Duration) -> Value {
    let traits = device.traits;
    let is_lamp = traits.night_light == Some(outlet.position);
    let mut info = Map::new();
    put(
        &mut info,
        json!({
            "default_states": if is_lamp { lamp_default() } else { default_states(device, outlet.after_power) },
            "device_on": outlet.on,
            "on_time": outlet.on_time(now),
        }),
    );
    if traits.has("auto_off") && !is_lamp {
        let remaining = outlet.auto_off.due.map_or(0, |due| whole_seconds(due.saturating_sub(now)));
        let status = if outlet.auto_off.due.is_some() { "on" } else { "off" };
        put(&mut info, json!({"auto_off_status": status, "auto_off_remain_time": remaining}));
    }
    if traits.has("charging_protection") {
        info.insert("charging_status".to_owned(), json!("normal"));
    }
    if traits.has("current_protection") {
        let lifted = outlet.protection == Protection::Overcurrent;
        info.insert("overcurrent_status".to_owned(), json!(if lifted { "lifted" } else { "normal" }));
    }
    if traits.has("power_protection") {
        let overloaded = outlet.protection == Protection::Overloaded;
        info.insert("power_protection_status".to_owned(), json!(if overloaded { "overloaded" } else { "normal" }));
    }
    let hot = outlet.protection == Protection::Overheated;
    match traits.heat {
        Heat::Silent => None,
        Heat::Flag => info.insert("overheated".to_owned(), json!(hot)),
        Heat::Status => info.insert("overheat_status".to_owned(), json!(if hot { "overheated" } else { "normal" })),
    };
    Value::Object(info)
}

fn lamp_default() -> Value {
    json!({"brightness": {"type": "last_states", "value": 100}, "re_power_type": "last_states"})
}

fn default_states(device: &Device, after_power: AfterPower) -> Value {
    match after_power {
        AfterPower::Always(on) => json!({"type": "custom", "state": {"on": on}}),
        AfterPower::LastState if device.traits.heat == Heat::Flag => json!({"type": "last_states", "state": {}}),
        AfterPower::LastState => json!({"type": "last_states"}),
    }
}

/// The answer to `get_energy_usage`. Only single plugs tell the power with it, in mW.
pub(super) fn energy_usage(device: &Device, outlet: &Outlet, now: Duration) -> Value {
    let (today, month) = (outlet.meter.past(1), outlet.meter.month());
    let mut usage = json!({
        "electricity_charge": [0, 0, 0],
        "local_time": device.clock.wall(now).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        "month_energy": full(month.watt_hours),
        "month_runtime": month.minutes(),
        "today_energy": full(today.watt_hours),
        "today_runtime": today.minutes(),
    });
    if !device.traits.is_strip() {
        usage["current_power"] = json!(rounded(outlet.power() * 1000.0));
    }
    usage
}

/// The answer to `get_emeter_data`: mA, mV, mW and Wh.
pub(super) fn emeter(device: &Device, outlet: &Outlet) -> Value {
    let volts = f64::from(device.traits.millivolts) / 1000.0;
    let energy = outlet.meter.total().watt_hours;
    let mut data = json!({
        "current_ma": rounded(outlet.power() / volts * 1000.0),
        "energy_wh": full(energy),
        "power_mw": rounded(outlet.power() * 1000.0),
        "voltage_mv": device.traits.millivolts,
    });
    if device.traits.emeter == Emeter::Fine {
        data["energy_mwh"] = json!(rounded(energy * 1000.0));
    }
    data
}

/// The answer to `get_device_usage`: minutes, and Wh where there is a meter. A strip answers for all its outlets.
pub(super) fn usage(device: &Device, outlets: &[Outlet]) -> Value {
    let minutes = |days| outlets.iter().map(|it| it.meter.past(days).minutes()).sum::<u64>();
    let energy = |days| rounded(outlets.iter().map(|it| it.meter.past(days).watt_hours).sum::<f64>());
    let spans = |of: &dyn Fn(usize) -> u64| json!({"today": of(1), "past7": of(7), "past30": of(30)});
    let mut usage = json!({"time_usage": spans(&minutes)});
    if device.traits.has("energy_monitoring") {
        usage["power_usage"] = spans(&energy);
        usage["saved_power"] = spans(&|days| minutes(days).saturating_sub(energy(days)));
    }
    usage
}

/// A list of components as `component_nego` has it.
pub(super) fn components(all: &[(&str, u8)]) -> Value {
    all.iter().map(|(id, version)| json!({"id": id, "ver_code": version})).collect()
}

/// A span in whole seconds, a begun one counted.
pub(super) fn whole_seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

fn mac(device: &Device, between: &str) -> String {
    device.mac.map(|byte| format!("{byte:02X}")).join(between)
}

fn put(info: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        info.extend(more);
    }
}

/// To the nearest whole number; a count has no sign.
fn rounded(value: f64) -> u64 {
    value.round().max(0.0) as u64
}

/// Energy counts full Wh only.
fn full(watt_hours: f64) -> u64 {
    watt_hours.max(0.0) as u64
}
