//! Announcements as they are kept: packed, for those of 1,000 outlets are twelve megabytes of text in which the same words come again
//! and again, and they are only looked at when Home Assistant starts.

use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};

use super::truth::{Entry, Rank};

/// Shorter text is not worth it.
const WORTH_IT: usize = 512;

/// A retained message as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Held {
    rank: Rank,
    text: Text,
}

#[derive(Clone, Debug)]
enum Text {
    Plain(Box<str>),
    Packed(Box<[u8]>),
}

impl Held {
    pub(super) fn of(entry: Entry) -> Self {
        let Entry { rank, payload } = entry;
        let packed = if rank.announces() && payload.len() > WORTH_IT { pack(&payload) } else { None };
        let text = packed.map_or_else(|| Text::Plain(payload.into_boxed_str()), Text::Packed);
        Self { rank, text }
    }

    pub(super) fn rank(&self) -> Rank {
        self.rank
    }

    /// Does it clear its topic?
    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.text, Text::Plain(text) if text.is_empty())
    }

    pub(super) fn payload(&self) -> String {
        match &self.text {
            Text::Plain(text) => text.to_string(),
            Text::Packed(bytes) => unpack(bytes),
        }
    }

    pub(super) fn entry(&self) -> Entry {
        Entry { rank: self.rank, payload: self.payload() }
    }

    pub(super) fn is(&self, entry: &Entry) -> bool {
        self.rank == entry.rank
            && match &self.text {
                Text::Plain(text) => **text == *entry.payload,
                Text::Packed(bytes) => unpack(bytes) == entry.payload,
            }
    }
}

/// Writing to memory cannot fail; should it all the same, the text is kept as it is.
fn pack(text: &str) -> Option<Box<[u8]>> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes()).ok()?;
    packer.finish().ok().map(Vec::into_boxed_slice)
}

/// What was packed here can be unpacked.
fn unpack(bytes: &[u8]) -> String {
    let mut text = String::new();
    if let Err(error) = DeflateDecoder::new(bytes).read_to_string(&mut text) {
        tracing::error!("an announcement is lost: {error}");
    }
    text
}
