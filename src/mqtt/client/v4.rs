//! MQTT 3.1.1.

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Outgoing, Packet, QoS,
    StateError, SubscribeFilter, SubscribeReasonCode, Transport,
};

use super::{
    CONNECT_WITHIN, Client, End, Filter, IN_FLIGHT, KEEP_ALIVE, LARGEST_PACKET, Once, Opened, Options, Post, REQUESTS,
    at, network, peer, tls,
};
use crate::model::{Trouble, TroubleKind};

pub(super) fn publish(client: &AsyncClient, message: &Once) -> bool {
    client.try_publish(message.topic.as_str(), QoS::AtLeastOnce, message.retain, message.payload.clone()).is_ok()
}

pub(super) fn subscribe(client: &AsyncClient, filters: &[Filter]) -> bool {
    let filters = filters.iter().map(|it| SubscribeFilter { path: it.filter.clone(), qos: QoS::AtLeastOnce });
    client.try_subscribe_many(filters).is_ok()
}

pub(super) async fn connect(options: Options, transport: Transport, post: Post) -> End {
    let (client, mut events) = AsyncClient::new(described(&options, transport), REQUESTS);
    let mut network = network();
    network.set_connection_timeout(CONNECT_WITHIN.as_secs());
    events.set_network_options(network);
    let mut opened = None;
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                opened = Some(post.open(Client::V4(client.clone()), LARGEST_PACKET));
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                post.hand_on(publish.topic.as_bytes(), &publish.payload, publish.retain, None, None);
            }
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

/// What is sent, and what the broker says to it. Of a publish it has no word for a refusal.
fn keep_books(post: &Post, opened: &Opened, event: &Event) {
    match event {
        Event::Outgoing(Outgoing::Publish(number)) => opened.under_way.sent(*number),
        Event::Outgoing(Outgoing::AwaitAck(_)) => opened.under_way.held_up(),
        Event::Incoming(Packet::PubAck(answer)) => post.answered(opened, answer.pkid, None),
        Event::Incoming(Packet::SubAck(answer)) => {
            let refused = |it: &SubscribeReasonCode| match it {
                SubscribeReasonCode::Success(_) => None,
                SubscribeReasonCode::Failure => Some("no reason given".to_owned()),
            };
            post.subscribed(opened, answer.return_codes.iter().map(refused));
        }
        _ => {}
    }
}

fn described(options: &Options, transport: Transport) -> MqttOptions {
    let settings = &options.settings;
    let mut described = MqttOptions::new(settings.client_id.as_str(), peer(settings), settings.port);
    let largest = usize::try_from(LARGEST_PACKET).unwrap_or(usize::MAX);
    described
        .set_transport(transport)
        .set_keep_alive(settings.keep_alive.clamp(KEEP_ALIVE.0, KEEP_ALIVE.1))
        .set_clean_session(true)
        .set_last_will(LastWill::new(options.will.as_str(), "offline", QoS::AtLeastOnce, true))
        .set_inflight(IN_FLIGHT)
        .set_max_packet_size(largest, largest);
    if let Some(user) = &settings.username {
        described.set_credentials(user.as_str(), settings.password.as_ref().map_or("", |it| it.reveal()));
    }
    described
}

fn lost(options: &Options, error: &ConnectionError, was_up: bool) -> End {
    let at = at(&options.settings);
    let (kind, text) = match error {
        ConnectionError::ConnectionRefused(
            code @ (ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized),
        ) => (TroubleKind::NeedsPerson, format!("refused the login ({code:?})")),
        ConnectionError::ConnectionRefused(code @ ConnectReturnCode::ServiceUnavailable) => {
            (TroubleKind::Passing, format!("refused us ({code:?})"))
        }
        ConnectionError::ConnectionRefused(code) => (TroubleKind::NeedsPerson, format!("refused us ({code:?})")),
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
            (TroubleKind::Passing, "did not answer in time".to_owned())
        }
        ConnectionError::Tls(error) => (TroubleKind::NeedsPerson, format!("and we cannot agree on TLS: {error}")),
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            (TroubleKind::Passing, "closed the connection".to_owned())
        }
        ConnectionError::MqttState(StateError::AwaitPingResp) => (TroubleKind::Passing, "answers no longer".to_owned()),
        error if let Some(words) = tls::refused(error) => (TroubleKind::NeedsPerson, words),
        ConnectionError::Io(error) if !was_up => (TroubleKind::Passing, format!("cannot be reached: {error}")),
        ConnectionError::MqttState(StateError::Deserialization(error)) => {
            (TroubleKind::Passing, format!("is lost: {error}"))
        }
        other => (TroubleKind::Passing, format!("is lost: {other}")),
    };
    End::Lost { trouble: Trouble { kind, text: format!("{at} {text}") }, speaks_older: false }
}
