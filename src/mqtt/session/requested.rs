//! What the session does with requests: some it answers itself, some the hub answers, and some the program as a whole.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Session;
use crate::{
    hub::Errand,
    model::{Command, Event, Failed, Notice, NoticeKind, Origin, Slug, Verb},
    mqtt::{
        askers::{self, Address},
        message::{Message, Payload},
        requests::{self, Request},
        topics::Topics,
        truth::Once,
    },
};

/// Errands that may be under way at once.
const ERRANDS: usize = 4;
/// The longest errand.
pub(super) const ERRAND_WITHIN: Duration = Duration::from_secs(60);

/// An errand that is done.
pub(super) struct Returned {
    errand: Errand,
    /// `null` if it could not be done.
    found: Value,
    answer: Option<Once>,
    /// The command that was not followed, and why not.
    refused: Option<(Message, String)>,
}

impl Returned {
    /// What came of a request.
    pub(super) fn of_request(
        errand: Errand,
        found: Result<Value, Failed>,
        topics: &Topics,
        verb: &str,
        message: &Message,
    ) -> Self {
        let answer = requests::answered(topics, verb, message, found.clone().map_err(String::from));
        Self { errand, found: found.unwrap_or_default(), answer: Some(answer), refused: None }
    }

    /// What came of a command about a schedule.
    pub(super) fn of_schedule(errand: Errand, found: Result<Value, Failed>, message: Message) -> Self {
        match found {
            Ok(found) => {
                let to = Address::of(message.reply.as_ref());
                let answer = to.map(|to| askers::answer(to, Ok(found.clone()), requests::mark(&message)));
                Self { errand, found, answer, refused: None }
            }
            Err(failed) => Self { errand, found: Value::Null, answer: None, refused: Some((message, failed.words)) },
        }
    }
}

impl Session {
    pub(super) async fn hear_request(&mut self, verb: &str, message: &Message) {
        let is_empty = matches!(&message.payload, Payload::Bytes(bytes) if bytes.is_empty());
        if is_empty && self.cleared.remove(&message.topic) {
            return;
        }
        if message.retain {
            if !is_empty {
                let words = format!("a retained request on {} was ignored", message.topic);
                let notice = Notice::new(self.handle.clock.now(), NoticeKind::RetainedCommandIgnored, words);
                self.refuse_retained(message, notice.with("topic", &message.topic), true);
                if self.truth.is_unwanted(&message.topic) {
                    self.cleared.insert(message.topic.clone());
                }
            }
            return;
        }
        // MQTT 3.1.1 does not show whether an empty message asks, or clears what was retained there.
        if is_empty && self.outbound.context.protocol == Some(4) && requests::may_change(verb) {
            return self.answer(verb, message, Err("an empty message clears a retained one: send {}".to_owned()));
        }
        let (house, now) = (self.handle.picture(), self.handle.clock.now());
        let zone = self.outbound.context.identity.zone.clone();
        match requests::read(verb, message, &house, now, &zone) {
            Ok(Request::HealthCheck) => {
                let found = requests::health(&house, self.handle.pulse.is_alive());
                self.answer(verb, message, Ok(found));
            }
            Ok(Request::Info) => self.answer(verb, message, Ok(self.info())),
            Ok(Request::Refresh(devices)) => {
                let found = self.refresh(devices).await;
                self.answer(verb, message, found);
            }
            Ok(Request::Command(target, verb_, reason, told)) => {
                let command = Command { reason, ..Command::new(target, verb_, Origin::Mqtt) };
                self.order(verb, message, command, told).await;
            }
            Ok(Request::Errand(errand @ Errand::Edit(..))) => self.request_change(verb, message, errand),
            Ok(Request::Errand(errand)) => self.send_for(verb, message, errand),
            Err(problem) => {
                let words = format!("the request on {} cannot be answered: {problem}", message.topic);
                self.complaints.bad(Notice::new(now, NoticeKind::BadPayload, words));
                self.answer(verb, message, Err(problem));
            }
        }
    }

    pub(super) fn answer(&mut self, verb: &str, message: &Message, found: Result<Value, String>) {
        let answer = requests::answered(self.topics(), verb, message, found);
        self.truth.say_once(answer);
    }

    fn info(&self) -> Value {
        let held = self.truth.held(&self.topics().bridge_info());
        held.and_then(|held| serde_json::from_str(&held.payload).ok()).unwrap_or(Value::Null)
    }

    async fn refresh(&mut self, devices: Vec<Slug>) -> Result<Value, String> {
        for device in &devices {
            let event = Event::LookAsked { device: device.clone() };
            self.hand_over(event).await.map_err(|busy| busy.to_string())?;
        }
        Ok(json!({ "asked": devices }))
    }

    /// What the hub has to agree to is answered when it has.
    async fn order(&mut self, verb: &str, message: &Message, command: Command, told: Value) {
        // Of a fault that is acknowledged the asker is told which one it was, and nothing more comes of it.
        let at_once = command.verb == Verb::Acknowledge;
        let ticket = if at_once {
            None
        } else {
            let (address, ticket) = (requests::address(self.topics(), verb, message), self.handle.ticket());
            match self.askers.wait(ticket, address, requests::mark(message), 0, Instant::now()) {
                Ok(()) => Some(ticket),
                Err(full) => return self.truth.say_once(*full),
            }
        };
        let taken = self.hand_over(Event::Commanded(Command { ticket, ..command })).await;
        let found = taken.map(|()| told).map_err(|busy| busy.to_string());
        match (ticket, found) {
            (None, found) => self.answer(verb, message, found),
            (Some(ticket), Err(words)) => {
                let refused = self.askers.refused(ticket, &words);
                refused.into_iter().for_each(|it| self.truth.say_once(it));
            }
            (Some(_), Ok(_)) => {}
        }
    }

    /// Errands take their time: the answer comes when it comes, and a few may be under way.
    fn send_for(&mut self, verb: &str, message: &Message, errand: Errand) {
        if self.errands.len() >= ERRANDS {
            let words = format!("{ERRANDS} requests of this kind are under way: ask again later");
            return self.answer(verb, message, Err(words));
        }
        let handle = self.handle.clone();
        let (topics, verb, message) = (self.topics().clone(), verb.to_owned(), message.clone());
        self.errands.spawn(async move {
            let found = handle.errand(errand.clone(), ERRAND_WITHIN).await;
            Returned::of_request(errand, found, &topics, &verb, &message)
        });
    }

    /// Asks what is logged, to show it.
    pub(super) fn ask_log_level(&mut self) {
        let handle = self.handle.clone();
        self.errands.spawn(async move {
            let errand = Errand::LogLevel(None);
            let found = handle.errand(errand.clone(), ERRAND_WITHIN).await.unwrap_or_default();
            Returned { errand, found, answer: None, refused: None }
        });
    }

    /// An errand is done: its asker is answered, and who watches is shown what came of it.
    pub(super) fn returned(&mut self, returned: Returned) {
        returned.answer.into_iter().for_each(|it| self.truth.say_once(it));
        if let Some((message, problem)) = returned.refused {
            self.refuse_schedule(NoticeKind::Refused, &message, &problem);
        }
        match returned.errand {
            Errand::LogLevel(_) => {
                let Some(level) = returned.found.get("level").and_then(Value::as_str) else { return };
                self.outbound.context.log_level = Some(level.into());
                self.outbound.write_inventory(&self.handle.picture(), &mut self.truth);
            }
            Errand::Discover { .. } => {
                let Some(devices) = returned.found.get("devices").and_then(Value::as_array) else { return };
                let words = requests::search_told(devices, &self.handle.picture());
                self.handle.notify(Notice::new(self.handle.clock.now(), NoticeKind::SearchDone, words));
            }
            _ => {}
        }
    }
}
