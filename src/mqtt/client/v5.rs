//! MQTT 5.

use std::time::Duration;

use rumqttc::{
    Outgoing, Transport,
    v5::{
        AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError,
        mqttbytes::{
            QoS,
            v5::{
                ConnAck, ConnectProperties, ConnectReturnCode, DisconnectReasonCode, Filter as Subscribed, LastWill,
                Packet, PubAckReason, Publish, PublishProperties, RetainForwardRule, SubscribeReasonCode,
            },
        },
    },
};

use tokio::time::Instant;

use super::{
    CONNECT_WITHIN, Client, End, Filter, IN_FLIGHT, KEEP_ALIVE, LARGEST_PACKET, Once, Opened, Options, Post, REQUESTS,
    Reply, at, network, peer, taken_over, tls,
};
use crate::model::{Trouble, TroubleKind};

pub(super) fn publish(client: &AsyncClient, message: &Once) -> bool {
    let (topic, payload) = (message.topic.as_str(), message.payload.clone());
    let sent = match &message.correlation {
        None => client.try_publish(topic, QoS::AtLeastOnce, message.retain, payload),
        Some(mark) => {
            let properties =
                PublishProperties { correlation_data: Some(mark.clone().into()), ..PublishProperties::default() };
            client.try_publish_with_properties(topic, QoS::AtLeastOnce, message.retain, payload, properties)
        }
    };
    sent.is_ok()
}

pub(super) fn subscribe(client: &AsyncClient, filters: &[Filter]) -> bool {
    let filters = filters.iter().map(|it| Subscribed {
        path: it.filter.clone(),
        qos: QoS::AtLeastOnce,
        nolocal: false,
        preserve_retain: it.as_published,
        // Retained commands are asked for, so that they are seen, refused and cleared, not left for the next listener.
        retain_forward_rule: RetainForwardRule::OnEverySubscribe,
    });
    client.try_subscribe_many(filters).is_ok()
}

pub(super) async fn connect(options: Options, transport: Transport, post: Post) -> End {
    let (client, mut events) = AsyncClient::new(described(&options, transport), REQUESTS);
    let mut opened = None;
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(accepted))) => {
                keep_alive(&mut events.options, &options);
                opened = Some(post.open(Client::V5(client.clone()), largest(&accepted)));
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => hand_on(&post, publish),
            Ok(Event::Outgoing(Outgoing::Disconnect)) => return goodbye(&mut events).await,
            Ok(event) => {
                if let Some(opened) = &opened {
                    keep_books(&post, opened, &event);
                }
            }
            Err(error) => return lost(&options, &error, opened.is_some()),
        }
    }
}

/// Reads on until the broker has hung up, as it does when it has read the goodbye. Who closes the socket over unread bytes resets
/// the connection, and the broker may lose the goodbye by it and publish the will.
async fn goodbye(events: &mut EventLoop) -> End {
    while events.poll().await.is_ok() {}
    End::Goodbye
}

/// What is sent, and what the broker says to it.
fn keep_books(post: &Post, opened: &Opened, event: &Event) {
    match event {
        Event::Outgoing(Outgoing::Publish(number)) => opened.under_way.sent(*number),
        Event::Outgoing(Outgoing::AwaitAck(_)) => opened.under_way.held_up(),
        Event::Incoming(Packet::PubAck(answer)) => {
            let is_taken = matches!(answer.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers);
            let refused = (!is_taken).then(|| format!("{:?}", answer.reason));
            post.answered(opened, answer.pkid, refused);
        }
        Event::Incoming(Packet::SubAck(answer)) => {
            let refused = |it: &SubscribeReasonCode| match it {
                SubscribeReasonCode::Success(_) => None,
                other => Some(format!("{other:?}")),
            };
            post.subscribed(opened, answer.return_codes.iter().map(refused));
        }
        _ => {}
    }
}

fn described(options: &Options, transport: Transport) -> MqttOptions {
    let settings = &options.settings;
    let mut described = MqttOptions::new(settings.client_id.as_str(), peer(settings), settings.port);
    let properties = ConnectProperties { max_packet_size: Some(LARGEST_PACKET), ..ConnectProperties::new() };
    described
        .set_transport(transport)
        // The client refuses less than 5 s, and the protocol knows no more than 65,535 s.
        .set_keep_alive(settings.keep_alive.clamp(KEEP_ALIVE.0, KEEP_ALIVE.1))
        .set_clean_start(true)
        .set_last_will(LastWill::new(options.will.as_str(), "offline", QoS::AtLeastOnce, true, None))
        .set_connection_timeout(CONNECT_WITHIN.as_secs())
        .set_outgoing_inflight_upper_limit(IN_FLIGHT)
        .set_connect_properties(properties)
        .set_network_options(network());
    if let Some(user) = &settings.username {
        described.set_credentials(user.as_str(), settings.password.as_ref().map_or("", |it| it.reveal()));
    }
    described
}

/// A broker may say how often it wants to hear from us, and that it does not care. The client takes that for "at once, again and
/// again", and for a broker that does not answer.
fn keep_alive(told: &mut MqttOptions, options: &Options) {
    if told.keep_alive().is_zero() {
        told.set_keep_alive(options.settings.keep_alive.clamp(KEEP_ALIVE.0, KEEP_ALIVE.1));
    }
}

fn largest(accepted: &ConnAck) -> u32 {
    let told = accepted.properties.as_ref().and_then(|properties| properties.max_packet_size);
    told.unwrap_or(LARGEST_PACKET).min(LARGEST_PACKET)
}

fn hand_on(post: &Post, publish: Publish) {
    let properties = publish.properties.unwrap_or_default();
    let correlation = properties.correlation_data.map(|mark| mark.to_vec());
    let reply = properties.response_topic.map(|topic| Reply { topic, correlation });
    // What is left of it: the broker has taken off the time that the message waited there.
    let left = properties.message_expiry_interval.map(|seconds| Duration::from_secs(u64::from(seconds)));
    let expires = left.and_then(|it| Instant::now().checked_add(it));
    post.hand_on(&publish.topic, &publish.payload, publish.retain, reply, expires);
}

fn lost(options: &Options, error: &ConnectionError, was_up: bool) -> End {
    let at = at(&options.settings);
    let (kind, text) = match error {
        ConnectionError::ConnectionRefused(code) => refused(*code),
        ConnectionError::Timeout(_) => (TroubleKind::Passing, "did not answer in time".to_owned()),
        ConnectionError::Tls(error) => (TroubleKind::NeedsPerson, format!("and we cannot agree on TLS: {error}")),
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            (TroubleKind::Passing, "closed the connection".to_owned())
        }
        ConnectionError::MqttState(StateError::ServerDisconnect {
            reason_code: DisconnectReasonCode::SessionTakenOver,
            ..
        }) => (TroubleKind::NeedsPerson, taken_over(&options.settings)),
        ConnectionError::MqttState(StateError::AwaitPingResp) => (TroubleKind::Passing, "answers no longer".to_owned()),
        error if let Some(words) = tls::refused(error) => (TroubleKind::NeedsPerson, words),
        ConnectionError::Io(error) if !was_up => (TroubleKind::Passing, format!("cannot be reached: {error}")),
        ConnectionError::MqttState(StateError::Deserialization(error)) => {
            (TroubleKind::Passing, format!("is lost: {error}"))
        }
        other => (TroubleKind::Passing, format!("is lost: {other}")),
    };
    End::Lost { trouble: Trouble { kind, text: format!("{at} {text}") }, speaks_older: !was_up && is_puzzled(error) }
}

/// A broker that knows only 3.1.1 says so, or sends the short answer of 3.1.1 (which is half an answer to MQTT 5, so that the rest
/// is waited for), or closes the connection.
fn is_puzzled(error: &ConnectionError) -> bool {
    match error {
        ConnectionError::ConnectionRefused(code) => matches!(
            code,
            ConnectReturnCode::UnsupportedProtocolVersion
                | ConnectReturnCode::RefusedProtocolVersion
                | ConnectReturnCode::ProtocolError
                | ConnectReturnCode::MalformedPacket
        ),
        ConnectionError::MqttState(_) | ConnectionError::Timeout(_) | ConnectionError::NotConnAck(_) => true,
        _ => false,
    }
}

fn refused(code: ConnectReturnCode) -> (TroubleKind, String) {
    match code {
        ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
            (TroubleKind::NeedsPerson, format!("refused the login ({code:?})"))
        }
        ConnectReturnCode::BadClientId | ConnectReturnCode::ClientIdentifierNotValid | ConnectReturnCode::Banned => {
            (TroubleKind::NeedsPerson, format!("refused us ({code:?})"))
        }
        _ => (TroubleKind::Passing, format!("refused us ({code:?})")),
    }
}
