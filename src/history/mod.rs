//! What was: states, power and energy of each outlet, and everything that happened, in one SQLite file.
//!
//! A task looks at the board and listens to notices ([`Watcher`]); one thread writes ([`Book`]). Nothing in the control loop waits for
//! either: a full disk or a damaged file costs history, is said once, and heals by itself.

mod ahead;
mod book;
mod read;
mod thin;
mod watcher;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tokio::{
    sync::{broadcast::error::RecvError, mpsc, oneshot},
    time::{Instant as Wake, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

pub use self::{
    book::{Book, BookError},
    read::read,
    thin::{HOLDS, Mean, Span, means},
    watcher::{EVERY, Row, Sample, Use, Watcher},
};
use crate::{
    hub::Handle,
    model::{HistorySettings, Notice, NoticeKind},
};

/// The board changes with each report of each plug; a look now and then is enough.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// However fast the house's time runs.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(50);
/// Rows are written together, so that a memory card lasts. A crash loses so much.
const WRITE_EVERY: Duration = Duration::from_secs(10);
/// However fast the house's time runs.
const WRITE_AT_MOST_EVERY: Duration = Duration::from_millis(100);
/// Rows that wait while nothing can be written; the oldest go first.
const WAITING: usize = 20_000;
/// Batches that the writing thread has not taken yet.
const BATCHES: usize = 4;
/// After a write that failed, the next attempt comes about so much later, and ever later, up to the second.
const REST: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(600);
/// After a start, nothing is given up for so long: a machine without a clock of its own has been told the time by then.
const TIDY_AFTER: Duration = Duration::from_secs(3600);
/// The last write, when the bridge stops, may take this long.
const LAST_WRITE: Duration = Duration::from_millis(1500);

/// Where the history is.
pub fn file(data: &Path) -> PathBuf {
    data.join("history.db")
}

/// Writes down what happens until `stop`. Listens from the moment at which this is called.
pub fn run(
    data: PathBuf,
    how: HistorySettings,
    handle: Handle,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send {
    let mut notices = handle.listen();
    async move {
        let (batches, taken) = mpsc::channel(BATCHES);
        let Some(written) = keep(data, how, handle.clone(), taken) else {
            tracing::warn!("no history is kept: its thread does not start");
            stop.cancelled().await;
            return;
        };
        let mut board = handle.house.clone();
        let mut watcher = Watcher::default();
        let mut rows = Vec::new();
        let look_every = handle.clock.real(LOOK_EVERY).clamp(LOOK_AT_MOST_EVERY, LOOK_EVERY);
        let write_every = handle.clock.real(WRITE_EVERY).clamp(WRITE_AT_MOST_EVERY, WRITE_EVERY);
        let (mut look_at, mut write_at) = (Wake::now(), Wake::now() + write_every);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                heard = notices.recv() => match heard {
                    Ok(notice) if notice.kind == NoticeKind::Answered => {}
                    Ok(notice) => rows.push(Row::Event(notice)),
                    Err(RecvError::Lagged(missed)) => tracing::warn!("{missed} events came too fast for the history"),
                    Err(RecvError::Closed) => break,
                },
                () = sleep_until(look_at) => {
                    look_at = Wake::now() + look_every;
                    let house = Arc::clone(&board.borrow_and_update());
                    let settings = handle.settings();
                    watcher.look(&house, handle.clock.now(), settings.as_deref(), &mut rows);
                }
                () = sleep_until(write_at) => {
                    write_at = Wake::now() + write_every;
                    if !rows.is_empty() && let Err(error) = batches.try_send(std::mem::take(&mut rows)) {
                        rows = error.into_inner();
                        let too_many = rows.len().saturating_sub(WAITING);
                        rows.drain(..too_many);
                    }
                }
            }
        }
        watcher.close(&mut rows);
        if !rows.is_empty() {
            // If the thread is behind, what is newest is lost: stopping must not wait for a disk.
            let _ = batches.try_send(rows);
        }
        drop(batches);
        if timeout(LAST_WRITE, written).await.is_err() {
            tracing::warn!("the history could not be written in time");
        }
    }
}

/// The thread that writes. It ends when nobody gives it anything any more; the receiver hears of it.
fn keep(
    data: PathBuf,
    how: HistorySettings,
    handle: Handle,
    mut batches: mpsc::Receiver<Vec<Row>>,
) -> Option<oneshot::Receiver<()>> {
    let (over, written) = oneshot::channel();
    let write = move || {
        let mut keeper = Keeper::new(file(&data), how, handle);
        // One of an earlier version is brought up to date before anybody asks.
        keeper.take(Vec::new());
        while let Some(rows) = batches.blocking_recv() {
            keeper.take(rows);
        }
        drop(keeper);
        // Whoever waits may have given up.
        let _ = over.send(());
    };
    thread::Builder::new().name("history".to_owned()).spawn(write).ok().map(|_| written)
}

struct Keeper {
    path: PathBuf,
    how: HistorySettings,
    handle: Handle,
    book: Option<Book>,
    /// Rows that could not be written yet; the oldest go first.
    kept: Vec<Row>,
    /// After a write that failed, the next attempt comes about so much later.
    rest: Duration,
    rest_until: Option<Instant>,
    is_failing: bool,
    tidies_from: Instant,
}

impl Keeper {
    fn new(path: PathBuf, how: HistorySettings, handle: Handle) -> Self {
        let tidies_from = Instant::now() + handle.clock.real(TIDY_AFTER);
        let (book, kept, rest_until, is_failing) = (None, Vec::new(), None, false);
        Self { path, how, handle, book, kept, rest: REST, rest_until, is_failing, tidies_from }
    }

    fn take(&mut self, rows: Vec<Row>) {
        self.kept.extend(rows);
        self.kept.drain(..self.kept.len().saturating_sub(WAITING));
        if self.rest_until.is_some_and(|it| Instant::now() < it) {
            return;
        }
        let rows = std::mem::take(&mut self.kept);
        let written = self.write(&rows);
        if written.is_err() {
            self.kept = rows;
        }
        // What is written is written, also if nothing can be tidied up: nothing is counted twice.
        match written.and_then(|()| self.tidy()) {
            Ok(()) => {
                (self.rest, self.rest_until) = (REST, None);
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("the history {} is written again", self.path.display());
                }
            }
            Err(error) => {
                self.book = None;
                // Not all that wait for one disk ask for it at the same moment.
                self.rest_until = Some(Instant::now() + self.rest.mul_f64(0.75 + fastrand::f64() / 2.0));
                self.rest = (self.rest * 2).min(LONGEST_REST);
                if error.is_damage() {
                    self.set_aside(&error);
                } else if !std::mem::replace(&mut self.is_failing, true) {
                    self.tell(format!(
                        "the history {} cannot be written ({error}); the outlets are not concerned",
                        self.path.display()
                    ));
                }
            }
        }
    }

    fn write(&mut self, rows: &[Row]) -> Result<(), BookError> {
        let book = match &mut self.book {
            Some(book) => book,
            none => none.insert(Book::open(&self.path, self.how)?),
        };
        book.write(rows)
    }

    /// What is given up does not come back: only by a clock that is right.
    fn tidy(&mut self) -> Result<(), BookError> {
        if Instant::now() < self.tidies_from || !self.handle.picture().clock.is_trusted {
            return Ok(());
        }
        let now = self.handle.clock.now();
        self.book.as_mut().map_or(Ok(()), |it| it.tidy(now))
    }

    /// A damaged file is kept for whoever can read it, and a new one begun.
    fn set_aside(&mut self, error: &BookError) {
        let stamp = self.handle.clock.now().strftime("%Y%m%dT%H%M%SZ");
        let aside = self.path.with_file_name(format!("history.damaged-{stamp}.db"));
        let words = match std::fs::rename(&self.path, &aside) {
            Ok(()) => {
                for end in ["-wal", "-shm"] {
                    let mut companion = self.path.clone().into_os_string();
                    companion.push(end);
                    // It may not exist.
                    let _ = std::fs::remove_file(companion);
                }
                self.rest_until = None;
                format!("it was renamed to {}, and a new one is begun", aside.display())
            }
            Err(cause) => format!("and it cannot be renamed ({cause}): no history is kept"),
        };
        self.tell(format!("the history {} is damaged ({error}); {words}", self.path.display()));
    }

    fn tell(&self, words: String) {
        self.handle.notify(Notice::new(self.handle.clock.now(), NoticeKind::StoreTrouble, words));
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;

    use jiff::{SignedDuration, Timestamp};
    use rusqlite::Connection;

    use super::*;
    use crate::{
        hub::Clock,
        model::{Broker, ClockTrust, HistoryAnswer, HistoryQuery, House},
    };

    fn noon() -> Timestamp {
        "2026-01-15T12:00:00Z".parse().unwrap()
    }

    fn house(clock: ClockTrust) -> House {
        House {
            at: noon(),
            devices: BTreeMap::new(),
            outlets: BTreeMap::new(),
            whole: BTreeMap::new(),
            gone: std::sync::Arc::default(),
            groups: BTreeMap::new(),
            weather: Arc::default(),
            vacation: false,
            paused: None,
            vacation_told: None,
            broker: Broker::Unknown,
            clock,
        }
    }

    /// A history in which nothing can be given up, and rows that would be.
    fn stubborn(folder: &Path, handle: Handle) -> (Keeper, Vec<Row>) {
        let (path, how) = (file(folder), HistorySettings::default());
        drop(Book::open(&path, how).unwrap());
        // A disk on which a little can be written, but not what tidying up needs.
        let fails = "CREATE TRIGGER full BEFORE DELETE ON samples BEGIN SELECT RAISE(ABORT, 'full'); END";
        Connection::open(&path).unwrap().execute_batch(fails).unwrap();
        let outlet: crate::model::OutletId = "porch/1".parse().unwrap();
        let long_ago = noon() - SignedDuration::from_hours(24 * 30);
        let sample = Sample { outlet: outlet.clone(), at: long_ago, on: Some(true), power: None, mode: "melt" };
        let (date, on) = ("2026-01-15".parse().unwrap(), SignedDuration::from_mins(5));
        let used = Use { outlet, date, on, energy_total: None, rated: None, price: None };
        (Keeper::new(path, how, handle), vec![Row::Sample(sample), Row::Use(used)])
    }

    #[test]
    fn nothing_is_given_up_soon_after_a_start_nor_by_a_clock_that_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let (handle, _, board) = Handle::detached(house(ClockTrust::default()), Clock::driven(noon(), 1.0));
        let (mut keeper, rows) = stubborn(folder.path(), handle);
        keeper.take(rows);
        keeper.take(Vec::new());
        assert!(!keeper.is_failing, "the network has not set the clock yet");
        keeper.tidies_from = Instant::now();
        let doubted = ClockTrust { is_trusted: false, newest: None };
        board.send_replace(Arc::new(house(doubted)));
        keeper.take(Vec::new());
        assert!(!keeper.is_failing, "the clock is not trusted");
        board.send_replace(Arc::new(house(ClockTrust::default())));
        keeper.take(Vec::new());
        assert!(keeper.is_failing);
    }

    #[test]
    fn what_is_written_is_not_written_again_because_nothing_can_be_tidied_up() {
        let folder = tempfile::tempdir().unwrap();
        let (handle, ..) = Handle::detached(house(ClockTrust::default()), Clock::driven(noon(), 1.0));
        let (mut keeper, rows) = stubborn(folder.path(), handle);
        keeper.tidies_from = Instant::now();
        keeper.take(rows);
        assert!(keeper.is_failing && keeper.kept.is_empty());
        keeper.rest_until = None;
        keeper.take(Vec::new());
        assert!(keeper.is_failing, "nor can it be now");
        let (outlet, date) = ("porch/1".parse().unwrap(), "2026-01-15".parse().unwrap());
        let query = HistoryQuery::Days { outlets: vec![outlet], from: date, to: date };
        let HistoryAnswer::Days(days) = read(&file(folder.path()), &query).unwrap() else {
            panic!("days were asked for")
        };
        assert_eq!(days[0].on_minutes, 5);
    }
}
