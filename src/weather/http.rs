//! The wire between us and a provider: deadlines, limits, and what went wrong in words.

use std::{error::Error, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use reqwest::{
    Client, Response, StatusCode,
    header::{self, HeaderName},
};

use super::{
    answer::{Answer, ParseError, one_line, reason},
    ask::{Ask, Heard, Question, Reply, user_agent},
    line::{Get, Line},
};
use crate::model::{Provider, ProviderSettings, Trouble, TroubleKind, WeatherSettings};

/// A provider that cannot be connected to within this has failed.
const CONNECT: Duration = Duration::from_secs(5);
/// A provider that has not said everything within this has failed.
const TOTAL: Duration = Duration::from_secs(15);
/// No answer of use is larger.
const LARGEST: usize = 2 * 1024 * 1024;
/// Questions that make one forecast, with one that had to be asked anew.
const QUESTIONS: usize = 4;
/// `Expires` is obeyed up to this: a wrong header must not end the weather for a day, nor let a forecast become so old that it counts as
/// trouble ([`WeatherState::RENEWED_WITHIN`](crate::model::WeatherState::RENEWED_WITHIN)).
pub(super) const LONGEST_HELD: SignedDuration = SignedDuration::from_mins(110);

/// A fetch that brought nothing.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) trouble: Trouble,
    /// What the provider wishes, in real time.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    fn passing(text: impl Into<String>) -> Self {
        Self { trouble: Trouble { kind: TroubleKind::Passing, text: text.into() }, retry_after: None }
    }

    fn needs_person(text: impl Into<String>) -> Self {
        Self { trouble: Trouble { kind: TroubleKind::NeedsPerson, text: text.into() }, retry_after: None }
    }
}

/// A fetch that brought a forecast.
pub(super) struct Brought {
    pub(super) answer: Answer,
    /// Is it one that was heard before, and is not confirmed?
    pub(super) is_old: bool,
    /// The provider has nothing new for this long, in real time.
    pub(super) unchanged_for: Option<Duration>,
    /// The time by the provider's clock, if it tells.
    pub(super) date: Option<Timestamp>,
}

/// A provider's end of the wire.
pub(super) struct Wire {
    how: ProviderSettings,
    client: Option<Client>,
    /// Another line than the network.
    line: Option<Arc<dyn Line>>,
    /// `Expires` is obeyed up to this.
    longest_held: SignedDuration,
}

impl Wire {
    pub(super) fn new(settings: &WeatherSettings, how: ProviderSettings, line: Option<Arc<dyn Line>>) -> Self {
        let longest_held = match how.provider {
            // Its terms ask for it; the config sees to it that a forecast is acted on for longer.
            Provider::MetNorway => LONGEST_HELD,
            // A hint only: what is known must not grow too old over it, and one attempt may fail.
            _ => LONGEST_HELD.min(settings.valid / 2),
        };
        Self { how, client: None, line, longest_held }
    }

    pub(super) fn name(&self) -> &'static str {
        self.how.provider.name()
    }

    /// Asks until there is a forecast, or trouble. `now` is the house's time.
    pub(super) async fn fetch(
        &mut self,
        provider: &mut dyn Ask,
        now: impl Fn() -> Timestamp,
    ) -> Result<Brought, Failure> {
        let begun = now();
        for _ in 0..QUESTIONS {
            let (head, reply) = match self.ask(provider.question(), now()).await {
                Ok(good) => good,
                Err(Unanswered::Status(status, _)) if provider.refused(status.as_u16()) => continue,
                Err(Unanswered::Status(_, failure) | Unanswered::Failure(failure)) => {
                    return self.at_hand(provider, failure, begun);
                }
            };
            match provider.hear(reply, now()) {
                Ok(Heard::AskOn) => {}
                Ok(Heard::Answer(answer)) => {
                    let unchanged_for = head.unchanged_for(now(), self.longest_held);
                    return Ok(Brought { answer, is_old: false, unchanged_for, date: head.date });
                }
                Err(error) => return self.at_hand(provider, self.useless(&error), begun),
            }
        }
        Err(Failure::passing(format!("{} does not come to a forecast", self.name())))
    }

    /// What can be told all the same, or the failure.
    fn at_hand(&self, provider: &mut dyn Ask, failure: Failure, begun: Timestamp) -> Result<Brought, Failure> {
        let failure = self.without_key(failure);
        let Some(answer) = provider.at_hand() else { return Err(failure) };
        tracing::debug!("a forecast all the same: {}", failure.trouble.text);
        // A wish to be left alone is obeyed.
        let unchanged_for = failure.retry_after.map(|it| it.min(LONGEST_HELD.unsigned_abs()));
        let is_old = answer.forecast.issued_at < begun;
        Ok(Brought { answer, is_old, unchanged_for, date: None })
    }

    fn useless(&self, error: &ParseError) -> Failure {
        let text = format!("{}: {error}", self.name());
        match error {
            ParseError::Refused(_) | ParseError::TimesNotUnix => Failure::needs_person(text),
            _ => Failure::passing(text),
        }
    }

    /// A provider may repeat the address in what it says, and the key is part of some addresses.
    fn without_key(&self, mut failure: Failure) -> Failure {
        if let Some(key) = self.how.api_key.as_ref().map(|it| it.reveal()).filter(|it| !it.is_empty()) {
            failure.trouble.text = failure.trouble.text.replace(key, "********");
        }
        failure
    }

    async fn ask(&mut self, question: Question, now: Timestamp) -> Result<(Head, Reply), Unanswered> {
        let name = self.name();
        let late = |_| Failure::passing(format!("{name} did not answer within {} s", TOTAL.as_secs()));
        let (status, head, body) = match self.line.clone() {
            Some(line) => tokio::time::timeout(TOTAL, self.carried(line, &question, now)).await.map_err(late)??,
            None => {
                let client = match &self.client {
                    Some(client) => client.clone(),
                    None => self.client.insert(self.connect()?).clone(),
                };
                tokio::time::timeout(TOTAL, self.sent(client, &question, now)).await.map_err(late)??
            }
        };
        let unchanged = status == StatusCode::NOT_MODIFIED && question.known_since.is_some();
        if !status.is_success() && !unchanged {
            return Err(Unanswered::Status(status, self.refused(status, &body, head.retry_after)));
        }
        if status == StatusCode::NON_AUTHORITATIVE_INFORMATION {
            tracing::debug!("{}: this way of asking will not be answered for long", self.name());
        }
        let last_modified = head.last_modified.clone();
        Ok((head, Reply { unchanged, last_modified, body }))
    }

    /// Over the network.
    async fn sent(&self, client: Client, question: &Question, now: Timestamp) -> Result<Answered, Failure> {
        let mut request = client.get(&question.url);
        if let Some(since) = &question.known_since {
            request = request.header(header::IF_MODIFIED_SINCE, since);
        }
        let response = request.send().await.map_err(|error| self.words(error))?;
        let text = |name: HeaderName| response.headers().get(name).and_then(|it| it.to_str().ok());
        let (status, head) = (response.status(), Head::read(text, now));
        Ok((status, head, self.body(response).await?))
    }

    /// Over another line.
    async fn carried(&self, line: Arc<dyn Line>, question: &Question, now: Timestamp) -> Result<Answered, Failure> {
        let (url, known_since) = (question.url.clone(), question.known_since.clone());
        let got = line.get(Get { url, user_agent: user_agent(&self.how), known_since }).await;
        let got = got.map_err(|words| Failure::passing(format!("{} did not answer: {words}", self.name())))?;
        let text = |name: HeaderName| got.headers.iter().find(|it| it.0 == name.as_str()).map(|it| it.1.as_str());
        let (status, head) = (StatusCode::from_u16(got.status).unwrap_or_default(), Head::read(text, now));
        if got.body.len() > LARGEST { Err(self.too_large()) } else { Ok((status, head, got.body)) }
    }

    fn too_large(&self) -> Failure {
        Failure::passing(format!("{} sent more than {} MiB", self.name(), LARGEST / 1024 / 1024))
    }

    fn connect(&self) -> Result<Client, Failure> {
        let builder = Client::builder()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::limited(3))
            .user_agent(user_agent(&self.how));
        // A provider on this machine is never behind the proxy that the environment may name.
        let is_here = reqwest::Url::parse(&self.how.base_url).is_ok_and(|url| {
            let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        });
        let builder = if is_here { builder.no_proxy() } else { builder };
        builder.build().map_err(|error| self.words(error))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.words(error))? {
            if body.len() + chunk.len() > LARGEST {
                return Err(self.too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn refused(&self, status: StatusCode, body: &[u8], retry_after: Option<Duration>) -> Failure {
        let reason = serde_json::from_slice(body).ok().and_then(|body| reason(&body));
        let reason = reason.map(|it| format!(": {it}")).unwrap_or_default();
        let text = format!("{} answered {status}{reason}", self.name());
        let passes = status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY);
        let failure = if passes { Failure::passing(text) } else { Failure::needs_person(text) };
        Failure { retry_after, ..failure }
    }

    /// The innermost cause is what a person can act on; the address with the place in it belongs in no log.
    fn words(&self, error: reqwest::Error) -> Failure {
        let error = error.without_url();
        let mut cause: &dyn Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let what = if error.is_connect() { "cannot be reached" } else { "did not answer" };
        Failure::passing(one_line(&format!("{} {what}: {cause}", self.name())))
    }
}

/// Status, headers, body.
type Answered = (StatusCode, Head, Vec<u8>);

/// Why a question has no answer.
enum Unanswered {
    Status(StatusCode, Failure),
    Failure(Failure),
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// What the headers of an answer say.
struct Head {
    date: Option<Timestamp>,
    expires: Option<Timestamp>,
    last_modified: Option<String>,
    retry_after: Option<Duration>,
}

impl Head {
    fn read<'a>(header: impl Fn(HeaderName) -> Option<&'a str>, now: Timestamp) -> Self {
        let text = |name| header(name).map(str::trim);
        let date = |name| text(name).and_then(|it| jiff::fmt::rfc2822::parse(it).ok()).map(|it| it.timestamp());
        let wish = text(header::RETRY_AFTER).and_then(|it| it.parse().ok()).map(Duration::from_secs);
        let until = || Duration::try_from(date(header::RETRY_AFTER)?.duration_since(now)).ok();
        Self {
            date: date(header::DATE),
            expires: date(header::EXPIRES),
            last_modified: text(header::LAST_MODIFIED).map(str::to_owned),
            retry_after: wish.or_else(until),
        }
    }

    /// `Expires`, by the provider's clock if it tells, or else by ours.
    fn unchanged_for(&self, now: Timestamp, longest: SignedDuration) -> Option<Duration> {
        let length = self.expires?.duration_since(self.date.unwrap_or(now)).min(longest);
        Duration::try_from(length).ok()
    }
}
