//! A device that is lost is looked for by its MAC address: it may have another address now, or wait to be asked before it opens
//! its port. Nothing that is found is believed: the next login and `meeting.rs` tell whether it is the device that is meant.

use tokio::time::{Instant, sleep};

use super::{identity::Expected, link::Kind, pace, task::Task, trouble::Whereabouts};
use crate::model::Address;

impl Task {
    /// Looks for the device if its loss can have to do with its address. True if it is worth another try at once.
    pub(super) async fn search(&mut self, lost: Kind) -> bool {
        let Some(finder) = self.finder.clone() else { return false };
        let Some(mac) = Expected::of(&self.settings, self.pin.as_ref()).mac else { return false };
        if lost == Kind::Stranger && self.is_elsewhere(&self.home) {
            // Where it was said to be is another device: the config's word is tried in between, whoever lies about the MAC address.
            self.go_to(self.home.clone());
            return false;
        }
        let may_be_elsewhere = matches!(lost, Kind::Refused | Kind::Silent | Kind::Unreachable | Kind::Stranger);
        if !may_be_elsewhere || self.searched.is_some_and(|at| at.elapsed() < pace::SEARCH) {
            return false;
        }
        // A little later than the others that were lost in the same instant.
        sleep(pace::breath(lost)).await;
        let found = finder.whereabouts(mac, &self.settings.address.host).await;
        self.searched = Some(Instant::now());
        match found {
            Some(address) if self.is_elsewhere(&address) => {
                tracing::info!("{} answers at {address}: it is met there", self.place);
                self.go_to(address);
                true
            }
            // It is where it was, and has only now been asked.
            Some(_) => {
                sleep(pace::until_port_opens()).await;
                true
            }
            // What was found once may have been a lie: the config's word is tried again.
            None => {
                self.go_to(self.home.clone());
                false
            }
        }
    }

    fn is_elsewhere(&self, address: &Address) -> bool {
        let port = |it: &Address| it.port.unwrap_or(80);
        address.host != self.settings.address.host || port(address) != port(&self.settings.address)
    }

    fn go_to(&mut self, address: Address) {
        self.settings.address = address;
        self.place = Whereabouts::of(&self.settings);
    }
}
