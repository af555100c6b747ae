//! Sessions: who has said the password or the PIN. Only a hash of each is kept, on disk too, so that they survive a restart.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use argon2::password_hash::rand_core::{OsRng, RngCore};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::May;

/// Sessions of a kind at once; the one that ends first gives way.
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
    /// A write is on its way that has not looked at them yet: it will see what has changed until then.
    is_queued: AtomicBool,
    /// One write after the other, or an earlier state could be the last.
    at_work: Mutex<()>,
}

fn hashed(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|it| format!("{it:02x}")).collect()
}

impl Sessions {
    /// Reads what is kept in `data`. What cannot be read, or was opened with other secrets, has ended: people sign in again.
    pub(super) fn open(data: Option<&Path>, secrets: &str, now: Timestamp) -> Arc<Self> {
        let file = data.map(|it| it.join("sessions.json"));
        let read = file.as_ref().and_then(|it| std::fs::read(it).ok());
        let kept: Kept = read.and_then(|it| serde_json::from_slice(&it).ok()).unwrap_or_default();
        let secrets = hashed(secrets);
        let same = kept.secrets == secrets;
        let sessions = kept.sessions.into_iter().filter(|(_, it)| same && now < it.until);
        let kept = Kept { secrets, sessions: sessions.collect() };
        Arc::new(Self { file, kept: Mutex::new(kept), is_queued: AtomicBool::new(false), at_work: Mutex::default() })
    }

    /// What may whoever shows this do?
    pub(super) fn may(&self, shown: &str, now: Timestamp) -> Option<May> {
        let kept = self.kept();
        let session = kept.sessions.get(&hashed(shown)).filter(|it| now < it.until)?;
        Some(if session.everything { May::All } else { May::Control })
    }

    /// Opens one: what is to be shown, and until when.
    pub(super) fn begin(self: &Arc<Self>, may: May, lasts: SignedDuration, now: Timestamp) -> (String, Timestamp) {
        let mut bytes = [0; 32];
        OsRng.fill_bytes(&mut bytes);
        let shown: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
        let until = now.checked_add(lasts).unwrap_or(Timestamp::MAX);
        let everything = may == May::All;
        self.change(|sessions| {
            sessions.retain(|_, it| now < it.until);
            // Each kind gives way to its own: no number of PINs throws out who knows the password.
            let alike = |it: &Session| it.everything == everything;
            while sessions.values().filter(|it| alike(it)).count() >= MOST {
                let first = sessions.iter().filter(|(_, it)| alike(it)).min_by_key(|(_, it)| it.until);
                let first = first.map(|(hash, _)| hash.clone());
                first.and_then(|it| sessions.remove(&it));
            }
            sessions.insert(hashed(&shown), Session { until, everything }).is_none()
        });
        (shown, until)
    }

    /// Ends one.
    pub(super) fn end(self: &Arc<Self>, shown: &str) {
        self.change(|sessions| sessions.remove(&hashed(shown)).is_some());
    }

    /// `change` says whether it has changed anything: what is as it was is not written again, whoever asks for it.
    fn change(self: &Arc<Self>, change: impl FnOnce(&mut BTreeMap<String, Session>) -> bool) {
        let is_other = change(&mut self.kept().sessions);
        if !is_other || self.file.is_none() || self.is_queued.swap(true, Ordering::SeqCst) {
            return;
        }
        // A disk can be slow, and a lost session costs a login.
        let all = Arc::clone(self);
        tokio::task::spawn_blocking(move || all.write());
    }

    fn write(&self) {
        let _alone = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_queued.store(false, Ordering::SeqCst);
        let Some(file) = &self.file else { return };
        let Ok(text) = serde_json::to_vec_pretty(&*self.kept()) else { return };
        if let Err(error) = write(file, &text) {
            tracing::warn!("sessions cannot be kept in {}: {error}", file.display());
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
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
