//! What the session does with commands that change a schedule.

use serde_json::json;

use super::{Session, requested::Returned};
use crate::{
    hub::Errand,
    model::{Notice, NoticeKind},
    mqtt::{
        askers::{self, Address},
        message::{Message, Payload},
        requests, timetable,
        topics::Timetable,
    },
};

impl Session {
    pub(super) fn hear_schedule(&mut self, it: Timetable<'_>, message: &Message) {
        if matches!(&message.payload, Payload::Bytes(bytes) if bytes.is_empty()) {
            return;
        }
        let (house, now) = (self.handle.picture(), self.handle.clock.now());
        if message.retain {
            let words = format!("a retained command on {} was ignored: send it without the flag", message.topic);
            let notice = Notice::new(now, NoticeKind::RetainedCommandIgnored, words).with("topic", &message.topic);
            return self.refuse_retained(message, notice, it.is_well_formed());
        }
        match timetable::read(it, message, &house) {
            Ok(Some(edit)) => self.change_config(Errand::Edit(edit, None), message),
            // Somebody may have moved a switch that shows something else: it is told again what is so.
            Ok(None) => {
                self.say_schedule_again(&message.topic);
                let address = Address::of(message.reply.as_ref());
                let done = address.map(|to| askers::answer(to, Ok(json!({ "changed": [] })), requests::mark(message)));
                done.into_iter().for_each(|it| self.truth.say_once(it));
            }
            Err(problem) => self.refuse_schedule(NoticeKind::BadPayload, message, &problem),
        }
    }

    fn change_config(&mut self, errand: Errand, message: &Message) {
        if !self.may_send_for() {
            return self.refuse_schedule(NoticeKind::Refused, message, "too many changes are under way");
        }
        let (handle, message) = (self.handle.clone(), message.clone());
        self.errands.spawn(async move {
            let found = handle.errand(errand.clone(), super::requested::ERRAND_WITHIN).await;
            Returned::of_schedule(errand, found, message)
        });
    }

    /// The asker and everybody else hear why not, and who shows the schedule sees again how it is.
    pub(super) fn refuse_schedule(&mut self, kind: NoticeKind, message: &Message, problem: &str) {
        let words = format!("the message on {} cannot be followed: {problem}", message.topic);
        let address = Address::of(message.reply.as_ref());
        let refused = address.map(|to| askers::answer(to, Err(words.clone()), requests::mark(message)));
        refused.into_iter().for_each(|it| self.truth.say_once(it));
        let notice = Notice::new(self.handle.clock.now(), kind, words);
        self.complaints.bad(notice.with("topic", &message.topic));
        self.say_schedule_again(&message.topic);
    }

    fn say_schedule_again(&mut self, command: &str) {
        let topic = command.rsplitn(3, '/').last().unwrap_or_default();
        if self.truth.held(topic).is_some() {
            self.truth.say_again(topic);
        }
    }
}
