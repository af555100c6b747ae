//! The section `homeassistant`.

use super::{
    broker::topic,
    range::Range,
    section::{Section, cut},
};
use crate::model::{DeviceLayout, HomeAssistantSettings, HomeAssistantVersion};

const EXPIRY: Range = Range::of(5.0, 3600.0, "seconds");

/// Reads the `homeassistant` section; its usual settings where it has a problem.
pub(super) fn homeassistant(root: &Section<'_>) -> HomeAssistantSettings {
    let usual = HomeAssistantSettings::default();
    let Some(it) = root.section("homeassistant") else { return usual };
    let before = it.book.count();
    let min_version = min_version(&it);
    let settings = HomeAssistantSettings {
        discovery: it.switch("discovery").unwrap_or(usual.discovery),
        discovery_prefix: topic(&it, "discovery_prefix").unwrap_or_else(|| usual.discovery_prefix.clone()),
        status_topic: topic(&it, "status_topic").unwrap_or_else(|| usual.status_topic.clone()),
        layout: layout(&it, min_version),
        min_version,
        command_expiry: command_expiry(&it, min_version),
    };
    let book = it.book;
    it.close();
    if book.count() == before { settings } else { usual }
}

fn layout(it: &Section<'_>, min_version: Option<HomeAssistantVersion>) -> DeviceLayout {
    match it.one_of("device_layout", &["via_device", "child_devices", "components"]) {
        Some("child_devices") => {
            needs(it, "device_layout", "child_devices", min_version, HomeAssistantVersion::CHILD_DEVICES);
            DeviceLayout::ChildDevices
        }
        Some("components") => DeviceLayout::Components,
        _ => DeviceLayout::ViaDevice,
    }
}

fn command_expiry(it: &Section<'_>, min_version: Option<HomeAssistantVersion>) -> Option<u16> {
    let seconds: u16 = it.whole("command_expiry_seconds", EXPIRY)?;
    needs(it, "command_expiry_seconds", &seconds.to_string(), min_version, HomeAssistantVersion::EXPIRY);
    Some(seconds)
}

/// An older Home Assistant would throw the whole device away, so nobody gets this by accident.
fn needs(
    it: &Section<'_>,
    key: &str,
    found: &str,
    min_version: Option<HomeAssistantVersion>,
    needed: HomeAssistantVersion,
) {
    if min_version.is_none_or(|version| version < needed) {
        it.refuse(key, found, format!("allowed only beside `min_version: \"{needed}\"` or later"));
    }
}

fn min_version(it: &Section<'_>) -> Option<HomeAssistantVersion> {
    let text = it.text_or_number("min_version")?;
    let version = text.parse().ok();
    if version.is_none() {
        it.refuse("min_version", format!("\"{}\"", cut(&text)), "a version of Home Assistant, such as \"2025.12\"");
    }
    version
}
