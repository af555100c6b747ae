//! A network in memory: each plug where it is, and nobody else.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use heattrax::{
    emulator::Plug,
    outlets::{Coming, Heard, Network, Wire},
};

/// What a connection to nobody takes to fail: packets vanish.
const SILENCE: Duration = Duration::from_secs(600);

pub(crate) struct Air(pub(crate) Arc<Vec<Plug>>);

impl std::fmt::Debug for Air {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Air")
    }
}

fn address(target: &str) -> Option<SocketAddr> {
    target.parse().ok()
}

impl Network for Air {
    fn dial(&self, target: String) -> Coming<Box<dyn Wire>> {
        let plugs = Arc::clone(&self.0);
        Box::pin(async move {
            let there = plugs.iter().find(|it| Some(it.address()) == address(&target));
            let dialled = match there {
                Some(plug) => plug.dial().await,
                None => Err(io::ErrorKind::HostUnreachable.into()),
            };
            match dialled {
                Ok(stream) => Ok(Box::new(stream) as Box<dyn Wire>),
                Err(error) if error.kind() == io::ErrorKind::HostUnreachable => {
                    tokio::time::sleep(SILENCE).await;
                    Err(error)
                }
                Err(error) => Err(error),
            }
        })
    }

    fn probe(&self, targets: Vec<String>, datagram: Vec<u8>, wait: Duration) -> Coming<Vec<Heard>> {
        let plugs = Arc::clone(&self.0);
        Box::pin(async move {
            let hosts: Vec<_> = targets.iter().filter_map(|it| Some(address(it)?.ip())).collect();
            let everybody = targets.iter().any(|it| it.starts_with("255."));
            let asked = plugs.iter().filter(|it| everybody || hosts.contains(&it.address().ip()));
            let heard = asked.filter_map(|it| Some(Heard { from: it.address().ip(), bytes: it.probe(&datagram)? }));
            let heard = heard.collect();
            tokio::time::sleep(wait).await;
            Ok(heard)
        })
    }
}
