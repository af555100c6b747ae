//! `GET /metrics`: counts and gauges in Prometheus' text format, in base units.

use std::{fmt::Write, sync::Arc};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Site, answer::Refusal};
use crate::{
    hub::{Counted, Operation, WITHIN_MS, resident_memory},
    model::{Availability, Broker, House, Outlet},
};

const JOULES_PER_KWH: f64 = 3_600_000.0;

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Counts and gauges for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "bridge", responses(
    (status = 200, description = "Prometheus' text format 0.0.4.", body = String, content_type = "text/plain"),
))]
async fn metrics(State(site): State<Arc<Site>>) -> Result<Response, Refusal> {
    let shared = Arc::clone(&site);
    let text = site.press.metrics.get(&site.press.turns, move || page(&shared).into()).await;
    let text = text.ok_or_else(|| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be shown"))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

fn page(site: &Site) -> String {
    let mut page = Page::default();
    let house = site.handle.picture();
    bridge(&mut page, site, &house);
    outlets(&mut page, &house);
    devices(&mut page, site, &house);
    page.0
}

/// The text, family by family.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.part(name, "", labels, value);
    }

    /// A sample of a family, with `_sum` and the like after its name.
    fn part(&mut self, name: &str, part: &str, labels: &[(&str, &str)], value: f64) {
        let text = &mut self.0;
        text.push_str(name);
        text.push_str(part);
        for (number, (key, value)) in labels.iter().enumerate() {
            text.push(if number == 0 { '{' } else { ',' });
            text.push_str(key);
            text.push_str("=\"");
            escape(text, value);
            text.push('"');
        }
        if !labels.is_empty() {
            text.push('}');
        }
        let _ = writeln!(text, " {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }
}

fn escape(to: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\\' => to.push_str("\\\\"),
            '"' => to.push_str("\\\""),
            '\n' => to.push_str("\\n"),
            other => to.push(other),
        }
    }
}

fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

fn bridge(page: &mut Page, site: &Site, house: &House) {
    page.family("heattrax_build_info", "gauge", "The program's version.");
    page.sample("heattrax_build_info", &[("version", &site.info.version)], 1.0);
    let uptime = site.handle.vitals.uptime().as_secs_f64();
    page.one("heattrax_uptime_seconds", "gauge", "Real time since the start.", uptime);
    page.one(
        "heattrax_control_loop_alive",
        "gauge",
        "Does the control loop come round?",
        flag(site.handle.pulse.is_alive()),
    );
    page.one("heattrax_setup_mode", "gauge", "Is the config absent or wrong?", flag(!site.info.setup.is_empty()));
    page.one("heattrax_broker_connected", "gauge", "Is the broker connected?", flag(house.broker == Broker::Connected));
    page.one("heattrax_vacation", "gauge", "Is everybody away?", flag(house.vacation));
    page.one("heattrax_automation_paused", "gauge", "Are all rules told to be silent?", flag(house.paused.is_some()));
    if let Some(bytes) = resident_memory() {
        page.one("heattrax_resident_memory_bytes", "gauge", "Memory that the process holds.", bytes as f64);
    }
    if let Some(forecast) = &house.weather.forecast {
        let age = house.at.duration_since(forecast.issued_at).as_secs_f64().max(0.0);
        page.one("heattrax_weather_age_seconds", "gauge", "Age of the newest forecast.", age);
    }
    page.one(
        "heattrax_weather_fresh",
        "gauge",
        "Is the forecast fresh enough to act on?",
        flag(house.weather.fresh == Some(true)),
    );
    page.family("heattrax_notices_total", "counter", "What people should have heard about, by kind.");
    for (kind, count) in site.ledger.counts() {
        page.sample("heattrax_notices_total", &[("kind", kind)], count as f64);
    }
}

type Read = fn(&Outlet) -> Option<f64>;

fn outlets(page: &mut Page, house: &House) {
    let families: [(&str, &str, &str, Read); 7] = [
        ("heattrax_outlet_on", "gauge", "Is the outlet on, as its plug reported?", |it| {
            it.switch().map(|it| flag(it.is_on()))
        }),
        ("heattrax_outlet_wanted_on", "gauge", "Is it wanted on?", |it| Some(flag(it.decision.switch.is_on()))),
        ("heattrax_outlet_available", "gauge", "Does its device answer?", |it| {
            Some(flag(it.availability == Availability::Online))
        }),
        ("heattrax_outlet_fault", "gauge", "Does it show a fault?", |it| Some(flag(it.shown_fault().is_some()))),
        ("heattrax_outlet_power_watts", "gauge", "Active power.", |it| it.reported.as_ref()?.energy?.power),
        ("heattrax_outlet_energy_joules_total", "counter", "Energy since it was first seen.", |it| {
            it.energy_total.map(|it| it * JOULES_PER_KWH)
        }),
        ("heattrax_outlet_on_today_seconds", "gauge", "Time on since local midnight.", |it| {
            Some(it.runtime_today.as_secs_f64())
        }),
    ];
    for (name, kind, help, read) in families {
        page.family(name, kind, help);
        for outlet in house.outlets.values() {
            let slot = outlet.id.slot.to_string();
            let group = outlet.group.as_ref().map_or("", |it| it.as_str());
            let labels = [("device", outlet.id.device.as_str()), ("slot", slot.as_str()), ("group", group)];
            if let Some(value) = read(outlet).filter(|it| it.is_finite()) {
                page.sample(name, &labels, value);
            }
        }
    }
}

fn devices(page: &mut Page, site: &Site, house: &House) {
    const LATENCY: &str = "heattrax_device_operation_seconds";
    const FAILED: &str = "heattrax_device_operation_failures_total";
    const LOST: &str = "heattrax_device_lost_total";
    let vitals: Vec<_> = house.devices.keys().map(|it| (it.as_str(), site.handle.vitals.of(it))).collect();
    page.family(LOST, "counter", "How often a device has stopped answering.");
    for (device, vitals) in &vitals {
        page.sample(LOST, &[("device", device)], vitals.lost() as f64);
    }
    page.family(FAILED, "counter", "Operations that had no answer, or none that helped.");
    for (device, vitals) in &vitals {
        for operation in Operation::ALL {
            let failed = vitals.of(operation).counted().failed as f64;
            page.sample(FAILED, &[("device", device), ("operation", operation.as_str())], failed);
        }
    }
    page.family(LATENCY, "histogram", "How long operations of a device took.");
    let limits = WITHIN_MS.map(|it| (it as f64 / 1000.0).to_string());
    for (device, vitals) in &vitals {
        for operation in Operation::ALL {
            histogram(page, LATENCY, &limits, device, operation.as_str(), &vitals.of(operation).counted());
        }
    }
}

fn histogram(page: &mut Page, name: &str, limits: &[String], device: &str, operation: &str, counted: &Counted) {
    let labels = [("device", device), ("operation", operation)];
    // Counted while others count: the last bucket must not be below the ones before it.
    let all = counted.within.iter().copied().max().unwrap_or_default().max(counted.done);
    for (limit, count) in limits.iter().zip(counted.within) {
        page.part(name, "_bucket", &[labels[0], labels[1], ("le", limit)], count as f64);
    }
    page.part(name, "_bucket", &[labels[0], labels[1], ("le", "+Inf")], all as f64);
    page.part(name, "_sum", &labels, counted.took.as_secs_f64());
    page.part(name, "_count", &labels, all as f64);
}
