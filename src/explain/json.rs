//! The answer for programs.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::{
    Basis, Explanation,
    inputs::{icy, inputs, json as figures},
};
use crate::model::{Availability, Decision, Outlet, Reason};

impl Explanation {
    /// For programs. Times in RFC 3339 (UTC), temperatures in °C, lengths in minutes.
    pub fn json(&self) -> Value {
        let basis = match self.basis {
            Basis::Now => "now",
            Basis::Ahead { .. } => "ahead",
            Basis::Past => "past",
        };
        let ice = self.foreseen.ice.iter().filter(|(group, _)| self.is_asked(group));
        let ice: Map<_, _> = ice
            .map(|(group, ice)| (group.to_string(), ice.iter().map(|it| figures(&icy(it))).collect::<Value>()))
            .collect();
        let plans = self.foreseen.plans.iter().filter(|(group, _)| self.is_asked(group));
        let plans: Map<_, _> = plans.map(|(group, plan)| (group.to_string(), json!(plan))).collect();
        json!({
            "source": self.source,
            "at": self.at.to_string(),
            "basis": basis,
            "caveat": self.caveat(),
            "zone": self.settings.zone.iana_name(),
            "vacation": self.house.vacation,
            "outlets": self.outlets().map(|it| self.outlet_json(it)).collect::<Value>(),
            "weather": self.weather_json(),
            "ice": ice,
            "plans": plans,
        })
    }

    /// The same with the offset of the house's zone at each time.
    pub fn local_json(&self) -> Value {
        let mut all = self.json();
        in_zone(&mut all, &self.settings.zone);
        all
    }

    fn outlet_json(&self, outlet: &Outlet) -> Value {
        let decision = &outlet.decision;
        let position = if self.basis == Basis::Past { None } else { outlet.switch() };
        json!({
            "device": outlet.id.device,
            "slot": outlet.id.slot,
            "name": outlet.name,
            "group": outlet.group,
            "class": outlet.class.as_str(),
            "available": outlet.availability == Availability::Online,
            (if self.basis == Basis::Now { "reported" } else { "expected" }): position,
            "desired": decision.switch,
            "control": outlet.control().as_str(),
            "mode": decision.mode().as_str(),
            "reason": decision.reason.key(),
            "sentence": decision.reason.to_string(),
            "since": decision.since.to_string(),
            "until": decision.until.map(|it| it.to_string()),
            "next": decision.next.map(|it| json!({ "at": it.at.to_string(), "state": it.switch })),
            "run_min": outlet.memory.run.elapsed(self.at).as_mins(),
            "lockout": outlet.memory.lockout,
            "voices": voices(decision),
        })
    }
}

fn voices(decision: &Decision) -> Value {
    let winner = decision.opinions.iter().position(|it| it.wish.is_some());
    let voices = decision.opinions.iter().enumerate().map(|(number, it)| {
        json!({
            "voice": it.voice.as_str(),
            "wish": it.wish,
            "wins": winner == Some(number),
            "reason": it.reason.as_ref().map(Reason::key),
            "sentence": it.reason.as_ref().map(Reason::to_string),
            "inputs": it.reason.as_ref().map_or_else(|| json!({}), |it| figures(&inputs(it))),
            "changes_at": it.changes_at.map(|it| it.to_string()),
        })
    });
    voices.collect()
}

/// Gives every time in it the offset that the zone has then.
pub fn in_zone(value: &mut Value, zone: &TimeZone) {
    match value {
        Value::String(text) => {
            if let Some(at) = text.ends_with('Z').then(|| text.parse::<Timestamp>().ok()).flatten() {
                *text = at.display_with_offset(zone.to_offset(at)).to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| in_zone(it, zone)),
        Value::Object(entries) => entries.values_mut().for_each(|it| in_zone(it, zone)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
