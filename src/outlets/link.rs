//! The link to one device, whatever protocol it wants to be spoken to in. It is asked at every connect, for an update or a switch
//! in the vendor's app can change it.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::timeout;

pub(super) use super::trouble::{Kind, LinkError};
use super::{
    Network,
    answer::{self, Countdown},
    klap::{Answers, KlapLink, Protocol, Question},
    tapo::TapoLink,
    trouble::Whereabouts,
};
use crate::model::{Credentials, DeviceSettings, Switch};

/// A logged-in link to one device.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) speaks: Speaks,
    pub(super) place: Whereabouts,
    pub(super) timeout: Duration,
}

/// Who speaks the protocol.
#[derive(Debug)]
pub(super) enum Speaks {
    Klap(Box<KlapLink>),
    Tpap(Box<TapoLink>),
}

/// What came of arming a timer on the plug.
#[derive(Debug)]
pub(super) struct Arming {
    /// The countdown that was there before.
    pub(super) before: Option<Countdown>,
    /// The countdown that is there now, by the device's own word. `None` if there is none, or it could not be read.
    pub(super) after: Option<Countdown>,
    /// Was the countdown that was there before taken away?
    pub(super) removed: bool,
    /// Was the new countdown taken?
    pub(super) added: bool,
    /// Was the relay told to close?
    pub(super) switched: bool,
    /// Where it stopped.
    pub(super) stopped: Option<LinkError>,
}

impl Arming {
    /// The device did not even listen.
    pub(super) fn refused(error: LinkError) -> Self {
        Self { before: None, after: None, removed: false, added: false, switched: false, stopped: Some(error) }
    }
}

impl Link {
    /// Asks the device for its protocol, and logs in.
    ///
    /// # Errors
    /// The device cannot be reached or refuses the login.
    pub(super) async fn connect(
        settings: &DeviceSettings,
        credentials: &Credentials,
        network: &Arc<dyn Network>,
    ) -> Result<Self, LinkError> {
        let mut klap = KlapLink::new(settings, credentials, Arc::clone(network));
        let speaks = match klap.protocol().await? {
            Protocol::Klap => {
                klap.login().await?;
                Speaks::Klap(Box::new(klap))
            }
            Protocol::Tpap => Speaks::Tpap(Box::new(TapoLink::connect(settings, credentials).await?)),
        };
        Ok(Self { speaks, place: Whereabouts::of(settings), timeout: settings.timeout })
    }

    /// Logs in again, after [`Kind::Session`].
    ///
    /// # Errors
    /// As [`Link::connect`].
    pub(super) async fn refresh(&mut self) -> Result<(), LinkError> {
        match &mut self.speaks {
            Speaks::Klap(it) => it.login().await,
            Speaks::Tpap(it) => Box::pin(it.refresh()).await,
        }
    }

    /// As people read it.
    pub(super) fn protocol(&self) -> &'static str {
        match self.speaks {
            Speaks::Klap(_) => "KLAP",
            Speaks::Tpap(_) => "TPAP",
        }
    }

    /// `get_device_info` of the housing.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn info(&mut self) -> Result<Value, LinkError> {
        match &mut self.speaks {
            Speaks::Klap(it) => it.ask(None, ("get_device_info", Value::Null), self.timeout).await,
            Speaks::Tpap(it) => Box::pin(it.info()).await,
        }
    }

    /// `get_child_device_list` of a strip.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn children(&mut self) -> Result<Value, LinkError> {
        match &mut self.speaks {
            Speaks::Klap(it) => it.children().await,
            Speaks::Tpap(it) => Box::pin(it.children()).await,
        }
    }

    /// Moves a relay: one request.
    ///
    /// # Errors
    /// The request failed; [`Kind::may_have_been_done`] says whether the relay can have moved all the same.
    pub(super) async fn switch(&mut self, child: Option<&str>, to: Switch) -> Result<(), LinkError> {
        match &mut self.speaks {
            Speaks::Klap(it) => it.ask(child, relay(to), self.timeout).await.map(drop),
            Speaks::Tpap(it) => Box::pin(it.switch(child, to)).await,
        }
    }

    /// Opens a relay and takes away the countdown that was to do so. That the countdown stays is no error: it finds the relay open.
    ///
    /// # Errors
    /// As [`Link::switch`].
    pub(super) async fn off_and_clear(&mut self, child: Option<&str>) -> Result<(), LinkError> {
        let asked = [relay(Switch::Off), remove_countdowns()];
        match self.ask_all(child, &asked, self.timeout).await?.into_iter().next() {
            Some(answer) => answer.map(drop),
            None => Err(self.place.error(Kind::Garbled, "no answer to an OFF")),
        }
    }

    /// Takes every countdown of an outlet away.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn clear_countdown(&mut self, child: Option<&str>) -> Result<(), LinkError> {
        self.ask_one(child, remove_countdowns()).await.map(drop)
    }

    /// The countdown that runs on an outlet.
    ///
    /// # Errors
    /// The request failed, or the answer cannot be read.
    pub(super) async fn countdown(&mut self, child: Option<&str>) -> Result<Option<Countdown>, LinkError> {
        let said = self.ask_one(child, countdowns()).await?;
        answer::countdown(&said).map_err(|text| self.place.error(Kind::Garbled, &text))
    }

    /// Arms a countdown to OFF in so many seconds in place of the one that is there, with `on` closes the relay after that, and reads
    /// the countdown back. One round trip where the device allows it.
    ///
    /// # Errors
    /// There was no answer at all. What the device did not do is told by [`Arming`].
    pub(super) async fn arm(&mut self, child: Option<&str>, delay: u64, on: bool) -> Result<Arming, LinkError> {
        let rule = json!({"enable": true, "delay": delay, "desired_states": {"on": false}});
        let add = ("add_countdown_rule", rule);
        let mut asked = vec![countdowns(), remove_countdowns(), add.clone()];
        asked.extend(on.then(|| relay(Switch::On)));
        asked.push(countdowns());
        let answers = self.ask_all(child, &asked, self.timeout).await?;
        let done = answers.iter().take_while(|it| it.is_ok()).count();
        let read = |at: usize| match answers.get(at) {
            Some(Ok(said)) => answer::countdown(said).map_err(|text| self.place.error(Kind::Garbled, &text)),
            _ => Ok(None),
        };
        let (before, after) = (read(0), read(asked.len() - 1));
        let mut stopped = after.as_ref().err().cloned();
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        let missing = || self.place.error(Kind::Garbled, "it leaves questions without an answer");
        if done < asked.len() {
            stopped = Some(answers.into_iter().find_map(Result::err).unwrap_or_else(missing));
        }
        // A setter that was answered with an error can have been carried out all the same, if only the answer was lost.
        let unsure = stopped.as_ref().is_some_and(|it| it.kind != Kind::Device && it.kind.may_have_been_done());
        if unsure && (1..=2).contains(&done) {
            // The old countdown may be gone and the new one not there, and nobody knows when the device is heard of next. Where the old
            // one is still there this is turned down, and what came of it is read at the next contact all the same.
            let _ = timeout(self.timeout / 2, self.ask_one(child, add)).await;
        }
        let reached = |at: usize| done > at || (unsure && done == at);
        Ok(Arming { before, after, removed: reached(1), added: done > 2, switched: on && reached(3), stopped })
    }

    /// How the auto-off timer is set: is it in force, and after how many minutes does it open the relay?
    ///
    /// # Errors
    /// The request failed, or the answer cannot be read.
    pub(super) async fn auto_off(&mut self, child: Option<&str>) -> Result<(bool, u32), LinkError> {
        let said = self.ask_one(child, ("get_auto_off_config", json!({"start_index": 0}))).await?;
        answer::auto_off(&said).map_err(|text| self.place.error(Kind::Garbled, &text))
    }

    /// Puts the auto-off timer in force. It is kept in the device's flash: to be called on a difference only.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn set_auto_off(&mut self, child: Option<&str>, minutes: u32) -> Result<(), LinkError> {
        let config = json!({"enable": true, "delay_min": minutes});
        self.ask_one(child, ("set_auto_off_config", config)).await.map(drop)
    }

    /// Lets an outlet stay off when the power comes back. Kept in flash too.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn stay_off_after_a_cut(&mut self, child: Option<&str>) -> Result<(), LinkError> {
        let states = json!({"default_states": {"type": "custom", "state": {"on": false}}});
        self.ask_one(child, ("set_device_info", states)).await.map(drop)
    }

    /// How the light on the housing is set.
    ///
    /// # Errors
    /// The request failed, or there is none.
    pub(super) async fn led(&mut self) -> Result<Value, LinkError> {
        self.ask_one(None, ("get_led_info", Value::Null)).await
    }

    /// Sets the light on the housing.
    ///
    /// # Errors
    /// The request failed, or there is none.
    pub(super) async fn set_led(&mut self, wanted: Value) -> Result<(), LinkError> {
        self.ask_one(None, ("set_led_info", wanted)).await.map(drop)
    }

    async fn ask_one(&mut self, child: Option<&str>, asked: Question) -> Result<Value, LinkError> {
        match &mut self.speaks {
            Speaks::Klap(it) => it.ask(child, asked, self.timeout).await,
            Speaks::Tpap(_) => Err(self.no_timers()),
        }
    }

    async fn ask_all(
        &mut self,
        child: Option<&str>,
        asked: &[Question],
        limit: Duration,
    ) -> Result<Answers, LinkError> {
        match &mut self.speaks {
            Speaks::Klap(it) => it.ask_all(child, asked, limit).await,
            Speaks::Tpap(_) => Err(self.no_timers()),
        }
    }

    /// Can timers on the plug be reached at all?
    pub(super) fn has_timers(&self) -> bool {
        matches!(self.speaks, Speaks::Klap(_))
    }

    fn no_timers(&self) -> LinkError {
        let words = "its timers and its light cannot be reached over TPAP; switch Third-Party Compatibility on";
        self.place.error(Kind::Device, words)
    }
}

fn relay(to: Switch) -> Question {
    ("set_device_info", json!({"device_on": to.is_on()}))
}

/// Never without parameters, which real devices refuse.
fn countdowns() -> Question {
    ("get_countdown_rules", json!({"start_index": 0}))
}

fn remove_countdowns() -> Question {
    ("remove_countdown_rules", json!({"remove_all": true}))
}
