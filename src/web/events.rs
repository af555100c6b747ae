//! `GET /api/events`: what happens, as it happens (server-sent events).
//!
//! What is told is made once for all who listen ([`super::press`]), and everybody is sent the same bytes. Each client has a task of its
//! own that waits until there is room on its line: a slow one misses what has been overtaken meanwhile, and one that takes nothing for
//! a while is dropped. It comes back by itself with the id of the last notice that it has seen.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{ConnectInfo, Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast::error::RecvError, mpsc},
    time::{Instant, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    access::May,
    answer::{Problem, Refusal},
    ledger::Entry,
    line::Peer,
    logs::{level, line},
    press::event,
    proxy::Client,
    seats::Answering,
};
use crate::{
    explain::local,
    hub::{Line, LineLevel},
    model::House,
};

type Board = tokio::sync::watch::Receiver<Arc<House>>;

/// Clients at the same time: connections must be left for others.
pub(super) const MOST: usize = 256;
/// Events that may wait for a slow client, beside what is on its line.
const QUEUE: usize = 1;
/// Who takes nothing for so long is dropped.
const PATIENCE: Duration = Duration::from_secs(15);
/// After so long without anything else the time is told, and that the line is alive. A connection on which nothing is sent for 15 s is closed.
const ALIVE_EVERY: Duration = Duration::from_secs(10);

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(events))
}

#[derive(Deserialize)]
struct Asked {
    log: Option<String>,
    #[serde(default)]
    changes: bool,
}

/// What happens, as it happens.
#[utoipa::path(get, path = "/api/events", tag = "house", params(
    ("log" = Option<String>, Query, description = "Also lines of the log from this level on: error, warn, info, debug, trace."),
    ("changes" = Option<bool>, Query, description = "`true`: after the first `house`, `change` tells what is different."),
    ("Last-Event-ID" = Option<String>, Header, description = "The last notice that was seen: those after it are told first."),
), responses(
    (status = 200, description = "Server-sent events. `house`: as `/api/house`, at once and after each change, at most twice a second. \
        `change`, if it is asked for: those groups, devices and outlets of the house (and `bridge`, `weather`) that are different, whole; \
        `null` is gone, what is not in it is as it was. Whoever was too slow for one is told the whole `house` again. \
        `notice`: what people should hear about, with its id. `plan`: as `/api/plan`, at once and when it changes. `log`: a line. \
        `alive` after 10 s of silence: `at`, the time, and `alive`, does the control loop go on?", body = String, content_type = "text/event-stream"),
    (status = 400, description = "There is no such level.", body = Problem),
    (status = 503, description = "Too many listen already.", body = Problem),
))]
async fn events(
    State(site): State<Arc<Site>>,
    Extension(client): Extension<Client>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Query(asked) = asked.map_err(|it| Refusal::bad(it.body_text()))?;
    let log = asked.log.as_deref().map(level).transpose()?;
    let seat = Arc::clone(&site.listeners).try_acquire_owned();
    let seat = seat.map_err(|_| {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, format!("{MOST} others listen already: try again later"))
    })?;
    let seen = headers.get("last-event-id").and_then(|it| it.to_str().ok()).map(str::to_owned);
    let (queue, queued) = mpsc::channel(QUEUE);
    let (changes, sent, who) = (asked.changes, Instant::now(), (headers, client));
    let seats = (seat, peer.1.asked());
    tokio::spawn(Listener { site, queue, who, house: 0, plans: 0, changes, sent, _seats: seats }.tell(seen, log));
    let head = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // nginx would hold events back until it has enough of them.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((head, Body::from_stream(ReceiverStream::new(queued))).into_response())
}

type Queued = Result<Bytes, Infallible>;

/// One client.
struct Listener {
    site: Arc<Site>,
    queue: mpsc::Sender<Queued>,
    /// What it showed when it came: a session may end meanwhile.
    who: (HeaderMap, Client),
    /// The number of the house that was told last.
    house: u64,
    /// The number of the plans that were told last.
    plans: u64,
    /// Does it put changes together itself?
    changes: bool,
    /// When it was told something last.
    sent: Instant,
    /// Among those who listen, and its connection's.
    _seats: (OwnedSemaphorePermit, Answering),
}

/// The client is gone, too slow, or may not look any more.
struct Gone;

impl Listener {
    /// Tells everything until the client goes, is too slow, or the bridge stops.
    async fn tell(mut self, seen: Option<String>, log: Option<LineLevel>) {
        let stop = self.site.stop.clone();
        let queue = self.queue.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = queue.closed() => {}
            _ = self.go_on(seen, log) => {}
        }
    }

    async fn go_on(&mut self, seen: Option<String>, log: Option<LineLevel>) -> Result<(), Gone> {
        let site = Arc::clone(&self.site);
        let (mut board, mut plans) = (site.handle.house.clone(), site.handle.plans.clone());
        let (missed, mut news) = site.ledger.since(seen.as_deref());
        let mut lines = site.info.journal.listen();
        let (mut house_at, mut is_stale) = self.house(&mut board).await?;
        plans.mark_unchanged();
        self.plans().await?;
        for entry in missed {
            self.notice(&entry).await?;
        }
        loop {
            tokio::select! {
                changed = board.changed(), if !is_stale => {
                    changed.map_err(|_| Gone)?;
                    is_stale = true;
                }
                () = tokio::time::sleep_until(house_at), if is_stale => {
                    (house_at, is_stale) = self.house(&mut board).await?;
                }
                changed = plans.changed() => {
                    changed.map_err(|_| Gone)?;
                    self.plans().await?;
                }
                entry = news.recv() => match entry {
                    Ok(entry) => self.notice(&entry).await?,
                    // It comes back and asks for what it has missed.
                    Err(_) => return Err(Gone),
                },
                written = lines.recv(), if log.is_some() => match written {
                    Ok(written) => self.line(&written, log).await?,
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Err(Gone),
                },
                () = tokio::time::sleep_until(self.sent + ALIVE_EVERY) => self.alive().await?,
            }
        }
    }

    fn may_look(&self) -> bool {
        let ((headers, client), now) = (&self.who, self.site.handle.clock.now());
        self.site.access.may(headers, None, "/api/events", *client, now).is_ok_and(|it| it >= May::Read)
    }

    async fn send(&mut self, event: Bytes) -> Result<(), Gone> {
        if !self.may_look() {
            return Err(Gone);
        }
        timeout(PATIENCE, self.queue.send(Ok(event))).await.map_err(|_| Gone)?.map_err(|_| Gone)?;
        self.sent = Instant::now();
        Ok(())
    }

    /// Tells the house unless it is as it was. When the next may be told, and whether there is something to tell already.
    async fn house(&mut self, board: &mut Board) -> Result<(Instant, bool), Gone> {
        let told = self.site.press.told(&self.site).await.ok_or(Gone)?;
        if self.house != told.number {
            let follows = self.changes && self.house > 0 && self.house + 1 == told.number;
            self.house = told.number;
            let event = if follows { told.change } else { told.whole(&self.site.press.turns).await.ok_or(Gone)? };
            self.send(event).await?;
        }
        let is_stale = !Arc::ptr_eq(&board.borrow_and_update(), &told.picture);
        Ok((told.next, is_stale))
    }

    async fn plans(&mut self) -> Result<(), Gone> {
        let (number, event) = self.site.press.plans(&self.site).await;
        if self.plans != number {
            self.plans = number;
            self.send(event).await?;
        }
        Ok(())
    }

    async fn notice(&mut self, entry: &Entry) -> Result<(), Gone> {
        let id = self.site.ledger.id(entry.number);
        self.send(format!("event: notice\nid: {id}\ndata: {}\n\n", entry.json).into()).await
    }

    /// Nothing is different but the time.
    async fn alive(&mut self) -> Result<(), Gone> {
        let (site, now) = (&self.site, self.site.handle.clock.now());
        let said = json!({ "at": local(&site.zone(), now), "alive": site.handle.pulse.is_alive() });
        self.send(event("alive", &said)).await
    }

    async fn line(&mut self, written: &Line, log: Option<LineLevel>) -> Result<(), Gone> {
        if log.is_none_or(|log| written.level > log) {
            return Ok(());
        }
        self.send(event("log", &line(written, &self.site.zone()))).await
    }
}
