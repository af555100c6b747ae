//! A device that has moved is found again, and no other one is switched.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use heattrax::{
    emulator::{Model, Plug, PlugOptions},
    model::{Mac, Pin, Switch},
    outlets::{
        Coming, Heard, Network, Sockets, Wire,
        finding::{Finder, Tongue},
    },
};
use serde_json::json;
use tokio::sync::Notify;

use crate::bench::{SOON, Setup, wanted};

/// Real connections, and answers to a search as a test wants them.
#[derive(Debug, Default)]
struct Town {
    heard: Vec<Heard>,
    asked: AtomicUsize,
    /// What a device answers that is asked alone, and who is told of that question.
    alone: Vec<Heard>,
    told: Notify,
}

impl Network for Town {
    fn dial(&self, target: String) -> Coming<Box<dyn Wire>> {
        Sockets.dial(target)
    }

    fn probe(&self, targets: Vec<String>, _: Vec<u8>, _: Duration) -> Coming<Vec<Heard>> {
        let everybody = targets.iter().any(|it| it.starts_with("255."));
        self.asked.fetch_add(usize::from(everybody), Ordering::Relaxed);
        let heard = if everybody { self.heard.clone() } else { self.alone.clone() };
        if !everybody {
            self.told.notify_one();
        }
        Box::pin(async move { Ok(heard) })
    }
}

/// Says that `mac` lives where `plug` is.
fn said(mac: Mac, plug: &Plug) -> Heard {
    let scheme = json!({"encrypt_type": "KLAP", "http_port": plug.address().port()});
    let said = json!({"result": {"mac": mac.to_string(), "mgt_encrypt_schm": scheme}});
    Heard { from: plug.address().ip(), bytes: said.to_string().into_bytes() }
}

fn finder(heard: Vec<Heard>) -> (Arc<Town>, Arc<Finder>) {
    town(Town { heard, ..Town::default() })
}

fn town(town: Town) -> (Arc<Town>, Arc<Finder>) {
    let town = Arc::new(town);
    let tongue = Tongue { question: b"?".to_vec(), answer: |bytes| serde_json::from_slice(bytes).ok() };
    (Arc::clone(&town), Arc::new(Finder::new(town, tongue)))
}

async fn plug(seed: u64) -> Plug {
    Plug::start(PlugOptions { seed, ..PlugOptions::new(Model::P210M) }).await.unwrap()
}

fn pin(plug: &Plug) -> Option<Pin> {
    Some(Pin { device_id: Some(plug.device_id()), ..Pin::of_mac(plug.mac()) })
}

#[tokio::test]
async fn a_device_that_has_moved_is_met_and_switched_where_it_is_now() {
    let (gone, plug) = (plug(1).await, plug(2).await);
    gone.vanish().await;
    let (_, finder) = finder(vec![said(plug.mac(), &plug)]);
    let setup = Setup { pin: pin(&plug), orders: wanted(&[(1, Switch::On)], 1), ..Setup::of(&gone) };
    let mut bench = Setup { finder: Some(finder), ..setup }.start();
    assert_eq!(bench.housing().await.address, plug.address().to_string());
    bench.reported(1, Switch::On).await;
    assert!(plug.relay(1));
    bench.stop().await;
}

#[tokio::test]
async fn the_right_device_is_found_behind_a_stranger_who_is_never_switched() {
    let (stranger, plug) = (plug(1).await, plug(2).await);
    let (_, finder) = finder(vec![said(stranger.mac(), &stranger), said(plug.mac(), &plug)]);
    let setup = Setup { pin: pin(&plug), orders: wanted(&[(1, Switch::On)], 1), ..Setup::of(&stranger) };
    let mut bench = Setup { finder: Some(finder), ..setup }.start();
    bench.reported(1, Switch::On).await;
    assert!(plug.relay(1) && stranger.log().is_empty());
    bench.stop().await;
}

#[tokio::test]
async fn who_lies_about_a_mac_address_is_met_and_never_switched() {
    let (gone, liar, own) = (plug(1).await, plug(2).await, plug(3).await);
    gone.vanish().await;
    let (_, finder) = finder(vec![said(own.mac(), &liar)]);
    let setup = Setup { pin: pin(&own), orders: wanted(&[(1, Switch::On)], 1), ..Setup::of(&gone) };
    let mut bench = Setup { finder: Some(finder), ..setup }.start();
    // The first loss is that of the closed port, the second that of the stranger.
    bench.lost().await;
    assert!(bench.lost().await.text.contains("another device"));
    assert!(liar.log().is_empty());
    bench.stop().await;
}

#[tokio::test]
async fn a_house_full_of_lost_devices_asks_everybody_once() {
    let plug = plug(1).await;
    let (town, finder) = finder(vec![said(plug.mac(), &plug)]);
    let searches = (0..100).map(|_| {
        let finder = Arc::clone(&finder);
        tokio::spawn(async move { finder.whereabouts("02:00:00:00:00:99".parse().unwrap(), "127.0.0.9").await })
    });
    for search in searches.collect::<Vec<_>>() {
        assert_eq!(search.await.unwrap(), None);
    }
    assert_eq!(town.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_device_that_opens_its_port_only_when_it_is_asked_is_asked() {
    let plug = plug(1).await;
    plug.vanish().await;
    let (town, finder) = town(Town { alone: vec![said(plug.mac(), &plug)], ..Town::default() });
    let mut bench = Setup { pin: pin(&plug), finder: Some(finder), ..Setup::of(&plug) }.start();
    bench.lost().await;
    tokio::time::timeout(SOON, town.told.notified()).await.expect("it is asked");
    plug.come_back().await.unwrap();
    assert_eq!(bench.housing().await.mac, plug.mac());
    bench.stop().await;
}
