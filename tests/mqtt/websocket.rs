//! MQTT over WebSocket, through a door of the test's own before the embedded broker.

use std::net::SocketAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use heattrax::model::{Event, MqttSettings, Protocol};
use sha1::{Digest, Sha1};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
};

use crate::{
    house::{house, identity, settings},
    peer::{Bridge, Peer, SET, broker},
};

/// RFC 6455, section 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Answers the handshake. The path that was asked for, and the protocol.
async fn welcome(guest: &mut BufReader<OwnedReadHalf>, out: &mut OwnedWriteHalf) -> Option<(String, String)> {
    let (mut path, mut key, mut protocol) = (String::new(), String::new(), String::new());
    loop {
        let mut line = String::new();
        guest.read_line(&mut line).await.ok()?;
        let line = line.trim();
        match line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value)) {
            Some((name, value)) if name == "sec-websocket-key" => value.clone_into(&mut key),
            Some((name, value)) if name == "sec-websocket-protocol" => value.clone_into(&mut protocol),
            Some(_) => {}
            None if line.is_empty() => break,
            None => line.split(' ').nth(1)?.clone_into(&mut path),
        }
    }
    let accept = STANDARD.encode(Sha1::digest(format!("{key}{GUID}")));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    );
    out.write_all(answer.as_bytes()).await.ok()?;
    Some((path, protocol))
}

/// What the client sends, out of its masked frames.
async fn frame(guest: &mut BufReader<OwnedReadHalf>) -> Option<(u8, Vec<u8>)> {
    let first = guest.read_u8().await.ok()?;
    let length = match guest.read_u8().await.ok()? & 0x7F {
        126 => u64::from(guest.read_u16().await.ok()?),
        127 => guest.read_u64().await.ok()?,
        short => u64::from(short),
    };
    let mut mask = [0; 4];
    guest.read_exact(&mut mask).await.ok()?;
    let mut bytes = vec![0; usize::try_from(length).unwrap()];
    guest.read_exact(&mut bytes).await.ok()?;
    bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte ^= mask[at % 4]);
    Some((first & 0x0F, bytes))
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    let head = match u16::try_from(bytes.len()) {
        Ok(short @ 0..126) => vec![0x82, u8::try_from(short).unwrap()],
        Ok(middle) => [&[0x82, 126][..], &middle.to_be_bytes()].concat(),
        Err(_) => panic!("the broker's answers are read in smaller pieces"),
    };
    [head, bytes.to_vec()].concat()
}

async fn serve(stream: TcpStream, inside: SocketAddr, asked: mpsc::UnboundedSender<(String, String)>) -> Option<()> {
    let (guest, mut out) = stream.into_split();
    let mut guest = BufReader::new(guest);
    let _ = asked.send(welcome(&mut guest, &mut out).await?);
    let (mut from_broker, mut to_broker) = TcpStream::connect(inside).await.ok()?.into_split();
    let inwards = async {
        while let Some((2, bytes)) = frame(&mut guest).await {
            to_broker.write_all(&bytes).await.ok()?;
        }
        None::<()>
    };
    let outwards = async {
        let mut bytes = vec![0; 16_000];
        while let Ok(length @ 1..) = from_broker.read(&mut bytes).await {
            out.write_all(&framed(&bytes[..length])).await.ok()?;
        }
        None::<()>
    };
    tokio::select! { it = inwards => it, it = outwards => it }
}

#[tokio::test]
async fn a_broker_is_spoken_to_over_websocket_in_both_protocols() {
    for protocol in [Protocol::V5, Protocol::V4] {
        let broker = broker().await;
        let inside = broker.address();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked_in, mut asked) = mpsc::unbounded_channel();
        let mut door = JoinSet::new();
        door.spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                guests.spawn(serve(stream, inside, asked_in.clone()));
            }
        });
        let peer = Peer::at(inside).await;
        let over = MqttSettings { websocket: Some("/mqtt?for=us".to_owned()), protocol, ..settings(port) };
        let mut bridge = Bridge::with(over, identity(), house());
        bridge.connected().await;
        assert_eq!(asked.recv().await, Some(("/mqtt?for=us".to_owned(), "mqtt".to_owned())));
        peer.wait("everything", |it| it.topic == "heattrax/vacation").await;
        peer.say(SET, "ON").await;
        bridge.event(|it| matches!(it, Event::Commanded(_))).await;
        bridge.stop.cancel();
        bridge.task.await.unwrap();
        peer.wait_for("heattrax/bridge/availability", "offline").await;
    }
}
