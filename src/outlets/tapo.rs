//! The link to a plug that speaks TPAP, over the `tapo` crate: the only file that names it. No test can log in to such a plug;
//! what is asked of one is what the crate was seen to do with KLAP.
//!
//! The crate's typed answers insist on fields that some firmwares lack, so that states are asked for as JSON and read by
//! [`answer`](super::answer). Requests on one of its handlers must not overlap (they would overtake each other and be refused
//! for their sequence numbers), which is why every method here is called by the one task of the device. It has no way to a
//! timer of an outlet of a strip.

use std::{future::Future, io, time::Duration};

use serde_json::Value;
use tapo::{ApiClient, Error, PlugEnergyMonitoringHandler, PowerStripEnergyMonitoringHandler, TapoResponseError};

use super::{
    answer::thousandth,
    meter::METER_TIMEOUT,
    trouble::{Kind, LinkError, Whereabouts},
};
use crate::model::{Credentials, DeviceSettings, Energy, Switch};

/// A logged-in link to one device.
#[derive(Debug)]
pub(super) struct TapoLink {
    handler: Handler,
    place: Whereabouts,
    timeout: Duration,
}

/// The crate wants to know what it speaks to before it logs in, and works on any device of the shape.
#[derive(Debug)]
enum Handler {
    Strip(PowerStripEnergyMonitoringHandler),
    Single(PlugEnergyMonitoringHandler),
}

impl TapoLink {
    /// Logs in as to a strip, and once more if a single plug answers.
    ///
    /// # Errors
    /// The device cannot be reached or refuses the login.
    pub(super) async fn connect(settings: &DeviceSettings, credentials: &Credentials) -> Result<Self, LinkError> {
        let place = Whereabouts::of(settings);
        // The deadline of each step; a login is several, and gets twice the time for all of them.
        let client =
            ApiClient::new(credentials.username.as_str(), credentials.password.reveal()).with_timeout(settings.timeout);
        let (limit, address) = (settings.timeout * 2, place.dialled());
        let strip = within(&place, limit, client.p304(address)).await?;
        let info = within(&place, settings.timeout, strip.get_device_info_json()).await?;
        let handler = if super::answer::about(&info).is_single {
            let client = ApiClient::new(credentials.username.as_str(), credentials.password.reveal())
                .with_timeout(settings.timeout);
            Handler::Single(within(&place, limit, client.p110(place.dialled())).await?)
        } else {
            Handler::Strip(strip)
        };
        Ok(Self { handler, place, timeout: settings.timeout })
    }

    /// Logs in again on the same connection, after [`Kind::Session`].
    ///
    /// # Errors
    /// As [`Link::connect`].
    pub(super) async fn refresh(&mut self) -> Result<(), LinkError> {
        let limit = self.timeout * 2;
        match &mut self.handler {
            Handler::Strip(it) => within(&self.place, limit, it.refresh_session()).await.map(drop),
            Handler::Single(it) => within(&self.place, limit, it.refresh_session()).await.map(drop),
        }
    }

    /// `get_device_info` of the housing.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn info(&self) -> Result<Value, LinkError> {
        match &self.handler {
            Handler::Strip(it) => self.ask(it.get_device_info_json()).await,
            Handler::Single(it) => self.ask(it.get_device_info_json()).await,
        }
    }

    /// `get_child_device_list` of a strip.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn children(&self) -> Result<Value, LinkError> {
        match &self.handler {
            Handler::Strip(it) => self.ask(it.get_child_device_list_json()).await,
            Handler::Single(_) => Err(self.mismatch()),
        }
    }

    /// Moves a relay: one request.
    ///
    /// # Errors
    /// The request failed; [`Kind::may_have_been_done`] says whether the relay can have moved all the same.
    pub(super) async fn switch(&self, child: Option<&str>, to: Switch) -> Result<(), LinkError> {
        match (&self.handler, child) {
            (Handler::Strip(it), Some(child)) => {
                let plug = it.plug_unchecked(child);
                match to {
                    Switch::On => self.ask(plug.on()).await,
                    Switch::Off => self.ask(plug.off()).await,
                }
            }
            (Handler::Single(it), None) => match to {
                Switch::On => self.ask(it.on()).await,
                Switch::Off => self.ask(it.off()).await,
            },
            _ => Err(self.mismatch()),
        }
    }

    /// Power, and what comes with it in the one request that the outlet's meter needs.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn power(&self, child: Option<&str>) -> Result<Energy, LinkError> {
        match (&self.handler, child) {
            (Handler::Strip(it), Some(child)) => {
                let power = self.ask_meter(it.plug_unchecked(child).get_current_power()).await?.current_power;
                // Strips count whole watts here.
                Ok(Energy { power: Some(thousandth(power.saturating_mul(1000))), ..Energy::default() })
            }
            _ => self.usage(child).await,
        }
    }

    /// Energy today and this month; single plugs add their power.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn usage(&self, child: Option<&str>) -> Result<Energy, LinkError> {
        let usage = match (&self.handler, child) {
            (Handler::Strip(it), Some(child)) => self.ask_meter(it.plug_unchecked(child).get_energy_usage()).await?,
            (Handler::Single(it), None) => self.ask_meter(it.get_energy_usage()).await?,
            _ => return Err(self.mismatch()),
        };
        Ok(Energy {
            power: usage.current_power.map(thousandth),
            today: Some(thousandth(usage.today_energy)),
            month: Some(thousandth(usage.month_energy)),
            ..Energy::default()
        })
    }

    /// Power, voltage and current.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn voltages(&self, child: Option<&str>) -> Result<Energy, LinkError> {
        let data = match (&self.handler, child) {
            (Handler::Strip(it), Some(child)) => {
                self.ask_meter(it.plug_unchecked(child).get_energy_meter_data()).await?
            }
            (Handler::Single(it), None) => self.ask_meter(it.get_energy_meter_data()).await?,
            _ => return Err(self.mismatch()),
        };
        Ok(Energy {
            power: Some(thousandth(data.power_mw)),
            voltage: Some(thousandth(data.voltage_mv)),
            current: Some(thousandth(data.current_ma)),
            ..Energy::default()
        })
    }

    /// The outlets (by child id; `None` is the single plug) whose components name a meter. `None` if the device cannot say.
    ///
    /// # Errors
    /// There was no answer.
    pub(super) async fn metered_by_component(&self) -> Result<Option<Vec<Option<String>>>, LinkError> {
        let has_meter = |it: &[tapo::responses::Component]| it.iter().any(|it| it.id == "energy_monitoring");
        let listed = match &self.handler {
            Handler::Strip(it) => self.ask_meter(it.get_child_device_component_list()).await.map(|children| {
                let metered = children.into_iter().filter(|it| has_meter(&it.component_list));
                metered.map(|it| Some(it.device_id)).collect()
            }),
            Handler::Single(it) => self
                .ask_meter(it.get_component_list())
                .await
                .map(|it| if has_meter(&it) { vec![None] } else { Vec::new() }),
        };
        match listed {
            Ok(listed) => Ok(Some(listed)),
            Err(error) if matches!(error.kind, Kind::Device | Kind::Garbled) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn ask<T>(&self, request: impl Future<Output = Result<T, Error>>) -> Result<T, LinkError> {
        within(&self.place, self.timeout, request).await
    }

    /// A meter gets less time than the outlet: a switch that is ordered meanwhile waits for it.
    async fn ask_meter<T>(&self, request: impl Future<Output = Result<T, Error>>) -> Result<T, LinkError> {
        within(&self.place, self.timeout.min(METER_TIMEOUT), request).await
    }

    fn mismatch(&self) -> LinkError {
        self.place.error(Kind::Garbled, "it has changed between a strip and a single plug")
    }
}

async fn within<T>(
    place: &Whereabouts,
    limit: Duration,
    request: impl Future<Output = Result<T, Error>>,
) -> Result<T, LinkError> {
    match tokio::time::timeout(limit, request).await {
        Ok(result) => result.map_err(|error| named(place, limit, &error)),
        Err(_) => Err(place.silent(limit)),
    }
}

fn named(place: &Whereabouts, limit: Duration, error: &Error) -> LinkError {
    match error {
        Error::Http(error) if error.is_timeout() => place.silent(limit),
        Error::Http(_) => network(place, error),
        Error::Tapo(error) => refusal(place, error),
        Error::UnsupportedProtocol { description, .. } => place.error(Kind::Unsupported, description),
        Error::Other(error) if error.chain().any(|it| it.downcast_ref::<io::Error>().is_some()) => {
            place.error(Kind::Unreachable, &error.root_cause().to_string())
        }
        other => place.error(Kind::Garbled, &other.to_string()),
    }
}

/// The innermost cause says it best; the outer ones only repeat the URL.
fn network(place: &Whereabouts, error: &Error) -> LinkError {
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        if source.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::ConnectionRefused) {
            return place.error(Kind::Refused, "");
        }
        root = source;
    }
    let text = root.to_string();
    let kind = if text.starts_with("invalid HTTP") { Kind::Garbled } else { Kind::Unreachable };
    place.error(kind, &text)
}

fn refusal(place: &Whereabouts, error: &TapoResponseError) -> LinkError {
    let kind = match error {
        TapoResponseError::Unauthorized { kind, .. } => match *kind {
            "SESSION_TIMEOUT" | "SESSION_EXPIRED" | "TPAP_SESSION_INVALID" => Kind::Session,
            "FORBIDDEN" => Kind::ThirdParty,
            // Whatever TPAP refuses counts against the device's limit of attempts.
            other if other.starts_with("TPAP") => Kind::Locked,
            _ => Kind::Account,
        },
        TapoResponseError::DeviceError { code: -2402, .. } => Kind::Session,
        TapoResponseError::DeviceError { .. } => Kind::Device,
        _ => Kind::Garbled,
    };
    place.error(kind, &error.to_string())
}
