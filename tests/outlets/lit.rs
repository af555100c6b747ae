//! The light on a housing.

use heattrax::{
    emulator::{Fault, Model},
    model::{Event, Orders, Switch},
};

use crate::bench::{Bench, Setup, plug, wanted};

async fn lit(bench: &mut Bench, on: Option<bool>) {
    bench
        .first("such a light", |it| match it {
            Event::DeviceIdentified { housing, .. } => (housing.led == on).then_some(()),
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn it_is_what_the_device_says_and_is_switched_by_an_order() {
    let plug = plug(Model::P210M).await;
    let mut bench = Setup::of(&plug).start();
    lit(&mut bench, Some(true)).await;
    bench.order(Orders { led: Some((false, 1)), ..wanted(&[(1, Switch::Off)], 0) });
    lit(&mut bench, Some(false)).await;
    bench.order(Orders { led: Some((true, 2)), ..wanted(&[(1, Switch::Off)], 0) });
    lit(&mut bench, Some(true)).await;
    bench.stop().await;
}

#[tokio::test]
async fn one_that_cannot_be_switched_is_told_of_and_does_not_hold_the_outlets_up() {
    let plug = plug(Model::P210M).await;
    plug.set_fault(Fault::MethodError { method: "set_led_info".to_owned(), code: -1008 });
    let mut bench = Setup::of(&plug).start();
    lit(&mut bench, Some(true)).await;
    bench.order(Orders { led: Some((false, 1)), ..wanted(&[(1, Switch::On)], 1) });
    bench.reported(1, Switch::On).await;
    let told = bench.notices.recv().await.unwrap();
    assert!(told.message.contains("the light of") && told.message.contains("cannot be switched off"), "{told:?}");
    bench.stop().await;
}

#[tokio::test]
async fn a_device_without_one_has_none() {
    let plug = plug(Model::P210M).await;
    plug.set_fault(Fault::MethodError { method: "get_led_info".to_owned(), code: -1010 });
    let mut bench = Setup::of(&plug).start();
    let housing = bench.metered_housing().await;
    assert_eq!(housing.led, None);
    bench.order(wanted(&[(1, Switch::On)], 1));
    bench.reported(1, Switch::On).await;
    bench.stop().await;
}

#[tokio::test]
async fn what_was_wanted_of_it_before_the_task_began_is_not_done_again() {
    let plug = plug(Model::P210M).await;
    let mut setup = Setup::of(&plug);
    setup.orders.led = Some((false, 3));
    let mut bench = setup.start();
    lit(&mut bench, Some(true)).await;
    bench.order(Orders { led: Some((false, 4)), ..wanted(&[(1, Switch::Off)], 0) });
    lit(&mut bench, Some(false)).await;
    bench.stop().await;
}
