//! The light on a housing that shows that it is switched on. It is asked about once after a start, for old firmware stops when it is
//! asked again and again, and after it was switched.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    link::{Kind, Link, LinkError},
    task::Task,
};
use crate::model::{Notice, NoticeKind, Orders};

/// What is known of a light, and what is wanted of it.
#[derive(Debug, Default)]
pub(super) struct Led {
    /// It has been asked about, whatever came of it.
    asked: bool,
    /// It ended the session when it was done last.
    tried: Option<LedDuty>,
    /// Is it in use? `None` if nobody knows, or there is none.
    shown: Option<bool>,
    /// The hours in which it is dark at night, to be given back as they were.
    night: Value,
    /// The newest order that was followed or given up.
    done: u64,
}

/// What is to be done about a light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LedDuty {
    /// Ask how it is.
    Read,
    /// Switch it, for the order of this number.
    Set(bool, u64),
}

impl Led {
    /// What was wanted before is done, or was given up: whoever begins now does not do it again, perhaps days later.
    pub(super) fn after(ordered: Option<(bool, u64)>) -> Self {
        Self { done: ordered.map_or(0, |(_, number)| number), ..Self::default() }
    }

    /// What is due, by the newest order.
    pub(super) fn due(&self, wanted: Option<(bool, u64)>) -> Option<LedDuty> {
        let ordered = wanted.filter(|(_, number)| *number > self.done);
        ordered.map(|(on, number)| LedDuty::Set(on, number)).or((!self.asked).then_some(LedDuty::Read))
    }

    /// Is it in use, by the device's own word?
    pub(super) fn shown(&self) -> Option<bool> {
        self.shown
    }

    fn heard(&mut self, info: &Value) {
        self.shown = info["led_rule"].as_str().map(|rule| rule != "never");
        self.night = info["night_mode"].clone();
    }
}

impl Task {
    /// What is due about the light, when there is nothing else to do.
    pub(super) fn led_due(&self, orders: &Orders, with_timers: bool) -> Option<LedDuty> {
        let due = self.led.due(orders.led)?;
        // It is of no use to ask what cannot be reached; but somebody who wants it switched hears why it cannot be.
        let can = with_timers || due != LedDuty::Read;
        (can && self.agenda.quiet_until <= Instant::now()).then_some(due)
    }

    /// Asks about the light, or switches it.
    ///
    /// # Errors
    /// Only that the session has ended, which says nothing about the light.
    pub(super) async fn tend_led(&mut self, link: &mut Link, duty: LedDuty) -> Result<(), LinkError> {
        let done = match duty {
            LedDuty::Read => link.led().await,
            LedDuty::Set(on, _) => self.switch_led(link, on).await,
        };
        // Somebody else may have taken the session. One that this very question ends each time is given up at the second time.
        if let Err(error) = &done
            && error.kind == Kind::Session
            && self.led.tried.replace(duty) != Some(duty)
        {
            return done.map(drop);
        }
        (self.led.asked, self.led.tried) = (true, None);
        if let LedDuty::Set(_, number) = duty {
            self.led.done = number;
        }
        match (done, duty) {
            (Ok(info), _) => {
                self.led.heard(&info);
                self.announce_meters().await;
            }
            (Err(error), LedDuty::Set(on, _)) => {
                let words = format!(
                    "the light of {} cannot be switched {}: {error}",
                    self.place,
                    if on { "on" } else { "off" }
                );
                let notice = Notice::new(self.handle.clock.now(), NoticeKind::SwitchFailed, words);
                self.handle.notify(notice.about_device(&self.settings.slug));
            }
            // It has none.
            (Err(error), LedDuty::Read) => tracing::debug!("nothing is known of the light of {}: {error}", self.place),
        }
        Ok(())
    }

    async fn switch_led(&self, link: &mut Link, on: bool) -> Result<Value, LinkError> {
        let mut wanted = json!({ "led_rule": if on { "always" } else { "never" } });
        if self.led.night.is_object() {
            wanted["night_mode"] = self.led.night.clone();
        }
        link.set_led(wanted).await?;
        link.led().await
    }
}
