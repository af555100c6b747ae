//! Setup mode: the config is absent or wrong. Nothing is switched; the health address and the broker say what is wrong.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, tz::TimeZone};

use super::{Bridge, Levers, StartError, VERSION};
use crate::{
    config::{self, Problems},
    control::Controller,
    hub::{Clock, Hub},
    model::{ControlSettings, Memory, Place, Safety, Thresholds},
    mqtt,
    store::Store,
    web::WebInfo,
};

/// Starts what can be started without a valid config: the page's address, and MQTT where the broker is known.
///
/// # Errors
/// A port that is to be listened on is taken.
pub async fn setup(problems: Problems, clock: Clock, levers: Levers) -> Result<Bridge, StartError> {
    let list: Vec<String> = problems.list.iter().map(ToString::to_string).collect();
    let partial = *problems.partial;
    // Only the bridge's id is taken from the memory, so that Home Assistant knows this bridge again.
    let bridge_id = Store::id_only(&partial.data, clock.now());
    let controller = Controller::new(Arc::new(nothing()), &Memory::default(), clock.now());
    let (mut hub, handle) = Hub::new(controller, clock);
    let mut bridge = Bridge::around(handle, levers);
    bridge.spawn_errands(hub.errands(), None);
    bridge.start_broker(partial.mqtt.as_ref()).await;
    let journal = Arc::clone(&bridge.levers.journal);
    let config_file = bridge.levers.config.as_ref().map(config::Writer::file);
    let mqtt = partial.mqtt.is_some();
    let info = WebInfo { mqtt, setup: list.clone(), journal, config_file, ..WebInfo::default() };
    bridge.serve(Some(&partial.web), info).await?;
    if let Some(mqtt) = partial.mqtt.and_then(|it| bridge.resolved(it)) {
        let identity = mqtt::Identity {
            bridge_id,
            version: VERSION,
            shown: serde_json::Value::Null,
            setup: list,
            zone: TimeZone::UTC,
        };
        bridge.spawn_session(mqtt, partial.homeassistant, identity);
    }
    bridge.spawn("hub", hub.run());
    Ok(bridge)
}

/// Settings without a device: nothing can be switched.
fn nothing() -> ControlSettings {
    ControlSettings {
        zone: TimeZone::UTC,
        place: Place { latitude: 0.0, longitude: 0.0 },
        groups: BTreeMap::new(),
        devices: BTreeMap::new(),
        safety: Safety { longest_on: SignedDuration::from_hours(6), rest: SignedDuration::from_mins(30) },
        thresholds: Thresholds {
            lead: SignedDuration::from_mins(60),
            trailing: SignedDuration::from_mins(60),
            black_ice: None,
        },
        circuits: BTreeMap::new(),
        tariff: None,
        hold_unknown: None,
        wish_lasts: SignedDuration::from_hours(3),
        forecast_valid: None,
        answer_within: SignedDuration::from_secs(10),
        vacation: false,
    }
}
