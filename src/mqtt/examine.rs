//! One visit to the broker, for people who want to know why nothing arrives: does it let us in, publish, and keep what is retained?

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{
    client::{self, Connection, Filter, Line, Mail, Options, Wanted},
    message::Payload,
    truth::Once,
};
use crate::model::MqttSettings;

/// What a broker was seen to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// `MQTT 5` or `MQTT 3.1.1`.
    pub protocol: &'static str,
    /// Did it keep a retained message and give it back? It was cleared again.
    pub retains: bool,
    /// Is anything that is not ours retained on the topic by which Home Assistant tells that it lives, or under the prefix of its
    /// announcements?
    pub home_assistant: bool,
}

/// Connects under a client id of its own (the bridge's would throw a running bridge out), publishes a retained message below
/// `<base>/bridge/doctor`, reads it back, and clears it. `status` is the topic on which Home Assistant tells that it lives, and
/// `prefix` that of its announcements.
///
/// # Errors
/// There is no connection within the time, in words.
pub async fn examine(settings: &MqttSettings, status: &str, prefix: &str, within: Duration) -> Result<Visit, String> {
    let until = Instant::now() + within;
    let mark = format!("{:08x}", fastrand::u32(..));
    let topic = format!("{}/bridge/doctor/{mark}", settings.base_topic);
    let own = MqttSettings { client_id: format!("heattrax-doctor-{mark}"), ..settings.clone() };
    let wanted = Wanted { announcements: format!("{prefix}/"), ours: vec![String::new()], state: None };
    let mut mail = client::start(Options { settings: Arc::new(own), will: topic.clone(), wanted });
    let line = connected(&mut mail, until).await?;
    let filter = |filter: String| Filter { filter, as_published: true };
    line.publish(Once { topic: topic.clone(), payload: mark.clone(), retain: true, correlation: None })
        .map_err(|_| "it takes no message".to_owned())?;
    // A message that is only kept once it is acknowledged must be there before it is asked for.
    while line.acked() == 0 && timeout_at(until.min(Instant::now() + ROUND), mail.wake.notified()).await.is_ok() {}
    line.subscribe(&[filter(topic.clone()), filter(status.to_owned()), filter(format!("{prefix}/#"))]);
    let visit = listen(&mut mail, &line, (&topic, &mark), (status, prefix)).await;
    clear(&mut mail, &line, topic, until).await;
    Ok(visit)
}

/// One round trip to a broker, generously: what it retains comes at once.
const ROUND: Duration = Duration::from_secs(3);

async fn connected(mail: &mut Mail, until: Instant) -> Result<Line, String> {
    let settled = mail.connection.wait_for(|it| !matches!(it, Connection::Trying));
    let state = timeout_at(until, settled).await.map_err(|_| "the broker did not answer in time".to_owned())?;
    match state.as_deref() {
        Ok(Connection::Up(line)) => Ok(line.clone()),
        Ok(Connection::Down(trouble)) => Err(trouble.text.clone()),
        _ => Err("the connection to the broker ended".to_owned()),
    }
}

async fn listen(mail: &mut Mail, line: &Line, (topic, mark): (&str, &str), (status, prefix): (&str, &str)) -> Visit {
    let protocol = if line.protocol == 5 { "MQTT 5" } else { "MQTT 3.1.1" };
    let mut visit = Visit { protocol, retains: false, home_assistant: false };
    let until = Instant::now() + ROUND;
    while !(visit.retains && visit.home_assistant) {
        let Ok(Some(message)) = timeout_at(until, mail.messages.next()).await else { break };
        visit.retains |=
            message.topic == topic && message.retain && message.payload == Payload::Bytes(mark.as_bytes().to_vec());
        // What the bridge itself announces says nothing about who listens.
        let announced =
            message.topic.strip_prefix(prefix).is_some_and(|it| it.starts_with('/') && !it.contains("heattrax"));
        let theirs = message.topic == status || announced;
        visit.home_assistant |= theirs && message.retain;
    }
    visit
}

async fn clear(mail: &mut Mail, line: &Line, topic: String, until: Instant) {
    let before = line.acked();
    let _ = line.publish(Once { topic, payload: String::new(), retain: true, correlation: None });
    while line.acked() == before && timeout_at(until.min(Instant::now() + ROUND), mail.wake.notified()).await.is_ok() {}
    line.disconnect();
    // The goodbye keeps the broker from publishing the will; who does not say it in time is cut off.
    let _ = timeout_at(Instant::now() + ROUND, mail.poller.join_next()).await;
}
