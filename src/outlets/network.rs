//! The way to the devices: sockets in the bridge, and whatever a test wants in their place.

use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UdpSocket, lookup_host},
    time::{Instant, sleep, timeout_at},
};

/// A datagram is sent so often, for one may be lost.
const REPEATS: u32 = 3;
/// The longest answer to a datagram that is read.
const LONGEST: usize = 4096;
/// Answers that are collected at most: a house has not more devices, whoever claims to be one.
const MOST: usize = 4096;

/// What is yet to come.
pub type Coming<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// A connection to one device.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// An answer to a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who sent it, by the network's word.
    pub from: IpAddr,
    /// What it says; anything.
    pub bytes: Vec<u8>,
}

/// The way to the devices.
pub trait Network: fmt::Debug + Send + Sync {
    /// Opens a connection to `host:port`. Whoever waits sets the deadline.
    ///
    /// # Errors
    /// As the network tells; a port that is closed is [`io::ErrorKind::ConnectionRefused`].
    fn dial(&self, target: String) -> Coming<Box<dyn Wire>>;

    /// Sends `datagram` to each `host:port` of `targets`, one of them perhaps a broadcast address, a few times over `wait`, and collects
    /// what comes back in that time. A target that cannot be sent to is passed over.
    ///
    /// # Errors
    /// Nothing can be sent at all.
    fn probe(&self, targets: Vec<String>, datagram: Vec<u8>, wait: Duration) -> Coming<Vec<Heard>>;
}

/// Real sockets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sockets;

impl Network for Sockets {
    fn dial(&self, target: String) -> Coming<Box<dyn Wire>> {
        Box::pin(async move {
            let stream = TcpStream::connect(target).await?;
            // A switch is one small packet: it must not wait for a fuller one. Where this is not possible it only takes longer.
            let _ = stream.set_nodelay(true);
            let wire: Box<dyn Wire> = Box::new(stream);
            Ok(wire)
        })
    }

    fn probe(&self, targets: Vec<String>, datagram: Vec<u8>, wait: Duration) -> Coming<Vec<Heard>> {
        Box::pin(async move {
            let until = Instant::now() + wait;
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
            socket.set_broadcast(true)?;
            let mut heard = Vec::new();
            // Names are looked up once; a resolver that hangs costs the time of the probe and no more.
            let addresses = timeout_at(until, addresses(targets)).await.unwrap_or_default();
            tokio::select! {
                () = send(&socket, &addresses, &datagram, wait) => {}
                () = collect(&socket, &mut heard, until) => {}
            }
            Ok(heard)
        })
    }
}

async fn addresses(targets: Vec<String>) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    for target in targets {
        if let Ok(addresses) = lookup_host(&target).await {
            found.extend(addresses.filter(SocketAddr::is_ipv4).take(1));
        }
    }
    let everybody: Vec<_> = found.iter().filter(|it| it.ip() == Ipv4Addr::BROADCAST).map(SocketAddr::port).collect();
    for port in everybody {
        found.extend(neighbourhoods().into_iter().map(|it| SocketAddr::from((it, port))));
    }
    found
}

/// The broadcast address of each network that this machine is in: what is sent to everybody leaves by one of them only.
fn neighbourhoods() -> Vec<Ipv4Addr> {
    // Where the machine does not tell, the one has to do.
    let networks = if_addrs::get_if_addrs().unwrap_or_default().into_iter().filter(|it| !it.is_loopback());
    networks
        .filter_map(|it| match it.addr {
            if_addrs::IfAddr::V4(it) => it.broadcast,
            if_addrs::IfAddr::V6(_) => None,
        })
        .collect()
}

/// Never ends, so that what is heard decides.
async fn send(socket: &UdpSocket, addresses: &[SocketAddr], datagram: &[u8], wait: Duration) {
    for _ in 0..REPEATS {
        for address in addresses {
            // A network that is down is one that nobody answers from.
            let _ = socket.send_to(datagram, address).await;
        }
        sleep(wait / (REPEATS + 1)).await;
    }
    std::future::pending::<()>().await;
}

async fn collect(socket: &UdpSocket, heard: &mut Vec<Heard>, until: Instant) {
    let mut room = vec![0; LONGEST];
    while heard.len() < MOST {
        match timeout_at(until, socket.recv_from(&mut room)).await {
            Ok(Ok((length, from))) => {
                let one = Heard { from: from.ip(), bytes: room.get(..length).unwrap_or_default().to_vec() };
                if !heard.contains(&one) {
                    heard.push(one);
                }
            }
            // A port that is closed somewhere is told here too, and says nothing about the others.
            Ok(Err(_)) => sleep(Duration::from_millis(1)).await,
            Err(_) => return,
        }
    }
}
