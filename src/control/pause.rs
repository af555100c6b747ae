//! The voice of a pause: a person has told all rules to be silent, always with an end. Persons still rule, and safety stays.

use jiff::{SignedDuration, Timestamp};

use super::{
    Controller,
    civil::later,
    voice::{Facts, Voice},
    wishes,
};
use crate::model::{Command, End, Notice, NoticeKind, Opinion, Pause, Reason, Switch, VoiceName};

/// No pause is longer.
pub(super) const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 7);

/// All rules are silent for a while.
pub(super) fn voice(facts: &Facts<'_>) -> Voice {
    let Some(until) = facts.paused.filter(|until| facts.now < *until) else {
        return Voice::silent(VoiceName::Pause);
    };
    let says = wishes::says(VoiceName::Pause, Switch::Off, Reason::Paused { until });
    Voice { opinion: Opinion { changes_at: Some(until), ..says.opinion }, until: Some(until), ..says }
}

/// What was remembered of a pause, unless it is over, or longer than any: then a clock was wrong.
pub(super) fn believable(pause: Option<Pause>, now: Timestamp) -> Option<Pause> {
    pause.filter(|it| now < it.end.latest() && it.end.latest() <= later(now, LONGEST))
}

impl Controller {
    /// All rules fall silent until `end`.
    pub(super) fn pause(&mut self, end: End, command: &Command, now: Timestamp, notices: &mut Vec<Notice>) {
        let ahead = end.latest().duration_since(now);
        if ahead <= SignedDuration::ZERO || ahead > LONGEST {
            let words = "a pause is refused: it must end in the future and at most 7 days ahead";
            notices.push(Notice::new(now, NoticeKind::Refused, words).answering(command.ticket));
            return;
        }
        let since = self.house.paused.map_or(now, |it| it.since);
        self.house.paused = Some(Pause { since, end });
        let until = self.settings.zone.to_datetime(end.latest());
        let because = command.reason.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
        let words = format!(
            "automation is paused until {:02}:{:02} on {}{because}",
            until.hour(),
            until.minute(),
            until.date()
        );
        notices.push(Notice::new(now, NoticeKind::AutomationPaused, words).answering(command.ticket));
    }

    /// The rules speak again, because a person says so.
    pub(super) fn resume(&mut self, command: &Command, now: Timestamp, notices: &mut Vec<Notice>) {
        let was_paused = self.house.paused.take().is_some();
        let kind = if was_paused { NoticeKind::AutomationResumed } else { NoticeKind::Answered };
        notices.push(Notice::new(now, kind, "automation goes on").answering(command.ticket));
    }

    /// A pause that is over is forgotten. Says whether it was.
    pub(super) fn end_pause(&mut self, now: Timestamp, notices: &mut Vec<Notice>) -> bool {
        let over = self.house.paused.is_some_and(|it| it.end.latest() <= now);
        if over {
            self.house.paused = None;
            notices.push(Notice::new(now, NoticeKind::AutomationResumed, "the pause is over: automation goes on"));
        }
        over
    }
}
