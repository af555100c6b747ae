//! `GET /api/events`: what happens, as it happens (server-sent events).
//!
//! Each client has a task of its own that fills a short queue; one whose queue is full is dropped, and comes back by itself with the
//! id of the last notice that it has seen.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast::error::RecvError, mpsc},
    time::Instant,
};
use tokio_stream::wrappers::ReceiverStream;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    answer::{Problem, Refusal},
    house::HouseView,
    ledger::Entry,
    logs::{level, line},
};
use crate::hub::{Line, LineLevel, Plans};

/// Clients at the same time: connections must be left for others.
pub(super) const MOST: usize = 24;
/// Events that may wait for a slow client.
const QUEUE: usize = 64;
/// The house is told at most this often.
const HOUSE_EVERY: Duration = Duration::from_millis(500);
/// A comment shows that the line is alive. A connection on which nothing is sent for 15 s is closed.
const ALIVE_EVERY: Duration = Duration::from_secs(10);

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(events))
}

#[derive(Deserialize)]
struct Asked {
    log: Option<String>,
}

/// What happens, as it happens.
#[utoipa::path(get, path = "/api/events", tag = "house", params(
    ("log" = Option<String>, Query, description = "Also lines of the log from this level on: error, warn, info, debug, trace."),
    ("Last-Event-ID" = Option<String>, Header, description = "The last notice that was seen: those after it are told first."),
), responses(
    (status = 200, description = "Server-sent events. `house`: as `/api/house`, at once and after each change, at most twice a second. \
        `notice`: what people should hear about, with its id. `plan`: as `/api/plan`, at once and when it changes. `log`: a line. \
        A comment every 10 s keeps the line alive.", body = String, content_type = "text/event-stream"),
    (status = 400, description = "There is no such level.", body = Problem),
    (status = 503, description = "Too many listen already.", body = Problem),
))]
async fn events(
    State(site): State<Arc<Site>>,
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
    tokio::spawn(Listener { site, queue, house: None, plans: None, _seat: seat }.tell(seen, log));
    let stream = Sse::new(ReceiverStream::new(queued)).keep_alive(KeepAlive::new().interval(ALIVE_EVERY));
    // nginx would hold events back until it has enough of them.
    Ok(([("x-accel-buffering", "no")], stream).into_response())
}

type Queued = Result<Event, Infallible>;

/// One client.
struct Listener {
    site: Arc<Site>,
    queue: mpsc::Sender<Queued>,
    /// What was told of the house last.
    house: Option<HouseView>,
    /// What was told of the plans last.
    plans: Option<Arc<Plans>>,
    _seat: OwnedSemaphorePermit,
}

/// The client is gone or too slow.
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
        self.house()?;
        self.plans()?;
        for entry in missed {
            self.notice(&entry)?;
        }
        board.mark_unchanged();
        plans.mark_unchanged();
        let mut house_at = Instant::now() + HOUSE_EVERY;
        let mut stale = false;
        loop {
            tokio::select! {
                changed = board.changed(), if !stale => {
                    changed.map_err(|_| Gone)?;
                    stale = true;
                }
                () = tokio::time::sleep_until(house_at), if stale => {
                    self.house()?;
                    (stale, house_at) = (false, Instant::now() + HOUSE_EVERY);
                }
                changed = plans.changed() => {
                    changed.map_err(|_| Gone)?;
                    self.plans()?;
                }
                entry = news.recv() => match entry {
                    Ok(entry) => self.notice(&entry)?,
                    // It comes back and asks for what it has missed.
                    Err(_) => return Err(Gone),
                },
                written = lines.recv(), if log.is_some() => match written {
                    Ok(written) => self.line(&written, log)?,
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Err(Gone),
                },
            }
        }
    }

    fn send(&self, event: Event) -> Result<(), Gone> {
        self.queue.try_send(Ok(event)).map_err(|_| Gone)
    }

    /// What moves by the mere passing of time is no news.
    fn house(&mut self) -> Result<(), Gone> {
        let picture = self.site.handle.picture();
        let timeless = self.site.view(&picture).timeless();
        if self.house.as_ref() == Some(&timeless) {
            return Ok(());
        }
        self.house = Some(timeless);
        self.send(Event::default().event("house").data(json!(self.site.view(&picture)).to_string()))
    }

    /// Plans are worked out afresh all the time, and mostly say the same.
    fn plans(&mut self) -> Result<(), Gone> {
        let plans = Arc::clone(&self.site.handle.plans.borrow());
        let says_the_same = |it: &Arc<Plans>| {
            it.len() == plans.len()
                && it.iter().zip(&*plans).all(|(one, other)| one.0 == other.0 && one.1.says_the_same(other.1))
        };
        if self.plans.as_ref().is_some_and(says_the_same) {
            return Ok(());
        }
        self.plans = Some(Arc::clone(&plans));
        self.send(Event::default().event("plan").data(super::api::plans(&plans, &self.site.zone()).to_string()))
    }

    fn notice(&self, entry: &Entry) -> Result<(), Gone> {
        let id = self.site.ledger.id(entry.number);
        self.send(Event::default().event("notice").id(id).data(&*entry.json))
    }

    fn line(&self, written: &Line, log: Option<LineLevel>) -> Result<(), Gone> {
        if log.is_none_or(|log| written.level > log) {
            return Ok(());
        }
        self.send(Event::default().event("log").data(json!(line(written, &self.site.zone())).to_string()))
    }
}
