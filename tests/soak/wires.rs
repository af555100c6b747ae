//! Real connections to plugs on this machine, which the house knows by addresses of its own.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use heattrax::{
    emulator::Plug,
    outlets::{Coming, Heard, Network, Sockets, Wire},
};

pub(crate) struct Wires {
    plugs: Arc<Vec<Plug>>,
    at: Mutex<Vec<SocketAddr>>,
}

impl std::fmt::Debug for Wires {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wires")
    }
}

impl Wires {
    pub(crate) fn to(plugs: &Arc<Vec<Plug>>) -> Self {
        let address = |at: usize| SocketAddr::from(([192, 0, 2, 10 + u8::try_from(at).unwrap()], 80));
        Self { plugs: Arc::clone(plugs), at: Mutex::new((0..plugs.len()).map(address).collect()) }
    }

    pub(crate) fn address(&self, at: usize) -> SocketAddr {
        self.at.lock().unwrap()[at]
    }

    pub(crate) fn moves(&self, at: usize, to: SocketAddr) {
        self.at.lock().unwrap()[at] = to;
    }

    /// The plugs at a host: its port is whatever the device says.
    fn at(&self, target: &str) -> Vec<usize> {
        let everybody = target.starts_with("255.");
        let host = target.rsplit_once(':').map_or(target, |it| it.0);
        let at = self.at.lock().unwrap();
        (0..at.len()).filter(|it| everybody || at[*it].ip().to_string() == host).collect()
    }
}

impl Network for Wires {
    fn dial(&self, target: String) -> Coming<Box<dyn Wire>> {
        match self.at(&target).first() {
            Some(at) => Sockets.dial(self.plugs[*at].address().to_string()),
            None => Box::pin(async { Err(io::ErrorKind::HostUnreachable.into()) }),
        }
    }

    fn probe(&self, targets: Vec<String>, datagram: Vec<u8>, wait: Duration) -> Coming<Vec<Heard>> {
        let mut asked: Vec<_> = targets.iter().flat_map(|it| self.at(it)).collect();
        asked.dedup();
        let answer = |at: usize| Some(Heard { from: self.address(at).ip(), bytes: self.plugs[at].probe(&datagram)? });
        let heard = asked.into_iter().filter_map(answer).collect();
        Box::pin(async move {
            tokio::time::sleep(wait).await;
            Ok(heard)
        })
    }
}
