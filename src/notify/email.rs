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
use tokio::sync::OnceCell;

use super::{queue::Letter, way::Failure, zone::Zone};
use crate::model::{EmailSettings, MailTls};

/// A server that has not answered a single word within this has failed.
const WORD: Duration = Duration::from_secs(15);
/// What a server says when it does not know who we are: the letter is not to blame.
const LOGIN: [u16; 4] = [530, 534, 535, 538];

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

    pub(super) async fn send(&self, letter: &Letter) -> Result<(), Failure> {
        let message = self.message(letter).map_err(Failure::of_the_letter)?;
        let transport = self.transport.get_or_try_init(|| transport(self.settings.clone())).await?;
        let Err(error) = transport.send(message.clone()).await else { return Ok(()) };
        let failure = self.failure(&error);
        if failure.is_of_the_letter && self.settings.to.len() > 1 {
            return self.send_to_each(transport, &message, failure).await;
        }
        Err(failure)
    }

    /// One wrong address must not keep the others from hearing of it.
    async fn send_to_each(&self, transport: &Transport, message: &Message, failure: Failure) -> Result<(), Failure> {
        let (envelope, bytes) = (message.envelope(), message.formatted());
        let mut outcome = Err(failure);
        for (at, to) in envelope.to().iter().enumerate() {
            let alone = Envelope::new(envelope.from().cloned(), vec![to.clone()]);
            let alone = alone.map_err(|error| Failure::of_the_letter(error.to_string()))?;
            match transport.send_raw(&alone, &bytes).await {
                Ok(_) => outcome = Ok(()),
                Err(error) => {
                    let words = self.words(&error);
                    tracing::warn!("notifications.email.to_emails[{at}] gets no mail: {words}");
                }
            }
        }
        outcome
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

    fn failure(&self, error: &Error) -> Failure {
        let text = self.words(error);
        let code = error.status().map(u16::from);
        if error.is_permanent() && !code.is_some_and(|it| LOGIN.contains(&it)) {
            return Failure::of_the_letter(text);
        }
        Failure::of_the_way(text)
    }

    /// The innermost cause is what a person can act on. A server may repeat what it was told.
    fn words(&self, error: &Error) -> String {
        let mut cause = error.source();
        while let Some(inner) = cause.and_then(std::error::Error::source) {
            cause = Some(inner);
        }
        let what = match error.status() {
            Some(code) => format!("the mail server said {code}"),
            None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
            None => "the mail server cannot be used".to_owned(),
        };
        let mut words = cause.map_or_else(|| what.clone(), |cause| format!("{what}: {cause}"));
        if let Some((_, password)) = &self.settings.login {
            words = words.replace(password.reveal(), "********");
        }
        words
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
    let mut builder = Transport::builder_dangerous(settings.host.clone()).port(settings.port).timeout(Some(WORD));
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
