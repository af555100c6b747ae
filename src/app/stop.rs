//! Stopping: heaters that no timer on the plug watches over are switched off first, then the shells stop, all within 3 s.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use super::Bridge;
use crate::model::{Availability, Class, Event, House, Orders, OutletId, Switch};

/// How long heaters without a timer on the plug are waited for until they are off.
const HEATERS: Duration = Duration::from_millis(1200);
/// How long the shells may take, all together.
const SHELLS: Duration = Duration::from_millis(1500);
/// How long the embedded broker may take.
const BROKER: Duration = Duration::from_millis(150);

impl Bridge {
    /// Stops everything, whatever hangs.
    pub(super) async fn stop(mut self) {
        if timeout(HEATERS, self.heaters_safe()).await.is_err() {
            tracing::warn!("a heater may still be on although the bridge stops: its plug did not say OFF in time");
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

    /// Waits until every heater has been looked at after the hub was told to stop, and is off or watched over by its plug. A plug whose relay was moved a moment
    /// ago, or that has not been met yet, may be on although nobody has reported it.
    async fn heaters_safe(&self) {
        let before = looks(&self.handle.picture());
        if self.handle.send(Event::Stopping).await.is_err() {
            return self.last_orders().await;
        }
        let mut house = self.handle.house.clone();
        let met = |house: &House| {
            let unmet = |it: &&crate::model::Slug| {
                house.devices.get(*it).is_some_and(|it| it.availability == Availability::Unknown)
            };
            self.heaters.iter().find(unmet).is_none()
        };
        // An error says that the hub is gone: nobody could be told to switch anything any more.
        let _ = house.wait_for(|house| met(house) && all_heaters_safe(house, &before)).await;
    }

    /// The hub has died, and its board still stands: the tasks of the plugs follow what is written there.
    async fn last_orders(&self) {
        let house = self.handle.picture();
        let heaters = house.outlets.values().filter(|it| it.class == Class::Heater);
        let mut orders: BTreeMap<_, Orders> = BTreeMap::new();
        for heater in heaters {
            let order = orders.entry(heater.id.device.clone()).or_default();
            order.wanted.insert(heater.id.slot, Switch::Off.into());
        }
        if orders.is_empty() {
            return;
        }
        for (device, order) in orders {
            if let Some(board) = self.orders.get(&device) {
                board.send_replace(Arc::new(order));
            }
        }
        // Nobody is left who could tell when it is done.
        sleep(HEATERS - Duration::from_millis(50)).await;
    }
}

/// How many commands each heater had been given.
fn looks(house: &House) -> BTreeMap<OutletId, u64> {
    let heaters = house.outlets.values().filter(|it| it.class == Class::Heater);
    heaters.map(|it| (it.id.clone(), it.commanded)).collect()
}

/// Off, or about to go off by a timer that the plug has confirmed: a restart of the bridge does not interrupt the melt.
fn all_heaters_safe(house: &House, before: &BTreeMap<OutletId, u64>) -> bool {
    house.outlets.values().filter(|it| it.class == Class::Heater).all(|it| {
        let told = before.get(&it.id).is_none_or(|before| it.commanded > *before);
        let is_safe = it.switch() == Some(Switch::Off) || it.is_watched(house.at);
        let looked_at = it.answered >= it.commanded;
        // One that was off when it was last seen and does not answer now is not waited for; one that was on is, to the end.
        let away =
            it.availability == Availability::Offline && (it.switch() != Some(Switch::On) || it.is_watched(house.at));
        told && (away || (is_safe && looked_at))
    })
}
