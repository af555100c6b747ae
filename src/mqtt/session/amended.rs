//! Another config while the bridge runs. What hangs on groups and devices is on the board; this is the rest.

use std::sync::Arc;

use serde_json::Value;

use super::Session;
use crate::hub::InForce;

impl Session {
    /// The bridge goes by another config: it is shown, and times of day are read by its zone.
    pub(super) fn amended(&mut self, in_force: &InForce) {
        let identity = Arc::make_mut(&mut self.outbound.context.identity);
        identity.shown = Value::clone(&in_force.shown);
        if let Some(settings) = &in_force.settings {
            identity.zone = settings.zone.clone();
        }
        self.outbound.write_inventory(&self.handle.picture(), &mut self.truth);
    }
}
