//! Small files of the data folder: read with suspicion, replaced as a whole.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The shape of the files. To be raised when one changes in a way that its defaults do not bridge.
const VERSION: u32 = 1;
/// No file of ours is larger.
const LARGEST: u64 = 8 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Shape<T> {
    version: u32,
    kept: T,
}

/// What a file holds; what it holds by default if there is none, or none that can be used: that one is set aside and told to the
/// log. Blocks.
pub(super) fn read<T: DeserializeOwned + Default>(path: &Path) -> T {
    match look(path) {
        Ok(found) => found.unwrap_or_default(),
        Err(cause) => {
            let aside = path.with_extension("damaged.json");
            // A folder that cannot be written is met again, and told, at the next write.
            let _ = fs::rename(path, aside);
            tracing::warn!("the file {} is damaged and set aside: {cause}", path.display());
            T::default()
        }
    }
}

fn look<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, String> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| error.to_string())?,
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).is_ok_and(|it| it > LARGEST) {
        return Err(format!("larger than {LARGEST} bytes"));
    }
    let shape: Shape<serde_json::Value> = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if shape.version != VERSION {
        return Err(format!("version {} is unknown, {VERSION} is known", shape.version));
    }
    serde_json::from_value(shape.kept).map(Some).map_err(|error| error.to_string())
}

/// Replaces a file as a whole or not at all, even when power fails. Blocks.
pub(super) fn write<T: Serialize>(path: &Path, kept: &T) -> io::Result<()> {
    let folder = path.parent().filter(|it| *it != Path::new("")).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let bytes = serde_json::to_vec(&Shape { version: VERSION, kept })?;
    let mut file = tempfile::Builder::new().prefix(".notify-").suffix(".tmp").tempfile_in(folder)?;
    file.write_all(&bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The new name is safe only when the folder is on disk too.
    File::open(folder)?.sync_all()
}
