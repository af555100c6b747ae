//! A way to a person, whatever it is made of.

use std::time::Duration;

use super::{email::Mail, http::Post, queue::Letter, zone::Zone};
use crate::model::{Channel, NotifySettings};

/// Whatever takes longer has failed: a server may say a word now and then for ever.
pub(super) const TOTAL: Duration = Duration::from_secs(60);

/// Takes down who has not got a letter yet, when somebody has.
pub(super) type Note<'a> = dyn Fn(Vec<String>) + Sync + 'a;

/// A message was not taken.
#[derive(Debug)]
pub(super) struct Failure {
    /// Why, in words, without a secret.
    pub(super) text: String,
    /// What others are to expect.
    pub(super) blame: Blame,
    /// How long whoever refused wishes to be left alone.
    pub(super) pause: Option<Duration>,
}

impl Failure {
    pub(super) fn of_the_way(text: impl Into<String>) -> Self {
        Self { text: text.into(), blame: Blame::Way, pause: None }
    }

    pub(super) fn of_the_letter(text: impl Into<String>) -> Self {
        Self { text: text.into(), blame: Blame::Letter, pause: None }
    }
}

/// Why a message was not taken.
#[derive(Debug, PartialEq)]
pub(super) enum Blame {
    /// Nothing goes by this way for a while.
    Way,
    /// It is this message that is not taken; others may be.
    Letter,
    /// These receivers get it later, and nobody waits for them. Did others get it now?
    Receivers { owed: Vec<String>, others_got_it: bool },
}

/// A way to a person.
#[derive(Debug)]
pub(super) enum Way {
    Mail(Box<Mail>),
    Post(Post),
}

impl Way {
    /// The way of this name, if it is enabled.
    pub(super) fn of(channel: Channel, settings: &NotifySettings, zone: &Zone) -> Option<Self> {
        let zone = zone.clone();
        Some(match channel {
            Channel::Email => Self::Mail(Box::new(Mail::new(settings.email.clone()?, zone))),
            Channel::Webhook => Self::Post(Post::webhook(settings.webhook.clone()?, zone)),
            Channel::Ntfy => Self::Post(Post::ntfy(settings.ntfy.clone()?, zone)),
        })
    }

    pub(super) async fn send(&self, letter: &Letter, note: &Note<'_>) -> Result<(), Failure> {
        let sending = async {
            match self {
                Self::Mail(mail) => mail.send(letter, note).await,
                Self::Post(post) => post.send(letter).await,
            }
        };
        let late = |_| Failure::of_the_way(format!("it took longer than {} s", TOTAL.as_secs()));
        let mut sent = tokio::time::timeout(TOTAL, sending).await.map_err(late).and_then(|it| it);
        if let Err(failure) = &mut sent {
            // What a server says may have many lines.
            failure.text = failure.text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
        }
        sent
    }
}
