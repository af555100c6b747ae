//! The timers of an outlet as a client sees them: countdown and auto-off. What they do to the relay is in `outlet`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    info::whole_seconds,
    methods::{Answer, BAD_PARAMS, UNKNOWN_METHOD},
    outlet::{Countdown, Outlet},
    plug::Plug,
};

/// There is a countdown already.
const FULL: i64 = -1802;
/// The longest countdown in s: a day.
const LONGEST_COUNTDOWN: u64 = 86_400;
/// The longest auto-off delay in minutes: a day.
const LONGEST_AUTO_OFF: u64 = 1440;
/// The id of the one countdown.
const RULE: &str = "C1";

impl Plug {
    /// Sets the auto-off timer of an outlet, as a person does in the vendor's app. `false` if there is no such outlet.
    pub fn set_auto_off(&self, slot: u8, minutes: u32) -> bool {
        let shared = self.shared();
        let device = &mut shared.inside().device;
        let now = device.catch_up();
        let outlet = device.index_of(slot).and_then(|index| device.outlets.get_mut(index));
        outlet.map(|outlet| outlet.set_auto_off(minutes, now)).is_some()
    }

    /// The minutes after which the auto-off timer of an outlet opens its relay. `None` if it is not in force.
    pub fn auto_off(&self, slot: u8) -> Option<u32> {
        let shared = self.shared();
        let device = &shared.inside().device;
        let timer = device.outlets.get(device.index_of(slot)?)?.auto_off;
        timer.enabled.then_some(timer.minutes)
    }
}

/// The answer to a method about timers; `None` if it is about something else.
pub(super) fn answer(
    outlet: &mut Outlet,
    has_auto_off: bool,
    method: &str,
    params: &Value,
    now: Duration,
) -> Option<Answer> {
    Some(match method {
        // A real device answers null parameters with an error, and an empty object with the rules.
        "get_countdown_rules" if params.is_null() => Err(BAD_PARAMS),
        "get_countdown_rules" => Ok(Some(rules(outlet, now))),
        "add_countdown_rule" => add_rule(outlet, params, now),
        "remove_countdown_rules" => remove_rules(outlet, params),
        "get_auto_off_config" | "set_auto_off_config" if !has_auto_off => Err(UNKNOWN_METHOD),
        "get_auto_off_config" => {
            Ok(Some(json!({"delay_min": outlet.auto_off.minutes, "enable": outlet.auto_off.enabled})))
        }
        "set_auto_off_config" => set_auto_off(outlet, params, now),
        _ => return None,
    })
}

fn rules(outlet: &Outlet, now: Duration) -> Value {
    let rule = outlet.countdown.map(|it| {
        json!({
            "delay": it.delay.as_secs(),
            "desired_states": {"on": it.on},
            "enable": it.due.is_some(),
            "id": RULE,
            "remain": it.due.map_or(0, |due| whole_seconds(due.saturating_sub(now))),
        })
    });
    let armed = outlet.countdown.is_some_and(|it| it.due.is_some());
    json!({"countdown_rule_max_count": 1, "enable": armed, "rule_list": Vec::from_iter(rule)})
}

fn add_rule(outlet: &mut Outlet, params: &Value, now: Duration) -> Answer {
    let delay = params.get("delay").and_then(Value::as_u64).filter(|it| (1..=LONGEST_COUNTDOWN).contains(it));
    let delay = Duration::from_secs(delay.ok_or(BAD_PARAMS)?);
    let on = params.pointer("/desired_states/on").and_then(Value::as_bool).ok_or(BAD_PARAMS)?;
    let enabled = params.get("enable").and_then(Value::as_bool).ok_or(BAD_PARAMS)?;
    if outlet.countdown.is_some_and(|it| it.due.is_some()) {
        return Err(FULL);
    }
    outlet.countdown = Some(Countdown { delay, on, due: enabled.then(|| now.saturating_add(delay)) });
    Ok(Some(json!({"id": RULE})))
}

fn remove_rules(outlet: &mut Outlet, params: &Value) -> Answer {
    let all = params.get("remove_all").and_then(Value::as_bool).unwrap_or_default();
    let listed = params.get("rule_list").and_then(Value::as_array);
    if !all && listed.is_none() {
        return Err(BAD_PARAMS);
    }
    if all || listed.is_some_and(|rules| rules.iter().any(|rule| rule["id"] == RULE)) {
        outlet.countdown = None;
    }
    Ok(None)
}

/// Whether a change while the outlet is on sets the timer anew is not known of real devices; here it does.
fn set_auto_off(outlet: &mut Outlet, params: &Value, now: Duration) -> Answer {
    let enabled = params.get("enable").and_then(Value::as_bool).ok_or(BAD_PARAMS)?;
    let minutes = match params.get("delay_min") {
        Some(given) => given.as_u64().filter(|it| (1..=LONGEST_AUTO_OFF).contains(it)).ok_or(BAD_PARAMS)?,
        None => u64::from(outlet.auto_off.minutes),
    };
    outlet.auto_off.enabled = enabled;
    outlet.auto_off.minutes = u32::try_from(minutes).unwrap_or_default();
    outlet.arm_auto_off(now);
    Ok(None)
}
