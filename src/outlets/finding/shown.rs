//! What was found, for people: a table, and the lines of a config to paste.

use std::fmt::Write;

use super::{Found, Speaks};

const HEAD: [&str; 5] = ["MODEL", "MAC", "ADDRESS", "PROTOCOL", "WHAT TO DO"];

/// The step that makes a device fit to heat with; `None` if there is nothing to do.
pub fn advice(found: &Found) -> Option<&'static str> {
    if found.factory_default {
        return Some("set it up in the Tapo app first");
    }
    if !found.is_plug() {
        return Some("nothing: it is no plug");
    }
    match found.speaks {
        Speaks::Klap => None,
        Speaks::Tpap => Some("switch Third-Party Compatibility on: Tapo app > Me > Third-Party Services"),
        Speaks::Aes => Some("update its firmware in the Tapo app"),
        Speaks::Unknown => Some("try it: it does not say what it speaks"),
    }
}

/// A table with a head, one line for each device.
pub fn table(found: &[Found]) -> String {
    let row = |it: &Found| {
        let todo = advice(it).unwrap_or("-").to_owned();
        [it.model.clone(), it.mac.to_string(), it.address().to_string(), it.speaks.name().to_owned(), todo]
    };
    let rows: Vec<_> = [HEAD.map(str::to_owned)].into_iter().chain(found.iter().map(row)).collect();
    let width = |column: usize| rows.iter().filter_map(|it| it.get(column)).map(String::len).max().unwrap_or_default();
    let widths = [0, 1, 2, 3].map(width);
    let mut text = String::new();
    for [model, mac, address, protocol, todo] in &rows {
        let [a, b, c, d] = widths;
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{model:<a$}  {mac:<b$}  {address:<c$}  {protocol:<d$}  {todo}");
    }
    text
}

/// A `devices` section with every plug that is set up. Its MAC address is given too, so that another device at the address is
/// never switched. Empty if there is none.
pub fn snippet(found: &[Found]) -> String {
    let fit: Vec<_> = found.iter().filter(|it| it.is_plug() && !it.factory_default).collect();
    if fit.is_empty() {
        return String::new();
    }
    let mut text = "devices:\n  groups:\n    mats:\n      class: heater\n      items:\n".to_owned();
    for it in fit {
        let model = if it.model.is_empty() { "Plug" } else { &it.model };
        let plain = it.mac.plain();
        let end = plain.get(6..).unwrap_or_default();
        let (address, mac) = (it.address(), it.mac);
        let _ = writeln!(text, "        - {{ name: \"{model} {end}\", ip_address: \"{address}\", mac: \"{mac}\" }}");
    }
    text
}
