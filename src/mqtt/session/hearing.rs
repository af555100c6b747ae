//! What the session does with messages.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{BATCH, Session};
use crate::{
    hub::Busy,
    model::{Command, Event, Notice, NoticeKind, OutletId, Slug, Station, Target},
    mqtt::{
        askers::{self, Address},
        client::Mail,
        inbound::{self, Unread},
        mapped::mapped,
        message::{Message, Payload},
        requests,
        station::{self, Measured, Unheard},
        topics::{Heard, Knob, Look},
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
        if self.hear_mapped(message).await {
            return;
        }
        let topics = self.topics().clone();
        match topics.sort(&message.topic) {
            Heard::Status => self.hear_status(message),
            Heard::Announced(unique) => {
                self.readback.note(&topics, unique, message);
                self.hear_announced(unique, message);
                self.hear_cleared(message);
            }
            Heard::Request(verb) => self.hear_request(verb, message).await,
            Heard::Station => self.hear_station(message).await,
            Heard::Command(knob) => self.hear_command(knob, message).await,
            Heard::Schedule(it) => self.hear_edit(message, it.is_well_formed()),
            Heard::Led(device) => self.hear_led(device, message).await,
            Heard::Lead(group) => self.hear_edit(message, group.parse::<Slug>().is_ok()),
            Heard::Get(look) => self.hear_get(look, message).await,
            Heard::Foreign => {
                self.readback.note_state(&topics, message);
                self.moved.note(message);
            }
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
        if message.retain || !is_empty || self.is_own_echo(&message.topic) {
            return;
        }
        if self.truth.holds(&message.topic) {
            let words = format!(
                "somebody cleared {}, such as Home Assistant when an entity is deleted there: all that was announced on it is \
                 gone until Home Assistant or the bridge starts the next time",
                message.topic
            );
            let notice = Notice::new(self.handle.clock.now(), NoticeKind::AnnouncementCleared, words);
            self.complaints.cleared(notice.with("topic", &message.topic));
        }
    }

    /// Has the bridge itself emptied this topic, and not heard so yet? Then it has now.
    fn is_own_echo(&mut self, topic: &str) -> bool {
        let Some(waiting) = self.emptied.get_mut(topic) else { return false };
        *waiting -= 1;
        if *waiting == 0 {
            self.emptied.remove(topic);
        }
        true
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
                let _ = self.hand_over(Event::StationReported(observation.into())).await;
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

    /// A message on one of the station's own topics is heard by each mapping of it, and told once of each that finds no figure.
    async fn hear_mapped(&mut self, message: &Message) -> bool {
        let now = self.handle.clock.now();
        let settings = Arc::clone(&self.outbound.context.settings);
        let mappings = settings.station.iter().enumerate().filter(|it| it.1.topic == message.topic);
        let (mut station, mut is_mapped) = (Station::default(), false);
        for (index, how) in mappings {
            is_mapped = true;
            match mapped(how, message, now) {
                Ok(observation) => {
                    self.unmapped.remove(&index);
                    station.observe(&observation);
                }
                // What the broker replays has been heard, or is of no use: stations retain as they like.
                Err(Unheard::Empty | Unheard::Retained) => {}
                Err(Unheard::Bad(problem)) => {
                    if self.unmapped.insert(index) {
                        let words = format!("the message on {} cannot be used: {problem}", message.topic);
                        let notice = Notice::new(now, NoticeKind::BadPayload, words).with("topic", &message.topic);
                        self.complaints.bad(notice);
                    }
                }
            }
        }
        if station != Station::default() {
            // A busy hub hears the next one.
            let _ = self.hand_over(Event::StationReported(station)).await;
        }
        is_mapped
    }

    async fn hear_command(&mut self, knob: Knob<'_>, message: &Message) {
        let house = self.handle.picture();
        let now = self.handle.clock.now();
        match inbound::read(knob, message, now, &house, &self.outbound.context.identity.zone) {
            Ok(command) => self.command(command, message).await,
            Err(Unread::Empty) => {}
            Err(Unread::Retained { notice, clear }) => self.refuse_retained(message, *notice, clear),
            Err(Unread::Bad(notice)) => {
                let address = Address::of(message.reply.as_ref());
                let refused =
                    address.map(|it| askers::answer(it, Err(notice.message.clone()), requests::mark(message)));
                refused.into_iter().for_each(|it| self.truth.say_once(it));
                self.complaints.bad(*notice);
            }
        }
    }

    async fn command(&mut self, mut command: Command, message: &Message) {
        let address = Address::of(message.reply.as_ref());
        if self.askers.is_repeated(message, &command, Instant::now()) {
            return self.repeated(&command, message);
        }
        let outlets = self.outlets_of(&command.target);
        if let Some(address) = address {
            self.askers.asks_again(message, &command, &address);
            let ticket = self.handle.ticket();
            if let Err(full) = self.askers.wait(ticket, address, requests::mark(message), outlets.len(), Instant::now())
            {
                return self.truth.say_once(*full);
            }
            command.ticket = Some(ticket);
        }
        let house = self.handle.picture();
        let number = |id: &OutletId| house.outlets.get(id).map_or(0, |it| it.commanded);
        let before = outlets.into_iter().map(|id| (id.clone(), number(&id))).collect();
        match self.hand_over(Event::Commanded(command.clone())).await {
            Ok(()) => self.askers.followed(message, &command, before, Instant::now()),
            Err(busy) => self.not_followed(command, busy),
        }
    }

    /// The hub has not even taken a command.
    fn not_followed(&mut self, command: Command, busy: Busy) {
        let notice = Notice::new(self.handle.clock.now(), NoticeKind::Refused, format!("not followed: {busy}"));
        // The asker, too, hears it by this notice, which is about the command as a whole.
        let notice = match &command.target {
            Target::Outlet(outlet) => notice.about_outlet(outlet),
            Target::Group(group) => notice.about_group(Some(group)),
            Target::House => notice,
        };
        let refused = command.ticket.and_then(|it| self.askers.refused(it, &notice.message));
        refused.into_iter().for_each(|it| self.truth.say_once(it));
        self.handle.notify(match command.transaction {
            Some(mark) => notice.with("transaction", mark),
            None => notice,
        });
    }

    /// Whom a command is about.
    pub(super) fn outlets_of(&self, target: &Target) -> Vec<OutletId> {
        match target {
            Target::Outlet(outlet) => vec![outlet.clone()],
            Target::Group(group) => {
                self.handle.picture().groups.get(group).map(|it| it.outlets.clone()).unwrap_or_default()
            }
            Target::House => Vec::new(),
        }
    }

    /// Publishes what is known of a target once more.
    pub(super) fn show_again(&mut self, target: &Target) {
        let topics = self.topics().clone();
        match target {
            Target::Outlet(outlet) => {
                self.truth.say_again(&topics.outlet(outlet));
                self.truth.say_again(&topics.decision(outlet));
            }
            Target::Group(group) => self.truth.say_again(&topics.group(group)),
            Target::House => self.truth.say_again(&topics.vacation()),
        }
    }

    /// What is known is published again, and the devices are looked at afresh. Nothing else follows from it.
    async fn hear_get(&mut self, look: Look<'_>, message: &Message) {
        // The payload says nothing; one that is retained would be heard again at each connect.
        if message.retain {
            let is_empty = matches!(&message.payload, Payload::Bytes(bytes) if bytes.is_empty());
            if !is_empty {
                let words = format!("a retained request on {} was ignored", message.topic);
                let notice = Notice::new(self.handle.clock.now(), NoticeKind::RetainedCommandIgnored, words);
                self.refuse_retained(message, notice.with("topic", &message.topic), true);
            }
            return;
        }
        let house = self.handle.picture();
        match inbound::seen(look, &house) {
            Ok(outlets) => {
                let devices: BTreeSet<_> = outlets.iter().map(|it| it.device.clone()).collect();
                outlets.into_iter().for_each(|it| self.show_again(&Target::Outlet(it)));
                let topics = self.topics().clone();
                if let Look::Group(group) = look {
                    self.truth.say_again(&topics.below(&format!("group/{group}")));
                }
                for device in devices {
                    self.truth.say_again(&topics.device(&device));
                    self.truth.say_again(&topics.device_availability(&device));
                    // A hub that is too busy for it looks at them soon anyway.
                    let _ = self.hand_over(Event::LookAsked { device }).await;
                }
            }
            Err(problem) => {
                let words = format!("the message on {} cannot be followed: {problem}", message.topic);
                let notice = Notice::new(self.handle.clock.now(), NoticeKind::BadPayload, words);
                self.complaints.bad(notice.with("topic", &message.topic));
            }
        }
    }

    /// Hands an event to the hub, which may need a moment to make room: a burst of commands is not its fault.
    pub(super) async fn hand_over(&mut self, event: Event) -> Result<(), Busy> {
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

    pub(super) fn refuse_retained(&mut self, message: &Message, notice: Notice, clear: bool) {
        if clear {
            self.truth.unwanted(&message.topic);
        }
        self.complaints.retained(notice);
    }
}
