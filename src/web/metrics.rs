//! `GET /metrics`: figures for Prometheus, in its text format (version 0.0.4) and by its naming rules: base units, `_total` for counters.

use std::{fmt::Write, sync::Arc};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    answer::{Problem, Refusal},
};
use crate::{
    hub::{Operation, WITHIN_MS, resident_memory},
    model::{Availability, Broker, Outlet},
};

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "bridge", responses(
    (status = 200, description = "The text format of Prometheus.", body = String, content_type = "text/plain"),
    (status = 403, description = "Shown on a loopback address only.", body = Problem),
))]
async fn metrics(State(site): State<Arc<Site>>) -> Result<Response, Refusal> {
    let mut page = Page::default();
    bridge(&site, &mut page);
    outlets(&site, &mut page);
    devices(&site, &mut page);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page.0).into_response())
}

/// The text in the making. Writing to a string cannot fail.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<_> = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[expect(clippy::cast_precision_loss, reason = "a count that is off by one in 10^15 harms nobody")]
fn count(number: u64) -> f64 {
    number as f64
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn bridge(site: &Site, page: &mut Page) {
    let house = site.handle.picture();
    page.family("heattrax_build_info", "gauge", "The program's version.");
    page.sample("heattrax_build_info", &[("version", &site.info.version)], 1.0);
    let alive = flag(site.handle.pulse.is_alive());
    page.one("heattrax_control_loop_alive", "gauge", "Does the control loop come round?", alive);
    let uptime = site.handle.vitals.uptime().as_secs_f64();
    page.one("heattrax_uptime_seconds", "gauge", "Time since the bridge was started.", uptime);
    if let Some(bytes) = resident_memory() {
        page.one("process_resident_memory_bytes", "gauge", "Memory that the process holds.", count(bytes));
    }
    let connected = flag(house.broker == Broker::Connected);
    page.one("heattrax_mqtt_connected", "gauge", "Is the broker connected?", connected);
    page.one("heattrax_vacation", "gauge", "Is everybody away?", flag(house.vacation));
    page.one("heattrax_automation_paused", "gauge", "Are all rules silent for a while?", flag(house.paused.is_some()));
    if let Some(forecast) = &house.weather.forecast {
        let age = house.at.duration_since(forecast.issued_at).as_secs_f64();
        page.one("heattrax_forecast_age_seconds", "gauge", "Time since the forecast was issued.", age.max(0.0));
        if let Some(air) = forecast.at(house.at).and_then(|it| it.temperature) {
            page.one("heattrax_air_temperature_celsius", "gauge", "The air now, by the forecast.", air.0);
        }
    }
    let name = "heattrax_events_total";
    page.family(name, "counter", "What people should hear about, by kind.");
    site.ledger.counts().into_iter().for_each(|(kind, number)| page.sample(name, &[("kind", kind)], count(number)));
}

/// A figure of each outlet that has it.
type Figure = (&'static str, &'static str, &'static str, fn(&Outlet) -> Option<f64>);

const FIGURES: [Figure; 7] = [
    ("heattrax_outlet_on", "gauge", "Is the outlet on, by its plug's own word?", |it| Some(flag(it.switch()?.is_on()))),
    ("heattrax_outlet_wanted", "gauge", "Is it wanted on?", |it| Some(flag(it.decision.switch.is_on()))),
    ("heattrax_outlet_locked", "gauge", "Does a fault keep it off?", |it| Some(flag(it.memory.lockout.is_some()))),
    ("heattrax_outlet_power_watts", "gauge", "What it draws.", |it| it.reported.as_ref()?.energy?.power),
    ("heattrax_outlet_voltage_volts", "gauge", "The voltage at it.", |it| it.reported.as_ref()?.energy?.voltage),
    ("heattrax_outlet_energy_kwh_total", "counter", "Energy since it was first seen.", |it| it.energy_total),
    ("heattrax_outlet_runtime_today_seconds", "gauge", "Time on since local midnight.", |it| {
        Some(it.runtime_today.as_secs_f64())
    }),
];

fn outlets(site: &Site, page: &mut Page) {
    let house = site.handle.picture();
    for (name, kind, help, read) in FIGURES {
        page.family(name, kind, help);
        for (id, outlet) in &house.outlets {
            let value = read(outlet).filter(|it| it.is_finite());
            let group = outlet.group.as_ref().map_or("", |it| it.as_str());
            let (outlet, device) = (id.to_string(), id.device.as_str());
            let labels = [("device", device), ("outlet", &outlet), ("group", group)];
            value.into_iter().for_each(|it| page.sample(name, &labels, it));
        }
    }
}

fn devices(site: &Site, page: &mut Page) {
    let house = site.handle.picture();
    page.family("heattrax_device_online", "gauge", "Does the device answer?");
    for (slug, device) in &house.devices {
        let online = flag(device.availability == Availability::Online);
        page.sample("heattrax_device_online", &[("device", slug.as_str())], online);
    }
    page.family("heattrax_device_lost_total", "counter", "How often it has stopped answering.");
    for slug in house.devices.keys() {
        let lost = count(site.handle.vitals.of(slug).lost());
        page.sample("heattrax_device_lost_total", &[("device", slug.as_str())], lost);
    }
    let counted: Vec<_> = house
        .devices
        .keys()
        .flat_map(|slug| {
            let vitals = site.handle.vitals.of(slug);
            Operation::ALL.map(|operation| (slug.as_str(), operation.as_str(), vitals.of(operation).counted()))
        })
        .collect();
    let failed = "heattrax_device_request_failures_total";
    page.family(failed, "counter", "Requests that were not answered, or not with what was asked.");
    for (device, operation, it) in &counted {
        page.sample(failed, &[("device", device), ("operation", operation)], count(it.failed));
    }
    let name = "heattrax_device_request_duration_seconds";
    page.family(name, "histogram", "How long the device takes, by what it is asked.");
    for (device, operation, it) in &counted {
        let labels = [("device", *device), ("operation", *operation)];
        for (limit, number) in WITHIN_MS.iter().zip(it.within) {
            let limit = (count(*limit) / 1000.0).to_string();
            let labels = [labels[0], labels[1], ("le", limit.as_str())];
            page.sample(&format!("{name}_bucket"), &labels, count(number));
        }
        page.sample(&format!("{name}_bucket"), &[labels[0], labels[1], ("le", "+Inf")], count(it.done));
        page.sample(&format!("{name}_sum"), &labels, it.took.as_secs_f64());
        page.sample(&format!("{name}_count"), &labels, count(it.done));
    }
}
