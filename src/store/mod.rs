//! The memory on disk: what must survive a restart, and nothing that is a setting.
//!
//! One small file, replaced as a whole, so that a crash or a power cut at any moment leaves the old or the new one. Nothing
//! here is fatal: a bridge that cannot remember still switches off in time, and says what is wrong.

mod earlier;
mod file;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use self::earlier::{Earlier, earlier};
use crate::{
    hub::Handle,
    model::{House, Memory, Notice, NoticeKind},
};

/// Changes that follow each other within this are written together.
const COALESCE: Duration = Duration::from_millis(200);
/// The last write, when the bridge stops, may take this long: a folder on a dead network must not hold the stop up.
const LAST_WRITE: Duration = Duration::from_millis(1500);

/// The file, what it holds, and whether that is known to be so.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    bridge_id: String,
    written: Option<Memory>,
    is_failing: bool,
}

impl Store {
    /// Reads `<dir>/memory.json`. Blocks; to be called before the runtime is busy.
    ///
    /// A missing file is a fresh start. A damaged one is renamed to `memory.damaged-<now>.json` and is a fresh start too, with a
    /// notice; the bridge id is saved from it where it can still be read. A folder that cannot be written is a notice as well,
    /// and the bridge runs on without keeping anything.
    ///
    /// # Errors
    /// The file is there and cannot be read. Nothing is done to it: what people have locked off stands in it.
    pub fn open(dir: &Path, now: Timestamp) -> Result<(Self, Memory, Vec<Notice>), std::io::Error> {
        let path = dir.join("memory.json");
        let mut notices = Vec::new();
        let mut trouble = |message: String| notices.push(Notice::new(now, NoticeKind::StoreTrouble, message));
        let (bridge_id, memory, written) = match file::read(&path) {
            Ok(found) => (found.bridge_id, found.memory.clone(), Some(found.memory)),
            Err(file::ReadError::Absent) => (file::draw_bridge_id(), Memory::default(), None),
            Err(file::ReadError::Unreadable(error)) => return Err(error),
            Err(file::ReadError::Damaged { cause, bridge_id }) => {
                trouble(set_aside(&path, &cause, now));
                (bridge_id.unwrap_or_else(file::draw_bridge_id), Memory::default(), None)
            }
        };
        let mut store = Self { path, bridge_id, written, is_failing: false };
        if store.written.is_none() {
            // Written at once: the id must not be drawn twice, and a folder that cannot be written is better known now.
            match file::write(&store.path, &store.bridge_id, &memory) {
                Ok(()) => store.written = Some(memory.clone()),
                Err(error) => {
                    trouble(store.cannot_write(&error));
                    store.is_failing = true;
                }
            }
        }
        Ok((store, memory, notices))
    }

    /// The id alone, for a bridge that remembers nothing: a file that is damaged or cannot be read stays as it is for one that does.
    pub fn id_only(dir: &Path, now: Timestamp) -> String {
        match file::read(&dir.join("memory.json")) {
            Ok(found) => found.bridge_id,
            Err(file::ReadError::Damaged { bridge_id: Some(id), .. }) => id,
            // Kept, so that it is drawn once.
            Err(file::ReadError::Absent) => {
                Self::open(dir, now).map_or_else(|_| file::draw_bridge_id(), |(store, ..)| store.bridge_id)
            }
            Err(_) => file::draw_bridge_id(),
        }
    }

    /// What `<dir>/memory.json` holds, for commands that only look: nothing is written, created or set aside. `None` where there is no such
    /// file. Blocks.
    ///
    /// # Errors
    /// The file is damaged or cannot be read, in words.
    pub fn look(dir: &Path) -> Result<Option<Memory>, String> {
        let path = dir.join("memory.json");
        match file::read(&path) {
            Ok(found) => Ok(Some(found.memory)),
            Err(file::ReadError::Absent) => Ok(None),
            Err(file::ReadError::Unreadable(error)) => {
                Err(format!("the memory {} cannot be read: {error}", path.display()))
            }
            Err(file::ReadError::Damaged { cause, .. }) => {
                Err(format!("the memory {} cannot be used: {cause}", path.display()))
            }
        }
    }

    /// Eight hexadecimal digits that name this bridge in identifiers. Drawn at the first start and kept.
    pub fn bridge_id(&self) -> &str {
        &self.bridge_id
    }

    fn cannot_write(&self, error: &std::io::Error) -> String {
        format!(
            "the memory {} cannot be written, a restart would forget wishes and runtimes: {error}",
            self.path.display()
        )
    }

    /// Writes what the board says, if the file holds something else. Does the file hold it now?
    async fn keep(&mut self, house: &House, handle: &Handle) -> bool {
        let memory = house.memory();
        // The time alone is no reason to write: the file would wear the flash at every look at a plug.
        // A time that has gone back is: at the next start the file's would be in the future.
        let holds = |written: &Memory| {
            written.written_at <= memory.written_at
                && Memory { written_at: memory.written_at, ..written.clone() } == memory
        };
        if self.written.as_ref().is_some_and(holds) {
            return true;
        }
        let (path, bridge_id, copy) = (self.path.clone(), self.bridge_id.clone(), memory.clone());
        let write = tokio::task::spawn_blocking(move || file::write(&path, &bridge_id, &copy));
        match write.await.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(()) => {
                if self.is_failing {
                    tracing::info!("the memory {} is written again", self.path.display());
                }
                self.is_failing = false;
                self.written = Some(memory);
                true
            }
            Err(error) => {
                if !self.is_failing {
                    let message = self.cannot_write(&error);
                    handle.notify(Notice::new(handle.clock.now(), NoticeKind::StoreTrouble, message));
                }
                self.is_failing = true;
                // The rename may have happened before the failure: what the file holds is unknown now.
                self.written = None;
                false
            }
        }
    }
}

/// Keeps the file as the board says, until `stop`, and writes the last change then.
pub async fn run(mut store: Store, handle: Handle, stop: CancellationToken) {
    let path = store.path.clone();
    tokio::select! {
        () = follow(&mut store, &handle, &stop) => {}
        () = async { stop.cancelled().await; tokio::time::sleep(LAST_WRITE).await } => {
            tracing::warn!("the memory {} could not be written in time", path.display());
        }
    }
}

async fn follow(store: &mut Store, handle: &Handle, stop: &CancellationToken) {
    let mut board = handle.house.clone();
    let mut backoff = backoff();
    // Not in `open`: a command that only looks must not take a running bridge's unfinished file away.
    let path = store.path.clone();
    let _ = tokio::task::spawn_blocking(move || file::sweep(&path)).await;
    // The first look is at what is on the board already.
    board.mark_changed();
    while stop.run_until_cancelled(board.changed()).await.is_some_and(|it| it.is_ok()) {
        let mut pause = COALESCE;
        while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
            let house = Arc::clone(&board.borrow_and_update());
            if store.keep(&house, handle).await {
                backoff = self::backoff();
                break;
            }
            pause = backoff.next().unwrap_or(COALESCE);
        }
    }
    let house = Arc::clone(&board.borrow());
    store.keep(&house, handle).await;
}

fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(60))
        .with_factor(2.0)
        .without_max_times()
        .with_jitter()
        .with_jitter_seed(fastrand::u64(..))
        .build()
}

fn set_aside(path: &Path, cause: &str, now: Timestamp) -> String {
    let aside = path.with_file_name(format!("memory.damaged-{}.json", now.strftime("%Y%m%dT%H%M%SZ")));
    let outcome = match std::fs::rename(path, &aside) {
        Ok(()) => format!("kept as {}", aside.display()),
        Err(error) => format!("and cannot be set aside: {error}"),
    };
    format!("the memory {} is damaged ({cause}), {outcome}; starting with a fresh one", path.display())
}
