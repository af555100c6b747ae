//! What the session does with commands that change the config, or the light on a housing.

use std::sync::Arc;

use serde_json::json;

use super::{Session, requested::Returned};
use crate::{
    hub::Errand,
    model::{ConfigEdit, Event, House, Notice, NoticeKind, Slug},
    mqtt::{
        askers::{self, Address},
        inbound,
        message::{Message, Payload},
        requests, timetable,
        topics::Timetable,
    },
};

impl Session {
    pub(super) fn hear_schedule(&mut self, it: Timetable<'_>, message: &Message) {
        self.hear_edit(message, it.is_well_formed(), |house| timetable::read(it, message, house));
    }

    pub(super) fn hear_lead(&mut self, group: &str, message: &Message) {
        self.hear_edit(message, group.parse::<Slug>().is_ok(), |house| timetable::lead(group, message, house));
    }

    /// What comes of it is what the device says then.
    pub(super) async fn hear_led(&mut self, device: &str, message: &Message) {
        let Some(house) = self.may_be_followed(message, device.parse::<Slug>().is_ok()) else { return };
        match inbound::led(device, message, &house) {
            Ok((device, on)) => {
                if let Err(busy) = self.hand_over(Event::LedAsked { device, on }).await {
                    self.refuse_schedule(NoticeKind::Refused, message, &busy.to_string());
                }
            }
            Err(problem) => self.refuse_schedule(NoticeKind::BadPayload, message, &problem),
        }
    }

    /// The house as it is, unless the message is empty, or retained.
    fn may_be_followed(&mut self, message: &Message, is_ours: bool) -> Option<Arc<House>> {
        if matches!(&message.payload, Payload::Bytes(bytes) if bytes.is_empty()) {
            return None;
        }
        if message.retain {
            let words = format!("a retained command on {} was ignored: send it without the flag", message.topic);
            let notice = Notice::new(self.handle.clock.now(), NoticeKind::RetainedCommandIgnored, words);
            self.refuse_retained(message, notice.with("topic", &message.topic), is_ours);
            return None;
        }
        Some(self.handle.picture())
    }

    fn hear_edit(
        &mut self,
        message: &Message,
        is_ours: bool,
        read: impl FnOnce(&House) -> Result<Option<ConfigEdit>, String>,
    ) {
        let Some(house) = self.may_be_followed(message, is_ours) else { return };
        match read(&house) {
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
