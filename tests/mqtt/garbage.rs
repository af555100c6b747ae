//! A broker that welcomes us and then sends what no broker would: nothing falls over, nothing is switched, and the next connection
//! is made. `HEATTRAX_GARBAGE_CASES` tries more, `HEATTRAX_GARBAGE_SEED` others.

use std::time::Duration;

use heattrax::model::{Event, Protocol};

use crate::{
    byhand::{ByHand, CONNECT, PUBLISH, SUBSCRIBE},
    house::{house, identity, settings},
    peer::Bridge,
};

const AT_ONCE: u64 = 16;

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(otherwise)
}

/// A packet with all that it needs, on a topic that is none of ours.
fn whole(random: &mut fastrand::Rng, level: u8) -> Vec<u8> {
    let mut body = [&[0, 3][..], b"x/y"].concat();
    body.extend((level == 5).then_some(0));
    body.extend((0..random.usize(..100)).map(|_| random.u8(..)));
    [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()
}

/// Noise, half a packet, one with a wrong length, one with wrong bytes in it, or an answer to what was not asked.
fn garbage(random: &mut fastrand::Rng, level: u8) -> Vec<u8> {
    let mut packet = whole(random, level);
    match random.u8(..5) {
        0 => (0..random.usize(1..300)).map(|_| random.u8(..)).collect(),
        1 => packet[..random.usize(1..packet.len())].to_vec(),
        2 => {
            let length = [random.u8(..), random.u8(..), random.u8(..), random.u8(..)];
            [&packet[..1], &length[..random.usize(1..=4)], &packet[2..]].concat()
        }
        3 => {
            for _ in 0..random.usize(1..5) {
                let at = random.usize(..packet.len());
                packet[at] = random.u8(..);
            }
            packet
        }
        _ => vec![random.u8(4..16) << 4, 2, random.u8(..), random.u8(..)],
    }
}

async fn one(seed: u64) {
    let protocol = if seed.is_multiple_of(2) { Protocol::V5 } else { Protocol::V4 };
    let mut broker = ByHand::start(move |got| {
        let mut random = fastrand::Rng::with_seed(seed);
        match got.kind() {
            SUBSCRIBE if got.connection == 0 => Some(garbage(&mut random, got.level)),
            // Whoever waits for the rest of a packet is hung up on.
            PUBLISH if got.connection == 0 && got.topic() == "heattrax/vacation" => None,
            _ => Some(got.welcome()),
        }
    })
    .await;
    let mut settings = settings(broker.address.port());
    settings.protocol = protocol;
    let mut bridge = Bridge::with(settings, identity(), house());
    broker.wait(&format!("the second connection (seed {seed})"), |it| it.connection == 1 && it.kind() == CONNECT).await;
    broker
        .wait("all of it", |it| it.connection == 1 && it.kind() == PUBLISH && it.topic() == "heattrax/vacation")
        .await;
    assert!(!bridge.task.is_finished(), "the room ended (seed {seed})");
    let commanded = std::iter::from_fn(|| bridge.events.try_recv().ok()).any(|it| matches!(it, Event::Commanded(_)));
    assert!(!commanded, "nobody commanded anything (seed {seed})");
    bridge.stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), bridge.task).await.expect("it stops").unwrap();
}

#[tokio::test]
async fn garbage_from_the_broker_costs_a_connection_and_nothing_else() {
    let first = from_environment("HEATTRAX_GARBAGE_SEED", 0);
    let seeds: Vec<u64> = (first..first + from_environment("HEATTRAX_GARBAGE_CASES", 48)).collect();
    for some in seeds.chunks(usize::try_from(AT_ONCE).unwrap()) {
        let mut cases = tokio::task::JoinSet::new();
        some.iter().for_each(|seed| drop(cases.spawn(one(*seed))));
        while let Some(done) = cases.join_next().await {
            done.unwrap();
        }
    }
}
