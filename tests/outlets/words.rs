//! What people read when a device does not do as it should: its name, its address, the cause, what to do.

use std::time::Duration;

use heattrax::{
    emulator::{Fault, Model},
    model::{Cause, Switch, TroubleKind},
};
use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpListener};

use crate::bench::{Setup, plug, wanted};

#[tokio::test]
async fn each_trouble_is_named_with_the_device_the_address_and_what_to_do() {
    let table = [
        (
            Fault::OtherAccount,
            TroubleKind::NeedsPerson,
            "does not accept this account (e-mail and password are case-sensitive; use those of the Tapo app, with which the \
             plug was set up)",
        ),
        (
            Fault::HandshakeForbidden,
            TroubleKind::NeedsPerson,
            "refuses local control: Third-Party Compatibility is off: Tapo app > Me > Third-Party Services, switch it on (or \
             off and on again)",
        ),
        (Fault::Garbage, TroubleKind::Passing, "gives answers that are not understood: "),
        (Fault::BrokenJson, TroubleKind::Passing, "gives answers that are not understood: "),
        (Fault::Status(500), TroubleKind::Passing, "gives answers that are not understood: HTTP status 500"),
        (Fault::Drop, TroubleKind::Passing, "cannot be reached on port "),
        (
            Fault::MethodError { method: "get_device_info".to_owned(), code: -1003 },
            TroubleKind::Passing,
            "says no: error -1003: it cannot read the question",
        ),
        (
            Fault::MethodError { method: "get_child_device_list".to_owned(), code: -1002 },
            TroubleKind::NeedsPerson,
            "has no outlets that could be switched (it calls itself `P210M`)",
        ),
        (
            Fault::WithoutField("child_device_list".to_owned()),
            TroubleKind::Passing,
            "gives answers that are not understood: there is no list of outlets",
        ),
        (
            Fault::WithoutField("mac".to_owned()),
            TroubleKind::Passing,
            "gives answers that are not understood: it does not say its MAC address",
        ),
    ];
    for (fault, kind, text) in table {
        let plug = plug(Model::P210M).await;
        plug.set_fault(fault.clone());
        let mut bench = Setup::of(&plug).start();
        let trouble = bench.lost().await;
        let expected = format!("Porch at {} {text}", plug.address());
        assert!(trouble.text.starts_with(&expected), "{fault:?}: {}", trouble.text);
        assert_eq!(trouble.kind, kind, "{fault:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn a_wrong_account_is_not_tried_again_soon_and_not_for_new_orders_either() {
    for fault in [Fault::OtherAccount, Fault::HandshakeForbidden] {
        let plug = plug(Model::P210M).await;
        // The next login would work.
        plug.set_fault_for(fault.clone(), 1);
        let mut bench = Setup::of(&plug).start();
        assert_eq!(bench.lost().await.kind, TroubleKind::NeedsPerson);
        bench.order(wanted(&[(1, Switch::On)], 1));
        assert_eq!(bench.heard_within(Duration::from_millis(1500)).await, [], "{fault:?}");
        assert_eq!(plug.counts().logins, 0, "{fault:?}");
        bench.stop().await;
    }
}

#[tokio::test]
async fn the_account_is_compared_to_the_letter() {
    let plug = plug(Model::P210M).await;
    let mut setup = Setup::of(&plug);
    setup.credentials.username = "User@example.com".to_owned();
    let mut bench = setup.start();
    let trouble = bench.lost().await;
    assert!(trouble.text.contains("case-sensitive") && !trouble.text.contains("hunter2"), "{}", trouble.text);
    bench.stop().await;
}

#[tokio::test]
async fn a_cause_that_changes_is_told_again() {
    let plug = plug(Model::P100).await;
    plug.vanish().await;
    let mut bench = Setup::of(&plug).start();
    assert!(bench.lost().await.text.contains("is closed"));
    plug.set_fault(Fault::Status(429));
    plug.come_back().await.unwrap();
    assert!(bench.lost().await.text.contains("HTTP status 429"));
    plug.clear_faults();
    bench.caused(1, Cause::FirstContact).await;
    bench.stop().await;
}

#[tokio::test]
async fn what_does_not_speak_http_is_not_understood() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let babble = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
        }
    });
    let mut bench = Setup::at(port).start();
    let trouble = bench.lost().await;
    assert!(
        trouble.text.starts_with(&format!("Porch at 127.0.0.1:{port} gives answers that are not understood")),
        "{}",
        trouble.text
    );
    bench.stop().await;
    babble.abort();
}

#[tokio::test]
async fn a_name_that_cannot_be_found_is_said() {
    let mut setup = Setup::at(80);
    setup.settings.address.host = "no-such-plug.invalid".to_owned();
    let mut bench = setup.start();
    let text = bench.lost().await.text;
    assert!(text.starts_with("Porch at no-such-plug.invalid:80 "), "{text}");
    bench.stop().await;
}
