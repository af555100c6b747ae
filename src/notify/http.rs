//! A webhook and a push: one POST each.

use std::{error::Error, time::Duration};

use reqwest::{Client, Response, StatusCode, Url, header, redirect::Policy};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{queue::Letter, way::Failure, zone::Zone};
use crate::model::{NtfySettings, Secret, Severity, WebhookSettings};

/// Whoever has not taken a message within this has failed.
const TOTAL: Duration = Duration::from_secs(10);
/// A wish to be left alone is followed for at most this long.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// An address that takes messages.
#[derive(Debug)]
pub(super) struct Post {
    url: Secret,
    headers: Vec<(String, Secret)>,
    form: Form,
    zone: Zone,
    client: OnceCell<Client>,
}

/// What is sent.
#[derive(Debug)]
enum Form {
    Webhook,
    Ntfy { topic: Secret, tags: Vec<String> },
}

impl Post {
    pub(super) fn webhook(settings: WebhookSettings, zone: Zone) -> Self {
        let (url, headers) = (settings.url, settings.headers);
        Self { url, headers, form: Form::Webhook, zone, client: OnceCell::new() }
    }

    pub(super) fn ntfy(settings: NtfySettings, zone: Zone) -> Self {
        let bearer = |token: Secret| ("Authorization".to_owned(), Secret::new(format!("Bearer {}", token.reveal())));
        let headers = settings.token.map(bearer).into_iter().collect();
        let form = Form::Ntfy { topic: settings.topic, tags: settings.tags };
        Self { url: Secret::new(settings.server), headers, form, zone, client: OnceCell::new() }
    }

    pub(super) async fn send(&self, letter: &Letter) -> Result<(), Failure> {
        self.try_send(letter).await.map_err(|failure| self.without_address(failure))
    }

    /// What is wrong with a certificate names the host.
    fn without_address(&self, mut failure: Failure) -> Failure {
        let url = Url::parse(self.url.reveal()).ok();
        if let Some(host) = url.as_ref().and_then(Url::host_str).filter(|_| matches!(self.form, Form::Webhook)) {
            failure.text = failure.text.replace(host, "the address");
        }
        failure
    }

    async fn try_send(&self, letter: &Letter) -> Result<(), Failure> {
        let client = self.client.get_or_try_init(|| async { self.connect() }).await?;
        let mut request = client.post(self.url.reveal()).body(self.body(letter).to_string());
        request = request.header(header::CONTENT_TYPE, "application/json").header("Idempotency-Key", &letter.id);
        for (name, value) in &self.headers {
            request = request.header(name, value.reveal());
        }
        let answer = tokio::time::timeout(TOTAL, request.send()).await;
        let answer = answer.map_err(|_| Failure::of_the_way(format!("no answer within {} s", TOTAL.as_secs())))?;
        judged(&answer.map_err(words)?)
    }

    fn connect(&self) -> Result<Client, Failure> {
        // A POST that is sent elsewhere would become a GET there, and carry the headers along.
        let builder = Client::builder().connect_timeout(TOTAL).redirect(Policy::none()).user_agent("heattrax");
        // What is on this machine is never behind the proxy that the environment may name.
        let is_here = Url::parse(self.url.reveal()).is_ok_and(|url| {
            let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        });
        let builder = if is_here { builder.no_proxy() } else { builder };
        builder.build().map_err(words)
    }

    fn body(&self, letter: &Letter) -> Value {
        let alert = &letter.alert;
        let (topic, tags) = match &self.form {
            Form::Webhook => return alert.body(&self.zone.get()),
            Form::Ntfy { topic, tags } => (topic, tags),
        };
        let (priority, sign) = match alert.severity {
            Severity::Info => (3, "information_source"),
            Severity::Warning => (4, "warning"),
            Severity::Critical => (5, "rotating_light"),
        };
        let tags: Vec<&str> = std::iter::once(sign).chain(tags.iter().map(String::as_str)).collect();
        json!({
            "topic": topic.reveal(),
            "title": alert.title,
            "message": alert.message,
            "priority": priority,
            "tags": tags,
        })
    }
}

fn judged(answer: &Response) -> Result<(), Failure> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let text = if status.is_redirection() {
        format!("it answered {status}: the message is not sent on to another address")
    } else {
        format!("it answered {status}")
    };
    // What is wrong with the address or the login is not the letter's fault.
    let is_its_fault =
        matches!(status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY);
    let failure = if is_its_fault { Failure::of_the_letter(text) } else { Failure::of_the_way(text) };
    let wish = answer.headers().get(header::RETRY_AFTER).and_then(|it| it.to_str().ok()?.trim().parse().ok());
    Err(Failure { pause: wish.map(|it| Duration::from_secs(it).min(LONGEST_PAUSE)), ..failure })
}

/// The innermost cause is what a person can act on; the address may hold a token.
fn words(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let what = if error.is_connect() { "it cannot be reached" } else { "it did not take the message" };
    Failure::of_the_way(format!("{what}: {cause}"))
}
