//! Those who listen to `GET /api/events`: what they put together, and what becomes of the slow ones.

use std::{sync::Arc, time::Duration};

use heattrax::model::{Availability, Broker, House, OutletId, Switch};
use serde_json::{Map, Value};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::{Room, house, info, outlet, turn};

/// The house is told at most this often.
const EVERY: Duration = Duration::from_millis(500);
/// Rounds in which a large house becomes another one: together more than a narrow line holds for whoever does not read. On a wide one
/// they would have to be so large that a slow machine takes too long over them.
const ROUNDS: u32 = 12;
/// What the kernel is to hold on each side of a narrow line. It takes twice as much.
const NARROW: u32 = 1 << 16;

async fn room() -> Room {
    Room::start(info(), house(Broker::Connected, Availability::Online)).await
}

/// A room whose lines hold little: the kernel gives them no more on either side.
fn narrow_room() -> Room {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    socket.set_send_buffer_size(NARROW).unwrap();
    Room::at(socket.listen(64).unwrap(), info(), house(Broker::Connected, Availability::Online))
}

/// Lets the server do what it has to.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(80)).await;
}

async fn listens(room: &Room, query: &str) -> TcpStream {
    ask(room.connect().await, query).await
}

/// Somebody for whom the kernel holds little.
async fn hardly_listens(room: &Room, query: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(NARROW).unwrap();
    let stream = ask(socket.connect(room.address).await.unwrap(), query).await;
    stream.readable().await.unwrap();
    stream
}

async fn ask(mut stream: TcpStream, query: &str) -> TcpStream {
    let request = format!("GET /api/events{query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// The house with an outlet whose name is a third of a megabyte long.
fn large(round: u32) -> Arc<House> {
    let mut house = house(Broker::Connected, Availability::Online);
    let outlet = house.outlets.values_mut().next().unwrap();
    Arc::make_mut(outlet).name = format!("round {round} {}", "x".repeat(300_000));
    Arc::new(house)
}

/// Reads until `words` have come, and returns all that came up to then.
async fn read_until(stream: &mut TcpStream, words: &str) -> Vec<u8> {
    let (mut heard, mut bytes) = (Vec::new(), vec![0; 1 << 16]);
    let reading = async {
        loop {
            let count = stream.read(&mut bytes).await.unwrap();
            assert_ne!(count, 0, "dropped");
            heard.extend_from_slice(&bytes[..count]);
            let new = heard.len().saturating_sub(count + words.len());
            if String::from_utf8_lossy(&heard[new..]).contains(words) {
                return;
            }
        }
    };
    timeout(Duration::from_secs(60), reading).await.unwrap_or_else(|_| panic!("no {words}"));
    heard
}

/// Each house is told, for `quick` hears it, before there is another.
async fn large_rounds(room: &Room, quick: &mut TcpStream) {
    for round in 1..=ROUNDS {
        turn(EVERY).await;
        room.board.send_replace(large(round));
        read_until(quick, &format!("round {round} ")).await;
    }
}

/// Events as they come: their name and their data.
struct Heard {
    stream: TcpStream,
    text: String,
}

impl Heard {
    async fn next(&mut self) -> (String, Value) {
        let mut bytes = vec![0; 1 << 16];
        loop {
            // Chunks end within a line at most by chance: these houses are small.
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let part =
                    |name: &str| event.lines().find_map(|it| it.strip_prefix(name)).unwrap_or_default().to_owned();
                let (name, data) = (part("event: "), part("data: "));
                self.text = rest.to_owned();
                return (name, serde_json::from_str(&data).unwrap_or_default());
            }
            let count =
                timeout(Duration::from_secs(10), self.stream.read(&mut bytes)).await.expect("an event").unwrap();
            assert_ne!(count, 0, "dropped");
            self.text.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }
}

/// As the page does it.
fn put_together(house: &mut Value, change: Value) {
    let Value::Object(change) = change else { panic!("{change}") };
    for (key, part) in change {
        let Some(known) = house[&key].as_object_mut().filter(|_| ["groups", "devices", "outlets"].contains(&&*key))
        else {
            house[&key] = part;
            continue;
        };
        for (id, it) in part.as_object().unwrap() {
            if it.is_null() {
                known.remove(id).expect("it was there");
            } else {
                known.insert(id.clone(), it.clone());
            }
        }
    }
}

#[tokio::test]
async fn changes_put_together_are_the_house() {
    let room = room().await;
    let mut heard = Heard { stream: listens(&room, "?changes=true").await, text: String::new() };
    let (name, mut known) = heard.next().await;
    assert_eq!(name, "house");
    assert_eq!(heard.next().await.0, "plan");
    let [first, second]: [OutletId; 2] = ["porch/2", "porch/3"].map(|it| it.parse().unwrap());
    let next = |change: &dyn Fn(&mut House)| {
        let mut house = House::clone(&room.handle.picture());
        change(&mut house);
        room.board.send_replace(Arc::new(house));
    };
    type Step<'a> = (&'a dyn Fn(&mut House), &'a [&'a str]);
    let steps: [Step<'_>; 5] = [
        (&|it| drop(it.outlets.insert(second.clone(), Arc::new(outlet(&second, Availability::Online)))), &["outlets"]),
        (
            &|it| Arc::make_mut(it.outlets.get_mut(&second).unwrap()).reported.as_mut().unwrap().switch = Switch::Off,
            &["outlets"],
        ),
        (&|it| it.vacation = true, &["bridge"]),
        (
            &|it| Arc::make_mut(it.devices.values_mut().next().unwrap()).availability = Availability::Offline,
            &["devices"],
        ),
        (&|it| drop(it.outlets.remove(&first)), &["outlets"]),
    ];
    for (step, parts) in steps {
        // The next change is told at once, and somebody has asked a moment before.
        turn(EVERY).await;
        room.get("/api/house").await;
        next(step);
        let (name, change) = heard.next().await;
        assert_eq!(name, "change");
        let told: Vec<&String> = change.as_object().unwrap().keys().filter(|it| *it != "at").collect();
        assert_eq!(told, parts, "{change}");
        put_together(&mut known, change);
        let (_, whole) = room.get("/api/house").await;
        let (mut whole, mut put) = (serde_json::from_str::<Value>(&whole).unwrap(), known.clone());
        for it in [&mut whole, &mut put] {
            it["bridge"]["uptime_s"] = Value::Null;
        }
        assert_eq!(put, whole);
    }
    assert_eq!(known["outlets"].as_object().map(Map::len), Some(1));
}

#[tokio::test]
async fn a_slow_listener_misses_what_was_overtaken_and_hears_what_is_so() {
    for query in ["", "?changes=true"] {
        let room = narrow_room();
        let mut slow = hardly_listens(&room, query).await;
        // The one that is told every change.
        let mut quick = listens(&room, query).await;
        large_rounds(&room, &mut quick).await;
        drop(quick);
        let heard = read_until(&mut slow, &format!("round {ROUNDS} ")).await;
        let counted = |name: &[u8]| heard.windows(name.len()).filter(|it| *it == name).count();
        let (houses, changes) = (counted(b"event: house\n"), counted(b"event: change\n"));
        // What the kernel holds for it, and two more.
        assert!(houses + changes < ROUNDS as usize, "{query}: all {houses} + {changes} waited for it");
        // A change of a house that was missed is of no use.
        assert!(houses >= 2, "{query}: {houses}");
    }
}

#[tokio::test]
async fn a_listener_that_reads_nothing_is_dropped() {
    let room = narrow_room();
    let mut deaf = hardly_listens(&room, "").await;
    let mut quick = listens(&room, "").await;
    large_rounds(&room, &mut quick).await;
    turn(Duration::from_secs(16)).await;
    settle().await;
    let mut bytes = vec![0; 1 << 16];
    let reading = async { while !matches!(deaf.read(&mut bytes).await, Ok(0) | Err(_)) {} };
    timeout(Duration::from_secs(5), reading).await.expect("it is dropped");
}

#[tokio::test]
async fn while_nothing_is_new_the_time_is_told() {
    let room = room().await;
    let mut stream = listens(&room, "").await;
    // Less than the 15 s after which a loop that nobody turns here is said to have stopped.
    for _ in 0..11 {
        settle().await;
        room.board.send_replace(Arc::new(house(Broker::Connected, Availability::Online)));
        settle().await;
        turn(Duration::from_millis(900)).await;
    }
    settle().await;
    let (mut heard, mut bytes) = (String::new(), [0; 4096]);
    while let Ok(read) = timeout(Duration::from_millis(300), stream.read(&mut bytes)).await {
        let count = read.unwrap();
        assert_ne!(count, 0, "dropped");
        heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    assert_eq!(heard.matches("event: house").count(), 1, "{heard}");
    let alive: Vec<_> = heard.split("event: alive\ndata: ").skip(1).collect();
    assert_eq!(alive.len(), 1, "{heard}");
    let told: Value = serde_json::from_str(alive[0].lines().next().unwrap()).unwrap();
    assert_eq!(told["alive"], true);
    assert!(told["at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{told}");
}

#[tokio::test]
async fn whoever_comes_to_a_quiet_house_is_told_of_now() {
    let room = room().await;
    let mut heard = Heard { stream: listens(&room, "?changes=true").await, text: String::new() };
    assert_eq!(heard.next().await.0, "house");
    // Nothing is new but the time.
    let mut later = House::clone(&room.handle.picture());
    later.at += jiff::SignedDuration::from_secs(120);
    room.board.send_replace(Arc::new(later));
    settle().await;
    turn(EVERY).await;
    settle().await;
    let mut other = Heard { stream: listens(&room, "").await, text: String::new() };
    let (name, house) = other.next().await;
    assert_eq!((name.as_str(), house["at"].as_str()), ("house", Some("2026-01-15T12:02:00+00:00")));
}
