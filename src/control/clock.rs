//! Is the clock right? A small computer without a clock of its own starts at a time that has long passed, until the network sets it.
//!
//! While it is not trusted, the rules of heaters are silent: they would heat by the wrong hour. A person can still switch.

use jiff::{SignedDuration, Timestamp};

use super::{
    Controller,
    civil::{earlier, later},
};
use crate::model::{Notice, NoticeKind};

/// No clock that is right shows an earlier time than this, 2026-01-01: this program did not exist then.
const EARLIEST: Timestamp = Timestamp::constant(1_767_225_600, 0);
/// The clock may go back this far behind what was remembered: it is set now and then.
const BEHIND: SignedDuration = SignedDuration::from_mins(10);
/// A memory from the future is believed for this long: it was written by a clock that was wrong, or nothing corrects the present one.
const BELIEVED: SignedDuration = SignedDuration::from_hours(24);

impl Controller {
    /// Looks whether the clock can be right. Says whether that has changed.
    pub(super) fn watch_clock(&mut self, now: Timestamp) -> bool {
        let behind = self.house.clock.newest.is_some_and(|newest| now < earlier(newest, BEHIND));
        let wrong = !self.rehearses && (now < EARLIEST || behind);
        self.clock_doubted = self.clock_doubted.or(Some(now)).filter(|_| wrong);
        let waited = self.clock_doubted.is_some_and(|since| now >= later(since, BELIEVED));
        // A time before this program was written stays wrong, however long it runs.
        if waited && now >= EARLIEST {
            self.house.clock.newest = Some(now);
            self.clock_doubted = None;
        }
        let trusted = self.clock_doubted.is_none();
        let changed = self.house.clock.is_trusted != trusted;
        self.house.clock.is_trusted = trusted;
        changed
    }

    /// Tells once that the clock is not trusted, and once that it is again.
    pub(super) fn tell_clock(&mut self, now: Timestamp, notices: &mut Vec<Notice>) {
        let trusted = self.house.clock.is_trusted;
        if self.clock_told == trusted {
            return;
        }
        self.clock_told = trusted;
        let words = match (trusted, self.house.clock.newest) {
            (false, Some(newest)) if now >= EARLIEST => {
                format!(
                    "the clock is not trusted: it was {newest} before; rules of heaters are silent until it is right"
                )
            }
            (false, _) => {
                "the clock is not trusted: it shows a time that has long passed; rules of heaters are silent \
                           until it is right"
                    .to_owned()
            }
            (true, Some(newest)) if newest == now => {
                "nothing has corrected the clock for a day: it is taken as right from now on".to_owned()
            }
            (true, _) => "the clock is right again".to_owned(),
        };
        notices.push(Notice::new(now, NoticeKind::ClockStepped, words));
    }

    /// When the clock will be trusted if nothing sets it.
    pub(super) fn clock_trusted_at(&self) -> Option<Timestamp> {
        let since = self.clock_doubted?;
        let caught_up = self.house.clock.newest.map_or(EARLIEST, |newest| earlier(newest, BEHIND));
        Some(caught_up.min(later(since, BELIEVED)).max(EARLIEST))
    }
}
