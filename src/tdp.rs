//! TDP, how the vendor's devices are found: one datagram with a question, one with an answer, without a login.
//!
//! Pure functions, good for either side. The facts of the wire are those that the public clients agree on.
//!
//! ```text
//! 0  version 2 | 1  message 0 | 2  operation, 1 a question | 4  length of what follows | 6  flags | 7  0
//! 8  a random number           | 12 CRC-32 of it all, taken while this field holds PRESET
//! 16 JSON
//! ```
//! All numbers are big-endian. A device answers only a question that carries an RSA key.

use serde_json::{Value, json};

/// The port on which devices listen.
pub const PORT: u16 = 20_002;
/// Length of what stands in front of the JSON.
const HEAD: usize = 16;
const VERSION: u8 = 2;
const QUESTION: u16 = 1;
const FLAGS: u8 = 0x11;
/// What the field of the checksum holds while the checksum is taken.
const PRESET: u32 = 0x5A6B_7C8D;
/// Where that field is.
const CHECKSUM: std::ops::Range<usize> = 12..16;

/// A public key that is only there because devices want one: with it they seal a part of the answer that nobody here reads. Its
/// private half was thrown away.
const KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuu3jIlNPN7wocpLgKLC1\n\
    ysLl+QmdKhx6zTepaXKt0UxFH0gCupfWuFAAf5A81D2K3GcyqwK7ZVALeF8hB4ws\n\
    K/73IBbqGaPlMdROfDgeVeBRznG6KdYHmRLlygd5llssw0MigE4iHWHltNzGG4S4\n\
    eidd/8ko+ByHEyQpoTE5nD96UZ0gor31TqTxIoQyY4ViK9ooqBn7Fw4jX9tBGdUa\n\
    q59wYl/+KIKiOyK/mdnMCPgznK6M8UC/g7qGot/E6KKh62HjibbRk9agxRZblOoS\n\
    wO6hoaolNhFtg0PnpgD+kUVATjQnjq6dfQ3JjgD+RD8ELLMZh7URzkVpRUW1D7Hz\n\
    4wIDAQAB\n\
    -----END PUBLIC KEY-----\n";

/// What asks a device who it is. `number` tells one question from another; it need not be secret.
pub fn question(number: u32) -> Vec<u8> {
    framed(number, &json!({"params": {"rsa_key": KEY}}))
}

/// Is this a question that a device answers? Then its number.
pub fn asked(datagram: &[u8]) -> Option<u32> {
    let (head, json) = datagram.split_at_checked(HEAD)?;
    let is_question = head.first() == Some(&VERSION) && head.get(2..4) == Some(&QUESTION.to_be_bytes());
    let length = u16::from_be_bytes(head.get(4..6)?.try_into().ok()?);
    let said = u32::from_be_bytes(head.get(CHECKSUM)?.try_into().ok()?);
    if !is_question || usize::from(length) != json.len() || said != checksum(datagram) {
        return None;
    }
    let said: Value = serde_json::from_slice(json).ok()?;
    let key = said.pointer("/params/rsa_key")?.as_str()?;
    let number = head.get(8..12)?.try_into().ok()?;
    key.contains("KEY-----").then_some(u32::from_be_bytes(number))
}

/// The answer to the question with this number.
pub fn answer(number: u32, says: &Value) -> Vec<u8> {
    framed(number, says)
}

/// The JSON of an answer; `None` if it is none. What stands in front of it differs between firmwares and is not looked at.
pub fn answered(datagram: &[u8]) -> Option<Value> {
    serde_json::from_slice(datagram.get(HEAD..)?).ok().filter(Value::is_object)
}

fn framed(number: u32, json: &Value) -> Vec<u8> {
    let json = json.to_string();
    // What is longer than a datagram does not arrive anyway.
    let length = u16::try_from(json.len()).unwrap_or(u16::MAX);
    let mut datagram = vec![VERSION, 0];
    datagram.extend(QUESTION.to_be_bytes());
    datagram.extend(length.to_be_bytes());
    datagram.extend([FLAGS, 0]);
    datagram.extend(number.to_be_bytes());
    datagram.extend(PRESET.to_be_bytes());
    datagram.extend(json.as_bytes());
    let checksum = checksum(&datagram).to_be_bytes();
    if let Some(field) = datagram.get_mut(CHECKSUM) {
        field.copy_from_slice(&checksum);
    }
    datagram
}

fn checksum(datagram: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(datagram.get(..CHECKSUM.start).unwrap_or_default());
    hasher.update(&PRESET.to_be_bytes());
    hasher.update(datagram.get(CHECKSUM.end..).unwrap_or_default());
    hasher.finalize()
}
