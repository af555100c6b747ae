//! Does anybody who looks stand in the way of a switch? 500 dual plugs that are polled, 200 clients that read `GET /api/events`, and
//! 100 HTTP requests a second over keep-alive connections; how long a switch takes meanwhile, beside how long it takes without them.
//!
//! The plugs and the bridge live in processes of their own; the clients, who really read, in the benchmark's. All share the machine,
//! so that what is measured includes what the readers take of it.
//!
//! `cargo bench --bench served`, or with another number of clients and requests a second: `cargo bench --bench served -- 24 100`. The
//! clients ask for changes, as the page does; with the word `whole` after that, for the whole house each time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark"
)]

mod rig;

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rig::{
    Fleet, PATIENCE, Process, free_ports,
    house::{AnyBroker, listener, say_log},
    millis, spread,
};
use rumqttc::v5::{
    AsyncClient,
    mqttbytes::{QoS, v5::Publish},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};

const PLUGS: u16 = 500;
const CLIENTS: usize = 200;
const REQUESTS: u32 = 100;
/// Connections that these come over.
const CONNECTIONS: u32 = 10;
const MIX: [&str; 5] = ["/api/house", "/api/status", "/metrics", "/api/explain", "/api/plan"];
const SWITCHES: usize = 300;
/// The bridge is left to itself for this long before it is watched, and watched for so long.
const SETTLES: Duration = Duration::from_secs(20);
const WATCHED: Duration = Duration::from_secs(20);

/// A keep-alive connection.
struct Http {
    stream: TcpStream,
    address: SocketAddr,
    read: Vec<u8>,
}

impl Http {
    async fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, address, read: Vec::new() }
    }

    /// The length of the answer's body, which must be a success.
    async fn ask(&mut self, method: &str, path: &str, body: &str) -> usize {
        let (host, length) = (self.address, body.len());
        let asked = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(asked.as_bytes()).await.unwrap();
        self.read.clear();
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let got = self.stream.read(&mut chunk).await.unwrap();
            assert!(got > 0, "{path}: the bridge hung up");
            self.read.extend_from_slice(&chunk[..got]);
            let Some(end) = self.read.windows(4).position(|it| it == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&self.read[..end]).to_ascii_lowercase();
            assert!(head.starts_with("http/1.1 200 "), "{path}: {head} {}", String::from_utf8_lossy(&self.read[end..]));
            let length = head.split_once("content-length: ").expect("a length").1;
            let length = length.split("\r\n").next().unwrap().parse::<usize>().unwrap();
            while self.read.len() < end + 4 + length {
                let got = self.stream.read(&mut chunk).await.unwrap();
                assert!(got > 0, "{path}: the bridge hung up");
                self.read.extend_from_slice(&chunk[..got]);
            }
            return length;
        }
    }
}

/// What all clients of `/api/events` have read together.
#[derive(Default)]
struct Heard {
    open: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
    bytes: AtomicU64,
    events: AtomicU64,
}

/// A client that reads all that it is told, until it is dropped.
async fn reads(address: SocketAddr, query: &str, heard: Arc<Heard>) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    let asked = format!("GET /api/events{query} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    let (mut chunk, mut is_first, mut last) = (vec![0; 64 * 1024], true, b' ');
    loop {
        let got = stream.read(&mut chunk).await.unwrap_or_default();
        if got == 0 {
            heard.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if is_first && !chunk.starts_with(b"HTTP/1.1 200 ") {
            heard.refused.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if is_first {
            heard.open.fetch_add(1, Ordering::Relaxed);
        }
        is_first = false;
        heard.bytes.fetch_add(got as u64, Ordering::Relaxed);
        // An event ends with an empty line; JSON has none within.
        let ends = usize::from(last == b'\n' && chunk[0] == b'\n');
        let ends = ends + chunk[..got].windows(2).filter(|it| it == b"\n\n").count();
        heard.events.fetch_add(ends as u64, Ordering::Relaxed);
        last = chunk[got - 1];
    }
}

/// Times of each path, from when it was due: who waits for a connection that is busy, waits.
type Times = Arc<Mutex<BTreeMap<&'static str, Vec<Duration>>>>;

async fn asks(address: SocketAddr, number: u32, every: Duration, times: Times) {
    let mut http = Http::new(address).await;
    let start = Instant::now() + every * number / CONNECTIONS;
    for round in 0.. {
        let due = start + every * round;
        tokio::time::sleep_until(due.into()).await;
        let path = MIX[(round + number) as usize % MIX.len()];
        http.ask("GET", path, "").await;
        times.lock().unwrap().entry(path).or_default().push(due.elapsed());
    }
}

struct House {
    bridge: Process,
    web: SocketAddr,
    mqtt: AsyncClient,
    states: mpsc::UnboundedReceiver<Publish>,
}

impl House {
    /// The bridge has published every outlet, and rests.
    async fn start(fleet: &Fleet, broker: SocketAddr, web: SocketAddr) -> Self {
        let (mqtt, mut states) = listener(broker, "peer", &["heattrax/+/1"]).await;
        let text = fleet.config("generic", &format!("{{ host: {}, port: {} }}", broker.ip(), broker.port()));
        let text = text.replace("web: { enabled: false }", &format!("web: {{ port: {} }}", web.port()));
        let (file, data) = (fleet.folder.path().join("heattrax.yaml"), fleet.folder.path().join("data"));
        fs::write(&file, text).unwrap();
        let arguments = ["run", "--config", file.to_str().unwrap(), "--data", data.to_str().unwrap(), "--log", "warn"];
        let bridge = Process::heattrax(&arguments, &fleet.folder.path().join("bridge.log"));
        let all = async {
            let mut said = std::collections::BTreeSet::new();
            while said.len() < usize::from(PLUGS) {
                said.insert(states.recv().await.unwrap().topic);
            }
            while TcpStream::connect(web).await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, all).await.expect("the bridge shows its house");
        sleep(SETTLES).await;
        Self { bridge, web, mqtt, states }
    }

    /// One switch after the other, each of another plug: over HTTP until it is answered, over MQTT until the state says so.
    async fn switch(&mut self) -> [Vec<Duration>; 2] {
        // One that is idle for 15 s is closed.
        let mut line = Http::new(self.web).await;
        let (mut http, mut mqtt) = (Vec::new(), Vec::new());
        for (number, action) in
            (0..SWITCHES).map(|it| (it, if (it / usize::from(PLUGS)) % 2 == 0 { "on" } else { "off" }))
        {
            let plug = number % usize::from(PLUGS);
            let body = format!(r#"{{"group":"all","device":"dev{plug}","outlet":0,"action":"{action}"}}"#);
            let start = Instant::now();
            line.ask("POST", "/api/devices/control", &body).await;
            http.push(start.elapsed());
            while self.states.try_recv().is_ok() {}
            let (topic, state) = (format!("heattrax/dev{plug}/1"), if action == "on" { "OFF" } else { "ON" });
            let needle = format!("\"state\":\"{state}\"");
            let start = Instant::now();
            self.mqtt.publish(format!("{topic}/set"), QoS::AtMostOnce, false, state).await.unwrap();
            let seen = async {
                loop {
                    let message = self.states.recv().await.unwrap();
                    if message.topic == topic.as_bytes() && String::from_utf8_lossy(&message.payload).contains(&needle)
                    {
                        return;
                    }
                }
            };
            timeout(PATIENCE, seen).await.expect("the state follows");
            mqtt.push(start.elapsed());
        }
        [http, mqtt]
    }

    /// What the process takes while nobody switches.
    async fn watch(&self, what: &str) {
        let (cpu, start) = (self.bridge.cpu(), Instant::now());
        sleep(WATCHED).await;
        let share = (self.bridge.cpu() - cpu).as_secs_f64() / start.elapsed().as_secs_f64();
        let (now, most) = (self.bridge.memory("VmRSS"), self.bridge.memory("VmHWM"));
        println!("{what}: CPU {:.0} % of a core, {now:.1} MiB resident, {most:.1} MiB at most", share * 100.0);
    }
}

/// Median, 95th and 99th of a hundred.
fn parts(times: &[Duration]) -> [Duration; 3] {
    [50, 95, 99].map(|part| times[(times.len() * part / 100).min(times.len() - 1)])
}

fn compare(what: &str, rest: &mut [Duration], load: &mut [Duration]) {
    println!("{what}: at rest {} ms, under load {} ms", spread(rest), spread(load));
    let ratios: Vec<_> = parts(rest).into_iter().zip(parts(load)).collect();
    let ratios: Vec<_> = ratios.iter().map(|(one, other)| format!("{:.2}", millis(*other) / millis(*one))).collect();
    println!("{what}: ratio {}", ratios.join(" / "));
}

async fn measure(clients: usize, requests: u32, query: &'static str) {
    let fleet = Fleet::start(PLUGS, 0).await;
    let broker = AnyBroker::start().await;
    let web = SocketAddr::from(([127, 0, 0, 1], free_ports(1)));
    println!("\n-- {PLUGS} P210M, polled as by default, over {}; times: median / p95 / p99", broker.name());
    let mut house = House::start(&fleet, broker.address(), web).await;
    house.watch("at rest").await;
    println!("/api/house: {} kB", Http::new(web).await.ask("GET", "/api/house", "").await / 1000);
    let [mut http_rest, mut mqtt_rest] = house.switch().await;

    let (heard, times, mut load) = (Arc::new(Heard::default()), Times::default(), JoinSet::new());
    for _ in 0..clients {
        load.spawn(reads(web, query, Arc::clone(&heard)));
    }
    sleep(SETTLES / 4).await;
    house.watch(&format!("{clients} clients of /api/events{query} alone")).await;
    let every = Duration::from_secs(1) * CONNECTIONS / requests.max(1);
    for number in 0..CONNECTIONS.min(requests) {
        load.spawn(asks(web, number, every, Arc::clone(&times)));
    }
    sleep(SETTLES / 4).await;
    times.lock().unwrap().clear();
    let (bytes, events, start) =
        (heard.bytes.load(Ordering::Relaxed), heard.events.load(Ordering::Relaxed), Instant::now());
    house.watch("and requests").await;
    let [mut http_load, mut mqtt_load] = house.switch().await;
    let took = start.elapsed().as_secs_f64();
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
    println!(
        "clients: {} listen, {} were refused, {} were dropped; together {:.1} MB and {:.0} events a second",
        count(&heard.open),
        count(&heard.refused),
        count(&heard.lost),
        (count(&heard.bytes) - bytes) as f64 / took / 1e6,
        (count(&heard.events) - events) as f64 / took
    );
    for (path, times) in times.lock().unwrap().iter_mut() {
        println!("GET {path}: {} ms, {} times", spread(times), times.len());
    }
    compare("POST /api/devices/control", &mut http_rest, &mut http_load);
    compare("MQTT command to state", &mut mqtt_rest, &mut mqtt_load);
    load.shutdown().await;
    sleep(SETTLES / 4).await;
    house.watch("after they have gone").await;
    say_log(&fleet);
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let given: Vec<usize> = std::env::args().skip(1).filter_map(|it| it.parse().ok()).collect();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine before: {}", load.trim());
    let requests = given.get(1).map_or(REQUESTS, |it| u32::try_from(*it).unwrap());
    let query = if std::env::args().any(|it| it == "whole") { "" } else { "?changes=true" };
    measure(given.first().copied().unwrap_or(CLIENTS), requests, query).await;
}
