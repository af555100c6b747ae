//! Where is the device with this MAC address? One search for all who ask, for a power cut loses a whole house at once.

use std::{net::IpAddr, sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};

use super::{Found, gather, read};
use crate::{
    model::{Address, Mac},
    outlets::Network,
    tdp,
};

/// Everybody on this network, and on those that the machine has beside it.
pub const EVERYBODY: &str = "255.255.255.255";
/// How long answers are waited for.
pub(in crate::outlets) const WAIT: Duration = Duration::from_secs(2);
/// The answers to everybody are good for this long; nobody asks everybody again before.
const KEPT: Duration = Duration::from_secs(10);

/// Searches for devices, one search at a time.
#[derive(Debug)]
pub struct Finder {
    network: Arc<dyn Network>,
    everybody: Mutex<Option<(Instant, Vec<Found>)>>,
}

impl Finder {
    /// A finder that has asked nobody yet.
    pub fn new(network: Arc<dyn Network>) -> Self {
        Self { network, everybody: Mutex::new(None) }
    }

    /// Who answers at these hosts (names, addresses, or a broadcast address; another port than the vendor's behind a colon) within
    /// `wait`.
    pub async fn ask(&self, hosts: &[&str], wait: Duration) -> Vec<Found> {
        let with_port = |it: &&str| if it.contains(':') { (*it).to_owned() } else { format!("{it}:{}", tdp::PORT) };
        let targets = hosts.iter().map(with_port).collect();
        let heard = self.network.probe(targets, tdp::question(fastrand::u32(..)), wait).await;
        // A machine without a network hears nobody.
        let answers = heard.unwrap_or_default().into_iter();
        gather(answers.filter_map(|it| read(&tdp::answered(&it.bytes)?, it.from)))
    }

    /// Where the device answers: first `host`, which also opens the port of a device that has lost its power, then everybody.
    /// `None` if it does not answer. Nobody moves from this machine itself to another: then only it is asked.
    pub async fn whereabouts(&self, mac: Mac, host: &str) -> Option<Address> {
        let address = |found: &[Found]| found.iter().find(|it| it.mac == mac).map(Found::address);
        if let Some(at) = address(&self.ask(&[host], WAIT).await) {
            return Some(at);
        }
        if is_here(host) {
            return None;
        }
        let mut everybody = self.everybody.lock().await;
        match &*everybody {
            Some((at, found)) if at.elapsed() < KEPT => address(found),
            _ => {
                let found = self.ask(&[EVERYBODY], WAIT).await;
                let at = address(&found);
                *everybody = Some((Instant::now(), found));
                at
            }
        }
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}
