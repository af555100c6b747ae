//! A housing, and how long its answers take.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Look, Passing, rounded};
use crate::{
    hub::Operation,
    model::{Availability, Device, TroubleKind},
};

/// A housing.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(in crate::web) struct DeviceView {
    name: String,
    /// `online`, `offline` or `unknown` (not asked yet).
    availability: &'static str,
    model: Option<String>,
    firmware: Option<String>,
    hardware: Option<String>,
    /// `host[:port]` of the config.
    ip: String,
    mac: Option<String>,
    /// Wi-Fi signal in dBm.
    rssi: Option<i16>,
    /// How it is spoken to.
    protocol: Option<String>,
    /// Why it is not there, in words.
    fault: Option<String>,
    /// The trouble does not pass by itself.
    needs_person: bool,
    /// How often it has stopped answering since the start.
    lost: u64,
    /// By operation: connect, poll, switch, timer, meter, info.
    #[schema(value_type = BTreeMap<String, LatencyView>)]
    latency: Passing<BTreeMap<&'static str, LatencyView>>,
}

/// One operation of a device, since the start.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(in crate::web) struct LatencyView {
    /// How often, failures among them.
    done: u64,
    failed: u64,
    /// How long the last one took, in ms.
    last_ms: Option<f64>,
    /// How long they took on average, in ms.
    mean_ms: Option<f64>,
}

pub(super) fn view(look: &Look<'_>, device: &Device) -> DeviceView {
    let housing = device.housing.as_deref();
    let trouble = device.trouble.as_ref().filter(|_| device.availability != Availability::Online);
    let vitals = look.handle.vitals.of(&device.slug);
    DeviceView {
        name: device.name.clone(),
        availability: available(device.availability),
        model: housing.map(|it| it.model.clone()),
        firmware: housing.map(|it| it.firmware.clone()),
        hardware: housing.map(|it| it.hardware.clone()),
        ip: device.address.clone(),
        mac: device.pin.as_ref().map(|it| it.mac).or(housing.map(|it| it.mac)).map(|it| it.to_string()),
        rssi: device.rssi.or_else(|| housing?.rssi),
        protocol: housing.and_then(|it| it.protocol.as_ref()).map(ToString::to_string),
        fault: trouble.map(|it| it.text.clone()),
        needs_person: trouble.is_some_and(|it| it.kind != TroubleKind::Passing),
        lost: vitals.lost(),
        latency: Passing(
            Operation::ALL.into_iter().map(|it| (it.as_str(), latency(vitals.of(it).counted()))).collect(),
        ),
    }
}

fn latency(counted: crate::hub::Counted) -> LatencyView {
    let ms = |it: f64| rounded(Some(it * 1000.0), 1);
    let mean = (counted.done > 0).then(|| counted.took.as_secs_f64() / counted.done as f64);
    LatencyView {
        done: counted.done,
        failed: counted.failed,
        last_ms: counted.last.and_then(|it| ms(it.as_secs_f64())),
        mean_ms: mean.and_then(ms),
    }
}

/// As the page and programs read it.
pub(in crate::web) fn available(availability: Availability) -> &'static str {
    match availability {
        Availability::Unknown => "unknown",
        Availability::Online => "online",
        Availability::Offline => "offline",
    }
}
