//! Sessions end, devices vanish and come back.

use std::time::{Duration, Instant};

use heattrax::{
    emulator::{Fault, Model},
    model::{Cause, Event, Switch},
};

use crate::bench::{Setup, is_passing, plug, wanted};

fn is_lost(event: &Event) -> bool {
    matches!(event, Event::DeviceLost { .. })
}

#[tokio::test]
async fn a_press_that_coincides_with_the_end_of_the_session_is_no_matter_of_the_past() {
    for model in [Model::P210M, Model::P110m] {
        let plug = plug(model).await;
        let mut setup = Setup::of(&plug);
        setup.orders = wanted(&[(1, Switch::On)], 0);
        let mut bench = setup.start();
        bench.reported(1, Switch::On).await;
        bench.caused(1, Cause::Polled).await;
        // As the vendor's app does it: its login ends ours.
        plug.expire_sessions();
        assert!(plug.press(1));
        let seen = bench
            .first("the press", |it| match it {
                event if is_lost(event) => Some(None),
                Event::DeviceReported { reports, .. } if reports[0].switch == Switch::Off => {
                    Some(Some(reports[0].cause))
                }
                _ => None,
            })
            .await;
        assert_eq!(seen, Some(Cause::Polled), "{model:?}");
        assert_eq!(plug.counts().logins, 2, "{model:?}");
        // The hub follows the person, and so does the task.
        bench.order(wanted(&[(1, Switch::Off)], 0));
        bench.heard_within(Duration::from_millis(500)).await;
        assert!(!plug.relay(1), "{model:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn after_a_request_that_went_wrong_a_new_session_is_a_first_contact() {
    for fault in [Fault::Drop, Fault::BrokenJson, Fault::Status(500)] {
        let plug = plug(Model::Ep40m).await;
        let mut bench = Setup::of(&plug).start();
        bench.caused(1, Cause::FirstContact).await;
        bench.caused(1, Cause::Polled).await;
        // Once it is known that there are no meters, only looks are left.
        bench.heard_within(Duration::from_millis(500)).await;
        // It may have been without power between the two.
        plug.set_fault_for(fault.clone(), 1);
        let before = plug.counts().requests;
        while plug.counts().requests == before {
            tokio::task::yield_now().await;
        }
        plug.expire_sessions();
        let next = bench
            .first("report over a new session", |it| match it {
                Event::DeviceReported { reports, .. } if plug.counts().logins > 1 => Some(reports[0].cause),
                event => is_lost(event).then(|| panic!("{fault:?}: lost")),
            })
            .await;
        assert_eq!(next, Cause::FirstContact, "{fault:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_switch_that_meets_an_expired_session_is_done_after_a_look() {
    let plug = plug(Model::Ep40m).await;
    let mut setup = Setup::of(&plug);
    setup.settings.poll_every = Duration::from_secs(3600);
    let mut bench = setup.start();
    bench.caused(1, Cause::FirstContact).await;
    plug.expire_sessions();
    bench.order(wanted(&[(2, Switch::On)], 1));
    let first = bench.reports().await;
    assert!(first.iter().all(|it| it.cause == Cause::Polled && it.switch == Switch::Off), "{first:?}");
    let report = bench.reported(2, Switch::On).await;
    assert_eq!((report.cause, report.answers), (Cause::Switched, 1));
    bench.stop().await;
}

#[tokio::test]
async fn a_device_that_vanishes_is_lost_once_and_reports_when_it_is_back() {
    let plug = plug(Model::P210M).await;
    let mut bench = Setup::of(&plug).start();
    bench.caused(1, Cause::FirstContact).await;
    plug.vanish().await;
    let trouble = bench.lost().await;
    assert!(is_passing(&trouble));
    let address = plug.address();
    assert_eq!(
        trouble.text,
        format!(
            "Porch at {address} cannot be reached: port {} is closed ({address} refused the connection); is it powered, and \
             is this its address?",
            address.port()
        )
    );
    let heard = bench.heard_within(Duration::from_millis(1500)).await;
    assert!(heard.is_empty(), "{heard:?}");
    assert!(plug.press(2));
    plug.come_back().await.unwrap();
    assert_eq!(bench.housing().await.mac, plug.mac());
    let reports = bench.reports().await;
    assert!(reports.iter().all(|it| it.cause == Cause::FirstContact), "{reports:?}");
    assert_eq!(reports[1].switch, Switch::On);
    bench.stop().await;
}

#[tokio::test]
async fn new_orders_wake_the_search_but_not_more_than_once_a_second() {
    let plug = plug(Model::P100).await;
    let mut bench = Setup::of(&plug).start();
    bench.caused(1, Cause::FirstContact).await;
    plug.vanish().await;
    bench.lost().await;
    // Let the pauses grow to several seconds.
    bench.heard_within(Duration::from_secs(6)).await;
    plug.come_back().await.unwrap();
    let came_back = Instant::now();
    bench.order(wanted(&[(1, Switch::On)], 1));
    bench.reported(1, Switch::On).await;
    assert!(came_back.elapsed() < Duration::from_millis(2500), "{:?}", came_back.elapsed());
    bench.stop().await;
}

#[tokio::test]
async fn an_on_of_ours_whose_answer_never_came_is_ours_after_a_reconnect_too() {
    let plug = plug(Model::P100).await;
    let mut setup = Setup::of(&plug);
    setup.settings.poll_every = Duration::from_secs(3600);
    let mut bench = setup.start();
    bench.caused(1, Cause::FirstContact).await;
    plug.set_fault(Fault::DropAfter);
    bench.order(wanted(&[(1, Switch::On)], 1));
    let (_, to, trouble) = bench.switch_failed().await;
    assert_eq!(to, Switch::On);
    assert!(trouble.text.starts_with(&format!("Porch at {} cannot be reached", plug.address())), "{}", trouble.text);
    bench.lost().await;
    plug.clear_faults();
    let report = bench.reports().await;
    assert_eq!((report[0].switch, report[0].cause), (Switch::On, Cause::Switched));
    bench.stop().await;
}

#[tokio::test]
async fn a_device_that_never_answers_is_given_up_within_the_deadline() {
    let plug = plug(Model::P210M).await;
    let mut setup = Setup::of(&plug);
    setup.settings.timeout = Duration::from_millis(400);
    let mut bench = setup.start();
    bench.caused(1, Cause::FirstContact).await;
    plug.set_fault(Fault::Hang);
    let began = Instant::now();
    let trouble = bench.lost().await;
    assert_eq!(trouble.text, format!("Porch at {} did not answer within 0.4 s", plug.address()));
    assert!(is_passing(&trouble));
    // Two tries with a breath between them, and the poll before.
    assert!(began.elapsed() < Duration::from_millis(2500), "{:?}", began.elapsed());
    plug.clear_faults();
    bench.caused(1, Cause::FirstContact).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_single_hiccup_is_no_loss() {
    for fault in
        [Fault::Drop, Fault::DropAfter, Fault::Garbage, Fault::BrokenJson, Fault::Status(429), Fault::Status(500)]
    {
        let plug = plug(Model::P210M).await;
        let mut bench = Setup::of(&plug).start();
        bench.caused(1, Cause::FirstContact).await;
        plug.set_fault_for(fault.clone(), 1);
        // Reports go on, and the loss would have come before the third of them.
        for _ in 0..3 {
            let lost = bench
                .first("report or loss", |it| match it {
                    Event::DeviceReported { .. } => Some(false),
                    event => is_lost(event).then_some(true),
                })
                .await;
            assert!(!lost, "{fault:?}");
        }
        bench.stop().await;
    }
}

#[tokio::test]
async fn two_programs_on_one_session_do_not_lose_the_device() {
    let plug = plug(Model::P210M).await;
    plug.set_fault(Fault::SingleSession);
    let mut bench = Setup::of(&plug).start();
    let mut other = Setup::of(&plug).start();
    bench.caused(1, Cause::FirstContact).await;
    other.caused(1, Cause::FirstContact).await;
    let heard = bench.heard_within(Duration::from_secs(3)).await;
    assert!(!heard.iter().any(is_lost), "{heard:?}");
    // Neither throws the other out more than once a second.
    assert!(plug.counts().logins <= 12, "{:?}", plug.counts());
    bench.order(wanted(&[(1, Switch::On)], 1));
    bench.reported(1, Switch::On).await;
    bench.stop().await;
    other.stop().await;
}
