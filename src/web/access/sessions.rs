//! Sessions: who has said the password or the PIN. Only a hash of each is kept, on disk too, so that they survive a restart.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use argon2::password_hash::rand_core::{OsRng, RngCore};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::May;

/// Sessions at once; the one that ends first gives way.
const MOST: usize = 64;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Session {
    until: Timestamp,
    /// Who knows the password may do everything, who knows the PIN may switch.
    everything: bool,
}

/// The file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// Of the secrets that they were opened with.
    secrets: String,
    /// By the hash of each.
    sessions: BTreeMap<String, Session>,
}

/// All sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    file: Option<PathBuf>,
    kept: Mutex<Kept>,
}

fn hashed(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|it| format!("{it:02x}")).collect()
}

impl Sessions {
    /// Reads what is kept in `data`. What cannot be read, or was opened with other secrets, has ended: people sign in again.
    pub(super) fn open(data: Option<&Path>, secrets: &str, now: Timestamp) -> Self {
        let file = data.map(|it| it.join("sessions.json"));
        let read = file.as_ref().and_then(|it| std::fs::read(it).ok());
        let kept: Kept = read.and_then(|it| serde_json::from_slice(&it).ok()).unwrap_or_default();
        let secrets = hashed(secrets);
        let same = kept.secrets == secrets;
        let sessions = kept.sessions.into_iter().filter(|(_, it)| same && now < it.until);
        let kept = Kept { secrets, sessions: sessions.collect() };
        Self { file, kept: Mutex::new(kept) }
    }

    /// What may whoever shows this do?
    pub(super) fn may(&self, shown: &str, now: Timestamp) -> Option<May> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let session = kept.sessions.get(&hashed(shown)).filter(|it| now < it.until)?;
        Some(if session.everything { May::All } else { May::Control })
    }

    /// Opens one: what is to be shown, and until when.
    pub(super) fn begin(&self, may: May, lasts: SignedDuration, now: Timestamp) -> (String, Timestamp) {
        let mut bytes = [0; 32];
        OsRng.fill_bytes(&mut bytes);
        let shown: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
        let until = now.checked_add(lasts).unwrap_or(Timestamp::MAX);
        self.change(|sessions| {
            sessions.retain(|_, it| now < it.until);
            while sessions.len() >= MOST {
                let first = sessions.iter().min_by_key(|(_, it)| it.until).map(|(hash, _)| hash.clone());
                first.and_then(|it| sessions.remove(&it));
            }
            sessions.insert(hashed(&shown), Session { until, everything: may == May::All });
        });
        (shown, until)
    }

    /// Ends one.
    pub(super) fn end(&self, shown: &str) {
        self.change(|sessions| {
            sessions.remove(&hashed(shown));
        });
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Session>)) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut kept.sessions);
        let Some(file) = self.file.clone() else { return };
        let Ok(text) = serde_json::to_vec_pretty(&*kept) else { return };
        drop(kept);
        // A disk can be slow, and a lost session costs a login.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = write(&file, &text) {
                tracing::warn!("sessions cannot be kept in {}: {error}", file.display());
            }
        });
    }
}

/// Readable by its owner alone, as temporary files are.
fn write(file: &Path, text: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text)?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}
