//! An emulated device, and the hands that reach into it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use tokio::{net::TcpListener, task::JoinHandle, time};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    clock::Clock,
    device::Device,
    fault::Fault,
    inside::{Counts, Shared},
    models::Model,
    outlet::{Cause, OutletState, Protection, Switched},
    sessions::Sessions,
    wire,
};
use crate::{klap, model::Mac};

/// How fast a device's time may run.
const FASTEST: f64 = 100_000.0;

/// How a device is to be.
#[derive(Clone, Debug)]
pub struct PlugOptions {
    /// The model.
    pub model: Model,
    /// Where it listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The account it belongs to: e-mail address, to the letter.
    pub username: String,
    /// The account's password.
    pub password: String,
    /// Tells devices of one model apart: MAC address and device id follow from it.
    pub seed: u64,
    /// How long every answer takes.
    pub latency: Duration,
    /// How much faster than life the device's time runs, above 0 and at most 100 000: `on_time`, energy, timers, its clock.
    pub speed: f64,
    /// What its clock shows when it starts.
    pub clock: Timestamp,
    /// Where it thinks it is.
    pub zone: TimeZone,
    /// What each outlet draws while it is on, in W.
    pub load: f64,
    /// How long a session lives, in real time.
    pub session: Duration,
}

impl PlugOptions {
    /// A device on a free port of the loopback, account `user@example.com` with the password `hunter2`, which does not load
    /// anything.
    pub fn new(model: Model) -> Self {
        Self {
            model,
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            username: "user@example.com".to_owned(),
            password: "hunter2".to_owned(),
            seed: 1,
            latency: Duration::ZERO,
            speed: 1.0,
            clock: Timestamp::UNIX_EPOCH,
            zone: TimeZone::get("America/Denver").unwrap_or(TimeZone::UTC),
            load: 0.0,
            session: Duration::from_secs(86_400),
        }
    }
}

/// The listener, while the device can be reached.
struct Listening {
    task: JoinHandle<()>,
    stop: DropGuard,
}

/// An emulated device on a real socket. Dropping it stops everything.
pub struct Plug {
    shared: Arc<Shared>,
    address: SocketAddr,
    model: Model,
    listening: tokio::sync::Mutex<Option<Listening>>,
}

impl Plug {
    /// Starts a device.
    ///
    /// # Errors
    /// If the speed makes no sense or the address cannot be listened on.
    pub async fn start(options: PlugOptions) -> io::Result<Self> {
        if !(options.speed > 0.0 && options.speed <= FASTEST) {
            let text = format!("the speed {} of an emulated plug is not above 0 and at most {FASTEST}", options.speed);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let clock = Clock::start(options.speed, options.clock, options.zone);
        let device = Device::new(options.model, options.seed, watts(options.load), clock);
        let auth = klap::auth_hash(&options.username, &options.password);
        let shared = Arc::new(Shared::new(device, Sessions::new(options.session), auth, options.latency));
        let listening = tokio::sync::Mutex::new(Some(Self::listen(listener, &shared)));
        shared.is_at(Some(address));
        Ok(Self { shared, address, model: options.model, listening })
    }

    fn listen(listener: TcpListener, shared: &Arc<Shared>) -> Listening {
        let stop = CancellationToken::new();
        let task = tokio::spawn(wire::listen(listener, Arc::clone(shared), stop.clone()));
        Listening { task, stop: stop.drop_guard() }
    }

    /// For those who answer for it.
    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Where it listens, or did before it vanished.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The model.
    pub fn model(&self) -> Model {
        self.model
    }

    /// Its hardware address.
    pub fn mac(&self) -> Mac {
        Mac(self.shared.inside().device.mac)
    }

    /// Its 40 hexadecimal digits.
    pub fn device_id(&self) -> String {
        self.shared.inside().device.id.clone()
    }

    /// Its own time since it was made, to compare with the log.
    pub fn now(&self) -> Duration {
        self.shared.inside().device.catch_up()
    }

    /// Lets so much of its own time pass at once, with all that comes with it.
    pub fn pass(&self, time: Duration) {
        let device = &mut self.shared.inside().device;
        device.clock.pass(time);
        device.catch_up();
    }

    /// How its outlets are, by slot.
    pub fn outlets(&self) -> Vec<OutletState> {
        let device = &mut self.shared.inside().device;
        let now = device.catch_up();
        device.outlets.iter().map(|outlet| outlet.state(now)).collect()
    }

    /// Can it be reached?
    pub async fn is_there(&self) -> bool {
        self.listening.lock().await.is_some()
    }

    /// Is the relay closed? An outlet that does not exist is off.
    pub fn relay(&self, slot: u8) -> bool {
        self.outlets().iter().any(|outlet| outlet.slot == slot && outlet.on)
    }

    /// Presses the button of an outlet, which moves its relay. `false` if there is no such outlet.
    pub fn press(&self, slot: u8) -> bool {
        let device = &mut self.shared.inside().device;
        device.catch_up();
        let Some(index) = device.index_of(slot) else { return false };
        let on = device.outlets.get(index).is_some_and(|outlet| outlet.on);
        device.switch(index, !on, Cause::Button).is_some()
    }

    /// Plugs something in that draws so many W while the outlet is on. `false` if there is no such outlet.
    pub fn set_load(&self, slot: u8, load: f64) -> bool {
        let device = &mut self.shared.inside().device;
        device.catch_up();
        let outlet = device.index_of(slot).and_then(|index| device.outlets.get_mut(index));
        outlet.map(|outlet| outlet.load = watts(load)).is_some()
    }

    /// Lets the device's own protection cut a relay, or takes its complaint back. `false` if there is no such outlet.
    pub fn protect(&self, slot: u8, protection: Protection) -> bool {
        let device = &mut self.shared.inside().device;
        device.index_of(slot).and_then(|index| device.protect(index, protection)).is_some()
    }

    /// The Wi-Fi is lost: the listener and all connections are closed. Relays and timers carry on.
    pub async fn vanish(&self) {
        self.shared.is_at(None);
        if let Some(Listening { task, stop }) = self.listening.lock().await.take() {
            drop(stop);
            // It ends by itself once told to; if it was aborted, it has ended too.
            let _ = task.await;
        }
    }

    /// The device is there again, on the same port. Nobody is logged in any more.
    ///
    /// # Errors
    /// If somebody else listens there by now.
    pub async fn come_back(&self) -> io::Result<()> {
        let mut listening = self.listening.lock().await;
        if listening.is_none() {
            let listener = TcpListener::bind(self.address).await?;
            self.shared.inside().sessions.forget();
            *listening = Some(Self::listen(listener, &self.shared));
            self.shared.is_at(Some(self.address));
        }
        Ok(())
    }

    /// The power fails for a while, in real time. Relays come back as their `default_states` say; countdowns are lost.
    ///
    /// # Errors
    /// If somebody else listens at the address by then.
    pub async fn reboot(&self, dark: Duration) -> io::Result<()> {
        self.vanish().await;
        self.shared.inside().device.lose_power();
        time::sleep(dark).await;
        self.shared.inside().device.regain_power();
        self.come_back().await
    }

    /// Logs everybody out: the next request of each is answered with 403.
    pub fn expire_sessions(&self) {
        self.shared.inside().sessions.forget();
    }

    /// Puts a fault in force until [`Plug::clear_faults`].
    pub fn set_fault(&self, fault: Fault) {
        self.shared.inside().faults.add(fault, None);
    }

    /// Puts a fault in force for the next few times that it can strike.
    pub fn set_fault_for(&self, fault: Fault, times: u32) {
        self.shared.inside().faults.add(fault, Some(times));
    }

    /// Takes all faults back. What hangs already goes on hanging.
    pub fn clear_faults(&self) {
        self.shared.inside().faults.clear();
    }

    /// Every order to a relay, the oldest first; the last 10 000 are kept.
    pub fn log(&self) -> Vec<Switched> {
        let device = &mut self.shared.inside().device;
        device.catch_up();
        device.log()
    }

    /// What happened on the wire so far.
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }
}

/// A load that makes sense: neither negative nor nonsense.
fn watts(load: f64) -> f64 {
    if load.is_finite() { load.max(0.0) } else { 0.0 }
}
