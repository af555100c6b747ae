//! Follows a bridge by MQTT and prints, in sentences, what it decides and what happens.
//!
//! ```text
//! cargo run --example mqtt_watch [HOST [PORT [BASE]]]     (localhost 1883 heattrax)
//! ```
#![expect(clippy::print_stdout, reason = "it prints to people")]

use std::{error::Error, time::Duration};

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::Value;

/// A bridge with many outlets has a long inventory, but nobody sends more than this.
const LARGEST: usize = 1024 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut given = std::env::args().skip(1);
    let host = given.next().unwrap_or_else(|| "localhost".to_owned());
    let port = given.next().map_or(Ok(1883), |it| it.parse())?;
    let base = given.next().unwrap_or_else(|| "heattrax".to_owned());

    let mut options = MqttOptions::new(format!("heattrax-watch-{}", std::process::id()), &host, port);
    options.set_keep_alive(Duration::from_secs(15)).set_max_packet_size(LARGEST, LARGEST);
    let (client, mut events) = AsyncClient::new(options, 16);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                println!("connected to {host}:{port}");
                // Again after each reconnect: a broker may have forgotten us.
                for filter in ["bridge/availability", "bridge/event", "+/+/decision"] {
                    client.subscribe(format!("{base}/{filter}"), QoS::AtLeastOnce).await?;
                }
            }
            Ok(Event::Incoming(Packet::Publish(message))) => {
                let topic = message.topic.strip_prefix(&base).unwrap_or(&message.topic);
                if let Some(sentence) = sentence(topic.trim_start_matches('/'), &message.payload) {
                    println!("{sentence}");
                }
            }
            Ok(_) => {}
            Err(error) => {
                println!("the broker is gone ({error}), trying again");
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        }
    }
}

/// What a message says, in words. `None` for what is no message of the bridge.
fn sentence(topic: &str, payload: &[u8]) -> Option<String> {
    if topic == "bridge/availability" {
        return Some(format!("the bridge is {}", String::from_utf8_lossy(payload)));
    }
    let value: Value = serde_json::from_slice(payload).ok()?;
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    if topic == "bridge/event" {
        let slot = value.get("slot").and_then(Value::as_u64).map(|it| format!("/{it}")).unwrap_or_default();
        let about = text("device").or(text("group")).map(|it| format!("{it}{slot} ")).unwrap_or_default();
        return Some(format!("! {}: {about}{}", text("event_type")?, text("message").unwrap_or_default()));
    }
    let outlet = topic.strip_suffix("/decision")?;
    let until = text("until").map(|it| format!(", until {it}")).unwrap_or_default();
    Some(format!("{outlet} is wanted {}: {}{until}", text("desired")?, text("sentence")?))
}
