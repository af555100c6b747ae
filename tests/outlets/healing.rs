//! A device that has moved is found again, and no other one is switched.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use heattrax::{
    emulator::{Beacon, Model, Plug, PlugOptions},
    model::{Mac, Pin, Switch},
    outlets::{
        Coming, Examined, Heard, Network, Sockets, Unexamined, Wire, examine,
        finding::{Finder, Speaks},
    },
    tdp,
};
use serde_json::json;
use tokio::sync::Notify;

use crate::bench::{SOON, Setup, wanted};

/// Where devices are said to be: not on this machine, or nobody would be looked for elsewhere.
const HOUSE: &str = "192.0.2.1";

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
        // A house of its own, whose devices live on the loopback.
        Sockets.dial(target.replace(HOUSE, "127.0.0.1"))
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
    Heard { from: plug.address().ip(), bytes: tdp::answer(0, &said) }
}

fn finder(heard: Vec<Heard>) -> (Arc<Town>, Arc<Finder>) {
    town(Town { heard, ..Town::default() })
}

fn town(town: Town) -> (Arc<Town>, Arc<Finder>) {
    let town = Arc::new(town);
    (Arc::clone(&town), Arc::new(Finder::new(town)))
}

/// A device that was last met where `plug` is, in a town.
fn at(plug: &Plug, town: Arc<Town>) -> Setup {
    let mut setup = Setup { network: town, ..Setup::of(plug) };
    setup.settings.address.host = HOUSE.to_owned();
    setup
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
    let (town, finder) = finder(vec![said(plug.mac(), &plug)]);
    let setup = Setup { pin: pin(&plug), orders: wanted(&[(1, Switch::On)], 1), ..at(&gone, town) };
    let mut bench = Setup { finder: Some(finder), ..setup }.start();
    assert_eq!(bench.housing().await.address, plug.address().to_string());
    bench.reported(1, Switch::On).await;
    assert!(plug.relay(1));
    bench.stop().await;
}

#[tokio::test]
async fn the_right_device_is_found_behind_a_stranger_who_is_never_switched() {
    let (stranger, plug) = (plug(1).await, plug(2).await);
    let (town, finder) = finder(vec![said(stranger.mac(), &stranger), said(plug.mac(), &plug)]);
    let setup = Setup { pin: pin(&plug), orders: wanted(&[(1, Switch::On)], 1), ..at(&stranger, town) };
    let mut bench = Setup { finder: Some(finder), ..setup }.start();
    bench.reported(1, Switch::On).await;
    assert!(plug.relay(1) && stranger.log().is_empty());
    bench.stop().await;
}

#[tokio::test]
async fn who_lies_about_a_mac_address_is_met_and_never_switched() {
    let (gone, liar, own) = (plug(1).await, plug(2).await, plug(3).await);
    gone.vanish().await;
    let (town, finder) = finder(vec![said(own.mac(), &liar)]);
    let setup = Setup { pin: pin(&own), orders: wanted(&[(1, Switch::On)], 1), ..at(&gone, town) };
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
        tokio::spawn(async move { finder.whereabouts("02:00:00:00:00:99".parse().unwrap(), "192.0.2.9").await })
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

#[tokio::test]
async fn nobody_is_looked_for_in_other_networks_who_lives_on_this_machine() {
    let plug = plug(1).await;
    let (town, finder) = finder(vec![said(plug.mac(), &plug)]);
    for here in ["127.0.0.9", "localhost"] {
        assert_eq!(finder.whereabouts(plug.mac(), here).await, None, "{here}");
    }
    assert_eq!(town.asked.load(Ordering::Relaxed), 0);
}

/// Over real datagrams, as `app` puts it together.
#[tokio::test]
async fn a_device_that_answers_elsewhere_on_its_host_is_found_by_real_sockets() {
    let (gone, plug) = (plug(1).await, plug(2).await);
    gone.vanish().await;
    let beacon = Beacon::start("127.0.0.1:0".parse().unwrap(), [&plug, &gone]).await.unwrap();
    let finder = Finder::new(Arc::new(Sockets));
    let found = finder.ask(&[&beacon.address().to_string()], Duration::from_millis(400)).await;
    let [found] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((found.mac, found.address().to_string()), (plug.mac(), plug.address().to_string()));
    assert_eq!((found.model.as_str(), found.speaks, found.is_plug()), ("P210M(US)", Speaks::Klap, true));
}

async fn examined(town: Arc<Town>, plug: &Plug, pin: Option<Pin>) -> Result<Examined, Unexamined> {
    let finder = Finder::new(Arc::<Town>::clone(&town));
    let setup = at(plug, town);
    examine(&setup.settings, &setup.credentials, pin.as_ref(), setup.network, &finder).await
}

#[tokio::test]
async fn who_examines_a_device_is_told_where_the_right_one_is() {
    let (gone, stranger, plug) = (plug(1).await, plug(2).await, plug(3).await);
    gone.vanish().await;
    let town = || Arc::new(Town { heard: vec![said(plug.mac(), &plug)], ..Town::default() });
    let lost = examined(town(), &gone, pin(&plug)).await.unwrap_err();
    assert_eq!(lost.moved.unwrap().to_string(), plug.address().to_string());
    let other = examined(town(), &stranger, pin(&plug)).await.unwrap();
    assert_eq!((other.expected, other.moved.unwrap().to_string()), (Some(plug.mac()), plug.address().to_string()));
    let unknown = examined(town(), &gone, None).await.unwrap_err();
    assert_eq!(unknown.moved, None, "nobody knows which one is meant");
    assert!(stranger.log().is_empty() && plug.counts().logins == 0);
}

#[tokio::test]
async fn a_port_that_opens_when_it_is_asked_for_is_examined() {
    let plug = Arc::new(plug(1).await);
    plug.vanish().await;
    let town = Arc::new(Town { alone: vec![said(plug.mac(), &plug)], ..Town::default() });
    let (asked, opens) = (Arc::clone(&town), Arc::clone(&plug));
    let opening = tokio::spawn(async move {
        asked.told.notified().await;
        opens.come_back().await.unwrap();
    });
    let examined = examined(town, &plug, None).await.unwrap();
    assert_eq!((examined.about.mac, examined.sockets.len(), examined.moved), (Some(plug.mac()), 2, None));
    opening.await.unwrap();
}
