//! The broker: name, port, TLS, login, retained messages, and Home Assistant behind it.

use std::time::Duration;

use tokio::net::lookup_host;

use super::Line;
use crate::{
    model::{BrokerHost, MqttSettings, Settings},
    mqtt::{self, Visit},
};

/// A name is looked up within this time, and a connection made.
const LOOK_UP: Duration = Duration::from_secs(5);
/// One attempt with MQTT 5 and one with 3.1.1.
const CONNECT: Duration = Duration::from_secs(12);

pub(super) async fn examine(settings: &Settings, bridge_runs: bool) -> Vec<Line> {
    let Some(mqtt) = &settings.mqtt else {
        return vec![Line::ok("broker", "MQTT is switched off (there is no `mqtt` section)")];
    };
    match &mqtt.host {
        BrokerHost::Embedded if !bridge_runs => {
            return vec![Line::ok("broker", "embedded: it runs with the bridge, and the bridge does not run")];
        }
        BrokerHost::Embedded => {}
        BrokerHost::Remote(host) => {
            if let Some(unknown) = unknown(host, mqtt.port).await {
                return vec![unknown];
            }
        }
    }
    let ha = &settings.homeassistant;
    match mqtt::examine(mqtt, &ha.status_topic, &ha.discovery_prefix, CONNECT).await {
        Ok(visit) => {
            let mut lines = vec![kept(mqtt, &visit)];
            lines.extend(ha.discovery.then(|| home_assistant(&visit, &ha.status_topic)));
            lines
        }
        Err(words) => vec![Line::fail("broker", words).cured(
            "see that it runs, and that `mqtt.host`, `mqtt.port`, `mqtt.tls`, `mqtt.username` and `mqtt.password` are those that \
             it wants",
        )],
    }
}

/// A name that nobody knows is told as such.
async fn unknown(host: &str, port: u16) -> Option<Line> {
    let words = match tokio::time::timeout(LOOK_UP, lookup_host((host, port))).await {
        Ok(Ok(_)) => return None,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the name server does not answer".to_owned(),
    };
    let cure = "write its IP address as `mqtt.host`, or make the name known (in a container: a name of its network)";
    Some(Line::fail("broker", format!("the name `{host}` is not known here: {words}")).cured(cure))
}

fn kept(mqtt: &MqttSettings, visit: &Visit) -> Line {
    let Visit { protocol, retains, .. } = visit;
    if *retains {
        return Line::ok("broker", format!("lets us in ({protocol}), and keeps what is retained"));
    }
    let base = &mqtt.base_topic;
    Line::fail("broker", format!("lets us in ({protocol}), but a retained message below {base}/ did not come back"))
        .cured(format!("let this user publish, retain and read {base}/# (the broker's access list)"))
}

fn home_assistant(visit: &Visit, status: &str) -> Line {
    if visit.home_assistant {
        return Line::ok("home assistant", "something of it is retained on the broker");
    }
    Line::warn(
        "home assistant",
        format!("nothing of it is retained on the broker (neither {status} nor an announcement)"),
    )
    .cured("if you use it: add its MQTT integration with this broker; if not: `homeassistant.discovery: false`")
}
