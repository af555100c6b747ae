//! Asking the meters, when there is nothing else to do. Whatever goes wrong here costs a figure and never the outlet.

use std::sync::Arc;

use tokio::time::sleep;

use super::{
    link::{Kind, Link, LinkError},
    outlet::{Asked, Outlet},
    pace,
    survey::Question,
    task::Task,
};
use crate::model::{Energy, Event};

impl Task {
    /// Asks one question.
    ///
    /// # Errors
    /// Only that the session has ended, which says nothing about the meter.
    pub(super) async fn ask(&mut self, link: &mut Link, question: Question) -> Result<(), LinkError> {
        let error = match self.try_to_ask(link, question).await {
            Ok(()) => {
                self.survey.answered(question);
                return Ok(());
            }
            Err(error) => error,
        };
        self.survey.unanswered(question);
        if error.kind == Kind::Session {
            return Err(error);
        }
        tracing::debug!(?question, "a question about a meter was not answered: {error}");
        match question {
            // Then the outlets themselves are asked.
            Question::Components => self.survey.listed(&self.outlets, None),
            Question::HasMeter(_) | Question::HasVoltage(_) => {}
            Question::Reading(slot, asked) => self.take_in(slot, asked, Energy::default()),
        }
        // The device itself may have been away. The next look tells; until then its past is not certain.
        self.unbroken = false;
        sleep(pace::breath(error.kind)).await;
        Ok(())
    }

    /// An answer that says no, or that cannot be read, is an answer too.
    async fn try_to_ask(&mut self, link: &mut Link, question: Question) -> Result<(), LinkError> {
        let child = |slot| self.outlets.get(&slot).map(Outlet::child);
        match question {
            Question::Components => {
                let metered = link.metered_by_component(self.is_strip).await?;
                self.survey.listed(&self.outlets, metered.as_deref());
                self.outlets.keys().copied().collect::<Vec<_>>().into_iter().for_each(|slot| self.learned(slot));
            }
            Question::HasMeter(slot) => {
                let Some(child) = child(slot) else { return Ok(()) };
                let has = link.has_meter(child).await?;
                self.survey.has_meter(slot, has);
                self.learned(slot);
            }
            Question::HasVoltage(slot) => {
                let Some(child) = child(slot) else { return Ok(()) };
                let has = link.has_voltage(child).await?;
                self.survey.has_voltage(slot, has);
                self.learned(slot);
            }
            Question::Reading(slot, asked) => {
                let Some(outlet) = self.outlets.get_mut(&slot) else { return Ok(()) };
                outlet.is_asked(asked);
                let (child, meters) = (outlet.child(), outlet.meters());
                let energy = match asked {
                    Asked::Power => link.power(child, meters).await.map(|it| (it, it)),
                    Asked::Usage => link.usage(child).await.map(|it| (it, it)),
                    Asked::Both => link.power_and_usage(child, meters).await,
                };
                let (power, usage) = match energy {
                    Err(error) if !matches!(error.kind, Kind::Device | Kind::Garbled) => return Err(error),
                    read => read.unwrap_or_default(),
                };
                match asked {
                    Asked::Power | Asked::Both => self.take_in(slot, Asked::Power, power),
                    Asked::Usage => {}
                }
                match asked {
                    Asked::Usage | Asked::Both => self.take_in(slot, Asked::Usage, usage),
                    Asked::Power => {}
                }
            }
        }
        Ok(())
    }

    fn learned(&mut self, slot: u8) {
        let meters = self.survey.meters(slot);
        if let Some(outlet) = self.outlets.get_mut(&slot).filter(|it| it.meters() != meters) {
            outlet.can_measure(meters);
            self.agenda.learned = true;
        }
    }

    fn take_in(&mut self, slot: u8, asked: Asked, energy: Energy) {
        if let Some(outlet) = self.outlets.get_mut(&slot) {
            outlet.measured(asked, energy);
            self.agenda.measured = true;
        }
    }

    /// Reports what the meters said, and the timers.
    pub(super) async fn enrich(&mut self) {
        self.agenda.measured = false;
        let tempo = self.tempo;
        let enriched = self.outlets.values_mut().map(|it| (it.enriched(), it));
        let reports = enriched.filter_map(|(cause, it)| it.report(cause, tempo)).collect();
        self.send_reports(reports, None).await;
    }

    /// Announces the housing again, with what has been learned about its meters and its light.
    pub(super) async fn announce_meters(&mut self) {
        self.agenda.learned = false;
        let Some(housing) = &mut self.housing else { return };
        let said = Arc::make_mut(housing);
        said.sockets = self.outlets.values().map(Outlet::socket).collect();
        said.led = self.led.shown();
        let (device, housing) = (self.settings.slug.clone(), Arc::clone(housing));
        self.send(Event::DeviceIdentified { device, housing }).await;
    }
}
