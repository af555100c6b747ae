//! The file itself: read with suspicion, replaced as a whole.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::model::Memory;

/// The shape of the file. To be raised when [`Memory`] changes in a way that its defaults do not bridge.
const VERSION: u32 = 1;
/// No memory of ours is larger.
const LARGEST: u64 = 16 * 1024 * 1024;
/// How the files are called that become the memory once they are complete.
const UNFINISHED: (&str, &str) = (".memory-", ".tmp");
/// How the id stands in the file.
const ID_KEY: &str = "\"bridge_id\"";

/// The whole file. The id comes first, so that a file that was cut off still has it.
#[derive(Serialize, Deserialize)]
pub(super) struct Shape<M = Memory> {
    pub(super) bridge_id: String,
    version: u32,
    pub(super) memory: M,
}

pub(super) enum ReadError {
    Absent,
    /// It may be whole: it is only not to be had.
    Unreadable(io::Error),
    Damaged {
        cause: String,
        /// What could be saved.
        bridge_id: Option<String>,
    },
}

/// Eight hexadecimal digits.
pub(super) fn draw_bridge_id() -> String {
    format!("{:08x}", fastrand::u32(..))
}

fn is_bridge_id(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

pub(super) fn read(path: &Path) -> Result<Shape, ReadError> {
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Absent,
        io::ErrorKind::IsADirectory => ReadError::Damaged { cause: error.to_string(), bridge_id: None },
        _ => ReadError::Unreadable(error),
    };
    let file = File::open(path).map_err(refused)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(refused)?;
    parse(&bytes).map_err(|cause| ReadError::Damaged { cause, bridge_id: saved_id(&bytes) })
}

fn parse(bytes: &[u8]) -> Result<Shape, String> {
    if u64::try_from(bytes.len()).is_ok_and(|it| it > LARGEST) {
        return Err(format!("larger than {LARGEST} bytes"));
    }
    // The version first: the memory of another one may not be readable at all.
    let shape: Shape<serde_json::Value> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if shape.version != VERSION {
        return Err(format!("version {} is unknown, {VERSION} is known", shape.version));
    }
    if !is_bridge_id(&shape.bridge_id) {
        return Err("its bridge_id is not eight hexadecimal digits".to_owned());
    }
    let memory = serde_json::from_value(shape.memory).map_err(|error| error.to_string())?;
    Ok(Shape { bridge_id: shape.bridge_id, version: shape.version, memory })
}

/// The id out of a file that is no JSON any more: with another id Home Assistant would have every group twice.
fn saved_id(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.split_once(ID_KEY)?;
    let id = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split('"').next()?;
    is_bridge_id(id).then(|| id.to_owned())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|it| *it != Path::new("")).unwrap_or(Path::new("."))
}

/// Replaces the file as a whole or not at all, even when power fails.
pub(super) fn write(path: &Path, bridge_id: &str, memory: &Memory) -> io::Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder)?;
    let shape = Shape { bridge_id: bridge_id.to_owned(), version: VERSION, memory };
    let mut bytes = serde_json::to_vec_pretty(&shape)?;
    bytes.push(b'\n');
    let mut file = tempfile::Builder::new().prefix(UNFINISHED.0).suffix(UNFINISHED.1).tempfile_in(folder)?;
    file.write_all(&bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The new name is safe only when the folder is on disk too.
    File::open(folder)?.sync_all()
}

/// Removes what a bridge that was killed while it wrote has left behind.
pub(super) fn sweep(path: &Path) {
    let folder = folder_of(path);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1) {
            // A leftover harms nobody.
            let _ = fs::remove_file(entry.path());
        }
    }
}
