//! Stopping: heaters off first, then the shells, all within 3 s.

use std::time::Duration;

use tokio::time::timeout;

use super::Bridge;
use crate::model::{Class, Event, House};

/// How long heaters without a timer on the plug are waited for until they are off.
const HEATERS: Duration = Duration::from_millis(1000);
/// How long the shells may take, all together.
const SHELLS: Duration = Duration::from_millis(1600);
/// How long the embedded broker may take.
const BROKER: Duration = Duration::from_millis(200);

impl Bridge {
    /// Stops everything, whatever hangs.
    pub(super) async fn stop(mut self) {
        if timeout(HEATERS, self.heaters_off()).await.is_err() {
            tracing::warn!("a heater is still on although the bridge stops: it could not be switched off in time");
        }
        self.shells.cancel();
        let all_joined = timeout(SHELLS, async { while self.joined_one().await {} }).await;
        if all_joined.is_err() {
            tracing::warn!("not everything stopped in time and is cut off");
        }
        self.tasks.abort_all();
        if let Some(broker) = self.broker.take() {
            // What is left of it ends with the process.
            let _ = timeout(BROKER, broker.stop()).await;
        }
    }

    /// Joins one task; false once only the hub is left, which ends when nobody can send to it any more.
    async fn joined_one(&mut self) -> bool {
        self.tasks.len() > 1 && self.tasks.join_next().await.is_some()
    }

    async fn heaters_off(&self) {
        if self.handle.send(Event::Stopping).await.is_err() {
            return;
        }
        let mut house = self.handle.house.clone();
        // An error says that the hub is gone: nobody could be told to switch anything any more.
        let _ = house.wait_for(|house| !any_heater_on(house)).await;
    }
}

fn any_heater_on(house: &House) -> bool {
    house.outlets.values().any(|it| {
        // One that does not answer counts too: its task goes on trying until the time is up.
        it.class == Class::Heater && it.switch().is_some_and(crate::model::Switch::is_on)
    })
}
