//! Mail by SMTP.

use std::{
    error::Error as _,
    time::{Duration, SystemTime},
};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    address::Envelope,
    message::{Mailbox, SinglePart},
    transport::smtp::{
        Error,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use tokio::{sync::OnceCell, time::Instant};

use super::{
    queue::Letter,
    way::{Blame, Failure, Note, TOTAL},
    zone::Zone,
};
use crate::model::{EmailSettings, MailTls};

/// A server that cannot be connected to within this has failed. What it says after that, lettre waits for without an end.
const CONNECT: Duration = Duration::from_secs(15);
/// What a server says when it does not know who we are: the letter is not to blame.
const LOGIN: [u16; 4] = [530, 534, 535, 538];
/// What it says when it serves nobody for now, or cannot look up who we are.
const AWAY: [u16; 3] = [421, 432, 454];

/// Nobody else is sent a copy of their own after so long …
const EACH: Duration = Duration::from_secs(30);
/// … and one that is under way is given up then, before the whole letter is: who has got theirs is known.
const LAST: Duration = TOTAL.saturating_sub(Duration::from_secs(5));

const TOO_LATE: &str = "the mail server did not answer in time";

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// A mail server, and whom it is asked to write to.
#[derive(Debug)]
pub(super) struct Mail {
    settings: EmailSettings,
    zone: Zone,
    transport: OnceCell<Transport>,
}

impl Mail {
    pub(super) fn new(settings: EmailSettings, zone: Zone) -> Self {
        Self { settings, zone, transport: OnceCell::new() }
    }

    pub(super) async fn send(&self, letter: &Letter, note: &Note<'_>) -> Result<(), Failure> {
        let began = Instant::now();
        let message = self.message(letter).map_err(Failure::of_the_letter)?;
        let transport = self.transport.get_or_try_init(|| transport(self.settings.clone())).await?;
        if letter.owed.is_none() {
            let Err(error) = transport.send(message.clone()).await else { return Ok(()) };
            let fault = fault(&error);
            if fault == Fault::OfAll || self.settings.to.len() == 1 {
                let words = self.words(&error);
                let is_refused = fault == Fault::ForGood;
                return Err(if is_refused { Failure::of_the_letter(words) } else { Failure::of_the_way(words) });
            }
        }
        let each = Each { transport, message: &message, owed: letter.owed.as_deref(), began, note };
        self.send_to_each(each).await
    }

    /// One address that is wrong, or that takes nothing for now, must not keep the others from hearing of it: a transaction for all ends at
    /// the first receiver who is refused.
    async fn send_to_each(&self, each: Each<'_>) -> Result<(), Failure> {
        let Each { transport, message, owed, began, note } = each;
        let (envelope, bytes) = (message.envelope(), message.formatted());
        let (mut outcome, all) = (Outcome::default(), self.settings.to.iter().zip(envelope.to()));
        // Whoever has been taken out of the config is owed nothing.
        let all = all.enumerate().filter(|(_, (name, _))| owed.is_none_or(|it| it.contains(name)));
        let all: Vec<_> = all.collect();
        for (done, &(at, (name, to))) in (1..).zip(&all) {
            outcome.is_over |= began.elapsed() >= EACH;
            if outcome.is_over {
                outcome.owed.push(name.clone());
                continue;
            }
            let alone = Envelope::new(envelope.from().cloned(), vec![to.clone()]);
            let alone = alone.map_err(|error| Failure::of_the_letter(error.to_string()))?;
            let sending = tokio::time::timeout_at(began + LAST, transport.send_raw(&alone, &bytes));
            let (words, fault) = match sending.await {
                Ok(Ok(_)) => {
                    outcome.got_it = true;
                    // A stop in the middle of all this must not send it to them again.
                    let yet = all.iter().skip(done).map(|(_, (name, _))| (*name).clone());
                    note(outcome.owed.iter().cloned().chain(yet).collect());
                    continue;
                }
                Ok(Err(error)) => (self.words(&error), fault(&error)),
                Err(_) => (TOO_LATE.to_owned(), Fault::OfAll),
            };
            outcome.words = words;
            if fault == Fault::ForGood {
                outcome.is_refused = true;
                tracing::warn!("notifications.email.to_emails[{at}] gets no mail: {}", outcome.words);
            } else {
                outcome.is_over = fault == Fault::OfAll;
                outcome.owed.push(name.clone());
            }
        }
        outcome.judged(owed.is_some())
    }

    fn message(&self, letter: &Letter) -> Result<Message, String> {
        let mailbox = |text: &str| text.parse::<Mailbox>().map_err(|_| format!("`{text}` is not a mail address"));
        let from = mailbox(&self.settings.from)?;
        let domain = from.email.domain().to_owned();
        let mut message = Message::builder()
            .from(from)
            .subject(letter.alert.subject())
            .date(letter.alert.at.try_into().unwrap_or(SystemTime::UNIX_EPOCH))
            .message_id(Some(format!("<{}@{domain}>", letter.id)));
        for to in &self.settings.to {
            message = message.to(mailbox(to)?);
        }
        let text = letter.alert.text(&self.zone.get());
        message.singlepart(SinglePart::plain(text)).map_err(|error| error.to_string())
    }

    /// The innermost cause is what a person can act on. A server may repeat what it was told.
    fn words(&self, error: &Error) -> String {
        let mut cause = error.source();
        while let Some(inner) = cause.and_then(std::error::Error::source) {
            cause = Some(inner);
        }
        let what = match error.status() {
            Some(code) => format!("the mail server said {code}"),
            None if error.is_timeout() => TOO_LATE.to_owned(),
            None => "the mail server cannot be used".to_owned(),
        };
        let mut words = cause.map_or_else(|| what.clone(), |cause| format!("{what}: {cause}"));
        if let Some((_, password)) = &self.settings.login {
            words = words.replace(password.reveal(), "********");
        }
        words
    }
}

/// A mail that is to be sent to each receiver by itself.
struct Each<'a> {
    transport: &'a Transport,
    message: &'a Message,
    owed: Option<&'a [String]>,
    began: Instant,
    note: &'a Note<'a>,
}

/// Whom an error of the server is about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Everybody.
    OfAll,
    /// A receiver, perhaps: mail may be taken later.
    ForNow,
    /// A receiver, perhaps: such mail will not be taken.
    ForGood,
}

fn fault(error: &Error) -> Fault {
    match error.status().map(u16::from) {
        Some(code) if error.is_permanent() && !LOGIN.contains(&code) => Fault::ForGood,
        Some(code) if error.is_transient() && !AWAY.contains(&code) => Fault::ForNow,
        _ => Fault::OfAll,
    }
}

/// What became of a mail that was sent to each receiver by itself.
#[derive(Debug, Default)]
struct Outcome {
    got_it: bool,
    is_refused: bool,
    /// The server does not speak to us any more.
    is_over: bool,
    owed: Vec<String>,
    /// What was said last that was not kind.
    words: String,
}

impl Outcome {
    /// `was_owed`: it is known of others that they need nothing more.
    fn judged(self, was_owed: bool) -> Result<(), Failure> {
        let Self { got_it, is_refused, is_over, owed, words } = self;
        if owed.is_empty() {
            // Nobody has refused it where nobody is left.
            return if is_refused && !got_it { Err(Failure::of_the_letter(words)) } else { Ok(()) };
        }
        // A server that takes nothing from anybody has another trouble than one receiver.
        if !got_it && (is_over || !(is_refused || was_owed)) {
            return Err(Failure::of_the_way(words));
        }
        Err(Failure { blame: Blame::Receivers { owed, others_got_it: got_it }, ..Failure::of_the_way(words) })
    }
}

/// The machine's certificates are read from disk.
async fn transport(settings: EmailSettings) -> Result<Transport, Failure> {
    let building = tokio::task::spawn_blocking(move || build(&settings));
    let built = building.await.map_err(|_| Failure::of_the_way("the mail cannot be set up"))?;
    built.map_err(Failure::of_the_way)
}

fn build(settings: &EmailSettings) -> Result<Transport, String> {
    let tls = match settings.tls {
        MailTls::None => Tls::None,
        MailTls::StartTls => Tls::Required(parameters(settings)?),
        MailTls::Implicit => Tls::Wrapper(parameters(settings)?),
    };
    let mut builder = Transport::builder_dangerous(settings.host.clone()).port(settings.port).timeout(Some(CONNECT));
    builder = builder.tls(tls);
    if let Some((name, password)) = &settings.login {
        builder = builder.credentials(Credentials::new(name.clone(), password.reveal().to_owned()));
    }
    Ok(builder.build())
}

fn parameters(settings: &EmailSettings) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(path) = &settings.ca_file {
        let pem = std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let authority = Certificate::from_pem(&pem).map_err(|_| format!("{} is not a certificate", path.display()))?;
        builder = builder.add_root_certificate(authority);
    }
    builder.build().map_err(|error| format!("TLS cannot be set up: {error}"))
}
