//! The thinking: facts in, decisions out. No clock, no socket, no file, no `async`.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{ControlSettings, Event, House, Memory, Notice, Orders, Slug};

/// Records facts and decides every outlet.
#[derive(Debug)]
pub struct Controller {
    house: House,
}

impl Controller {
    /// Starts from the settings and from what was remembered.
    pub fn new(settings: Arc<ControlSettings>, memory: &Memory, now: Timestamp) -> Self {
        let _ = (settings, memory);
        let house = House {
            at: now,
            devices: Default::default(),
            outlets: Default::default(),
            groups: Default::default(),
            weather: Default::default(),
            vacation: false,
            broker: Default::default(),
        };
        Self { house }
    }

    /// The picture.
    pub fn house(&self) -> &House {
        &self.house
    }

    /// Records what happened, then decides afresh from everything known.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Notice> {
        let _ = event;
        self.house.at = now;
        Vec::new()
    }

    /// When `DeadlinePassed` is due.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        None
    }

    /// What a device's task is to bring about.
    pub fn orders(&self, device: &Slug) -> Orders {
        let _ = device;
        Orders::default()
    }
}
