//! The page: plain HTML, no script, nothing from elsewhere.

use std::fmt::Write;

use crate::model::{Availability, Broker, House, Outlet};

/// What every outlet does, and why.
pub(super) fn house(version: &str, house: &House) -> String {
    let mut body = String::new();
    // Writing to a string cannot fail.
    let _ = write!(body, "<p>{}, as of {}.</p>", broker(&house.broker), house.at.strftime("%Y-%m-%d %H:%M:%S UTC"));
    if house.vacation {
        body.push_str("<p>Vacation.</p>");
    }
    body.push_str("<table><tr><th>Outlet</th><th>Reported</th><th>Wanted</th><th>Mode</th><th>Why</th></tr>");
    for outlet in house.outlets.values() {
        let _ = write!(
            body,
            "<tr><td>{name} <small>{id}</small></td><td>{reported}</td><td>{wanted}</td><td>{mode}</td><td>{why}</td></tr>",
            name = escaped(&outlet.name),
            id = escaped(&outlet.id.to_string()),
            reported = reported(outlet),
            wanted = outlet.decision.switch,
            mode = outlet.decision.mode().as_str(),
            why = escaped(&outlet.decision.reason.to_string()),
        );
    }
    body.push_str("</table>");
    if house.outlets.is_empty() {
        body.push_str("<p>No outlet is known yet.</p>");
    }
    frame(version, "<meta http-equiv=\"refresh\" content=\"5\">", &body)
}

/// The config is wrong. What is wrong with it is not for everybody's eyes.
pub(super) fn setup(version: &str) -> String {
    let body = "<p><strong>Setup mode</strong>: the config is absent or wrong, nothing is switched. \
                See the log or run <code>heattrax check</code>.</p>";
    frame(version, "", body)
}

/// The bridge listens to more than this machine, and nobody has to log in.
pub(super) fn closed(version: &str) -> String {
    let body =
        "<p>The bridge is running. What it does is shown on a loopback address only (<code>web.bind_host</code>).</p>";
    frame(version, "", body)
}

fn reported(outlet: &Outlet) -> &'static str {
    match (outlet.availability, outlet.switch()) {
        (Availability::Online, Some(switch)) => switch.as_str(),
        (Availability::Offline, _) => "offline",
        _ => "unknown",
    }
}

fn broker(broker: &Broker) -> &'static str {
    match broker {
        Broker::Unknown => "Broker not in use yet",
        Broker::Connected => "Broker connected",
        Broker::Lost(_) => "Broker lost",
    }
}

fn frame(version: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>HeatTrax</title>{head}\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <style>body{{font:1em sans-serif;margin:2em}}td,th{{text-align:left;padding:.3em .8em}}\
         tr+tr{{border-top:1px solid #999}}table{{border-collapse:collapse}}</style></head>\
         <body><h1>HeatTrax <small>{}</small></h1>{body}</body></html>\n",
        escaped(version)
    )
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
