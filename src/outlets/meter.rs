//! The questions to the meters, over the link.

use std::time::Duration;

use serde_json::Value;

use super::{
    answer,
    klap::Question,
    link::{Kind, Link, LinkError, Speaks},
};
use crate::model::Energy;

/// The most that a question about a meter may take. With the breath that follows a silence, an order waits at most 2 s for it.
pub(super) const METER_TIMEOUT: Duration = Duration::from_millis(1500);

/// What an outlet can measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Meters {
    /// Power and energy.
    pub(super) energy: bool,
    /// Voltage and current.
    pub(super) voltage: bool,
}

const USAGE: Question = ("get_energy_usage", Value::Null);
const POWER: Question = ("get_current_power", Value::Null);
const VOLTAGES: Question = ("get_emeter_data", Value::Null);

impl Link {
    /// Does the outlet have a meter? An answer that could not be read still came from one.
    ///
    /// # Errors
    /// There was no answer. That it has no meter is no error.
    pub(super) async fn has_meter(&mut self, child: Option<&str>) -> Result<bool, LinkError> {
        match self.usage(child).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == Kind::Garbled => Ok(true),
            Err(error) if error.kind == Kind::Device => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Does the outlet's meter know voltage and current, in an answer that can be read?
    ///
    /// # Errors
    /// There was no answer. That it does not know them is no error.
    pub(super) async fn has_voltage(&mut self, child: Option<&str>) -> Result<bool, LinkError> {
        match self.voltages(child).await {
            Ok(said) => Ok(said.voltage.is_some()),
            Err(error) if matches!(error.kind, Kind::Device | Kind::Garbled) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Power, and what comes with it in the one request that the outlet's meter needs.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn power(&mut self, child: Option<&str>, meters: Meters) -> Result<Energy, LinkError> {
        match (meters.voltage, child) {
            (true, _) => self.voltages(child).await,
            (false, None) => self.usage(None).await,
            (false, Some(name)) => match &mut self.speaks {
                Speaks::Klap(_) => Ok(answer::power(&self.ask_meter(child, POWER).await?)),
                Speaks::Tpap(it) => Box::pin(it.power(Some(name))).await,
            },
        }
    }

    /// Energy today and this month; single plugs add their power.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn usage(&mut self, child: Option<&str>) -> Result<Energy, LinkError> {
        match &mut self.speaks {
            Speaks::Klap(_) => Ok(answer::usage(&self.ask_meter(child, USAGE).await?)),
            Speaks::Tpap(it) => Box::pin(it.usage(child)).await,
        }
    }

    /// Power and energy, in one round trip where the device allows it: what could be read of each.
    ///
    /// # Errors
    /// There was no answer.
    pub(super) async fn power_and_usage(
        &mut self,
        child: Option<&str>,
        meters: Meters,
    ) -> Result<(Energy, Energy), LinkError> {
        let limit = self.meter_limit();
        let (first, read): (_, fn(&Value) -> Energy) = match (meters.voltage, child) {
            (true, _) => (VOLTAGES, answer::voltages),
            (false, Some(_)) => (POWER, answer::power),
            (false, None) => {
                let both = self.usage(None).await?;
                return Ok((both, both));
            }
        };
        let Speaks::Klap(klap) = &mut self.speaks else {
            return Ok((self.power(child, meters).await?, self.usage(child).await?));
        };
        let mut answers = klap.ask_all(child, &[first, USAGE], limit).await?.into_iter();
        let power = known(answers.next(), read)?;
        let usage = match answers.next() {
            // The device stops at the first question that it does not answer.
            None => known(Some(klap.ask(child, USAGE, limit).await), answer::usage)?,
            said => known(said, answer::usage)?,
        };
        Ok((power, usage))
    }

    async fn voltages(&mut self, child: Option<&str>) -> Result<Energy, LinkError> {
        match &mut self.speaks {
            Speaks::Klap(_) => Ok(answer::voltages(&self.ask_meter(child, VOLTAGES).await?)),
            Speaks::Tpap(it) => Box::pin(it.voltages(child)).await,
        }
    }

    /// The outlets (by child id; `None` is the single plug) whose components name a meter. `None` if the device cannot say.
    ///
    /// # Errors
    /// There was no answer.
    pub(super) async fn metered_by_component(
        &mut self,
        is_strip: bool,
    ) -> Result<Option<Vec<Option<String>>>, LinkError> {
        let question = if is_strip { "get_child_device_component_list" } else { "component_nego" };
        if let Speaks::Tpap(it) = &mut self.speaks {
            return it.metered_by_component().await;
        }
        match self.ask_meter(None, (question, Value::Null)).await {
            Ok(said) if is_strip => Ok(answer::metered_children(&said)),
            Ok(said) => Ok(answer::names_a_meter(&said).map(|it| if it { vec![None] } else { Vec::new() })),
            Err(error) if matches!(error.kind, Kind::Device | Kind::Garbled) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A meter gets less time than the outlet: a switch that is ordered meanwhile waits for it.
    fn meter_limit(&self) -> Duration {
        self.timeout.min(METER_TIMEOUT)
    }

    async fn ask_meter(&mut self, child: Option<&str>, asked: Question) -> Result<Value, LinkError> {
        let limit = self.meter_limit();
        match &mut self.speaks {
            Speaks::Klap(it) => it.ask(child, asked, limit).await,
            Speaks::Tpap(_) => Err(self.place.error(Kind::Garbled, "a question in another protocol")),
        }
    }
}

/// What one answer of several says; one that says no or cannot be read is as good as none.
fn known(said: Option<Result<Value, LinkError>>, read: fn(&Value) -> Energy) -> Result<Energy, LinkError> {
    match said {
        Some(Ok(said)) => Ok(read(&said)),
        Some(Err(error)) if !matches!(error.kind, Kind::Device | Kind::Garbled) => Err(error),
        Some(Err(_)) | None => Ok(Energy::default()),
    }
}
