//! The dead-man's timer of one outlet, as the task knows it. No I/O.
//!
//! A countdown to OFF runs on the plug for as long as the outlet is wanted on, and is set anew long before it runs out. If the
//! bridge, its host or the network dies, nobody sets it anew, and the plug opens the relay by itself.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::{answer::Countdown, pace::Pauses};
use crate::model::{Order, Switch, Timer};

/// The countdown is never set further ahead than this, in s of the house.
const AHEAD: u64 = 900;
/// In a demo that lets time run fast, the countdown must still outlast a few round trips.
const AHEAD_REAL: Duration = Duration::from_secs(3);
/// The bridge switches off at the end of a wish; the plug's timer comes that much later, in s of the house, or it would be the plug's
/// clock that decides who is first.
const GRACE: u64 = 2;
/// A countdown that ends this much later than it should, in s of the house, is set anew.
const SLACK: u64 = 5;
/// The longest countdown that plugs take, in s.
const LONGEST: u64 = 86_400;

/// How fast the house's time runs, and what follows for countdowns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tempo(f64);

impl Tempo {
    /// `speed` is above 0.
    pub(super) fn new(speed: f64) -> Self {
        Self(speed)
    }

    /// So many seconds of the house in real time.
    pub(super) fn real(self, seconds: u64) -> Duration {
        Duration::from_secs(seconds).div_f64(self.0)
    }

    /// Real time in seconds of the house, a begun one counted, as plugs count: from 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float beyond u64 saturates")]
    pub(super) fn seconds(self, real: Duration) -> u64 {
        ((real.as_secs_f64() * self.0 - 1e-6).ceil() as u64).clamp(1, LONGEST)
    }

    /// Real time as time of the house.
    pub(super) fn house(self, real: Duration) -> SignedDuration {
        SignedDuration::try_from_secs_f64(real.as_secs_f64() * self.0).unwrap_or(SignedDuration::MAX)
    }

    /// How far ahead a countdown is set.
    fn ahead(self) -> Duration {
        self.real(AHEAD).max(AHEAD_REAL)
    }
}

/// What is known about the timers of one outlet.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// When our countdown opens the relay, by the plug's last word.
    off_at: Option<Instant>,
    /// What it was set to, in s.
    delay: u64,
    /// Something has happened since the plug's last word: it may be there or not.
    unsure: bool,
    /// Somebody else's countdown to OFF.
    foreign_off_at: Option<Instant>,
    /// The countdown was read since the plug was met.
    read: bool,
    /// What was told about somebody else's timer.
    told: Option<String>,
    /// The outlet must be opened, whatever is wanted.
    condemned: bool,
    /// Arming an outlet that may be on without a timer is tried again then.
    rest: Option<(Pauses, Instant)>,
    /// The ceiling and the state after a power cut have been looked after since the plug was met.
    settled: bool,
    /// The longest time on that the ceiling was set by then.
    settled_by: Option<SignedDuration>,
}

impl Guard {
    /// The plug is met afresh: its past is unknown.
    pub(super) fn met(&mut self) {
        (self.unsure, self.read, self.settled, self.rest) = (true, false, false, None);
    }

    /// When the countdown is to open the relay: never past the end of the wish.
    fn target(order: &Order, tempo: Tempo, now: Instant, clock: Timestamp) -> Instant {
        let horizon = now + tempo.ahead();
        let Some(off_by) = order.off_by else { return horizon };
        let left = Duration::try_from(off_by.duration_since(clock)).unwrap_or_default();
        let end = now.checked_add(left.div_f64(tempo.0) + tempo.real(GRACE));
        end.map_or(horizon, |it| it.min(horizon))
    }

    /// What a countdown is to be set to now, in s.
    pub(super) fn delay(order: &Order, tempo: Tempo, now: Instant, clock: Timestamp) -> u64 {
        tempo.seconds(Self::target(order, tempo, now, clock).saturating_duration_since(now))
    }

    /// Is an outlet that is on and wanted on to be given a new countdown now?
    pub(super) fn is_due(&self, order: &Order, tempo: Tempo, now: Instant, clock: Timestamp) -> bool {
        if order.timer == Timer::None || self.condemned || self.rest.as_ref().is_some_and(|(_, at)| *at > now) {
            return false;
        }
        let Some(at) = self.off_at.filter(|_| !self.unsure) else { return true };
        let (target, ahead) = (Self::target(order, tempo, now, clock), tempo.ahead());
        let runs_low = at.saturating_duration_since(now) < ahead * 2 / 3;
        let gains = target.saturating_duration_since(at) > ahead / 15;
        (runs_low && gains) || at > target + tempo.real(SLACK)
    }

    /// When [`Guard::is_due`] may become true by itself.
    pub(super) fn due_at(&self, tempo: Tempo) -> Option<Instant> {
        let rest = self.rest.as_ref().map(|(_, at)| *at);
        rest.into_iter().chain(self.off_at.and_then(|at| at.checked_sub(tempo.ahead() * 2 / 3))).max()
    }

    /// Takes in the countdown that the plug shows after it was set to `delay` at `asked`. Is it the one that was set?
    pub(super) fn read_back(&mut self, shown: Option<Countdown>, delay: u64, asked: Instant, tempo: Tempo) -> bool {
        let ours = shown.filter(|it| it.to == Some(Switch::Off) && it.remain <= delay + 1);
        self.off_at = ours.map(|it| asked + tempo.real(it.remain));
        (self.delay, self.unsure, self.read) = (delay, false, true);
        self.foreign_off_at = None;
        if ours.is_some() {
            self.rest = None;
        }
        ours.is_some()
    }

    /// Takes in the countdown that the plug shows when nothing was set. Returns it if it is not ours.
    pub(super) fn found(
        &mut self,
        shown: Option<Countdown>,
        timer: Timer,
        at: Instant,
        tempo: Tempo,
    ) -> Option<Countdown> {
        self.read = true;
        let foreign = shown.filter(|it| !self.is_ours(*it, timer, tempo));
        let opens = |it: &Countdown| it.to == Some(Switch::Off);
        self.foreign_off_at = foreign.filter(opens).map(|it| at + tempo.real(it.remain));
        let ours = shown.filter(|_| foreign.is_none());
        self.off_at = ours.map(|it| at + tempo.real(it.remain));
        self.delay = ours.map_or(self.delay, |it| it.delay);
        foreign
    }

    /// Ours is what we have set; after a restart, what we would have set.
    pub(super) fn is_ours(&self, shown: Countdown, timer: Timer, tempo: Tempo) -> bool {
        let likely = shown.delay <= tempo.seconds(tempo.ahead()) && timer != Timer::None;
        let known = self.off_at.is_some() && !self.unsure;
        shown.to == Some(Switch::Off) && if known { shown.delay == self.delay || shown.delay == 0 } else { likely }
    }

    /// A request about it got no answer.
    pub(super) fn lost_sight(&mut self) {
        self.unsure = true;
    }

    /// May the plug hold another one than it has confirmed?
    pub(super) fn is_unsure(&self) -> bool {
        self.unsure
    }

    /// It is gone, or does not matter any more.
    pub(super) fn cleared(&mut self) {
        (self.off_at, self.unsure) = (None, false);
    }

    /// The relay must be opened.
    pub(super) fn condemn(&mut self) {
        self.condemned = true;
    }

    /// Must the relay be opened, whatever is wanted?
    pub(super) fn is_condemned(&self) -> bool {
        self.condemned
    }

    /// Nothing can be armed for now, and the outlet may be on without. True the first time.
    pub(super) fn rests(&mut self) -> bool {
        let first = self.rest.is_none();
        let (mut pauses, _) = self.rest.take().unwrap_or_else(|| (Pauses::deaf_meter(), Instant::now()));
        let until = Instant::now() + pauses.next();
        self.rest = Some((pauses, until));
        self.cleared();
        first
    }

    /// Somebody else's timer is to be told of, once.
    pub(super) fn untold(&mut self, text: String) -> Option<String> {
        let news = self.told.as_ref() != Some(&text);
        self.told = Some(text.clone());
        news.then_some(text)
    }

    /// Takes in where the relay is.
    pub(super) fn looked(&mut self, switch: Option<Switch>) {
        if switch == Some(Switch::Off) {
            self.condemned = false;
            let now = Instant::now();
            self.off_at = self.off_at.filter(|at| *at > now);
            self.foreign_off_at = self.foreign_off_at.filter(|at| *at > now);
        }
    }

    /// Has the plug a countdown of ours that has nothing left to do?
    pub(super) fn is_left_over(&self) -> bool {
        self.off_at.is_some()
    }

    /// Does a countdown of ours run, by all that is known?
    pub(super) fn runs(&self) -> bool {
        !self.unsure && self.off_at.is_some_and(|at| at > Instant::now())
    }

    /// Is the countdown still to be read?
    pub(super) fn is_unread(&self) -> bool {
        !self.read
    }

    /// The countdown is to be read again.
    pub(super) fn forget(&mut self) {
        self.read = false;
    }

    /// It was asked for, whatever the answer.
    pub(super) fn was_asked(&mut self) {
        self.read = true;
    }

    /// The ceiling and the state after a power cut are looked after. True if they were not before.
    pub(super) fn settle(&mut self, longest_on: Option<SignedDuration>) -> bool {
        let was_due = self.is_unsettled(longest_on);
        (self.settled, self.settled_by) = (true, longest_on);
        was_due
    }

    /// Are they still to be looked after, or again because the rules allow another time on?
    pub(super) fn is_unsettled(&self, longest_on: Option<SignedDuration>) -> bool {
        !self.settled || self.settled_by != longest_on
    }

    /// The time until a countdown opens the relay, as far as the plug has confirmed one.
    pub(super) fn remain(&self, tempo: Tempo) -> Option<SignedDuration> {
        let ours = self.off_at.filter(|_| !self.unsure);
        let at = ours.into_iter().chain(self.foreign_off_at).min()?;
        Some(tempo.house(at.saturating_duration_since(Instant::now())))
    }
}
