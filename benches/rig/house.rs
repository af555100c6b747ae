//! A broker beside the house, and the real program on it.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};

use heattrax::emulator::broker::{Broker, BrokerOptions};
use rumqttc::v5::{
    AsyncClient, Event, EventLoop, Incoming, MqttOptions,
    mqttbytes::{QoS, v5::Publish},
};
use tokio::sync::mpsc;

use super::{Fleet, Process, free_ports};

/// mosquitto where it is installed, else the embedded one in the benchmark's process.
pub(crate) enum AnyBroker {
    Mosquitto { _process: Process, address: SocketAddr },
    Embedded(Broker),
}

impl AnyBroker {
    pub(crate) async fn start() -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_ports(1)));
        let mut command = Command::new("mosquitto");
        command.args(["-p", &address.port().to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(child) = command.spawn() else {
            let options = BrokerOptions { listen: SocketAddr::from(([127, 0, 0, 1], 0)) };
            return Self::Embedded(Broker::start(options).await.unwrap());
        };
        while TcpStream::connect(address).is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self::Mosquitto { _process: Process(child), address }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Mosquitto { .. } => "mosquitto",
            Self::Embedded(_) => "the embedded broker",
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Mosquitto { address, .. } => *address,
            Self::Embedded(broker) => broker.address(),
        }
    }
}

/// A client that hears these filters.
pub(crate) async fn listener(
    broker: SocketAddr,
    id: &str,
    filters: &[&str],
) -> (AsyncClient, mpsc::UnboundedReceiver<Publish>) {
    let mut options = MqttOptions::new(id, broker.ip().to_string(), broker.port());
    options.set_max_packet_size(Some(16 * 1024 * 1024));
    // Or every hop would take the 40 ms of a delayed acknowledgement, and hide what is measured.
    let mut network = rumqttc::NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    let (client, events) = AsyncClient::new(options, 1024);
    let (sender, incoming) = mpsc::unbounded_channel();
    tokio::spawn(forward(events, sender));
    for filter in filters {
        client.subscribe(*filter, QoS::AtMostOnce).await.unwrap();
    }
    (client, incoming)
}

async fn forward(mut events: EventLoop, sender: mpsc::UnboundedSender<Publish>) {
    while let Ok(event) = events.poll().await {
        if let Event::Incoming(Incoming::Publish(message)) = event
            && sender.send(message).is_err()
        {
            return;
        }
    }
}

/// The real program with its default settings, over this broker.
pub(crate) fn bridge(fleet: &Fleet, class: &str, broker: SocketAddr) -> Process {
    let file = fleet.folder.path().join("heattrax.yaml");
    let mqtt = format!("{{ host: {}, port: {} }}", broker.ip(), broker.port());
    fs::write(&file, fleet.config(class, &mqtt)).unwrap();
    let data = fleet.folder.path().join("data");
    let arguments = ["run", "--config", file.to_str().unwrap(), "--data", data.to_str().unwrap(), "--log", "warn"];
    Process::heattrax(&arguments, &fleet.folder.path().join("bridge.log"))
}

/// What it had to say.
pub(crate) fn say_log(fleet: &Fleet) {
    let log = fs::read_to_string(fleet.folder.path().join("bridge.log")).unwrap_or_default();
    if !log.is_empty() {
        println!("the bridge's log, {} lines, begins:", log.lines().count());
        log.lines().take(5).for_each(|it| println!("    {it}"));
    }
}
