//! How the bridge itself does.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use crate::{
    hub::{Handle, Operation, resident_memory},
    model::{Availability, House},
};

/// How the bridge itself does, at one moment.
#[derive(Debug)]
pub(in crate::mqtt) struct HealthView {
    house: Arc<House>,
    handle: Handle,
}

impl HealthView {
    pub(in crate::mqtt) fn of(handle: &Handle) -> Self {
        Self { house: handle.picture(), handle: handle.clone() }
    }

    pub(in crate::mqtt) fn time(&self) -> Value {
        json!(self.house.at)
    }

    pub(in crate::mqtt) fn control_loop(&self) -> Value {
        json!(if self.handle.pulse.is_alive() { "alive" } else { "hangs" })
    }

    pub(in crate::mqtt) fn uptime(&self) -> Value {
        json!(self.handle.vitals.uptime().as_secs())
    }

    /// In MiB.
    pub(in crate::mqtt) fn memory(&self) -> Value {
        resident_memory().map_or(Value::Null, |bytes| json!((bytes as f64 / 1024.0 / 102.4).round() / 10.0))
    }

    /// Full minutes since the forecast was issued.
    pub(in crate::mqtt) fn forecast_age(&self) -> Value {
        let issued = self.house.weather.forecast.as_ref().map(|it| it.issued_at);
        issued.map_or(Value::Null, |at| json!(self.house.at.duration_since(at).as_mins().max(0)))
    }

    pub(in crate::mqtt) fn devices(&self) -> Value {
        let told = self.house.devices.values().map(|device| {
            let vitals = self.handle.vitals.of(&device.slug);
            let polls = vitals.of(Operation::Poll).counted();
            let sum = |count: fn(&crate::hub::Counted) -> u64| {
                Operation::ALL.iter().map(|it| count(&vitals.of(*it).counted())).sum::<u64>()
            };
            let said = json!({
                "online": device.availability == Availability::Online,
                "requests": sum(|it| it.done),
                "failures": sum(|it| it.failed),
                "polls": polls.done,
                "logins": vitals.of(Operation::Connect).counted().done,
                "lost": vitals.lost(),
                "latency_ms": polls.last.map(millis),
                "latency_mean_ms": mean(polls.took, polls.done),
            });
            (device.slug.to_string(), said)
        });
        Value::Object(told.collect::<Map<_, _>>())
    }
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

fn mean(took: Duration, of: u64) -> Option<f64> {
    let of = u32::try_from(of).ok().filter(|it| *it > 0)?;
    Some(millis(took / of))
}
