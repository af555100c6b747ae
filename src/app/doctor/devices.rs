//! Each device: does it answer, is it the right one, and which timers can it hold?

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::task::JoinSet;

use super::Line;
use crate::{
    model::{Pin, Settings, Slug, Switch},
    outlets::{self, Examined, Network, Socket, Unexamined, finding::Finder},
};

/// Below this signal, in dBm, answers get lost.
const WEAK: i16 = -75;
/// How local control is made to speak the protocol in which timers can be set.
const COMPATIBILITY: &str = "switch Third-Party Compatibility on: Tapo app > Me > Third-Party Services";

/// All at once; in the order of the config.
pub(super) async fn examine(
    settings: &Settings,
    pins: &BTreeMap<Slug, Pin>,
    network: Arc<dyn Network>,
    bridge_runs: bool,
) -> Vec<Line> {
    let finder = Arc::new(Finder::new(Arc::clone(&network)));
    let mut asked = JoinSet::new();
    for (at, device) in settings.devices.iter().cloned().enumerate() {
        let (credentials, network, finder) = (settings.credentials.clone(), Arc::clone(&network), Arc::clone(&finder));
        let (pin, wanted) = (pins.get(&device.slug).cloned(), slots(settings, &device.slug));
        asked.spawn(async move {
            let thing = format!("device {}", device.name);
            match outlets::examine(&device, &credentials, pin.as_ref(), network, &finder).await {
                Ok(examined) => (at, told(&thing, &examined, &wanted, bridge_runs)),
                Err(failed) => (at, vec![lost(thing, &failed)]),
            }
        });
    }
    let mut told: Vec<_> = asked.join_all().await;
    told.sort_by_key(|(at, _)| *at);
    let mut lines: Vec<_> = told.into_iter().flat_map(|(_, lines)| lines).collect();
    if bridge_runs && !settings.devices.is_empty() {
        let words =
            "the running bridge's sessions may have been ended for a moment (one session with firmware from 1.4 on)";
        lines.push(Line::ok("devices", words));
    }
    lines
}

fn lost(thing: String, failed: &Unexamined) -> Line {
    match &failed.moved {
        Some(address) => Line::fail(thing, format!("{}; a device with its MAC answers at {address}", failed.text))
            .cured(format!("give {address} as its `ip_address`; a running bridge finds it there by itself")),
        None => Line::fail(thing, failed.text.clone()).cured(failed.cure),
    }
}

/// The slots that the config names.
fn slots(settings: &Settings, device: &Slug) -> BTreeSet<u8> {
    let members = settings.control.groups.values().flat_map(|it| &it.members).filter(|it| it.device == *device);
    members.filter_map(|it| it.slots.as_ref()).flatten().copied().collect()
}

fn told(thing: &str, examined: &Examined, wanted: &BTreeSet<u8>, bridge_runs: bool) -> Vec<Line> {
    let Examined { about, protocol, sockets, expected, moved } = examined;
    if let Some(expected) = expected {
        let mac = about.mac.map_or_else(|| "without a MAC".to_owned(), |it| it.to_string());
        let found = format!("another device answers at the address ({}, {mac}), expected {expected}", about.model);
        let cure = match moved {
            Some(address) => format!("it answers at {address}: give that as its `ip_address`"),
            None => "give the address of the right one (the router lists it by its MAC), or remove it from the memory if it was \
                     replaced on purpose; nothing is switched until then"
                .to_owned(),
        };
        return vec![Line::fail(thing, found).cured(cure)];
    }
    let signal = about.rssi.map(|it| format!(", signal {it} dBm")).unwrap_or_default();
    let outlets = sockets.len();
    let head = format!("{} with firmware {}, {protocol}, outlets: {outlets}{signal}", about.model, about.firmware);
    let mut lines = vec![Line::ok(thing, head)];
    lines.extend(about.rssi.filter(|it| *it < WEAK).map(|it| {
        Line::warn(thing, format!("its Wi-Fi signal is weak: {it} dBm"))
            .cured("move the access point nearer, or add one")
    }));
    if *protocol != "KLAP" {
        let found = format!("no timer on it can be armed over {protocol}: if the bridge dies, it stays as it is");
        lines.push(Line::fail(thing, found).cured(COMPATIBILITY));
    } else {
        lines.extend(sockets.iter().map(|it| timers(thing, it, bridge_runs)));
    }
    let missing: Vec<_> = wanted.iter().filter(|it| sockets.iter().all(|has| has.slot != **it)).collect();
    lines.extend((!missing.is_empty()).then(|| {
        let missing: Vec<_> =
            missing.iter().map(|it| format!("outlet {it} (index {})", it.saturating_sub(1))).collect();
        Line::fail(thing, format!("the config names {}, which it does not have", missing.join(", ")))
            .cured(format!("`outlets` counts from 0: give indices below {outlets}"))
    }));
    lines
}

fn timers(thing: &str, socket: &Socket, bridge_runs: bool) -> Line {
    let thing = format!("{thing} outlet {}", socket.slot);
    let mut held = Vec::new();
    held.extend((socket.countdown == Some(true)).then(|| "countdown".to_owned()));
    held.extend(socket.auto_off.map(|(on, minutes)| match on {
        true => format!("auto-off (set to {minutes} min)"),
        false => "auto-off (not set)".to_owned(),
    }));
    held.extend(socket.stays_off.map(|it| match it {
        true => "off after a power cut (set)".to_owned(),
        false => "off after a power cut (not set)".to_owned(),
    }));
    if socket.countdown != Some(true) && socket.auto_off.is_none() {
        return Line::fail(thing, "holds no timer that would open the relay if the bridge dies")
            .cured("update its firmware in the Tapo app, or heat with another plug");
    }
    let held = format!("can hold: {}", held.join(", "));
    match socket.running {
        Some(it) if it.to != Some(Switch::Off) => {
            Line::warn(thing, format!("{held}; a timer that is not the bridge's switches it in {} s", it.remain))
                .cured("remove the timer in the Tapo app")
        }
        Some(it) if !bridge_runs => {
            Line::warn(thing, format!("{held}; a countdown runs, off in {} s, and no bridge runs here", it.remain))
                .cured("nothing, if a bridge has armed it; else remove it in the Tapo app")
        }
        Some(it) => Line::ok(thing, format!("{held}; a countdown runs, off in {} s", it.remain)),
        None => Line::ok(thing, held),
    }
}
