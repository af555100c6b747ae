//! An emulated device, and the hands that reach into it.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{io::DuplexStream, net::TcpListener, sync::mpsc, task::JoinHandle, time};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    beacon,
    clock::Clock,
    device::Device,
    fault::Fault,
    inside::{Counts, Shared},
    listener::Door,
    meter::Meter,
    models::Model,
    options::PlugOptions,
    outlet::{Cause, OutletState, Protection, Relay, Switched},
    sessions::Sessions,
    wire,
};
use crate::{klap, model::Mac};

/// Bytes that may be under way in memory.
const WIRE: usize = 64 * 1024;
/// Connections that may wait to be taken.
const DIALS: usize = 8;
/// How fast a device's time may run.
const FASTEST: f64 = 100_000.0;

/// How long a port stays closed that nobody asks for. 470 s to 540 s are told of real devices.
const SLEEP: Duration = Duration::from_secs(510);

/// How it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Over a port.
    Port,
    /// From this process only.
    Air,
}

/// The listener, while the device can be reached.
struct Listening {
    task: JoinHandle<()>,
    stop: DropGuard,
    /// Where connections from this process are put in.
    dialled: Option<mpsc::Sender<DuplexStream>>,
}

/// An emulated device, on a real socket or in memory. Dropping it stops everything.
pub struct Plug {
    shared: Arc<Shared>,
    way: Way,
    address: Mutex<SocketAddr>,
    model: Model,
    listening: Arc<tokio::sync::Mutex<Option<Listening>>>,
    /// Wakes it when it sleeps and is asked for.
    sleeper: Mutex<Option<DropGuard>>,
}

impl Plug {
    /// Starts a device.
    ///
    /// # Errors
    /// If the speed makes no sense or the address cannot be listened on.
    pub async fn start(options: PlugOptions) -> io::Result<Self> {
        Self::begin(options, Way::Port).await
    }

    /// A device without a socket, which is reached by [`Plug::dial`] and [`Plug::probe`] from this process alone. Its time is that
    /// of the runtime, which a test may turn. `options.listen` is the address that it says it has.
    ///
    /// # Errors
    /// If the speed makes no sense.
    pub async fn in_memory(options: PlugOptions) -> io::Result<Self> {
        Self::begin(options, Way::Air).await
    }

    async fn begin(options: PlugOptions, way: Way) -> io::Result<Self> {
        if !(options.speed > 0.0 && options.speed <= FASTEST) {
            let text = format!("the speed {} of an emulated plug is not above 0 and at most {FASTEST}", options.speed);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let (door, dialled, address) = open(way, options.listen).await?;
        let clock = Clock::start(options.speed, options.clock, options.zone);
        let device = Device::new(options.model, options.seed, watts(options.load), clock);
        let auth = klap::auth_hash(&options.username, &options.password);
        let shared = Arc::new(Shared::new(device, Sessions::new(options.session), auth, options.latency));
        let listening = Arc::new(tokio::sync::Mutex::new(Some(Self::listen(door, dialled, &shared))));
        shared.is_at(Some(address));
        let (address, sleeper) = (Mutex::new(address), Mutex::new(None));
        Ok(Self { shared, way, address, model: options.model, listening, sleeper })
    }

    fn listen(door: Door, dialled: Option<mpsc::Sender<DuplexStream>>, shared: &Arc<Shared>) -> Listening {
        let stop = CancellationToken::new();
        let task = tokio::spawn(wire::listen(door, Arc::clone(shared), stop.clone()));
        Listening { task, stop: stop.drop_guard(), dialled }
    }

    /// Connects to a device that is in memory.
    ///
    /// # Errors
    /// As over a network: it is not there, its port is closed, or it takes no more.
    pub async fn dial(&self) -> io::Result<DuplexStream> {
        if self.shared.reachable_at().is_none() {
            return Err(io::ErrorKind::HostUnreachable.into());
        }
        let listening = self.listening.lock().await;
        let dialled = listening.as_ref().and_then(|it| it.dialled.clone());
        drop(listening);
        let (ours, theirs) = tokio::io::duplex(WIRE);
        let dialled = dialled.ok_or(io::ErrorKind::ConnectionRefused)?;
        dialled.send(theirs).await.map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(ours)
    }

    /// What it answers to a datagram of whoever looks for devices. `None` if it is not there or was asked for nothing.
    pub fn probe(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        beacon::answer(&self.shared, datagram)
    }

    /// For those who answer for it.
    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Where it listens, or did before it vanished.
    pub fn address(&self) -> SocketAddr {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// From now on what is plugged in draws so many W more with each hour of the device's time, or less if negative, as a cable
    /// does that ages or a mat that breaks. `false` if there is no such outlet.
    pub fn drift_load(&self, slot: u8, watts_per_hour: f64) -> bool {
        let device = &mut self.shared.inside().device;
        device.catch_up();
        let outlet = device.index_of(slot).and_then(|index| device.outlets.get_mut(index));
        let drift = if watts_per_hour.is_finite() { watts_per_hour } else { 0.0 };
        outlet.map(|outlet| outlet.drift = drift).is_some()
    }

    /// Breaks a relay, or mends it. `false` if there is no such outlet.
    pub fn break_relay(&self, slot: u8, relay: Relay) -> bool {
        let device = &mut self.shared.inside().device;
        device.catch_up();
        let outlet = device.index_of(slot).and_then(|index| device.outlets.get_mut(index));
        outlet.map(|outlet| outlet.relay = relay).is_some()
    }

    /// The device forgets what has gone through its meters.
    pub fn reset_meters(&self) {
        let device = &mut self.shared.inside().device;
        device.catch_up();
        device.outlets.iter_mut().for_each(|outlet| outlet.meter = Meter::new());
    }

    /// Lets the device's own protection cut a relay, or takes its complaint back. `false` if there is no such outlet.
    pub fn protect(&self, slot: u8, protection: Protection) -> bool {
        let device = &mut self.shared.inside().device;
        device.index_of(slot).and_then(|index| device.protect(index, protection)).is_some()
    }

    /// The Wi-Fi is lost: the listener and all connections are closed. Relays and timers carry on.
    pub async fn vanish(&self) {
        self.shared.is_at(None);
        self.wake_no_more();
        close(&self.listening).await;
    }

    /// Its port is closed until somebody asks for the device by UDP, as with some firmwares after a power cut; after eight minutes
    /// and a half it opens by itself.
    pub async fn sleep(&self) {
        close(&self.listening).await;
        self.shared.is_at(Some(self.address()));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let (way, address) = (self.way, self.address());
        let (shared, listening) = (Arc::clone(&self.shared), Arc::clone(&self.listening));
        let guard = stop.drop_guard();
        *self.sleeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
        tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => return,
                () = shared.asked.notified() => {}
                () = time::sleep(SLEEP) => {}
            }
            // If somebody else listens there by now, it stays closed.
            let _ = reopen(way, address, &shared, &listening).await;
        });
    }

    fn wake_no_more(&self) {
        drop(self.sleeper.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// It is given another address, as routers do. It is there at once.
    ///
    /// # Errors
    /// If somebody else listens there.
    pub async fn move_to(&self, address: SocketAddr) -> io::Result<()> {
        self.vanish().await;
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = address;
        self.come_back().await
    }

    /// The device is there again, on the same port. Nobody is logged in any more.
    ///
    /// # Errors
    /// If somebody else listens there by now.
    pub async fn come_back(&self) -> io::Result<()> {
        self.wake_no_more();
        let address = reopen(self.way, self.address(), &self.shared, &self.listening).await?;
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = address;
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
        if self.shared.inside().faults.hits(&Fault::LazyPort) {
            self.sleep().await;
            return Ok(());
        }
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

    /// The faults in force.
    pub fn faults(&self) -> Vec<Fault> {
        self.shared.inside().faults.in_force()
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

    /// The same, without the first so many.
    pub fn log_from(&self, index: usize) -> Vec<Switched> {
        let device = &mut self.shared.inside().device;
        device.catch_up();
        device.log_from(index)
    }

    /// What happened on the wire so far.
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }
}

/// Opens a port, or a way in memory.
async fn open(way: Way, address: SocketAddr) -> io::Result<(Door, Option<mpsc::Sender<DuplexStream>>, SocketAddr)> {
    match way {
        Way::Port => {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            Ok((Door::Port(listener), None, address))
        }
        Way::Air => {
            let (dialled, taken) = mpsc::channel(DIALS);
            Ok((Door::Air(taken, address.ip()), Some(dialled), address))
        }
    }
}

/// Opens it again if it is closed. Nobody is logged in any more.
async fn reopen(
    way: Way,
    address: SocketAddr,
    shared: &Arc<Shared>,
    listening: &tokio::sync::Mutex<Option<Listening>>,
) -> io::Result<SocketAddr> {
    let mut listening = listening.lock().await;
    if listening.is_some() {
        return Ok(address);
    }
    let (door, dialled, address) = open(way, address).await?;
    shared.inside().sessions.forget();
    *listening = Some(Plug::listen(door, dialled, shared));
    shared.is_at(Some(address));
    Ok(address)
}

async fn close(listening: &tokio::sync::Mutex<Option<Listening>>) {
    if let Some(Listening { task, stop, .. }) = listening.lock().await.take() {
        drop(stop);
        // It ends by itself once told to; if it was aborted, it has ended too.
        let _ = task.await;
    }
}

/// A load that makes sense: neither negative nor nonsense.
fn watts(load: f64) -> f64 {
    if load.is_finite() { load.max(0.0) } else { 0.0 }
}
