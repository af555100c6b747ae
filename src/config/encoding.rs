//! What a file says that is not in UTF-8: it is shown, so that somebody can save it as it should be.

use std::{str::Utf8Error, sync::Arc};

use super::Place;

/// 0x80 to 0x9F in windows-1252; what has no letter there is the control character of that number.
const UPPER: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text of a file, and as what it was read if it is not in UTF-8.
pub(super) fn decoded(bytes: &[u8]) -> (String, Option<&'static str>) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (text.to_owned(), None);
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => (utf16(rest, u16::from_le_bytes), Some("UTF-16")),
        [0xfe, 0xff, rest @ ..] => (utf16(rest, u16::from_be_bytes), Some("UTF-16")),
        _ => (mixed(bytes), Some("windows-1252")),
    }
}

fn utf16(bytes: &[u8], read: fn([u8; 2]) -> u16) -> String {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|it| read(*it));
    let letters = char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER));
    letters.chain(rest.iter().map(|_| char::REPLACEMENT_CHARACTER)).collect()
}

/// What is UTF-8 stays: often one word was put into a file by another program.
fn mixed(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| match byte {
            0x80..=0x9f => UPPER[usize::from(byte - 0x80)],
            _ => char::from(*byte),
        }));
    }
    text
}

/// Where a file stops being UTF-8.
pub(super) fn place(name: &Arc<str>, bytes: &[u8], error: Utf8Error) -> Place {
    let good = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
    let line = good.matches('\n').count() as u64 + 1;
    let column = good.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
    Place::File { file: name.clone(), line, column }
}
