//! What the session does with messages.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::{BATCH, Session};
use crate::{
    hub::Busy,
    model::{Command, Event, Notice, NoticeKind, Origin, Target, Verb},
    mqtt::{
        client::Mail,
        inbound::{self, Unread},
        message::{Message, Payload},
        requests::{self, ACKNOWLEDGE, Answer, Ask},
        station::{self, Measured, Unheard},
        topics::{Heard, Knob, Topics},
        truth::Once,
    },
};

/// Home Assistant's birth is answered after a pause of at most this, lest all bridges answer at once.
const BIRTH_WITHIN_MS: u64 = 900;
/// How long the hub may take to make room for a command.
const HUB_WITHIN: Duration = Duration::from_millis(200);

impl Session {
    /// Hears what waits, but neither the broker nor what is shown has to wait for more than a batch, nor for a slow hub.
    pub(super) async fn hear_waiting(&mut self, mail: &mut Mail) {
        let began = Instant::now();
        for _ in 0..BATCH {
            if began.elapsed() >= HUB_WITHIN {
                break;
            }
            let Some(message) = mail.messages.waiting() else { break };
            self.hear(&message).await;
        }
        self.complaints.missed(mail.messages.missed());
    }

    pub(super) async fn hear(&mut self, message: &Message) {
        let topics = self.topics().clone();
        match topics.sort(&message.topic) {
            Heard::Status => self.hear_status(message),
            Heard::Announced(unique) => {
                self.readback.note(&topics, unique, message);
                self.hear_cleared(message);
            }
            Heard::Request(verb) => self.hear_request(verb, message).await,
            Heard::Station => self.hear_station(message).await,
            Heard::Command(knob) => self.hear_command(knob, message).await,
            Heard::Foreign => self.readback.note_state(&topics, message),
        }
    }

    /// Home Assistant has started. A replay tells nothing new: everything was published at the connect already.
    fn hear_status(&mut self, message: &Message) {
        if !message.retain && message.payload == Payload::Bytes(b"online".to_vec()) {
            let pause = Duration::from_millis(fastrand::u64(..=BIRTH_WITHIN_MS));
            self.birth.get_or_insert(Instant::now() + pause);
        }
    }

    /// Home Assistant up to 2026.10 clears the announcement of a whole device when one of its entities is deleted there. It is not
    /// said again at once, for whoever deleted something wanted it gone, and two sides that put each other right never end.
    fn hear_cleared(&mut self, message: &Message) {
        let is_empty = matches!(&message.payload, Payload::Bytes(bytes) if bytes.is_empty());
        if message.retain || !is_empty || self.emptied.remove(&message.topic) {
            return;
        }
        if self.truth.held(&message.topic).is_some_and(|held| !held.payload.is_empty()) {
            let words = format!(
                "somebody cleared {}, such as Home Assistant when an entity is deleted there: all that was announced on it is \
                 gone until Home Assistant or the bridge starts the next time",
                message.topic
            );
            let notice = Notice::new(self.handle.clock.now(), NoticeKind::AnnouncementCleared, words);
            self.complaints.cleared(notice.with("topic", &message.topic));
        }
    }

    async fn hear_request(&mut self, verb: &str, message: &Message) {
        let is_empty = matches!(&message.payload, Payload::Bytes(bytes) if bytes.is_empty());
        if is_empty && self.cleared.remove(&message.topic) {
            return;
        }
        if message.retain {
            if !is_empty {
                let words = format!("a retained request on {} was ignored", message.topic);
                let notice = Notice::new(self.handle.clock.now(), NoticeKind::RetainedCommandIgnored, words);
                self.refuse_retained(message, notice.with("topic", &message.topic), true);
                self.cleared.insert(message.topic.clone());
            }
            return;
        }
        let answer = if verb == ACKNOWLEDGE { self.acknowledge(message).await } else { self.look_up(verb, message) };
        if let Some(problem) = answer.problem {
            let words = format!("the request on {} cannot be answered: {problem}", message.topic);
            self.complaints.bad(Notice::new(self.handle.clock.now(), NoticeKind::BadPayload, words));
        }
        self.truth.say_once(answer.message);
    }

    async fn acknowledge(&mut self, message: &Message) -> Answer {
        let found = match requests::acknowledged(message, &self.handle.picture()) {
            Ok((target, data)) => {
                let verb = Verb::Acknowledge;
                let command = Command { target, verb, origin: Origin::Mqtt, transaction: None };
                let taken = self.hand_over(Event::Commanded(command)).await;
                taken.map(|()| data).map_err(|busy| busy.to_string())
            }
            Err(problem) => Err(problem),
        };
        requests::answered(self.topics(), ACKNOWLEDGE, message, found)
    }

    fn look_up(&self, verb: &str, message: &Message) -> Answer {
        let house = self.handle.picture();
        let alive = self.handle.pulse.is_alive();
        let info = |topics: &Topics| self.truth.held(&topics.bridge_info()).map(|held| held.payload.clone());
        let look = |ask| match ask {
            Ask::HealthCheck => requests::health(&house, alive),
            Ask::Info => info(self.topics()).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null),
        };
        requests::answer(self.topics(), verb, message, look)
    }

    /// The station is heard, and told once of each field that cannot be read.
    async fn hear_station(&mut self, message: &Message) {
        let now = self.handle.clock.now();
        let about = |kind, words: String| Notice::new(now, kind, words).with("topic", &message.topic);
        match station::measured(message, now) {
            Ok(Measured { observation, problems }) => {
                self.misread.retain(|field| problems.contains_key(field));
                for (field, problem) in problems {
                    if self.misread.insert(field) {
                        let words = format!("the message on {} holds what cannot be: {problem}", message.topic);
                        self.complaints.bad(about(NoticeKind::BadPayload, words));
                    }
                }
                // A busy hub hears the next one.
                let _ = self.hand_over(Event::StationReported(observation)).await;
            }
            Err(Unheard::Empty) => {}
            Err(Unheard::Retained) => {
                let words = format!("a retained message on {} was ignored: it has no `ts` of its own", message.topic);
                self.refuse_retained(message, about(NoticeKind::RetainedCommandIgnored, words), true);
            }
            Err(Unheard::Bad(problem)) => {
                let words = format!("the message on {} cannot be read: {problem}", message.topic);
                self.complaints.bad(about(NoticeKind::BadPayload, words));
            }
        }
    }

    async fn hear_command(&mut self, knob: Knob<'_>, message: &Message) {
        let house = self.handle.picture();
        let now = self.handle.clock.now();
        match inbound::read(knob, message, now, &house, &self.outbound.context.identity.zone) {
            Ok(command) => self.command(command).await,
            Err(Unread::Empty) => {}
            Err(Unread::Retained { notice, clear }) => self.refuse_retained(message, notice, clear),
            Err(Unread::Bad(notice)) => self.complaints.bad(notice),
        }
    }

    async fn command(&mut self, command: Command) {
        let about = command.clone();
        let Err(busy) = self.hand_over(Event::Commanded(command)).await else { return };
        let notice = Notice::new(self.handle.clock.now(), NoticeKind::Refused, format!("not followed: {busy}"));
        let notice = match &about.target {
            Target::Outlet(outlet) => notice.about_outlet(outlet),
            Target::Group(group) => notice.about_group(Some(group)),
            Target::House => notice,
        };
        self.handle.notify(match about.transaction {
            Some(mark) => notice.with("transaction", mark),
            None => notice,
        });
    }

    /// Hands an event to the hub, which may need a moment to make room: a burst of commands is not its fault.
    async fn hand_over(&mut self, event: Event) -> Result<(), Busy> {
        let taken = match self.handle.try_send(event.clone()) {
            Err(Busy) if !self.hub_hangs => tokio::select! {
                taken = self.handle.send(event) => taken,
                () = tokio::time::sleep(HUB_WITHIN) => Err(Busy),
                () = self.stop.cancelled() => Err(Busy),
            },
            taken => taken,
        };
        self.hub_hangs = taken.is_err();
        taken
    }

    fn refuse_retained(&mut self, message: &Message, notice: Notice, clear: bool) {
        if clear {
            self.truth.say_first(Once::clear(message.topic.clone()));
        }
        self.complaints.retained(notice);
    }
}
