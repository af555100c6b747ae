//! Several devices on consecutive ports: what `emulate` runs.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{beacon::Beacon, models::Model, options::PlugOptions, panel, plug::Plug};

/// What is to be emulated.
#[derive(Clone, Debug)]
pub struct EmulateOptions {
    /// Where the first device listens; the others take the ports that follow. Port 0 gives each a free one.
    pub listen: SocketAddr,
    /// Their models in turn, repeated as often as it takes. None at all is nothing to emulate.
    pub models: Vec<Model>,
    /// How many.
    pub count: u16,
    /// The account they belong to: e-mail address, to the letter.
    pub username: String,
    /// The account's password.
    pub password: String,
    /// How long every answer takes.
    pub latency: Duration,
    /// What each outlet draws while it is on, in W.
    pub load: f64,
    /// How much faster than life the devices' time runs.
    pub speed: f64,
    /// What their clocks show at the start.
    pub clock: Timestamp,
    /// Where the control panel listens, if there is to be one.
    pub control: Option<SocketAddr>,
    /// Where whoever looks for devices is answered, if anywhere: clients ask on UDP port 20002.
    pub discovery: Option<SocketAddr>,
}

impl EmulateOptions {
    /// One device on a free port of the loopback, account `user@example.com` with the password `hunter2`, a mat of 300 W on
    /// each outlet, no control panel.
    pub fn new(model: Model) -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            models: vec![model],
            count: 1,
            username: "user@example.com".to_owned(),
            password: "hunter2".to_owned(),
            latency: Duration::ZERO,
            load: 300.0,
            speed: 1.0,
            clock: Timestamp::UNIX_EPOCH,
            control: None,
            discovery: None,
        }
    }
}

/// Several devices and, if wanted, the panel to reach into them. Dropping it stops everything.
pub struct Fleet {
    plugs: Vec<Plug>,
    panel: Option<TcpListener>,
    beacon: Option<Beacon>,
}

impl Fleet {
    /// Starts all devices.
    ///
    /// # Errors
    /// If an address cannot be listened on, with the address in the text, or if the ports do not suffice.
    pub async fn start(options: EmulateOptions) -> io::Result<Self> {
        let panel = match options.control {
            Some(address) => Some(TcpListener::bind(address).await.map_err(|error| at(address, &error))?),
            None => None,
        };
        let mut plugs = Vec::new();
        for (index, model) in (0..options.count).zip(options.models.iter().cycle()) {
            let mut listen = options.listen;
            if listen.port() != 0 {
                let port = listen.port().checked_add(index);
                listen.set_port(port.ok_or_else(|| io::Error::other("there are not so many ports"))?);
            }
            let plug = Plug::start(PlugOptions {
                listen,
                username: options.username.clone(),
                password: options.password.clone(),
                seed: u64::from(index) + 1,
                latency: options.latency,
                load: options.load,
                speed: options.speed,
                clock: options.clock,
                ..PlugOptions::new(*model)
            });
            plugs.push(plug.await.map_err(|error| at(listen, &error))?);
        }
        let beacon = match options.discovery {
            Some(address) => Some(Beacon::start(address, &plugs).await.map_err(|error| at(address, &error))?),
            None => None,
        };
        Ok(Self { plugs, panel, beacon })
    }

    /// The devices.
    pub fn plugs(&self) -> &[Plug] {
        &self.plugs
    }

    /// Where the control panel listens.
    pub fn control(&self) -> Option<SocketAddr> {
        self.panel.as_ref().and_then(|it| it.local_addr().ok())
    }

    /// Where whoever looks for devices is answered.
    pub fn discovery(&self) -> Option<SocketAddr> {
        self.beacon.as_ref().map(Beacon::address)
    }

    /// Serves the control panel until told to stop, then stops everything.
    pub async fn run(self, stop: CancellationToken) {
        match self.panel {
            Some(listener) => panel::serve(listener, self.plugs, stop).await,
            None => stop.cancelled().await,
        }
    }
}

/// Emulates devices until told to stop.
///
/// # Errors
/// As [`Fleet::start`].
pub async fn emulate(options: EmulateOptions, stop: CancellationToken) -> io::Result<()> {
    let fleet = Fleet::start(options).await?;
    for plug in fleet.plugs() {
        tracing::info!("{} listens on {}", plug.model(), plug.address());
    }
    if let Some(address) = fleet.control() {
        tracing::info!("the control panel listens on http://{address}");
    }
    if let Some(address) = fleet.discovery() {
        tracing::info!("questions for devices are answered at {address} (UDP)");
    }
    fleet.run(stop).await;
    Ok(())
}

fn at(address: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot emulate a device at {address}: {error}"))
}
