//! Names that are safe in a topic, an identifier and a file.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// A name of lower-case ASCII letters, digits and `_`: 1 to 64 characters, safe as one MQTT topic level.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(Arc<str>);

impl Slug {
    /// The slug of a name in any script: `Außen Lampe 2` becomes `aussen_lampe_2`.
    ///
    /// Returns `None` if nothing of the name is left (it is empty or only punctuation).
    pub fn of(name: &str) -> Option<Self> {
        let mut slug = String::with_capacity(name.len());
        for letter in deunicode::deunicode(name).chars() {
            if letter.is_ascii_alphanumeric() {
                slug.push(letter.to_ascii_lowercase());
            } else if !slug.is_empty() && !slug.ends_with('_') {
                slug.push('_');
            }
        }
        slug.truncate(64);
        let slug = slug.trim_end_matches('_');
        (!slug.is_empty()).then(|| Self(slug.into()))
    }

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if text.is_empty() || text.len() > 64 || !text.chars().all(fits) {
            return Err(format!("`{text}` is not a name of 1 to 64 characters a-z, 0-9 and _"));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Slug {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0.as_ref().to_owned()
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One switched socket: the device's slug and the slot 1…n, which is the device's own `position`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OutletId {
    /// The device that the outlet belongs to.
    pub device: Slug,
    /// The slot, from 1.
    pub slot: u8,
}

impl OutletId {
    /// Names the outlet in `slot` of `device`.
    pub fn new(device: Slug, slot: u8) -> Self {
        Self { device, slot }
    }
}

impl fmt::Display for OutletId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.device, self.slot)
    }
}

impl FromStr for OutletId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (device, slot) = text.split_once('/').ok_or_else(|| format!("`{text}` is not DEVICE/SLOT"))?;
        let slot =
            slot.parse().ok().filter(|slot| *slot > 0).ok_or_else(|| format!("`{slot}` is not a slot number"))?;
        Ok(Self { device: device.parse()?, slot })
    }
}

impl TryFrom<String> for OutletId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<OutletId> for String {
    fn from(id: OutletId) -> Self {
        id.to_string()
    }
}
