//! What 1,000 outlets are to a broker: how long it takes after Home Assistant's birth until all of them are announced again, and how
//! much is said while nothing happens.
//!
//! The floor of the first is a bare client that publishes the very same messages over the same broker to the same listener, in the
//! same run. A birth is answered after a pause of up to 0.9 s, lest all bridges answer at once: the pause is told apart.
//!
//! `cargo bench --bench announce`
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
    net::SocketAddr,
    time::{Duration, Instant},
};

use rig::{
    Fleet, PATIENCE,
    house::{AnyBroker, bridge, listener, say_log},
    millis,
};
use rumqttc::v5::mqttbytes::{QoS, v5::Publish};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

const PLUGS: u16 = 500;
const OUTLETS: usize = 2 * PLUGS as usize;
const SETTLES: Duration = Duration::from_secs(20);
const WATCHED: Duration = Duration::from_secs(120);
const BIRTHS: usize = 7;

type Incoming = mpsc::UnboundedReceiver<Publish>;

/// Housings, outlets, the group and the bridge.
const ANNOUNCED: usize = PLUGS as usize + OUTLETS + 2;

fn is_announcement(topic: &[u8]) -> bool {
    topic.starts_with(b"homeassistant/device/")
}

/// Until this many topics have been announced: when the first came, when the last, and what they said.
async fn announced(incoming: &mut Incoming, count: usize) -> (Instant, Instant, BTreeMap<Vec<u8>, Vec<u8>>) {
    let (mut said, mut first) = (BTreeMap::new(), None);
    let all = async {
        while said.len() < count {
            let message = incoming.recv().await.unwrap();
            if is_announcement(&message.topic) && !message.payload.is_empty() {
                first.get_or_insert_with(Instant::now);
                said.insert(message.topic.to_vec(), message.payload.to_vec());
            }
        }
    };
    timeout(PATIENCE, all).await.expect("everything is announced");
    (first.unwrap(), Instant::now(), said)
}

fn drain(incoming: &mut Incoming) -> (usize, usize) {
    let (mut messages, mut bytes) = (0, 0);
    while let Ok(message) = incoming.try_recv() {
        messages += 1;
        bytes += message.topic.len() + message.payload.len();
    }
    (messages, bytes)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The same messages from a bare client.
async fn floor(broker: SocketAddr, incoming: &mut Incoming, said: &BTreeMap<Vec<u8>, Vec<u8>>) -> Duration {
    let (client, _nothing) = listener(broker, "bare", &[]).await;
    let mut times = Vec::new();
    for _ in 0..BIRTHS {
        drain(incoming);
        let start = Instant::now();
        for (topic, payload) in said {
            let topic = String::from_utf8(topic.clone()).unwrap();
            client.publish(topic, QoS::AtLeastOnce, true, payload.clone()).await.unwrap();
        }
        announced(incoming, said.len()).await;
        times.push(start.elapsed());
        sleep(Duration::from_secs(1)).await;
    }
    median(times)
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine before: {}", load.trim());
    let fleet = Fleet::start(PLUGS, 0).await;
    let broker = AnyBroker::start().await;
    println!("-- {PLUGS} P210M, every second outlet on, over {}", broker.name());
    for device in 1..=PLUGS {
        fleet.panel(&format!("POST /press?device={device}&slot=1")).await;
    }
    let filters = ["heattrax/#", "homeassistant/#"];
    let (client, mut incoming) = listener(broker.address(), "peer", &filters).await;
    let start = Instant::now();
    let bridge = bridge(&fleet, "generic", broker.address());
    announced(&mut incoming, ANNOUNCED).await;
    println!("start to everything announced: {:.0} ms", millis(start.elapsed()));
    sleep(SETTLES).await;

    let (mut pauses, mut rounds, mut said) = (Vec::new(), Vec::new(), BTreeMap::new());
    for _ in 0..BIRTHS {
        drain(&mut incoming);
        let born = Instant::now();
        client.publish("homeassistant/status", QoS::AtLeastOnce, false, "online").await.unwrap();
        let (first, last, all) = announced(&mut incoming, ANNOUNCED).await;
        pauses.push(first - born);
        rounds.push(last - first);
        said = all;
        sleep(Duration::from_secs(3)).await;
    }
    let bytes: usize = said.iter().map(|(topic, payload)| topic.len() + payload.len()).sum();
    let (pause, round) = (median(pauses), median(rounds));
    println!("announcements: {} messages, {:.2} MB", said.len(), bytes as f64 / 1e6);
    println!(
        "birth to the first: {:.0} ms, of which most is the pause; first to last: {:.0} ms",
        millis(pause),
        millis(round)
    );

    while drain(&mut incoming) != (0, 0) {
        sleep(Duration::from_millis(200)).await;
    }
    sleep(SETTLES).await;
    drain(&mut incoming);
    let watched = Instant::now();
    sleep(WATCHED).await;
    let (messages, bytes) = drain(&mut incoming);
    let minutes = watched.elapsed().as_secs_f64() / 60.0;
    println!(
        "at rest: {:.0} messages and {:.0} kB a minute for the house, {:.2} messages an outlet",
        messages as f64 / minutes,
        bytes as f64 / 1e3 / minutes,
        messages as f64 / minutes / OUTLETS as f64
    );
    println!("memory: {:.1} MiB resident, {:.1} MiB at most", bridge.memory("VmRSS"), bridge.memory("VmHWM"));
    say_log(&fleet);
    drop(bridge);
    let floor = floor(broker.address(), &mut incoming, &said).await;
    println!(
        "the same messages from a bare client: {:.0} ms; ratio first to last: {:.2}",
        millis(floor),
        round.as_secs_f64() / floor.as_secs_f64()
    );
}
