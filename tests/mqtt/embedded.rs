//! The embedded broker.

use std::{path::Path, time::Duration};

use heattrax::emulator::broker::{Broker, BrokerError, BrokerOptions};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};

use crate::peer::{Peer, broker, broker_on, retained};

#[tokio::test]
async fn a_thousand_retained_messages_reach_who_comes_later() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    for number in 0..1000 {
        peer.say_retained(&format!("many/{number}"), "x").await;
    }
    peer.settle().await;
    assert_eq!(retained(broker.address()).await.len(), 1000);
    assert!(!Path::new("mqtt_storage").exists(), "it writes into the working directory");
}

#[tokio::test]
async fn both_protocols_are_spoken_on_one_port() {
    let broker = broker().await;
    let peer = Peer::at(broker.address()).await;
    let mut options = MqttOptions::new("older", broker.address().ip().to_string(), broker.address().port());
    options.set_keep_alive(Duration::from_secs(60));
    let (client, mut events) = AsyncClient::new(options, 10);
    client.subscribe("a", QoS::AtLeastOnce).await.unwrap();
    client.publish("b", QoS::AtLeastOnce, false, "from 3.1.1").await.unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            match events.poll().await.unwrap() {
                Event::Incoming(Packet::SubAck(_)) => peer.say("a", "from 5").await,
                Event::Incoming(Packet::Publish(publish)) => return publish.payload,
                _ => {}
            }
        }
    });
    assert_eq!(heard.await.unwrap(), "from 5");
    peer.wait_for("b", "from 3.1.1").await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_and_free_again_after_a_stop() {
    let broker = broker().await;
    let listen = broker.address();
    match Broker::start(BrokerOptions { listen }).await {
        Err(error @ BrokerError::Listen { .. }) => assert!(error.to_string().contains(&listen.to_string())),
        other => panic!("{other:?}"),
    }
    let peer = Peer::at(listen).await;
    broker.stop().await;
    drop(peer);
    let again = broker_on(listen).await;
    assert_eq!(again.address(), listen);
}
