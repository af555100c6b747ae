//! The embedded broker by itself, on loopback: what `mqtt.host: embedded` starts inside the bridge. Until it is stopped.
//!
//! ```text
//! cargo run --example broker -- 1883
//! ```
#![expect(clippy::print_stdout, reason = "it prints to people")]

use std::{error::Error, net::SocketAddr};

use heattrax::emulator::broker::{Broker, BrokerOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(1883), |it| it.parse())?;
    let broker = Broker::start(BrokerOptions { listen: SocketAddr::from(([127, 0, 0, 1], port)) }).await?;
    println!("the embedded broker listens on {}", broker.address());
    tokio::signal::ctrl_c().await?;
    broker.stop().await;
    Ok(())
}
