//! The link to a plug that speaks KLAP: a session, and questions in it, one at a time.

mod envelope;
mod http;
mod login;

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use serde_json::{Value, json};

pub(super) use self::{envelope::Question, login::Protocol};
use self::{
    envelope::{batch, from_batch, from_child, is_no_to_batches, opened, question, to_child},
    http::Http,
    login::Session,
};
use super::{
    Network,
    trouble::{Kind, LinkError, Whereabouts},
};
use crate::{
    klap::{Hash, auth_hash},
    model::{Credentials, DeviceSettings},
};

/// Questions in one batch: what all known firmwares take.
const BATCH: usize = 5;
/// Pages of a list of outlets that are asked for.
const PAGES: usize = 4;

/// What came of several questions: the answers, one each up to the first that failed.
pub(super) type Answers = Vec<Result<Value, LinkError>>;

/// A link to one plug.
pub(super) struct KlapLink {
    http: Http,
    place: Whereabouts,
    timeout: Duration,
    auth: Hash,
    session: Option<Session>,
    /// First questions of batches that the device has refused, or at which it hung: from then on they are asked one by one.
    alone: BTreeSet<&'static str>,
}

impl fmt::Debug for KlapLink {
    /// Without keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KlapLink").field("http", &self.http).field("alone", &self.alone).finish_non_exhaustive()
    }
}

impl KlapLink {
    /// A link that has not spoken to its plug yet.
    pub(super) fn new(settings: &DeviceSettings, credentials: &Credentials, network: Arc<dyn Network>) -> Self {
        let place = Whereabouts::of(settings);
        Self {
            http: Http::new(network, place.with_port(), place.dialled()),
            place,
            timeout: settings.timeout,
            auth: auth_hash(&credentials.username, credentials.password.reveal()),
            session: None,
            alone: BTreeSet::new(),
        }
    }

    /// Asks the plug which protocol it wants to be spoken to in.
    ///
    /// # Errors
    /// There was no answer, or the device has locked itself.
    pub(super) async fn protocol(&mut self) -> Result<Protocol, LinkError> {
        let asked = login::protocol(&mut self.http, &self.place);
        tokio::time::timeout(self.timeout, asked).await.unwrap_or_else(|_| Err(self.place.silent(self.timeout)))
    }

    /// Logs in, again if need be.
    ///
    /// # Errors
    /// There was no answer, or the device does not want us.
    pub(super) async fn login(&mut self) -> Result<(), LinkError> {
        self.session = None;
        let limit = self.timeout * 2;
        let login = login::login(&mut self.http, &self.place, &self.auth);
        let session = tokio::time::timeout(limit, login).await.unwrap_or_else(|_| Err(self.place.silent(limit)))?;
        self.session = Some(session);
        Ok(())
    }

    /// One question to the housing, or to an outlet of a strip.
    ///
    /// # Errors
    /// There was no answer, or the device said no.
    pub(super) async fn ask(
        &mut self,
        child: Option<&str>,
        asked: Question,
        limit: Duration,
    ) -> Result<Value, LinkError> {
        self.envelope(child, &question(&asked), limit).await
    }

    /// Several questions in one round trip, or one by one where the device does not take them together; `limit` is the time for
    /// each round trip. Stops at the first that fails.
    ///
    /// # Errors
    /// There was no answer at all.
    pub(super) async fn ask_all(
        &mut self,
        child: Option<&str>,
        asked: &[Question],
        limit: Duration,
    ) -> Result<Answers, LinkError> {
        let first = asked.first().map_or("", |(method, _)| *method);
        if asked.len() <= BATCH && !self.alone.contains(first) {
            let error = match self.envelope(child, &batch(asked), limit).await {
                Ok(result) => return from_batch(&self.place, result, asked),
                Err(error) => error,
            };
            let refused = is_no_to_batches(&error);
            if refused || error.kind == Kind::Silent {
                self.alone.insert(first);
            }
            if !refused {
                return Err(error);
            }
        }
        let mut answers = Answers::new();
        for one in asked {
            match self.envelope(child, &question(one), limit).await {
                Err(error) if error.kind != Kind::Device && answers.is_empty() => return Err(error),
                answer => {
                    let failed = answer.is_err();
                    answers.push(answer);
                    if failed {
                        break;
                    }
                }
            }
        }
        Ok(answers)
    }

    /// `get_child_device_list`, all pages of it as one.
    ///
    /// # Errors
    /// There was no answer, or the device said no.
    pub(super) async fn children(&mut self) -> Result<Value, LinkError> {
        let mut list = self.page(0).await?;
        for _ in 1..PAGES {
            let sum = list.get("sum").and_then(Value::as_u64).unwrap_or_default();
            let Some(known) = list.get_mut("child_device_list").and_then(Value::as_array_mut) else { break };
            let start = known.len();
            if sum <= u64::try_from(start).unwrap_or(u64::MAX) || start == 0 {
                break;
            }
            let mut more = self.page(start).await?;
            let Some(more) = more.get_mut("child_device_list").and_then(Value::as_array_mut) else { break };
            known.append(more);
        }
        Ok(list)
    }

    async fn page(&mut self, start: usize) -> Result<Value, LinkError> {
        self.ask(None, ("get_child_device_list", json!({"start_index": start})), self.timeout).await
    }

    async fn envelope(&mut self, child: Option<&str>, request: &Value, limit: Duration) -> Result<Value, LinkError> {
        match child {
            Some(child) => {
                let result = self.exchange(&to_child(child, request), limit).await?;
                from_child(&self.place, result)
            }
            None => self.exchange(request, limit).await,
        }
    }

    /// One round trip. A session that is about to end counts as ended, before anything is sent.
    async fn exchange(&mut self, request: &Value, limit: Duration) -> Result<Value, LinkError> {
        let ended = || self.place.error(Kind::Session, "");
        let session = self.session.as_mut().filter(|it| tokio::time::Instant::now() < it.renew_at);
        let session = session.ok_or_else(ended)?;
        session.number = session.number.wrapping_add(1);
        let (number, cookie) = (session.number, session.cookie.clone());
        let sealed = session.keys.seal(number, request.to_string().as_bytes());
        let path = format!("/app/request?seq={number}");
        // On the heap: it takes memory only while it is under way, and not once for each way to get here.
        let posting = Box::pin(self.http.post(&path, Some(&cookie), sealed));
        let sent = tokio::time::timeout(limit, posting).await;
        let answer = sent.map_err(|_| self.place.silent(limit))?.map_err(|it| login::named(&self.place, &it))?;
        match answer.status {
            200 => {}
            401 | 403 => {
                self.session = None;
                return Err(self.place.error(Kind::Session, ""));
            }
            status => return Err(self.place.error(Kind::Garbled, &format!("HTTP status {status}"))),
        }
        let garbled = |text: String| self.place.error(Kind::Garbled, &text);
        let session = self.session.as_ref().ok_or_else(|| self.place.error(Kind::Session, ""))?;
        let plain = session.keys.open(number, &answer.body).map_err(|error| garbled(error.to_string()))?;
        let said = serde_json::from_slice(&plain).map_err(|error| garbled(error.to_string()))?;
        opened(&self.place, said)
    }
}
