//! What it costs to switch, to look and to poll: beside the `tapo` crate and python-kasa on the same emulated plugs, and above a
//! floor that is measured in the same run.
//!
//! The floor is the bare HTTP exchange: the same bytes, sealed before the clock starts, on a kept connection; the answer is read
//! and not opened. Ours is measured from the person's word to the board: the decision and the hub are in it.
//!
//! `HEATTRAX_KASA_PYTHON=<a Python that has python-kasa> cargo bench --bench outlets`
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
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use heattrax::{
    model::{Switch, Target},
    outlets::{Coming, Heard, Network, Sockets, Wire},
};
use rig::{ACCOUNT, Fleet, Home, all_are, bare::Bare, everything, kasa::Kasa, millis, outlet, spread};
use serde_json::{Value, json};
use tapo::{ApiClient, PowerStripEnergyMonitoringHandler};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::JoinSet,
};

const SWITCHES: usize = 300;
const POLLS: usize = 100;
const ROUNDS: usize = 5;
/// Far away: nothing is polled by itself.
const NEVER: Duration = Duration::from_secs(3600);

fn row(who: &str, times: &mut [Duration], requests: f64) {
    println!("{who:<44} {:>24} ms  {requests:>5.2} requests", spread(times));
}

fn position(at: usize) -> Switch {
    if at.is_multiple_of(2) { Switch::On } else { Switch::Off }
}

fn list() -> Value {
    json!({"method": "get_child_device_list", "params": {"start_index": 0}})
}

fn to_child(child: &str, request: Value) -> Value {
    json!({"method": "control_child", "params": {"device_id": child, "requestData": request}})
}

fn relay(child: &str, on: bool) -> Value {
    to_child(child, json!({"method": "set_device_info", "params": {"device_on": on}}))
}

fn meters(child: &str) -> Value {
    let both = json!([{"method": "get_emeter_data"}, {"method": "get_energy_usage"}]);
    to_child(child, json!({"method": "multipleRequest", "params": {"requests": both}}))
}

async fn tapo(address: &str) -> PowerStripEnergyMonitoringHandler {
    ApiClient::new(ACCOUNT.0, ACCOUNT.1).with_timeout(rig::PATIENCE).p304(address).await.unwrap()
}

async fn children(strip: &PowerStripEnergyMonitoringHandler) -> Vec<String> {
    let list = strip.get_child_device_list_json().await.unwrap();
    let ids = list["child_device_list"].as_array().unwrap().iter();
    ids.map(|it| it["device_id"].as_str().unwrap().to_owned()).collect()
}

/// The way to a plug that notes when something was written and read.
#[derive(Clone, Debug, Default)]
struct Watched(Arc<Mutex<Vec<(Instant, bool)>>>);

struct WatchedWire {
    wire: Box<dyn Wire>,
    log: Watched,
}

impl Watched {
    fn note(&self, written: bool) {
        self.0.lock().unwrap().push((Instant::now(), written));
    }

    /// Exchanges that follow each other within `gap`: how long they took together, and how many they were.
    fn bursts(&self, gap: Duration) -> Vec<(Duration, usize)> {
        let mut bursts: Vec<(Instant, Instant, usize)> = Vec::new();
        let mut asking = false;
        for (at, written) in self.0.lock().unwrap().drain(..) {
            match bursts.last_mut() {
                Some((_, end, count)) if at - *end < gap => {
                    *count += usize::from(written && !asking);
                    *end = at;
                }
                _ => bursts.push((at, at, usize::from(written))),
            }
            asking = written;
        }
        // The first and the last may be cut.
        let whole = bursts.len().saturating_sub(1);
        bursts.drain(..whole).skip(1).map(|(start, end, count)| (end - start, count)).collect()
    }
}

impl Network for Watched {
    fn dial(&self, target: String) -> Coming<Box<dyn Wire>> {
        let log = self.clone();
        Box::pin(async move {
            let wire: Box<dyn Wire> = Box::new(WatchedWire { wire: Sockets.dial(target).await?, log });
            Ok(wire)
        })
    }

    fn probe(&self, targets: Vec<String>, datagram: Vec<u8>, wait: Duration) -> Coming<Vec<Heard>> {
        Sockets.probe(targets, datagram, wait)
    }
}

impl AsyncRead for WatchedWire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.wire).poll_read(context, into);
        if into.filled().len() > before {
            self.log.note(false);
        }
        polled
    }
}

impl AsyncWrite for WatchedWire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.log.note(true);
        Pin::new(&mut self.wire).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(context)
    }
}

/// Switching one outlet of a strip, and reading back where it is.
async fn switching(latency_ms: u64, class: &str) -> Vec<Duration> {
    let fleet = Fleet::start(1, latency_ms).await;
    let home = Home::start(&fleet, class, NEVER, Arc::new(Sockets)).await;
    // What is learned once about a plug is learned.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = fleet.tally().await.requests;
    let mut times = Vec::new();
    for at in 0..SWITCHES {
        let (to, id) = (position(at), outlet(0, 1));
        let start = Instant::now();
        home.command(Target::Outlet(id.clone()), to).await;
        home.until(|house| {
            house.outlets.get(&id).is_some_and(|it| it.answered == it.commanded && it.switch() == Some(to))
        })
        .await;
        times.push(start.elapsed());
    }
    let requests = (fleet.tally().await.requests - before) as f64 / SWITCHES as f64;
    row(&format!("ours, {class}"), &mut times, requests);
    home.stop().await;
    times
}

/// Ours by the wire alone: from the first byte of a poll to the last.
async fn polling(latency_ms: u64) {
    let fleet = Fleet::start(1, latency_ms).await;
    let wire = Watched::default();
    let every = Duration::from_millis(100 + 8 * latency_ms);
    let home = Home::start(&fleet, "generic", every, Arc::new(wire.clone())).await;
    home.command(everything(), Switch::On).await;
    home.until(all_are(Switch::On)).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    wire.0.lock().unwrap().clear();
    tokio::time::sleep(every * u32::try_from(POLLS).unwrap()).await;
    let bursts = wire.bursts(every / 4);
    let mean = bursts.iter().map(|it| it.1).sum::<usize>() as f64 / bursts.len() as f64;
    let mut times: Vec<_> = bursts.into_iter().map(|it| it.0).collect();
    row("ours", &mut times, mean);
    home.stop().await;
}

async fn one_strip(latency_ms: u64) {
    let fleet = Fleet::start(1, latency_ms).await;
    let address = fleet.addresses().remove(0);
    let strip = tapo(&address).await;
    let ids = children(&strip).await;
    let mut bare = Bare::login(&address).await;
    let kasa = Kasa::start(&fleet, &["--switches", "300", "--polls", "100"]);
    let kasa = match kasa {
        Some(it) => Some(it.run(&fleet).await),
        None => None,
    };

    println!("\n-- one P210M that takes {latency_ms} ms to answer: switch and read back; median / p95 / p99");
    let child = &ids[0];
    let mut floor = bare.time((0..SWITCHES).map(|at| vec![relay(child, at % 2 == 0), list()])).await;
    row("floor: two bare exchanges", &mut floor, 2.0);
    switching(latency_ms, "generic").await;
    switching(latency_ms, "heater").await;
    let mut times = Vec::new();
    for at in 0..SWITCHES {
        let start = Instant::now();
        let plug = strip.plug_unchecked(child);
        if at % 2 == 0 {
            plug.on().await.unwrap()
        } else {
            plug.off().await.unwrap()
        }
        strip.get_child_device_list_json().await.unwrap();
        times.push(start.elapsed());
    }
    row("tapo crate: on or off, child list", &mut times, 2.0);
    if let Some([(switches, requests), ..]) = &kasa {
        row("python-kasa: turn_on or turn_off, update", &mut switches.clone(), *requests);
    }

    println!("\n-- one P210M that takes {latency_ms} ms to answer: full poll with power and energy of both outlets");
    let mut floor = bare.time((0..POLLS).map(|_| vec![list(), meters(&ids[0]), meters(&ids[1])])).await;
    row("floor: three bare exchanges", &mut floor, 3.0);
    polling(latency_ms).await;
    let (mut times, before) = (Vec::new(), fleet.tally().await.requests);
    for _ in 0..POLLS {
        let start = Instant::now();
        strip.get_child_device_list_json().await.unwrap();
        for id in &ids {
            let plug = strip.plug_unchecked(id);
            // It cannot read the answer to `get_emeter_data`, which has voltage and current too.
            plug.get_current_power().await.unwrap();
            plug.get_energy_usage().await.unwrap();
        }
        times.push(start.elapsed());
    }
    let requests = (fleet.tally().await.requests - before) as f64 / POLLS as f64;
    row("tapo crate: child list, power, energy", &mut times, requests);
    if let Some([_, (polls, requests), _]) = &kasa {
        row("python-kasa: update", &mut polls.clone(), *requests);
    }
}

/// Everybody is asked at once; the round is over when the last has answered.
async fn many(count: u16, latency_ms: u64) {
    println!(
        "\n-- {count} P210M that take {latency_ms} ms to answer: a look at each; median / p95 / p99 of {ROUNDS} rounds"
    );
    let fleet = Fleet::start(count, latency_ms).await;
    let devices = f64::from(count);
    let home = Home::start(&fleet, "generic", NEVER, Arc::new(Sockets)).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (mut times, before) = (Vec::new(), fleet.tally().await.requests);
    for _ in 0..ROUNDS {
        times.push(home.look_at_all(usize::from(count)).await);
    }
    let requests = (fleet.tally().await.requests - before) as f64 / devices / ROUNDS as f64;
    row("ours, from the asking to the hub", &mut times, requests);
    home.stop().await;

    let mut strips = Vec::new();
    for address in fleet.addresses() {
        strips.push(Arc::new(tapo(&address).await));
    }
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let (mut round, start) = (JoinSet::new(), Instant::now());
        for strip in &strips {
            let strip = Arc::clone(strip);
            round.spawn(async move { strip.get_child_device_list_json().await.unwrap() });
        }
        round.join_all().await;
        times.push(start.elapsed());
    }
    row("tapo crate: child list", &mut times, 1.0);
    drop(strips);
    if let Some(kasa) = Kasa::start(&fleet, &["--rounds", "5"]) {
        let [.., (mut rounds, requests)] = kasa.run(&fleet).await;
        row("python-kasa: update, all at once", &mut rounds, requests / devices);
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine before: {}", load.trim());
    let start = Instant::now();
    for latency_ms in [0, 40] {
        one_strip(latency_ms).await;
    }
    for count in [100, 1000] {
        many(count, 40).await;
    }
    println!("\nin all: {:.0} s", millis(start.elapsed()) / 1000.0);
}
