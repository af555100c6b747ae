//! The `discover` command: which devices answer, without a login.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use crate::outlets::{
    Network,
    finding::{self, EVERYBODY, Finder, Found},
};

/// What to look at when nobody answers.
const NOBODY: &str = "no device answered. Likely causes:
  - the devices are in another network or VLAN than this machine: name them, --target 192.168.20.15, or their
    broadcast address, --target 192.168.20.255
  - this runs in a container with a network of its own: run it with the host's network, or with --target
  - a firewall drops UDP port 20002 or its answers; some access points keep their clients apart (\"AP isolation\")
  - the devices have no power, or have not been set up in the Tapo app
A device that is not found can be configured all the same: its address is in the Tapo app > device > Device Info.";

/// What was found.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Discovered(Vec<Device>);

#[derive(Clone, Debug, Serialize)]
struct Device {
    #[serde(flatten)]
    found: Found,
    /// The step that makes it fit to heat with.
    todo: Option<&'static str>,
}

impl Discovered {
    /// Has nobody answered?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For people: a table and the lines of a config, or what to look at if there is nothing to show.
    pub fn words(&self) -> String {
        if self.is_empty() {
            return NOBODY.to_owned();
        }
        let found: Vec<_> = self.0.iter().map(|it| it.found.clone()).collect();
        let (table, snippet) = (finding::table(&found), finding::snippet(&found));
        if snippet.is_empty() {
            return table.trim_end().to_owned();
        }
        format!("{table}\nTo paste into the config:\n\n{}", snippet.trim_end())
    }
}

/// Asks these hosts and broadcast addresses, or everybody if there are none, and waits so long for answers. Nothing is logged in to
/// and nothing is switched.
pub async fn discover(network: Arc<dyn Network>, targets: &[String], wait: Duration) -> Discovered {
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    let targets = if targets.is_empty() { &[EVERYBODY] } else { targets.as_slice() };
    let found = Finder::new(network).ask(targets, wait).await;
    Discovered(found.into_iter().map(|found| Device { todo: finding::advice(&found), found }).collect())
}
