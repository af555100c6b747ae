//! What is counted about a device.

use std::time::Duration;

use heattrax::{
    emulator::{Fault, Model},
    hub::{Counted, Operation, WITHIN_MS},
    model::Switch,
};

use crate::bench::{Bench, Setup, plug, porch, wanted};

fn counted(bench: &Bench, operation: Operation) -> Counted {
    bench.vitals.of(&porch()).of(operation).counted()
}

#[tokio::test]
async fn every_request_is_counted_with_its_time() {
    let plug = plug(Model::P210M).await;
    plug.set_fault(Fault::Latency(Duration::from_millis(30)));
    let mut bench = Setup::of(&plug).start();
    bench.reported(1, Switch::Off).await;
    bench.order(wanted(&[(1, Switch::On)], 1));
    bench.reported(1, Switch::On).await;
    let connects = counted(&bench, Operation::Connect);
    assert_eq!((connects.done, connects.failed), (1, 0));
    let switches = counted(&bench, Operation::Switch);
    assert_eq!((switches.done, switches.failed), (1, 0));
    assert!(switches.took >= Duration::from_millis(30), "{switches:?}");
    assert_eq!(switches.last, Some(switches.took));
    // None was as quick as 25 ms, all are within the longest interval, and each interval holds those before it.
    assert_eq!(switches.within[2], 0, "{switches:?}");
    assert_eq!(switches.within[WITHIN_MS.len() - 1], 1);
    assert!(switches.within.is_sorted());
    assert!(counted(&bench, Operation::Poll).done > 0);
    assert_eq!(bench.vitals.of(&porch()).lost(), 0);
    bench.stop().await;
}

#[tokio::test]
async fn what_was_not_answered_is_counted_as_failed_and_a_loss_once() {
    let plug = plug(Model::P210M).await;
    let mut bench = Setup::of(&plug).start();
    bench.reported(1, Switch::Off).await;
    plug.set_fault(Fault::Drop);
    bench.lost().await;
    assert!(counted(&bench, Operation::Poll).failed > 0 || counted(&bench, Operation::Meter).failed > 0);
    assert_eq!(bench.vitals.of(&porch()).lost(), 1);
    bench.stop().await;
}
