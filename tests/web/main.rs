//! The web room over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod access;
mod explained;
mod healthcheck;
mod lines;
mod listeners;
mod metrics;
mod page;
mod probes;
mod proxied;
mod served;
mod unanswered;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use heattrax::{
    hub::{Clock, Handle},
    model::{
        Availability, Broker, Cause, Class, Decision, Device, Event, House, Outlet, OutletId, Reason, Remembered,
        Report, Slug, Switch,
    },
    web::{self, WebInfo},
};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

fn noon() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

fn device(slug: &Slug, availability: Availability) -> Device {
    Device {
        slug: slug.clone(),
        name: "Porch".to_owned(),
        address: "192.0.2.7".to_owned(),
        housing: None,
        availability,
        trouble: None,
        rssi: None,
        pin: None,
    }
}

fn outlet(id: &OutletId, availability: Availability) -> Outlet {
    let report = Report {
        slot: id.slot,
        switch: Switch::On,
        on_time: None,
        energy: None,
        fault: None,
        timer: None,
        cause: Cause::Polled,
        answers: 0,
    };
    let reason =
        Reason::Schedule { name: "<b>\"storm\"</b>".to_owned(), until: None, also: vec!["Tom & Jerry's".to_owned()] };
    let decision = Decision {
        switch: Switch::Off,
        reason,
        since: noon(),
        until: None,
        review_at: None,
        next: None,
        opinions: Vec::new(),
    };
    Outlet {
        id: id.clone(),
        name: "<script>alert(1)</script>".to_owned(),
        group: None,
        class: Class::Heater,
        availability,
        reported: Some(report),
        reported_at: Some(noon()),
        on_since: None,
        memory: Remembered::default(),
        decision,
        commanded: 0,
        answered: 0,
        pending: None,
        longest_on: SignedDuration::from_hours(6),
        runtime_today: SignedDuration::ZERO,
        alarm: None,
        energy_total: None,
    }
}

/// One device with one outlet.
fn house(broker: Broker, availability: Availability) -> House {
    let id: OutletId = "porch/2".parse().unwrap();
    House {
        at: noon(),
        devices: BTreeMap::from([(id.device.clone(), Arc::new(device(&id.device, availability)))]),
        outlets: BTreeMap::from([(id.clone(), Arc::new(outlet(&id, availability)))]),
        groups: BTreeMap::new(),
        weather: Default::default(),
        vacation: false,
        vacation_told: None,
        paused: None,
        broker,
        clock: Default::default(),
        whole: Default::default(),
        gone: std::sync::Arc::default(),
    }
}

fn info() -> WebInfo {
    let (version, names) = ("1.2.3".to_owned(), vec!["porch.example".to_owned()]);
    WebInfo { version, mqtt: true, names, ..WebInfo::default() }
}

/// The room at work.
struct Room {
    address: SocketAddr,
    handle: Handle,
    board: watch::Sender<Arc<House>>,
    /// What the control would hear.
    heard: mpsc::Receiver<Event>,
    stop: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

impl Room {
    async fn start(info: WebInfo, house: House) -> Self {
        Self::listen("127.0.0.1:0", info, house).await
    }

    async fn listen(listen: &str, info: WebInfo, house: House) -> Self {
        Self::at(TcpListener::bind(listen).await.unwrap(), info, house)
    }

    fn at(listener: TcpListener, info: WebInfo, house: House) -> Self {
        let address = listener.local_addr().unwrap();
        let (handle, heard, board) = Handle::detached(house, Clock::driven(noon(), 1.0));
        let stop = CancellationToken::new();
        let task = tokio::spawn(web::serve(listener, info, handle.clone(), stop.clone()));
        Self { address, handle, board, heard, stop, task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.address.port())).await.unwrap()
    }

    /// Sends `request` as it is, with `Connection: close` added, and reads until the end.
    async fn say(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(format!("{request}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// As it is, body and all.
    async fn raw(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn get(&self, path: &str) -> (u16, String) {
        split(&self.say(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n")).await)
    }
}

/// Status and body.
fn split(answer: &str) -> (u16, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Turns the clock by hand while nothing waits for the network.
async fn turn(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

/// Looks at something that is not told until it is so.
async fn until(mut is_so: impl FnMut() -> bool) {
    let looked = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looked).await.unwrap();
}
