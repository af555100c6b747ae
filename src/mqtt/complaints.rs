//! Notices about what was not followed: some at once, and a count of the rest.

use tokio::time::Instant;

use super::limit::Limit;
use crate::{
    hub::Handle,
    model::{Notice, NoticeKind},
};

/// Notices about what cannot be read, in a second.
const BAD_A_SECOND: u32 = 20;

/// Tells what was not followed, without ever flooding people.
#[derive(Debug)]
pub struct Complaints {
    handle: Handle,
    bad: Limit,
    retained: Limit,
    cleared: Limit,
    missed: Limit,
    untold: Limit,
}

impl Complaints {
    /// Nothing is to be complained about yet.
    pub fn new(handle: Handle) -> Self {
        Self {
            handle,
            bad: Limit::new(BAD_A_SECOND),
            retained: Limit::new(BAD_A_SECOND),
            cleared: Limit::new(BAD_A_SECOND),
            missed: Limit::new(1),
            untold: Limit::new(1),
        }
    }

    /// A message could not be read.
    pub fn bad(&mut self, notice: Notice) {
        if self.bad.passes(1, Instant::now()) {
            self.handle.notify(notice);
        }
    }

    /// A retained command was not followed.
    pub fn retained(&mut self, notice: Notice) {
        if self.retained.passes(1, Instant::now()) {
            self.handle.notify(notice);
        }
    }

    /// Somebody else has cleared an announcement.
    pub fn cleared(&mut self, notice: Notice) {
        if self.cleared.passes(1, Instant::now()) {
            self.handle.notify(notice);
        }
    }

    /// So many commands found no room and are lost.
    pub fn missed(&mut self, number: u64) {
        if number > 0 && self.missed.passes(number, Instant::now()) {
            self.tell_missed(number);
        }
    }

    /// So many events came too fast to be published. Only logged: another event would get lost with them.
    pub fn untold(&mut self, number: u64) {
        if number > 0 && self.untold.passes(number, Instant::now()) {
            log_untold(number);
        }
    }

    /// When the counts are to be told.
    pub fn due(&self) -> Option<Instant> {
        [&self.bad, &self.retained, &self.cleared, &self.missed, &self.untold]
            .into_iter()
            .filter_map(|it| it.due())
            .min()
    }

    /// Tells the counts that are due.
    pub fn time_passed(&mut self, now: Instant) {
        if let Some(more) = self.bad.overdue(now) {
            self.tell(NoticeKind::BadPayload, format!("{more} more messages could not be read"), more);
        }
        if let Some(more) = self.retained.overdue(now) {
            let words = format!("{more} more retained commands were ignored");
            self.tell(NoticeKind::RetainedCommandIgnored, words, more);
        }
        if let Some(more) = self.cleared.overdue(now) {
            self.tell(NoticeKind::AnnouncementCleared, format!("{more} more announcements were cleared"), more);
        }
        if let Some(more) = self.missed.overdue(now) {
            self.tell_missed(more);
        }
        if let Some(more) = self.untold.overdue(now) {
            log_untold(more);
        }
    }

    fn tell_missed(&self, number: u64) {
        let words = format!("commands arrive faster than they can be read: {number} were not read");
        self.tell(NoticeKind::Refused, words, number);
    }

    fn tell(&self, kind: NoticeKind, words: String, count: u64) {
        self.handle.notify(Notice::new(self.handle.clock.now(), kind, words).with("count", count.to_string()));
    }
}

fn log_untold(number: u64) {
    tracing::warn!("{number} events came too fast to be published and are lost");
}
