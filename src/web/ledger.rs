//! Notices with numbers: the last of them are kept for a page that was away for a moment, and all are counted.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::{
    explain::{in_zone, local},
    model::{Notice, NoticeKind},
};

/// Notices that are kept.
const KEPT: usize = 256;
/// Notices that a slow client may be behind before it is dropped.
const BEHIND: usize = 256;

/// A notice as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Counts up from 1 since the start.
    pub(super) number: u64,
    /// As MQTT's `bridge/event`, and `id`.
    pub(super) json: Arc<str>,
}

#[derive(Debug, Default)]
struct Pages {
    last: u64,
    kept: VecDeque<Entry>,
    counts: BTreeMap<&'static str, u64>,
}

/// Everything that people heard about since the start.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Tells one start from another, so that a number is not taken for that of another start.
    start: i64,
    zone: TimeZone,
    pages: Mutex<Pages>,
    news: broadcast::Sender<Entry>,
}

impl Ledger {
    /// An empty one. `start` is when the bridge started, in seconds.
    pub(super) fn new(start: i64, zone: TimeZone) -> Self {
        Self { start, zone, pages: Mutex::default(), news: broadcast::channel(BEHIND).0 }
    }

    /// Writes down every notice until `stop`.
    pub(super) async fn keep(self: Arc<Self>, mut notices: Receiver<Arc<Notice>>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                heard = notices.recv() => match heard {
                    Ok(notice) => self.note(&notice),
                    // What was lost is in the log.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }

    fn note(&self, notice: &Notice) {
        // That is for the asker alone.
        if notice.kind == NoticeKind::Answered {
            return;
        }
        let mut pages = self.pages();
        pages.last += 1;
        let number = pages.last;
        *pages.counts.entry(notice.kind.as_str()).or_default() += 1;
        let json = self.shown(notice, number).to_string();
        let entry = Entry { number, json: json.into() };
        if pages.kept.len() == KEPT {
            pages.kept.pop_front();
        }
        pages.kept.push_back(entry.clone());
        // Nobody listening is no error.
        let _ = self.news.send(entry);
    }

    fn shown(&self, notice: &Notice, number: u64) -> Value {
        let mut detail: Value = notice.detail.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        in_zone(&mut detail, &self.zone);
        json!({
            "id": self.id(number),
            "event_type": notice.kind.as_str(),
            "warning": notice.kind.is_warning(),
            "ts": local(&self.zone, notice.at),
            "device": notice.device,
            "slot": notice.slot,
            "group": notice.group,
            "message": notice.message,
            "detail": detail,
        })
    }

    /// The id of a notice, which no other has.
    pub(super) fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.start)
    }

    /// What came after the notice with this id, as far as it is kept, and all that comes from now on. All that is kept came after one of
    /// an earlier start.
    pub(super) fn since(&self, id: Option<&str>) -> (Vec<Entry>, Receiver<Entry>) {
        let pages = self.pages();
        let after = id.and_then(|it| {
            let (start, number) = it.split_once('-')?;
            match start.parse::<i64>().ok()?.cmp(&self.start) {
                Ordering::Less => Some(0),
                Ordering::Equal => number.parse::<u64>().ok(),
                Ordering::Greater => None,
            }
        });
        let missed = after.map(|after| pages.kept.iter().filter(|it| it.number > after).cloned().collect());
        (missed.unwrap_or_default(), self.news.subscribe())
    }

    /// How many there were, by kind.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.pages().counts.clone()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // They are whole at any moment: what a panic elsewhere has left is good.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
