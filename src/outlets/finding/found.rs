//! What an answer says, field by field; a field that is missing or of another type costs that field and nothing else.

use std::{collections::BTreeMap, net::IpAddr};

use serde::Serialize;
use serde_json::Value;

use crate::model::{Address, Mac};

/// Devices that are kept of one search: whoever floods us with answers fills no more memory than this.
const MOST: usize = 1024;
/// The longest word of an answer that is kept, in characters.
const LONGEST: usize = 64;
/// The vendor's port.
const HTTP: u16 = 80;

/// The protocol that a device says it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Speaks {
    /// The one in which timers can be set.
    Klap,
    /// Its successor: Third-Party Compatibility is off.
    Tpap,
    /// Its predecessor: old firmware.
    Aes,
    /// Something else, or it does not say.
    Unknown,
}

impl Speaks {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Klap => "KLAP",
            Self::Tpap => "TPAP",
            Self::Aes => "AES",
            Self::Unknown => "?",
        }
    }
}

/// A device that has answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What it says is its hardware address.
    pub mac: Mac,
    /// Who sent the answer, by the network's word: an address inside the answer would let anybody point elsewhere.
    pub host: IpAddr,
    /// Where it takes requests.
    pub port: u16,
    /// As it names itself; empty if it does not say.
    pub model: String,
    /// `SMART.TAPOPLUG`, `SMART.KASAPLUG`, …; empty if it does not say.
    pub family: String,
    /// The protocol.
    pub speaks: Speaks,
    /// Nobody has set it up yet.
    pub factory_default: bool,
}

impl Found {
    /// As the config writes it: without the vendor's port.
    pub fn address(&self) -> Address {
        Address { host: self.host.to_string(), port: Some(self.port).filter(|it| *it != HTTP) }
    }

    /// Is it a plug or a strip, as far as one can tell from its family?
    pub fn is_plug(&self) -> bool {
        self.family.ends_with("PLUG") || self.family.ends_with("SWITCH") || self.family.is_empty()
    }
}

/// Reads the JSON of an answer. `None` without a MAC address: then it could not be told from any other device.
pub fn read(said: &Value, from: IpAddr) -> Option<Found> {
    let result = said.get("result")?;
    let scheme = result.get("mgt_encrypt_schm").unwrap_or(&Value::Null);
    let port = scheme.get("http_port").and_then(Value::as_u64).and_then(|it| u16::try_from(it).ok());
    let prefers_tpap = result.get("tpap_preferred") == Some(&Value::Bool(true));
    let speaks = match scheme.get("encrypt_type").and_then(Value::as_str) {
        _ if prefers_tpap => Speaks::Tpap,
        Some("KLAP") => Speaks::Klap,
        Some("TPAP") => Speaks::Tpap,
        Some("AES") => Speaks::Aes,
        _ => Speaks::Unknown,
    };
    Some(Found {
        mac: result.get("mac")?.as_str()?.parse().ok()?,
        host: from,
        port: port.filter(|it| *it != 0).unwrap_or(HTTP),
        model: word(result, "device_model"),
        family: word(result, "device_type"),
        speaks,
        factory_default: result.get("factory_default") == Some(&Value::Bool(true)),
    })
}

/// One entry for each device, in the order of their MAC addresses. Of several answers with one MAC address the first counts.
pub fn gather(answers: impl IntoIterator<Item = Found>) -> Vec<Found> {
    let mut known = BTreeMap::new();
    for found in answers {
        if known.len() < MOST || known.contains_key(&found.mac) {
            known.entry(found.mac).or_insert(found);
        }
    }
    known.into_values().collect()
}

/// It ends in a terminal and in a config: only letters, digits and what models are made of.
fn word(object: &Value, key: &str) -> String {
    let text = object.get(key).and_then(Value::as_str).unwrap_or_default();
    let plain = |it: &char| it.is_ascii_alphanumeric() || " ().-_/".contains(*it);
    text.chars().filter(plain).take(LONGEST).collect::<String>().trim().to_owned()
}
