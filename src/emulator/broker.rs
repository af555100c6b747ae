//! The embedded broker: what `mqtt.host: embedded`, `demo` and the tests speak MQTT with.
//!
//! This file is the only one that knows which crate it is made of.

use std::{net::SocketAddr, time::Duration};

use mqtt5::broker::{
    BrokerConfig, BrokerShutdownHandle, MqttBroker,
    config::{AuthConfig, RateLimitConfig, StorageBackend, StorageConfig},
};
use tokio::task::JoinHandle;

/// The largest packet that is taken, in bytes.
const LARGEST_PACKET: usize = 2 * 1024 * 1024;
/// How long a start may take.
const START_WITHIN: Duration = Duration::from_secs(5);
/// How long a stop may take until the broker is cut off.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// How the broker is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerOptions {
    /// Where it listens; port 0 takes a free one. Everybody who reaches it may use it, so keep it on loopback.
    pub listen: SocketAddr,
}

/// Why the broker does not run.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The address is taken or not ours.
    #[error("the embedded broker cannot listen on {listen}")]
    Listen {
        /// The address that was asked for.
        listen: SocketAddr,
        /// What the system said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It listens but never became ready.
    #[error("the embedded broker on {listen} did not become ready")]
    NotReady {
        /// The address that was asked for.
        listen: SocketAddr,
    },
}

/// A running broker: MQTT 5 and 3.1.1 on one port. What is retained lives in memory only: the bridge publishes everything again
/// at each connect, so nothing of its own is lost with it. Dropping it stops it.
#[derive(Debug)]
pub struct Broker {
    address: SocketAddr,
    stop: Stop,
    task: Option<JoinHandle<()>>,
}

struct Stop(BrokerShutdownHandle);

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stop")
    }
}

impl Broker {
    /// Starts it and waits until it takes connections.
    ///
    /// # Errors
    /// The address cannot be bound, or the broker does not become ready within 5 s.
    pub async fn start(options: BrokerOptions) -> Result<Self, BrokerError> {
        let listen = options.listen;
        let failed = |source| BrokerError::Listen { listen, source };
        let mut broker = MqttBroker::with_config(config(listen)).await.map_err(|error| failed(Box::new(error)))?;
        let address = broker.local_addr().ok_or(BrokerError::NotReady { listen })?;
        let stop = Stop(broker.shutdown_handle());
        let mut ready = broker.ready_receiver();
        let task = tokio::spawn(async move {
            if let Err(error) = broker.run().await {
                tracing::warn!("the embedded broker on {address} stopped: {error}");
            }
        });
        let broker = Self { address, stop, task: Some(task) };
        match tokio::time::timeout(START_WITHIN, ready.wait_for(|ready| *ready)).await {
            Ok(Ok(_)) => Ok(broker),
            _ => Err(BrokerError::NotReady { listen }),
        }
    }

    /// Where it listens, with the port that it was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every connection and waits until the port is free again, at most 2 s.
    pub async fn stop(mut self) {
        self.stop.0.shutdown();
        let Some(mut task) = self.task.take() else { return };
        if tokio::time::timeout(STOP_WITHIN, &mut task).await.is_err() {
            task.abort();
            // An aborted task yields its end, or had ended by itself: either way it holds the port no longer.
            let _ = task.await;
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop.0.shutdown();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn config(listen: SocketAddr) -> BrokerConfig {
    let auth = AuthConfig {
        allow_anonymous: true,
        // Everybody comes from the same address here, so a lockout would shut out the bridge itself.
        rate_limit: RateLimitConfig { enabled: false, ..RateLimitConfig::default() },
        ..AuthConfig::default()
    };
    // The default would write into the working directory.
    let storage =
        StorageConfig { backend: StorageBackend::Memory, enable_persistence: true, ..StorageConfig::default() };
    BrokerConfig::default()
        .with_bind_address(listen)
        .with_max_packet_size(LARGEST_PACKET)
        .with_retain_available(true)
        .with_sys_topics_enabled(false)
        .with_auth(auth)
        .with_storage(storage)
}
