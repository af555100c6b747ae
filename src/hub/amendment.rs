//! Other settings for a running bridge.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Handle, Hub};
use crate::model::{ControlSettings, Orders, Slug};

/// What the bridge goes by.
#[derive(Clone, Debug, Default)]
pub struct InForce {
    /// What decisions depend on. `None` where there is no hub.
    pub settings: Option<Arc<ControlSettings>>,
    /// The config with defaults and without secrets.
    pub shown: Arc<Value>,
}

/// Other settings, and boards of orders for the devices whose tasks begin anew.
#[derive(Debug)]
pub struct Amendment {
    /// What decisions depend on from now on.
    pub settings: Arc<ControlSettings>,
    /// The config with defaults and without secrets.
    pub shown: Arc<Value>,
    /// Tells all orders of these devices.
    pub boards: BTreeMap<Slug, watch::Sender<Arc<Orders>>>,
    /// Told when they are in force.
    pub done: oneshot::Sender<()>,
}

/// Where amendments are put in. One at a time is under way.
pub(super) fn amendments() -> (mpsc::Sender<Amendment>, mpsc::Receiver<Amendment>) {
    mpsc::channel(1)
}

impl Hub {
    /// Where other settings are put in. For the one that builds and ends the tasks of devices.
    pub fn amendments(&self) -> mpsc::Sender<Amendment> {
        self.amend_in.clone()
    }

    /// Shows the config as people may see it.
    pub fn show_config(&self, shown: Arc<Value>) {
        self.in_force.send_modify(|it| *it = Arc::new(InForce { settings: it.settings.clone(), shown }));
    }

    pub(super) fn amend(&mut self, amendment: Amendment) {
        let Amendment { settings, shown, boards, done } = amendment;
        let notices = self.controller.amend(Arc::clone(&settings), self.clock.now());
        self.tell(notices);
        self.in_force.send_replace(Arc::new(InForce { settings: Some(settings), shown }));
        self.orders.extend(boards);
        let devices = &self.controller.house().devices;
        self.orders.retain(|device, _| devices.contains_key(device));
        self.show_orders(false);
        self.show_house();
        // Whoever has gone does not hear it.
        let _ = done.send(());
    }
}

impl Handle {
    /// What decisions depend on now.
    pub fn settings(&self) -> Option<Arc<ControlSettings>> {
        self.in_force.borrow().settings.clone()
    }
}
