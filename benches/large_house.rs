//! A house that is larger than any: 500 dual plugs. What the bridge takes of the machine while nothing happens, and how long it
//! takes until all 1,000 outlets are on when a storm begins.
//!
//! The plugs live in a process of their own, and so does the broker: mosquitto where it is installed, else the embedded one in
//! the benchmark's process. The bridge is the real program with its default settings.
//!
//! `cargo bench --bench large_house` or `cargo bench --bench large_house -- storm`
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
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use heattrax::{model::Switch, outlets::Sockets};
use rig::{
    Fleet, Home, PATIENCE, all_are, everything,
    house::{AnyBroker, bridge, listener, say_log},
    millis,
};
use rumqttc::v5::{
    AsyncClient,
    mqttbytes::{QoS, v5::Publish},
};
use tokio::{sync::mpsc, time::timeout};

const PLUGS: u16 = 500;
const OUTLETS: usize = 2 * PLUGS as usize;
/// The bridge is left to itself for this long before it is watched, and watched for so long.
const SETTLES: Duration = Duration::from_secs(20);
const WATCHED: Duration = Duration::from_secs(60);
const STORMS: usize = 5;
/// The default time between two looks.
const POLL: Duration = Duration::from_secs(5);

/// Who listens to the whole house.
struct Peer {
    client: AsyncClient,
    incoming: mpsc::UnboundedReceiver<Publish>,
}

impl Peer {
    async fn new(broker: SocketAddr) -> Self {
        // States alone: `heattrax/<device>/<slot>`.
        let (client, incoming) = listener(broker, "peer", &["heattrax/+/+"]).await;
        Self { client, incoming }
    }

    async fn all_say(&mut self, state: &str) {
        let needle = format!("\"state\":\"{state}\"");
        let all = async {
            let mut said = BTreeSet::new();
            while said.len() < OUTLETS {
                let message = self.incoming.recv().await.unwrap();
                let topic = String::from_utf8_lossy(&message.topic).into_owned();
                let is_outlet = topic.ends_with("/1") || topic.ends_with("/2");
                if is_outlet && String::from_utf8_lossy(&message.payload).contains(&needle) {
                    said.insert(topic);
                }
            }
        };
        timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("not every outlet says {state}"));
    }

    async fn command(&self, state: &str) {
        self.client.publish("heattrax/group/all/set", QoS::AtMostOnce, false, state.to_owned()).await.unwrap();
    }
}

async fn at_rest() {
    let fleet = Fleet::start(PLUGS, 0).await;
    let broker = AnyBroker::start().await;
    println!("\n-- {PLUGS} P210M, every second outlet on, polled as by default, over {}", broker.name());
    for device in 1..=PLUGS {
        fleet.panel(&format!("POST /press?device={device}&slot=1")).await;
    }
    let mut peer = Peer::new(broker.address()).await;
    let start = Instant::now();
    let bridge = bridge(&fleet, "generic", broker.address());
    let mut said = BTreeSet::new();
    while said.len() < OUTLETS {
        let message = timeout(PATIENCE, peer.incoming.recv()).await.unwrap().unwrap();
        if message.topic.ends_with(b"/1") || message.topic.ends_with(b"/2") {
            said.insert(message.topic);
        }
    }
    println!("start to the last outlet's state: {:.0} ms", millis(start.elapsed()));
    tokio::time::sleep(SETTLES).await;
    println!("CPU until then: {:.2} s in {:.0} s", bridge.cpu().as_secs_f64(), start.elapsed().as_secs_f64());
    while peer.incoming.try_recv().is_ok() {}
    let (cpu, before, watched) = (bridge.cpu(), fleet.tally().await, Instant::now());
    tokio::time::sleep(WATCHED).await;
    let share = (bridge.cpu() - cpu).as_secs_f64() / watched.elapsed().as_secs_f64();
    let requests = (fleet.tally().await.requests - before.requests) as f64 / watched.elapsed().as_secs_f64();
    let mut messages = 0;
    while peer.incoming.try_recv().is_ok() {
        messages += 1;
    }
    println!("CPU of the bridge: {:.1} % of one core (aim: < 25 %)", share * 100.0);
    println!(
        "memory: {:.1} MiB resident, {:.1} MiB at most (aim: < 64 MiB)",
        bridge.memory("VmRSS"),
        bridge.memory("VmHWM")
    );
    println!(
        "requests: {requests:.0} a second; states published: {:.0} a second",
        f64::from(messages) / WATCHED.as_secs_f64()
    );
    println!("relays on: {}", fleet.tally().await.relays_on);
    say_log(&fleet);
}

/// From the group's command to the last of 1,000 states: over the broker, and on the board alone.
async fn storm(latency_ms: u64) {
    let fleet = Fleet::start(PLUGS, latency_ms).await;
    let broker = AnyBroker::start().await;
    println!(
        "\n-- the storm begins: {OUTLETS} heaters with timers on their plugs, which take {latency_ms} ms to answer"
    );
    let mut peer = Peer::new(broker.address()).await;
    let bridge = bridge(&fleet, "heater", broker.address());
    peer.all_say("OFF").await;
    tokio::time::sleep(SETTLES).await;
    let (mut ons, mut offs) = (Vec::new(), Vec::new());
    for _ in 0..STORMS {
        for (state, times) in [("ON", &mut ons), ("OFF", &mut offs)] {
            let (start, cpu) = (Instant::now(), bridge.cpu());
            peer.command(state).await;
            peer.all_say(state).await;
            times.push(start.elapsed());
            let on = fleet.tally().await.relays_on;
            assert_eq!(on, if state == "ON" { OUTLETS } else { 0 });
            println!(
                "real program, {state}: all confirmed and published after {:.0} ms, CPU {:.0} ms",
                millis(start.elapsed().min(times[times.len() - 1])),
                millis(bridge.cpu() - cpu)
            );
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    }
    ons.sort();
    offs.sort();
    println!(
        "real program: ON median {:.0} ms, most {:.0} ms; OFF median {:.0} ms, most {:.0} ms (aim: ON < 2000 ms)",
        millis(ons[STORMS / 2]),
        millis(ons[STORMS - 1]),
        millis(offs[STORMS / 2]),
        millis(offs[STORMS - 1])
    );
    println!("memory: {:.1} MiB resident, {:.1} MiB at most", bridge.memory("VmRSS"), bridge.memory("VmHWM"));
    say_log(&fleet);
    drop(bridge);

    let home = Home::start(&fleet, "heater", POLL, Arc::new(Sockets)).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = fleet.tally().await.requests;
    let start = Instant::now();
    home.command(everything(), Switch::On).await;
    home.until(all_are(Switch::On)).await;
    let took = start.elapsed();
    let requests = (fleet.tally().await.requests - before) as f64 / f64::from(PLUGS);
    println!("the board alone, without a broker: ON after {:.0} ms, {requests:.1} requests per plug", millis(took));
    home.stop().await;
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let only: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|it| it == name);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine before: {}", load.trim());
    if wanted("rest") {
        at_rest().await;
    }
    if wanted("storm") {
        for latency_ms in [0, 40] {
            storm(latency_ms).await;
        }
    }
}
