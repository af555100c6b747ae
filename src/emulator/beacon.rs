//! The answers to whoever asks for devices, without a login: one datagram for each device.

use std::{io, net::SocketAddr, sync::Arc};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::UdpSocket;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{fault::Fault, inside::Shared, plug::Plug};
use crate::tdp;

/// No question is longer.
const LONGEST: usize = 4096;

/// Answers for the devices behind one address. A real address has one device; an emulated one may have a house full of them, on
/// ports of their own. Dropping it makes it silent.
pub struct Beacon {
    address: SocketAddr,
    _stop: DropGuard,
}

impl Beacon {
    /// Starts to answer at `listen` for these devices, whenever they can be reached.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub async fn start<'a>(listen: SocketAddr, plugs: impl IntoIterator<Item = &'a Plug>) -> io::Result<Self> {
        let socket = UdpSocket::bind(listen).await?;
        let address = socket.local_addr()?;
        let plugs: Vec<_> = plugs.into_iter().map(Plug::shared).collect();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = answers(socket, plugs) => {}
            }
        });
        Ok(Self { address, _stop: stop.drop_guard() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn answers(socket: UdpSocket, plugs: Vec<Arc<Shared>>) {
    let mut room = vec![0; LONGEST];
    loop {
        // A port that is closed at the other end is told here too; it is no reason to go.
        let Ok((length, from)) = socket.recv_from(&mut room).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let question = room.get(..length).unwrap_or_default();
        for datagram in plugs.iter().filter_map(|it| answer(it, question)) {
            // Whoever does not take it asks again.
            let _ = socket.send_to(&datagram, from).await;
        }
    }
}

/// What a device answers to this datagram. `None` if it cannot be reached, or was not asked as devices want to be.
pub(super) fn answer(plug: &Shared, question: &[u8]) -> Option<Vec<u8>> {
    let number = tdp::asked(question)?;
    let address = plug.reachable_at()?;
    plug.asked.notify_waiters();
    Some(tdp::answer(number, &about(plug, address)))
}

/// Which fields there are is what public clients read.
fn about(plug: &Shared, address: SocketAddr) -> Value {
    let mut inside = plug.inside();
    let tpap = inside.faults.hits(&Fault::Tpap);
    let device = &inside.device;
    let (traits, mac) = (device.traits, device.mac.map(|byte| format!("{byte:02X}")).join("-"));
    json!({"error_code": 0, "result": {
        // Not the id that a login tells.
        "device_id": hex(&Sha256::digest(device.id.as_bytes()), 32),
        // An account's mark is a hash that clients compare with their own; nobody can own what is emulated.
        "owner": "00000000000000000000000000000000",
        "device_type": traits.family,
        "device_model": format!("{}(US)", traits.name),
        "ip": address.ip().to_string(),
        "mac": mac,
        "is_support_iot_cloud": true,
        "obd_src": "tplink",
        "factory_default": false,
        "protocol_version": 1,
        "tpap_preferred": tpap,
        "mgt_encrypt_schm": {
            "is_support_https": false,
            "encrypt_type": if tpap { "TPAP" } else { "KLAP" },
            "http_port": address.port(),
            "lv": 2,
        },
    }})
}

fn hex(bytes: &[u8], digits: usize) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect::<String>().chars().take(digits).collect()
}
