//! One task per device, and the link to real plugs.
//!
//! [`run`] connects, recognises the device by what it reports, keeps its outlets as they are ordered, and tells the hub what they
//! report. It never gives up: a device that is gone is looked for until the bridge stops.

pub mod answer;
mod arming;
mod duty;
mod examine;
pub mod finding;
mod guard;
mod identity;
mod klap;
mod led;
mod link;
mod meeting;
mod meter;
mod metering;
mod network;
mod outlet;
mod pace;
mod searching;
mod survey;
mod switching;
mod tapo;
mod task;
mod trouble;

use std::sync::Arc;

pub use self::{
    examine::{Examined, Socket, Unexamined, examine},
    network::{Coming, Heard, Network, Sockets, Wire},
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    hub::Handle,
    model::{Credentials, DeviceSettings, Orders, Pin},
};

/// One device of the config, and what is needed to speak to it.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The config's word about it.
    pub settings: DeviceSettings,
    /// The account that it belongs to.
    pub credentials: Credentials,
    /// The identity that was drawn at an earlier first contact; a `mac` in the settings beats it.
    pub pin: Option<Pin>,
    /// The way to it.
    pub network: Arc<dyn Network>,
    /// Looks for it when it is lost. `None` if nobody can.
    pub finder: Option<Arc<finding::Finder>>,
}

/// Lives with one device until `stop`. A request that is under way when `stop` comes is dropped: who wants an outlet off before
/// the bridge stops orders that first, and waits for its report.
pub async fn run(
    assignment: Assignment,
    handle: Handle,
    orders: watch::Receiver<Arc<Orders>>,
    stop: CancellationToken,
) {
    // On the heap at once: each future that it is handed through would hold its ten kilobytes a second time.
    let life = Box::pin(task::Task::new(assignment, handle, orders).live());
    tokio::select! {
        () = stop.cancelled() => {}
        never = life => match never {},
    }
}
