//! What the session does with commands that change the config, or the light on a housing.

use std::sync::Arc;

use super::{Session, changes::edit_of};
use crate::{
    model::{Event, House, Notice, NoticeKind, Slug},
    mqtt::{
        inbound,
        message::{Message, Payload},
    },
};

impl Session {
    /// A message about a schedule or a lead. What cannot be read is told at once, and takes nobody's place.
    pub(super) fn hear_edit(&mut self, message: &Message, is_ours: bool) {
        let Some(house) = self.may_be_followed(message, is_ours) else { return };
        match edit_of(self.topics(), message, &house) {
            Ok(_) => self.want(message),
            Err(problem) => self.refuse_schedule(NoticeKind::BadPayload, message, &problem),
        }
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

    /// The asker and everybody else hear why not, and who shows the schedule sees again how it is.
    pub(super) fn refuse_schedule(&mut self, kind: NoticeKind, message: &Message, problem: &str) {
        let words = format!("the message on {} cannot be followed: {problem}", message.topic);
        self.reply(message, Err(words.clone()));
        let notice = Notice::new(self.handle.clock.now(), kind, words);
        self.complaints.bad(notice.with("topic", &message.topic));
        self.say_schedule_again(&message.topic);
    }

    pub(super) fn say_schedule_again(&mut self, command: &str) {
        let topic = command.rsplitn(3, '/').last().unwrap_or_default();
        if self.truth.held(topic).is_some() {
            self.truth.say_again(topic);
        }
    }
}
