//! `GET /api/house`: everything that a page shows, at once.

mod devices;
mod groups;
mod outlets;
mod weather;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) use self::{
    devices::DeviceView,
    groups::{GroupView, spokesman, state},
    outlets::{DecisionView, OutletView, decision},
    weather::WeatherView,
};
use super::{Site, answer::Refusal};
use crate::{
    explain::local,
    hub::Handle,
    model::{Broker, ControlSettings, House},
};

/// What changes by the mere passing of time. That is no news: any of it is as good as another.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Passing<T>(pub(super) T);

impl<T> PartialEq for Passing<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The whole house. Times are RFC 3339 with the offset of the configured zone; what is unknown for now is `null`.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct HouseView {
    /// When the picture was taken.
    #[schema(value_type = String)]
    pub(super) at: Passing<String>,
    /// The program's version.
    version: String,
    pub(super) bridge: BridgeView,
    pub(super) weather: WeatherView,
    /// By slug.
    pub(super) groups: BTreeMap<String, GroupView>,
    /// By slug.
    pub(super) devices: BTreeMap<String, DeviceView>,
    /// By `device/slot`.
    pub(super) outlets: BTreeMap<String, OutletView>,
}

/// The bridge itself.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct BridgeView {
    /// `none` (not configured), `unknown` (not tried yet), `connected` or `lost`.
    broker: &'static str,
    /// Why the broker is lost.
    broker_trouble: Option<String>,
    /// `auto`, or `paused` while a person has told all rules to be silent.
    automation: &'static str,
    /// Until when they are silent.
    paused_until: Option<String>,
    /// Is everybody away?
    vacation: bool,
    /// Is the clock right? While it is not, the rules of heaters are silent.
    clock_trusted: bool,
    /// Does the control loop come round?
    alive: bool,
    /// Real seconds since the start.
    #[schema(value_type = u64)]
    uptime_s: Passing<u64>,
    /// What is wrong with the config. Setup mode when there is anything: nothing is switched.
    setup: Vec<String>,
    /// The zone of all times.
    zone: String,
}

/// All that a view is made with.
pub(super) struct Look<'a> {
    pub(super) house: &'a House,
    pub(super) handle: &'a Handle,
    pub(super) settings: Option<&'a ControlSettings>,
    pub(super) zone: TimeZone,
}

impl Look<'_> {
    pub(super) fn time(&self, at: Timestamp) -> String {
        local(&self.zone, at)
    }

    pub(super) fn maybe(&self, at: Option<Timestamp>) -> Option<String> {
        at.map(|it| self.time(it))
    }
}

/// Whole minutes, from 0.
pub(super) fn minutes(length: SignedDuration) -> i64 {
    length.as_mins().max(0)
}

/// A figure with so many decimals; nonsense is unknown.
pub(super) fn rounded(figure: Option<f64>, decimals: i32) -> Option<f64> {
    let scale = 10f64.powi(decimals);
    // Adding zero turns a negative zero into a plain one.
    figure.filter(|it| it.is_finite()).map(|it| (it * scale).round() / scale + 0.0)
}

impl Site {
    /// The zone of the house; UTC in setup mode.
    pub(super) fn zone(&self) -> TimeZone {
        self.settings().map_or(TimeZone::UTC, |it| it.zone.clone())
    }

    /// The house as it is shown.
    pub(super) fn view(&self, house: &House) -> HouseView {
        let settings = self.settings();
        let look = Look { house, handle: &self.handle, settings: settings.as_deref(), zone: self.zone() };
        HouseView {
            at: Passing(look.time(house.at)),
            version: self.info.version.clone(),
            bridge: self.bridge(&look),
            weather: weather::view(&look),
            groups: house.groups.iter().map(|(slug, it)| (slug.to_string(), groups::view(&look, it))).collect(),
            devices: house.devices.iter().map(|(slug, it)| (slug.to_string(), devices::view(&look, it))).collect(),
            outlets: house.outlets.iter().map(|(id, it)| (id.to_string(), outlets::view(&look, it))).collect(),
        }
    }

    fn bridge(&self, look: &Look<'_>) -> BridgeView {
        let (broker, trouble) = match &look.house.broker {
            _ if !self.info.mqtt => ("none", None),
            Broker::Unknown => ("unknown", None),
            Broker::Connected => ("connected", None),
            Broker::Lost(trouble) => ("lost", Some(trouble.text.clone())),
        };
        let paused = look.house.paused.map(|it| it.end.latest());
        BridgeView {
            broker,
            broker_trouble: trouble,
            automation: if paused.is_some() { "paused" } else { "auto" },
            paused_until: look.maybe(paused),
            vacation: look.house.vacation,
            clock_trusted: look.house.clock.is_trusted,
            alive: self.handle.pulse.is_alive(),
            uptime_s: Passing(self.handle.vitals.uptime().as_secs()),
            setup: self.info.setup.clone(),
            zone: look.zone.iana_name().unwrap_or("UTC").to_owned(),
        }
    }
}

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(house))
}

/// Everything that a page shows, at once.
#[utoipa::path(get, path = "/api/house", tag = "house", responses(
    (status = 200, description = "The house; in setup mode without devices, and with what is wrong with the config.", body = HouseView),
))]
async fn house(State(site): State<Arc<Site>>) -> Result<Response, Refusal> {
    let shared = Arc::clone(&site);
    let made = site.press.house.get(&site.press.turns, move || {
        let view = shared.view(&shared.handle.picture());
        serde_json::to_vec(&view).unwrap_or_default().into()
    });
    let text =
        made.await.ok_or_else(|| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the house cannot be shown"))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}
