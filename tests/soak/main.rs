//! Days of random faults, in the runtime's time: the real control, hub and device tasks against emulated plugs, and a witness who looks
//! at the plugs' own logs.
//!
//! `HEATTRAX_SOAK_SEEDS=1,2,3 HEATTRAX_SOAK_HOURS=720 cargo test --release --test soak` goes on for longer. A failure names its seed.
//! The same over real sockets, in real time: a few seconds, or as many as `HEATTRAX_SOAK_SECONDS` says; from two minutes on it ends
//! with a calm in which everything has to come right.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, missing_docs, reason = "tests")]

mod air;
mod chaos;
mod town;
mod wires;
mod witness;

use std::{env, time::Duration};

use crate::{
    chaos::{Chaos, Measure},
    town::{Town, Way},
    witness::Witness,
};

/// A spell of faults, and the calm after it, in which everything has to come right.
const SPELL: Duration = Duration::from_secs(2 * 3600);
/// The longest pause of the bridge is that after a lock, up to 13 minutes; then two looks.
const CALM: Duration = Duration::from_secs(20 * 60);
/// How often the witness looks.
const LOOK: Duration = Duration::from_secs(5);

fn numbers(name: &str, otherwise: &[u64]) -> Vec<u64> {
    let given = env::var(name).unwrap_or_default();
    let given: Vec<_> = given.split(',').filter_map(|it| it.trim().parse().ok()).collect();
    if given.is_empty() { otherwise.to_vec() } else { given }
}

/// Lives through all that with one seed. Says how many faults there were.
async fn live(seed: u64, length: Duration) -> u64 {
    fastrand::seed(seed);
    let town = Town::new(Way::Memory).await;
    let mut witness = Witness::new(&town);
    let mut chaos = Chaos::new(Measure::DAYS);
    let begin = tokio::time::Instant::now();
    while begin.elapsed() < length {
        let spell = tokio::time::Instant::now();
        while spell.elapsed() < SPELL {
            chaos.strikes(&town).await;
            tokio::time::sleep(LOOK).await;
            witness.looks(&town, &chaos);
        }
        chaos.ends(&town).await;
        let calm = tokio::time::Instant::now();
        while calm.elapsed() < CALM {
            tokio::time::sleep(LOOK).await;
            witness.looks(&town, &chaos);
        }
        witness.finds_agreement(&town);
    }
    witness.reads_the_logs(&town, &chaos.wishes);
    chaos.strikes
}

fn runs(seed: u64, hours: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let started = std::time::Instant::now();
    let length = Duration::from_secs(hours * 3600);
    let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(live(seed, length))));
    match lived {
        Ok(faults) => eprintln!("seed {seed}: {hours} hours, {faults} faults in {:.1?}", started.elapsed()),
        Err(cause) => {
            eprintln!("HEATTRAX_SOAK_SEEDS={seed} HEATTRAX_SOAK_HOURS={hours}");
            std::panic::resume_unwind(cause);
        }
    }
}

#[test]
fn whatever_goes_wrong_for_days_no_heater_heats_longer_than_it_may() {
    let hours = numbers("HEATTRAX_SOAK_HOURS", &[7])[0];
    for seed in numbers("HEATTRAX_SOAK_SEEDS", &[1, 2]) {
        runs(seed, hours);
    }
}

/// Between two looks in real time.
const GLANCE: Duration = Duration::from_millis(250);
/// A life in real time ends with this calm if it is long enough: the longest pause of the bridge is a minute, and so is that between two
/// searches; then two looks.
const REST: Duration = Duration::from_secs(75);

/// Lives over real sockets. Says how many faults there were.
async fn live_on_wires(seed: u64, length: Duration) -> u64 {
    fastrand::seed(seed);
    let town = Town::new(Way::Sockets).await;
    let mut witness = Witness::new(&town);
    let mut chaos = Chaos::new(Measure::MINUTES);
    let calm = if length > REST * 3 / 2 { REST } else { Duration::ZERO };
    let begin = tokio::time::Instant::now();
    while begin.elapsed() < length - calm {
        chaos.strikes(&town).await;
        tokio::time::sleep(GLANCE).await;
        witness.looks(&town, &chaos);
    }
    chaos.ends(&town).await;
    let calming = tokio::time::Instant::now();
    while calming.elapsed() < calm {
        tokio::time::sleep(GLANCE).await;
        witness.looks(&town, &chaos);
    }
    if !calm.is_zero() {
        witness.finds_agreement(&town);
    }
    witness.reads_the_logs(&town, &chaos.wishes);
    chaos.strikes
}

#[test]
fn over_real_sockets_in_real_time_nothing_is_shown_that_was_not_so() {
    let seconds = numbers("HEATTRAX_SOAK_SECONDS", &[6])[0];
    let seed = numbers("HEATTRAX_SOAK_SEEDS", &[fastrand::u64(..)])[0];
    // Real time never comes twice, but the faults do.
    eprintln!("HEATTRAX_SOAK_SEEDS={seed} HEATTRAX_SOAK_SECONDS={seconds}");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let faults = runtime.block_on(live_on_wires(seed, Duration::from_secs(seconds)));
    eprintln!("{seconds} s over real sockets, {faults} faults");
}
