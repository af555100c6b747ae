use std::{fs, path::Path};

use heattrax::{
    model::{Memory, NoticeKind},
    store::Store,
};
use proptest::prelude::*;

use crate::{memory, noon};

fn file(id: &str, version: u32, memory: &Memory) -> String {
    serde_json::json!({ "bridge_id": id, "version": version, "memory": memory }).to_string()
}

/// What `open` finds in a folder whose memory file holds `bytes`.
fn opened(bytes: &[u8]) -> (String, Memory, usize, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("memory.json"), bytes).unwrap();
    let (store, memory, notices) = Store::open(folder.path(), noon()).unwrap();
    assert!(notices.iter().all(|it| it.kind == NoticeKind::StoreTrouble));
    (store.bridge_id().to_owned(), memory, notices.len(), folder)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_first_start_draws_an_id_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("not/there/yet");
    let (store, memory, notices) = Store::open(&data, noon()).unwrap();
    assert_eq!((memory, notices.len()), (Memory::default(), 0));
    let id = store.bridge_id().to_owned();
    assert!(id.len() == 8 && id.bytes().all(|it| it.is_ascii_hexdigit()), "{id}");
    let (again, ..) = Store::open(&data, noon()).unwrap();
    assert_eq!(again.bridge_id(), id);
}

#[test]
fn what_was_remembered_is_read_back() {
    let (id, found, notices, _folder) = opened(file("0a1b2c3d", 1, &memory()).as_bytes());
    assert_eq!((id.as_str(), found, notices), ("0a1b2c3d", memory(), 0));
}

#[test]
fn a_damaged_file_is_set_aside_and_the_id_saved() {
    let good = file("0a1b2c3d", 1, &memory());
    for (damaged, is_saved) in [
        (String::new(), false),
        ("\0\0\0\0\0".to_owned(), false),
        ("null".to_owned(), false),
        (good[..good.len() - 5].to_owned(), true),
        (good.replace("\"version\":1", "\"version\":2"), true),
        (good.replace("\"version\":1", "\"version\":\"1\""), true),
        (good.replace("2026-01-15", "2026-13-45"), true),
        (good.replace("porch/2", "porch"), true),
        (good.replace("0a1b2c3d", "0A1B2C3D"), false),
        (good.replace("0a1b2c3d", "../../etc"), false),
    ] {
        assert_ne!(damaged, good);
        let (id, found, notices, folder) = opened(damaged.as_bytes());
        assert_eq!((found, notices), (Memory::default(), 1), "{damaged}");
        assert_eq!(id == "0a1b2c3d", is_saved, "{damaged}");
        assert_eq!(id.len(), 8);
        assert_eq!(names(folder.path()), ["memory.damaged-20260115T120000Z.json", "memory.json"]);
        let aside = folder.path().join("memory.damaged-20260115T120000Z.json");
        assert_eq!(fs::read(aside).unwrap(), damaged.as_bytes());
        let (again, _, notices) = Store::open(folder.path(), noon()).unwrap();
        assert_eq!((again.bridge_id(), notices.len()), (id.as_str(), 0));
    }
}

#[test]
fn the_notice_names_file_and_cause() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("memory.json"), "{").unwrap();
    let (_, _, notices) = Store::open(folder.path(), noon()).unwrap();
    for part in ["memory.json", "EOF while parsing", "memory.damaged-20260115T120000Z.json", "fresh"] {
        assert!(notices[0].message.contains(part), "{}", notices[0].message);
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_a_notice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let (store, memory, notices) = Store::open(&file, noon()).unwrap();
    assert_eq!(memory, Memory::default());
    assert_eq!(store.bridge_id().len(), 8);
    assert!(notices.last().unwrap().message.contains("cannot be written"), "{notices:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_left_as_it_is_and_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.json");
    // A link that leads to itself stands for a file of another user, which nothing keeps root from.
    std::os::unix::fs::symlink("memory.json", &path).unwrap();
    assert!(Store::open(folder.path(), noon()).is_err());
    assert!(Store::look(folder.path()).unwrap_err().contains("cannot be read"));
    assert_eq!(Store::id_only(folder.path(), noon()).len(), 8);
    assert_eq!(names(folder.path()), ["memory.json"]);
}

#[test]
fn who_wants_the_id_alone_changes_nothing_but_what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let id = Store::id_only(folder.path(), noon());
    assert_eq!(Store::id_only(folder.path(), noon()), id, "drawn once");
    let damaged = file("0a1b2c3d", 2, &memory());
    fs::write(folder.path().join("memory.json"), &damaged).unwrap();
    assert_eq!(Store::id_only(folder.path(), noon()), "0a1b2c3d");
    assert_eq!(fs::read_to_string(folder.path().join("memory.json")).unwrap(), damaged);
}

#[test]
fn a_folder_in_the_files_place_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("memory.json")).unwrap();
    let (_, memory, notices) = Store::open(folder.path(), noon()).unwrap();
    assert_eq!((memory, notices.len()), (Memory::default(), 1));
    assert!(folder.path().join("memory.json").is_file());
}

#[test]
fn every_prefix_is_fresh_or_whole() {
    let good = file("0a1b2c3d", 1, &memory());
    for length in 0..=good.len() {
        let (_, found, notices, _folder) = opened(&good.as_bytes()[..length]);
        if length == good.len() {
            assert_eq!((found, notices), (memory(), 0));
        } else {
            assert_eq!((found, notices), (Memory::default(), 1), "at {length}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_a_fresh_start(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(opened(&bytes).1, Memory::default());
    }

    #[test]
    fn a_flipped_byte_never_stops_the_bridge(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = file("0a1b2c3d", 1, &memory()).into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let (id, ..) = opened(&bytes);
        prop_assert_eq!(id.len(), 8);
    }
}

#[test]
fn looking_reads_and_leaves_everything_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.json");
    assert_eq!(Store::look(&folder.path().join("not/there")), Ok(None));
    assert_eq!(Store::look(folder.path()), Ok(None));
    assert!(names(folder.path()).is_empty(), "nothing is drawn or created");
    fs::write(&path, file("0a1b2c3d", 1, &memory())).unwrap();
    assert_eq!(Store::look(folder.path()), Ok(Some(memory())));
    fs::write(&path, "{\"bridge_id\": \"0a1b2c3d\", ").unwrap();
    let words = Store::look(folder.path()).unwrap_err();
    assert!(words.contains("memory.json cannot be used"), "{words}");
    assert_eq!(names(folder.path()), ["memory.json"], "a damaged one is not set aside");
}
