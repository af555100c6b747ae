//! What a device answers to what it is asked.

use std::{net::IpAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{
    device::Device,
    info,
    models::Emeter,
    outlet::{AfterPower, Cause},
    timers,
};

/// A method's result, if it has one, or the vendor's error code.
pub(super) type Answer = Result<Option<Value>, i64>;

/// The device does not know the method.
pub(super) const UNKNOWN_METHOD: i64 = -1002;
/// What came is not JSON, or more of it than the device takes.
pub(super) const BAD_JSON: i64 = -1003;
/// The parameters are not what the method wants.
pub(super) const BAD_PARAMS: i64 = -1008;

/// Requests that one `multipleRequest` may hold.
const BATCH: usize = 32;
/// Children on one page of a list.
const PAGE: usize = 10;

/// Who is being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// The device at the address.
    Housing,
    /// One of its outlets, through `control_child`.
    Child(usize),
}

/// One exchange with a device.
pub(super) struct Exchange<'a> {
    pub(super) device: &'a mut Device,
    /// The address at which the device was reached, for what it says about itself.
    pub(super) address: IpAddr,
    /// The error code that a method is to answer in place of doing its work.
    pub(super) fails: &'a mut dyn FnMut(&str) -> Option<i64>,
}

impl Exchange<'_> {
    /// Answers a decrypted request.
    pub(super) fn answer(&mut self, plain: &[u8]) -> Value {
        match serde_json::from_slice(plain) {
            Ok(request) => self.envelope(Asked::Housing, &request),
            Err(_) => enveloped(Err(BAD_JSON)),
        }
    }

    fn envelope(&mut self, asked: Asked, request: &Value) -> Value {
        enveloped(self.call(asked, request))
    }

    fn call(&mut self, asked: Asked, request: &Value) -> Answer {
        let method = request.get("method").and_then(Value::as_str).ok_or(BAD_JSON)?;
        let params = request.get("params").unwrap_or(&Value::Null);
        if let Some(code) = (self.fails)(method) {
            return Err(code);
        }
        match (method, asked) {
            ("multipleRequest", _) => self.batch(asked, params),
            ("control_child", Asked::Housing) if self.device.traits.is_strip() => self.control_child(params),
            (_, Asked::Housing) => self.of_housing(method, params),
            (_, Asked::Child(index)) => self.of_outlet(index, method, params),
        }
    }

    /// Answers requests in turn, up to the first that fails.
    fn batch(&mut self, asked: Asked, params: &Value) -> Answer {
        let requests = params.get("requests").and_then(Value::as_array).ok_or(BAD_PARAMS)?;
        if requests.len() > BATCH {
            return Err(BAD_JSON);
        }
        let mut responses = Vec::new();
        for request in requests {
            let method = request.get("method").cloned().unwrap_or_default();
            if method == "multipleRequest" {
                return Err(BAD_PARAMS);
            }
            let mut response = self.envelope(asked, request);
            let failed = response["error_code"] != 0;
            response["method"] = method;
            responses.push(response);
            if failed {
                break;
            }
        }
        Ok(Some(json!({"responses": responses})))
    }

    /// Passes a request on to an outlet. What goes wrong there is told inside.
    fn control_child(&mut self, params: &Value) -> Answer {
        let id = params.get("device_id").and_then(Value::as_str).ok_or(BAD_PARAMS)?;
        let index = self.device.child_index(id).ok_or(BAD_PARAMS)?;
        let request = params.get("requestData").ok_or(BAD_PARAMS)?;
        Ok(Some(json!({"responseData": self.envelope(Asked::Child(index), request)})))
    }

    /// What the device at the address answers; a single plug is its own outlet.
    fn of_housing(&mut self, method: &str, params: &Value) -> Answer {
        let now = self.device.catch_up();
        let traits = self.device.traits;
        let device = &mut *self.device;
        let answer = match method {
            "get_device_info" => info::housing(device, self.address, now),
            "component_nego" => json!({"component_list": info::components(&traits.housing_components())}),
            "get_device_usage" => info::usage(device, &device.outlets),
            "get_device_time" => device_time(device, now),
            "get_led_info" => json!({
                "led_rule": device.led_rule, "led_status": device.led_rule == "always", "night_mode": device.led_night,
            }),
            "set_led_info" => return set_led(device, params),
            "set_device_info" if traits.is_strip() => return set_strip(device, params),
            "get_child_device_list" if traits.is_strip() => children(device, params, now),
            "get_child_device_component_list" if traits.is_strip() => child_components(device, params),
            "get_auto_update_info" if traits.housing_components().contains(&("firmware", 2)) => {
                json!({"enable": true, "random_range": 120, "time": 180})
            }
            "get_latest_fw" => json!({
                "fw_size": 0, "fw_ver": traits.firmware, "hw_id": "", "need_to_upgrade": false, "oem_id": "",
                "release_date": "", "release_note": "", "type": 0,
            }),
            "get_fw_download_state" => {
                json!({"auto_upgrade": false, "download_progress": 0, "reboot_time": 5, "status": 0, "upgrade_time": 5})
            }
            "get_wireless_scan_info" => json!({"ap_list": [], "start_index": 0, "sum": 0, "wep_supported": false}),
            "get_matter_setup_info" if traits.has("matter") => {
                json!({"setup_code": "00000000000", "setup_payload": "00:000000-000000000000"})
            }
            "get_homekit_info" if traits.has("homekit") => {
                json!({"mfi_setup_code": "000-00-000", "mfi_setup_id": "0000"})
            }
            "get_connect_cloud_state" => json!({"status": 0}),
            _ if !traits.is_strip() => return self.of_outlet(0, method, params),
            "get_emeter_vgain_igain" | "get_protection_power" => return self.of_outlet(0, method, params),
            _ => return Err(UNKNOWN_METHOD),
        };
        Ok(Some(answer))
    }

    /// What one outlet answers.
    fn of_outlet(&mut self, index: usize, method: &str, params: &Value) -> Answer {
        let now = self.device.catch_up();
        if method == "set_device_info" {
            return set_outlet(self.device, index, params);
        }
        let traits = self.device.traits;
        let has = |component| traits.has(component);
        let outlet = self.device.outlets.get_mut(index).ok_or(BAD_PARAMS)?;
        if let Some(answer) = timers::answer(outlet, has("auto_off"), method, params, now) {
            return answer;
        }
        let (device, outlet) = (&*self.device, self.device.outlets.get(index).ok_or(BAD_PARAMS)?);
        let answer = match method {
            "get_device_info" => info::child(device, outlet, now),
            "component_nego" => json!({"component_list": info::components(&traits.child_components(outlet.position))}),
            "get_device_usage" => info::usage(device, std::slice::from_ref(outlet)),
            "get_energy_usage" if has("energy_monitoring") => info::energy_usage(device, outlet, now),
            "get_current_power" if has("energy_monitoring") => json!({"current_power": outlet.power().round() as u64}),
            "get_emeter_data" if traits.emeter != Emeter::Unknown => info::emeter(device, outlet),
            "get_emeter_vgain_igain" if traits.emeter != Emeter::Unknown => gains(device),
            "get_max_power" if has("power_protection") => json!({"max_power": traits.max_watts}),
            "get_protection_power" if has("power_protection") => json!({"enabled": false, "protection_power": 0}),
            "get_connect_cloud_state" => json!({"status": 0}),
            "get_antitheft_rules" => json!({"antitheft_rule_max_count": 1, "enable": false, "rule_list": []}),
            "get_schedule_rules" => {
                json!({"enable": false, "rule_list": [], "schedule_rule_max_count": 32, "start_index": 0, "sum": 0})
            }
            "get_next_event" => json!({}),
            _ => return Err(UNKNOWN_METHOD),
        };
        Ok(Some(answer))
    }
}

/// An answer in the vendor's envelope. Setters have no result.
fn enveloped(answer: Answer) -> Value {
    match answer {
        Ok(Some(result)) => json!({"error_code": 0, "result": result}),
        Ok(None) => json!({"error_code": 0}),
        Err(code) => json!({"error_code": code}),
    }
}

fn device_time(device: &Device, now: Duration) -> Value {
    json!({
        "region": device.clock.region(),
        "time_diff": device.clock.standard_offset(now),
        "timestamp": device.clock.wall(now).timestamp().as_second(),
    })
}

fn gains(device: &Device) -> Value {
    if !device.traits.is_strip() {
        return json!({"igain": 11299, "vgain": 124_300});
    }
    let slots = 0..device.outlets.len();
    json!({"data": slots.map(|slot| json!({"igain": 3800, "slot_id": slot, "vgain": 30300})).collect::<Vec<_>>()})
}

/// One page of the children, in the order in which this model lists them.
fn children(device: &Device, params: &Value, now: Duration) -> Value {
    let listed = device.traits.listed.iter().filter_map(|position| device.outlets.get(device.index_of(*position)?));
    page("child_device_list", listed.map(|outlet| info::child(device, outlet, now)).collect(), params)
}

fn child_components(device: &Device, params: &Value) -> Value {
    let one = |position: &u8| {
        json!({
            "component_list": info::components(&device.traits.child_components(*position)),
            "device_id": device.child_id(*position),
        })
    };
    page("child_component_list", device.traits.listed.iter().map(one).collect(), params)
}

fn page(name: &str, all: Vec<Value>, params: &Value) -> Value {
    let start = params.get("start_index").and_then(Value::as_u64).unwrap_or_default();
    let sum = all.len();
    let skipped = usize::try_from(start).unwrap_or(usize::MAX);
    let on_page: Vec<_> = all.into_iter().skip(skipped).take(PAGE).collect();
    json!({name: on_page, "start_index": start, "sum": sum})
}

fn set_led(device: &mut Device, params: &Value) -> Answer {
    let rule = params.get("led_rule").and_then(Value::as_str).ok_or(BAD_PARAMS)?;
    if !matches!(rule, "always" | "never" | "night_mode") {
        return Err(BAD_PARAMS);
    }
    let night = params.get("night_mode").map(|it| it.as_object().ok_or(BAD_PARAMS)).transpose()?;
    for (name, value) in night.into_iter().flatten() {
        let fits = match name.as_str() {
            "night_mode_type" => matches!(value.as_str(), Some("sunrise_sunset" | "custom")),
            "start_time" | "end_time" => value.as_u64().is_some_and(|it| it < 1440),
            "sunrise_offset" | "sunset_offset" => value.as_i64().is_some_and(|it| it.abs() < 1440),
            _ => false,
        };
        if !fits {
            return Err(BAD_PARAMS);
        }
    }
    rule.clone_into(&mut device.led_rule);
    for (name, value) in night.into_iter().flatten() {
        device.led_night[name] = value.clone();
    }
    Ok(None)
}

/// The housing of a strip has a name and no relay.
fn set_strip(device: &mut Device, params: &Value) -> Answer {
    if params.get("device_on").is_some() || !params.is_object() {
        return Err(BAD_PARAMS);
    }
    if let Some(nickname) = nickname(params)? {
        device.nickname = nickname;
    }
    Ok(None)
}

/// Everything is checked before anything is done.
fn set_outlet(device: &mut Device, index: usize, params: &Value) -> Answer {
    let fields = params.as_object().ok_or(BAD_PARAMS)?;
    let on = fields.get("device_on").map(|it| it.as_bool().ok_or(BAD_PARAMS)).transpose()?;
    let after_power = fields.get("default_states").map(after_power).transpose()?;
    let nickname = nickname(params)?;
    let avatar = fields.get("avatar").map(|it| it.as_str().ok_or(BAD_PARAMS)).transpose()?;
    if let Some(on) = on {
        device.switch(index, on, Cause::Client);
    }
    if let (false, Some(nickname)) = (device.traits.is_strip(), &nickname) {
        device.nickname.clone_from(nickname);
    }
    let outlet = device.outlets.get_mut(index).ok_or(BAD_PARAMS)?;
    if let Some(after_power) = after_power {
        outlet.after_power = after_power;
    }
    if let Some(nickname) = nickname {
        outlet.nickname = nickname;
    }
    if let Some(avatar) = avatar {
        avatar.clone_into(&mut outlet.avatar);
    }
    Ok(None)
}

fn after_power(states: &Value) -> Result<AfterPower, i64> {
    match states.get("type").and_then(Value::as_str) {
        Some("last_states") => Ok(AfterPower::LastState),
        Some("custom") => {
            states.pointer("/state/on").and_then(Value::as_bool).map(AfterPower::Always).ok_or(BAD_PARAMS)
        }
        _ => Err(BAD_PARAMS),
    }
}

/// Names are in Base64 on the wire.
fn nickname(params: &Value) -> Result<Option<String>, i64> {
    let Some(encoded) = params.get("nickname") else { return Ok(None) };
    let bytes = BASE64_STANDARD.decode(encoded.as_str().ok_or(BAD_PARAMS)?).map_err(|_| BAD_PARAMS)?;
    String::from_utf8(bytes).map(Some).map_err(|_| BAD_PARAMS)
}
