//! What waits to be told by one way.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::alert::Alert;
use crate::model::Severity;

/// Letters that may wait.
pub const WAITING: usize = 200;
/// A letter that could not be sent for so long is given up: nobody wants to hear of it any more. Quiet hours do not count.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// A letter that was refused for good so often is given up.
const REFUSALS: u32 = 5;
/// After the first time it rests for so long, then four times as long each time.
const REFUSED_REST: SignedDuration = SignedDuration::from_secs(30);
/// One that some receivers are still owed rests in the same way, but no longer than this.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(1);

/// An alert on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Letter {
    /// The same at each attempt, so that a receiver who got it twice can see that.
    pub id: String,
    /// What is told.
    pub alert: Alert,
    /// Not before this.
    pub due: Timestamp,
    /// Since when it could have been sent. `None`, in files of an earlier version: since it is due.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Somebody waits for it: it goes first, and at once.
    #[serde(default)]
    pub urgent: bool,
    /// How often it was refused for good.
    #[serde(default)]
    pub refusals: u32,
    /// Who has not got it yet, where others have. `None`: everybody.
    #[serde(default)]
    pub owed: Option<Vec<String>>,
    /// How often it has rested for their sake.
    #[serde(default)]
    pub rests: u32,
}

impl Letter {
    /// A letter that may go at `due`.
    pub fn new(alert: Alert, due: Timestamp) -> Self {
        Self {
            id: format!("{:016x}", fastrand::u64(..)),
            alert,
            due,
            since: Some(due),
            urgent: false,
            refusals: 0,
            owed: None,
            rests: 0,
        }
    }

    fn rest(&mut self, times: u32, now: Timestamp) {
        let rest = REFUSED_REST.saturating_mul(4_i32.saturating_pow(times)).min(LONGEST_REST);
        self.urgent = false;
        self.due = now.checked_add(rest).unwrap_or(now);
    }

    /// Does nobody want to hear of it any more?
    pub(super) fn is_too_old(&self, now: Timestamp) -> bool {
        now.duration_since(self.since.unwrap_or(self.due).max(self.alert.at)) > KEPT
    }

    /// Is it no use to try again?
    pub fn is_hopeless(&self, now: Timestamp) -> bool {
        self.refusals >= REFUSALS || self.is_too_old(now)
    }
}

/// What waits to be told by one way, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Queue {
    letters: VecDeque<Letter>,
    /// How many were dropped because there was no room.
    pub dropped: u64,
}

impl Queue {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.letters.len()
    }

    /// Does none wait?
    pub fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// Puts a letter in. Where there is no room, the oldest of the least urgent is dropped, and returned.
    pub fn put(&mut self, letter: Letter) -> Option<Letter> {
        self.letters.push_back(letter);
        if self.letters.len() <= WAITING {
            return None;
        }
        self.dropped += 1;
        let weight = |it: &Letter| if it.urgent { Severity::Critical } else { it.alert.severity };
        // Of those that weigh the same, the first is found.
        let least = self.letters.iter().enumerate().min_by_key(|(_, it)| weight(it)).map(|(at, _)| at)?;
        self.letters.remove(least)
    }

    /// The letter that is to be sent now: one that somebody waits for, or else the oldest that is due.
    pub fn first(&self, now: Timestamp) -> Option<&Letter> {
        let mut due = self.letters.iter().filter(|it| it.due <= now);
        self.letters.iter().find(|it| it.urgent).or_else(|| due.next())
    }

    /// When the next letter is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.letters.iter().map(|it| it.due).min()
    }

    /// Takes a letter out: it was sent or given up.
    pub fn take(&mut self, id: &str) -> Option<Letter> {
        let at = self.letters.iter().position(|it| it.id == id)?;
        self.letters.remove(at)
    }

    /// A letter was refused, others may be taken: it waits for a while, longer each time.
    pub fn refused(&mut self, id: &str, now: Timestamp) {
        if let Some(letter) = self.letters.iter_mut().find(|it| it.id == id) {
            letter.rest(letter.refusals, now);
            letter.refusals += 1;
        }
    }

    /// Only these receivers have not got it yet, others may get theirs: it waits for a while, longer each time.
    pub fn owes(&mut self, id: &str, owed: Vec<String>, now: Timestamp) {
        if let Some(letter) = self.letters.iter_mut().find(|it| it.id == id) {
            letter.rest(letter.rests, now);
            letter.rests += 1;
            letter.owed = Some(owed);
        }
    }

    /// Only these receivers have not got it yet, and it is under way to them.
    pub fn note_owed(&mut self, id: &str, owed: Vec<String>) {
        if let Some(letter) = self.letters.iter_mut().find(|it| it.id == id) {
            letter.owed = Some(owed);
        }
    }

    /// It is quiet until then.
    pub fn wait(&mut self, id: &str, now: Timestamp, until: Timestamp) {
        if let Some(letter) = self.letters.iter_mut().find(|it| it.id == id) {
            let since = letter.since.unwrap_or(letter.due);
            letter.since = since.checked_add(until.duration_since(now)).ok();
            letter.due = until;
        }
    }

    /// Nobody waits for it any more.
    pub fn no_longer_urgent(&mut self, id: &str) {
        if let Some(letter) = self.letters.iter_mut().find(|it| it.id == id) {
            letter.urgent = false;
        }
    }

    /// Takes out what is no use to try again.
    pub fn take_hopeless(&mut self, now: Timestamp) -> Vec<Letter> {
        let (hopeless, kept) = std::mem::take(&mut self.letters).into_iter().partition(|it| it.is_hopeless(now));
        self.letters = kept;
        Vec::from(hopeless)
    }
}
