//! The folder of the memory, in which nobody else writes: its lock, and where the page of whoever holds it is.

use std::{
    fs::{File, TryLockError},
    io::{Read, Write},
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use super::{StartError, served::reached_at};

/// Locked by the bridge that uses the folder; where its page is stands in it.
const LOCK: &str = "in-use.lock";
/// A bridge that is stopping is away within 3 s.
const LOOKS: u32 = 40;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Takes the folder of the memory for this bridge alone; another one that is just stopping is waited for. `None` where the system knows no locks, or
/// the folder cannot be written: that is told elsewhere.
pub(super) async fn alone(data: &Path) -> Result<Option<File>, StartError> {
    let (folder, file) = (data.to_owned(), data.join(LOCK));
    let opened = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(folder)?;
        File::options().create(true).truncate(false).write(true).open(file)
    });
    let Ok(Ok(file)) = opened.await else { return Ok(None) };
    for _ in 0..LOOKS {
        match file.try_lock() {
            Ok(()) => {
                // Where the page was is no matter any more.
                let _ = file.set_len(0);
                return Ok(Some(file));
            }
            Err(TryLockError::Error(error)) => {
                tracing::debug!("the folder {} cannot be locked: {error}", data.display());
                return Ok(None);
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
    Err(StartError::InUse(data.display().to_string()))
}

/// For those who ask the bridge from this machine, wherever the page is.
pub(super) fn note(file: Option<&File>, address: Option<SocketAddr>) {
    let (Some(mut file), Some(address)) = (file, address) else { return };
    let address = reached_at(&address.ip().to_string(), address.port());
    if let Err(error) = file.set_len(0).and_then(|()| file.write_all(address.as_bytes())) {
        tracing::debug!("where the page is cannot be noted: {error}");
    }
}

/// Where the bridge that uses this folder shows its page, empty if it shows none. `None` if no bridge uses it. Blocks.
pub(super) fn inhabitant(data: &Path) -> Option<String> {
    let mut file = File::open(data.join(LOCK)).ok()?;
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    Some(text)
}

/// Where the page of the bridge that uses this folder is. `None` if no bridge uses it, or it shows none. Blocks.
pub(super) fn shown_at(data: &Path) -> Option<String> {
    inhabitant(data).filter(|it| !it.is_empty())
}
