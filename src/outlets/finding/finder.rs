//! Where is the device with this MAC address? One search for all who ask, for a power cut loses a whole house at once.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};

use super::{Found, gather, read};
use crate::{
    model::{Address, Mac},
    outlets::Network,
};

/// The port on which devices are asked who they are.
const PORT: u16 = 20_002;
/// Everybody on this network.
const EVERYBODY: &str = "255.255.255.255";
/// How long answers are waited for.
const WAIT: Duration = Duration::from_secs(2);
/// The answers to everybody are good for this long; nobody asks everybody again before.
const KEPT: Duration = Duration::from_secs(10);

/// The words of the question and of the answer.
#[derive(Clone, Debug)]
pub struct Tongue {
    /// The question, as it is sent.
    pub question: Vec<u8>,
    /// The JSON of an answer; `None` if it is none.
    pub answer: fn(&[u8]) -> Option<Value>,
}

/// Searches for devices, one search at a time.
#[derive(Debug)]
pub struct Finder {
    network: Arc<dyn Network>,
    tongue: Tongue,
    everybody: Mutex<Option<(Instant, Vec<Found>)>>,
}

impl Finder {
    /// A finder that has asked nobody yet.
    pub fn new(network: Arc<dyn Network>, tongue: Tongue) -> Self {
        Self { network, tongue, everybody: Mutex::new(None) }
    }

    /// Who answers at these hosts (names, addresses, or a broadcast address) within `wait`.
    pub async fn ask(&self, hosts: &[&str], wait: Duration) -> Vec<Found> {
        let targets = hosts.iter().map(|it| format!("{it}:{PORT}")).collect();
        let heard = self.network.probe(targets, self.tongue.question.clone(), wait).await;
        // A machine without a network hears nobody.
        let answers = heard.unwrap_or_default().into_iter();
        gather(answers.filter_map(|it| read(&(self.tongue.answer)(&it.bytes)?, it.from)))
    }

    /// Where the device answers: first `host`, which also opens the port of a device that has lost its power, then everybody.
    /// `None` if it does not answer.
    pub async fn whereabouts(&self, mac: Mac, host: &str) -> Option<Address> {
        let address = |found: &[Found]| found.iter().find(|it| it.mac == mac).map(Found::address);
        if let Some(at) = address(&self.ask(&[host], WAIT).await) {
            return Some(at);
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
