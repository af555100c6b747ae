//! Command → relay → state, through real processes and real sockets, as a ratio to a floor that is measured in the same run.
//!
//! The floor is what cannot be avoided: a bare switch and read-back with the `tapo` crate on the same kind of emulated device,
//! plus two hops through the same broker (the command's and the state's). Also prints the time from the bridge's start to its
//! first retained state, and its resident memory.
//!
//! `cargo bench --bench end_to_end`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark"
)]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use heattrax::emulator::broker::{Broker, BrokerOptions};
use rumqttc::v5::{
    AsyncClient, Event, EventLoop, Incoming, MqttOptions,
    mqttbytes::{QoS, v5::Publish},
};
use tapo::{ApiClient, PowerStripHandler};
use tokio::{sync::mpsc, time::timeout};

const ACCOUNT: (&str, &str) = ("bench@example.com", "bench");
const PATIENCE: Duration = Duration::from_secs(30);
const ROUNDS: usize = 500;

/// A child process that ends with the benchmark.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A peer at the broker: what a dashboard or Home Assistant is.
struct Peer {
    client: AsyncClient,
    incoming: mpsc::UnboundedReceiver<Publish>,
}

impl Peer {
    async fn new(broker: SocketAddr, id: &str, filter: &str) -> Self {
        let mut options = MqttOptions::new(id, broker.ip().to_string(), broker.port());
        options.set_max_packet_size(Some(4 * 1024 * 1024));
        // Or every hop would take the 40 ms of a delayed acknowledgement, and hide what is measured.
        let mut network = rumqttc::NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options.set_network_options(network);
        let (client, events) = AsyncClient::new(options, 1024);
        let (sender, mut incoming) = mpsc::unbounded_channel();
        tokio::spawn(forward(events, sender));
        client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        // A message of our own says that the subscription stands.
        let mark = filter.replace('#', "mark");
        client.publish(&mark, QoS::AtLeastOnce, false, "here").await.unwrap();
        let seen = async { while incoming.recv().await.unwrap().topic != mark.as_bytes() {} };
        timeout(PATIENCE, seen).await.expect("the broker answers");
        Self { client, incoming }
    }

    async fn send(&self, topic: &str, payload: &str) {
        self.client.publish(topic, QoS::AtLeastOnce, false, payload.to_owned()).await.unwrap();
    }

    async fn wait(&mut self, topic: &str, needle: &str) {
        let seen = async {
            loop {
                let message = self.incoming.recv().await.unwrap();
                if message.topic == topic.as_bytes() && String::from_utf8_lossy(&message.payload).contains(needle) {
                    return;
                }
            }
        };
        timeout(PATIENCE, seen).await.unwrap_or_else(|_| panic!("no {needle} on {topic}"));
    }
}

impl Peer {
    /// Waits until each device has shown its first outlet: when the first did since `started`, and when the last.
    async fn all_say(&mut self, count: u16, started: Instant) -> (Duration, Duration) {
        let (mut missing, mut first) =
            ((0..count).map(|at| format!("heattrax/dev{at}/1")).collect::<BTreeSet<_>>(), None);
        let said = async {
            while !missing.is_empty() {
                let message = self.incoming.recv().await.unwrap();
                if missing.remove(&*String::from_utf8_lossy(&message.topic)) {
                    first.get_or_insert(started.elapsed());
                }
            }
        };
        timeout(PATIENCE, said).await.expect("every device shows its state");
        (first.unwrap_or_default(), started.elapsed())
    }
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

fn free_ports(count: u16) -> u16 {
    // A run of free ports: found by binding them all at once.
    (20_000..60_000)
        .step_by(usize::from(count) + 1)
        .find(|first| (*first..first + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()))
        .unwrap()
}

fn spawn(arguments: &[&str], log: &Path) -> Process {
    let log = fs::File::create(log).unwrap();
    let command =
        Command::new(env!("CARGO_BIN_EXE_heattrax")).args(arguments).stdout(Stdio::null()).stderr(log).spawn();
    Process(command.unwrap())
}

fn config(first: u16, count: u16, broker: SocketAddr) -> String {
    let mut text = format!(
        "location: {{ latitude: 40.7, longitude: -74.0, timezone: America/New_York }}\n\
         safety: {{ max_runtime_hours: 6, cooldown_minutes: 30 }}\n\
         weather_api: {{ enabled: false }}\nweb: {{ enabled: false }}\n\
         mqtt: {{ host: {}, port: {} }}\n\
         devices:\n  credentials: {{ username: {}, password: {} }}\n  groups:\n    all:\n      items:\n",
        broker.ip(),
        broker.port(),
        ACCOUNT.0,
        ACCOUNT.1
    );
    for at in 0..count {
        writeln!(text, "        - {{ name: dev{at}, ip_address: \"127.0.0.1:{}\" }}", first + at).unwrap();
    }
    text
}

/// A bare switch and read-back.
async fn bare(strip: &PowerStripHandler, child: &str, on: bool) {
    let plug = strip.plug_unchecked(child);
    if on {
        plug.on().await.unwrap()
    } else {
        plug.off().await.unwrap()
    }
    plug.get_device_info_json().await.unwrap();
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Of times in order.
fn percentile(times: &[Duration], percent: usize) -> Duration {
    times[times.len() * percent / 100]
}

fn resident_mib(process: &Process) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap_or_default();
    let line = status.lines().find(|it| it.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|it| it.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

async fn floor(address: SocketAddr, broker: SocketAddr, id: &str) -> Duration {
    let strip = ApiClient::new(ACCOUNT.0, ACCOUNT.1).p300(address.to_string()).await.unwrap();
    let children = strip.get_child_device_list_json().await.unwrap();
    let child = children["child_device_list"][0]["device_id"].as_str().unwrap().to_owned();
    let mut peer = Peer::new(broker, id, "floor/#").await;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let start = Instant::now();
        peer.send("floor/command", "x").await;
        peer.wait("floor/command", "x").await;
        bare(&strip, &child, round % 2 == 0).await;
        peer.send("floor/state", "y").await;
        peer.wait("floor/state", "y").await;
        times.push(start.elapsed());
    }
    let middle = median(&mut times);
    tell("floor", &times);
    middle
}

fn tell(what: &str, times: &[Duration]) {
    let at = |percent| millis(percentile(times, percent));
    println!("{what}: median {:.2} ms, p95 {:.2} ms, p99 {:.2} ms", at(50), at(95), at(99));
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

async fn measure(count: u16, latency_ms: u64) {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(BrokerOptions { listen: SocketAddr::from(([127, 0, 0, 1], 0)) }).await.unwrap();
    let first = free_ports(count + 1);
    let listen = format!("127.0.0.1:{first}");
    let devices = (count + 1).to_string();
    let latency = latency_ms.to_string();
    let arguments = [
        "emulate",
        "--listen",
        &listen,
        "--count",
        &devices,
        "--user",
        ACCOUNT.0,
        "--password",
        ACCOUNT.1,
        "--latency-ms",
        &latency,
    ];
    let _plugs = spawn(&arguments, &folder.path().join("emulate.log"));
    let last = SocketAddr::from(([127, 0, 0, 1], first + count));
    let listening = async { while tokio::net::TcpStream::connect(last).await.is_err() {} };
    timeout(PATIENCE, listening).await.expect("the emulator listens");
    println!("-- {count} device(s), each with two outlets, that take {latency_ms} ms to answer");
    let floor_before = floor(last, broker.address(), "floor-before").await;
    let file = folder.path().join("heattrax.yaml");
    fs::write(&file, config(first, count, broker.address())).unwrap();
    let mut peer = Peer::new(broker.address(), "peer", "heattrax/#").await;
    let started = Instant::now();
    let data = folder.path().join("data");
    let arguments = ["run", "--config", file.to_str().unwrap(), "--data", data.to_str().unwrap(), "--log", "warn"];
    let bridge = spawn(&arguments, &folder.path().join("bridge.log"));
    let (soonest, latest) = peer.all_say(count, started).await;
    println!(
        "start to first retained state: {:.0} ms, to the last device's: {:.0} ms",
        millis(soonest),
        millis(latest)
    );
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let device = round % usize::from(count);
        let state = if (round / usize::from(count)) % 2 == 0 { "ON" } else { "OFF" };
        let start = Instant::now();
        peer.send(&format!("heattrax/dev{device}/1/set"), state).await;
        peer.wait(&format!("heattrax/dev{device}/1"), &format!("\"state\":\"{state}\"")).await;
        times.push(start.elapsed());
    }
    let middle = median(&mut times);
    // The floor once more, now with the bridge polling beside it: the machine's mood is in both.
    let floor_after = floor(last, broker.address(), "floor-after").await;
    let mean = (floor_before + floor_after) / 2;
    tell("command to state", &times);
    println!("ratio to the floor at the median: {:.2}", middle.as_secs_f64() / mean.as_secs_f64());
    println!("resident memory of the bridge: {:.1} MiB", resident_mib(&bridge));
    if fs::metadata(folder.path().join("bridge.log")).is_ok_and(|it| it.len() > 0) {
        println!("the bridge's log:\n{}", fs::read_to_string(folder.path().join("bridge.log")).unwrap());
    }
    drop(bridge);
    broker.stop().await;
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // A plug that answers at once shows what the bridge itself costs; a real one takes 20 ms and more over Wi-Fi.
    for latency_ms in [0, 20] {
        for count in [1, 10, 100] {
            measure(count, latency_ms).await;
        }
    }
}
