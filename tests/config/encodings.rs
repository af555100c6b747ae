//! Files that are not in UTF-8: shown, kept byte for byte, and replaced.

use std::{fs, path::PathBuf};

use heattrax::{
    config::{Refused, Sources, Writer},
    model::{ConfigEdit, Why},
};
use tempfile::TempDir;

use crate::SMALL;

struct Desk {
    _folder: TempDir,
    file: PathBuf,
    writer: Writer,
}

fn desk(bytes: &[u8]) -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("house.yaml");
    fs::write(&file, bytes).unwrap();
    let writer = Writer::new(Sources { file: Some(file.clone()), ..Sources::default() });
    Desk { _folder: folder, file, writer }
}

fn now(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).unwrap()
}

/// As an editor of Windows writes it.
fn utf16(text: &str, mark: [u8; 2]) -> Vec<u8> {
    let is_little = mark == [0xff, 0xfe];
    let units = text.encode_utf16().flat_map(|it| if is_little { it.to_le_bytes() } else { it.to_be_bytes() });
    mark.into_iter().chain(units).collect()
}

/// A good file but for how it is written: its text, its bytes, and as what it is read.
fn written() -> Vec<(String, Vec<u8>, &'static str)> {
    let text = SMALL.replace("name: Walk,", "name: \"Bürgersteig\",");
    let latin = text.replace('ü', "\u{1}").into_bytes().into_iter().map(|it| if it == 1 { 0xfc } else { it }).collect();
    let mixed = format!("# für 5 €\n{text}");
    // A word of another program's in a file that is UTF-8 otherwise.
    let mut stray = mixed.clone().into_bytes();
    stray.extend(b"# f\xfcr 5 \x80\n");
    vec![
        (text.clone(), utf16(&text, [0xff, 0xfe]), "UTF-16"),
        (text.clone(), utf16(&text, [0xfe, 0xff]), "UTF-16"),
        (text, latin, "windows-1252"),
        (format!("{mixed}# für 5 €\n"), stray, "windows-1252"),
    ]
}

#[test]
fn a_file_that_is_not_in_utf_8_is_shown_and_replaced_and_kept_bit_for_bit() {
    for (text, bytes, read_as) in written() {
        let desk = desk(&bytes);
        let shown = desk.writer.shown().unwrap();
        // Asterisks stand for the account until it is saved.
        let masked = text.replace("ann@example.org", "\"********\"").replace("hunter22", "\"********\"");
        assert_eq!((shown.text, shown.read_as), (masked.clone(), Some(read_as)));
        assert_eq!(desk.writer.etag().unwrap(), shown.etag);
        assert!(matches!(desk.writer.put_text(&text, Some("other"), now(1)), Err(Refused::Changed)));
        let edited = desk.writer.put_text(&masked, Some(&shown.etag), now(1)).unwrap();
        assert_eq!(fs::read_to_string(&desk.file).unwrap(), text);
        assert!(desk.writer.check().is_ok());
        let shown = desk.writer.shown().unwrap();
        assert_eq!((shown.etag, shown.read_as), (edited.etag, None));
        let backups = desk.writer.backups();
        assert_eq!(fs::read(desk.file.with_file_name(&backups[0])).unwrap(), bytes);
        // What is brought back is what was shown.
        assert_eq!(desk.writer.backup(&backups[0]).unwrap(), text);
    }
}

#[test]
fn a_wrong_text_replaces_nothing_and_half_a_letter_is_shown() {
    let mut bytes = utf16("a: 1\n", [0xff, 0xfe]);
    bytes.extend([0x00, 0xd8, 0x0a]);
    let desk = desk(&bytes);
    assert_eq!(desk.writer.shown().unwrap().text, "a: 1\n\u{fffd}\u{fffd}");
    assert!(matches!(desk.writer.put_text("a: 1\n", None, now(1)), Err(Refused::Wrong(_))));
    assert_eq!(fs::read(&desk.file).unwrap(), bytes);
}

#[test]
fn a_change_by_its_key_says_what_to_do_first() {
    for (_, bytes, _) in written() {
        let desk = desk(&bytes);
        let set = ConfigEdit::Set(vec![("safety.max_runtime_hours".to_owned(), 4.into())]);
        for refused in
            [desk.writer.apply(&set, None, now(1)).unwrap_err(), desk.writer.annotated().map(drop).unwrap_err()]
        {
            let failed = heattrax::model::Failed::from(refused);
            assert!(failed.why == Why::Conflict && failed.words.contains("/api/config/text"), "{}", failed.words);
        }
        assert_eq!(fs::read(&desk.file).unwrap(), bytes);
        assert!(desk.writer.backups().is_empty());
    }
}

#[test]
fn what_such_a_file_says_of_the_page_holds_but_for_a_password_that_is_guessed() {
    let page = |web: &str| {
        let text = format!("# Grüße\n{SMALL}web: {web}\n");
        [utf16(&text, [0xff, 0xfe]), text.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect()].map(
            |bytes| {
                let problems = desk(&bytes).writer.check().unwrap_err();
                assert!(problems.to_string().contains("found a byte that is no UTF-8"), "{problems}");
                assert!(problems.partial.mqtt.is_some());
                problems.partial.web
            },
        )
    };
    for read in page("{port: 80, password: abcdefgh}") {
        assert_eq!((read.port, read.password.is_some(), read.must_sign_in), (80, true, false));
    }
    for read in page("{port: 80, password: Grüße}") {
        assert_eq!((read.port, read.password.is_some(), read.must_sign_in), (80, false, true));
    }
    for read in page("{port: 80}") {
        assert_eq!((read.port, read.password.is_some(), read.must_sign_in), (80, false, false));
    }
    for read in page("{zzz: 80}") {
        assert!(read.must_sign_in);
    }
}
