//! What was: `/api/history/…`, as JSON and as CSV.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    answer::{Problem, Refusal},
    api, switch,
};
use crate::{
    explain::{in_zone, local},
    hub::Errand,
    model::{
        HISTORY_ROWS, HistoryAnswer, HistoryDay, HistoryEvent, HistoryPoint, HistoryQuery, NoticeKind, OutletId,
        asked::quoted,
    },
};

/// A disk may be slow, but nobody waits longer for it.
const WITHIN: Duration = Duration::from_secs(10);
/// Points that are told where nobody says how many, and at most.
const POINTS: (usize, usize) = (500, 5000);
/// Events that are told where nobody says how many, and at most.
const EVENTS: (u32, u32) = (200, 5000);

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(samples))
        .routes(routes!(samples_csv))
        .routes(routes!(events))
        .routes(routes!(events_csv))
        .routes(routes!(days))
        .routes(routes!(days_csv))
}

type Asked = Query<BTreeMap<String, String>>;

/// Of which outlet, and when.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is read key by key; this describes it")]
struct OfSamples {
    /// `device/slot`.
    outlet: String,
    /// RFC 3339 or YYYY-MM-DD; a day before `to` where it is not given.
    from: Option<String>,
    /// RFC 3339 or YYYY-MM-DD (that day included); now where it is not given.
    to: Option<String>,
    /// About so many points: 4 to 5000. Where it is not given: 500, as CSV all.
    points: Option<usize>,
}

/// What kind of events, and when.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is read key by key; this describes it")]
struct OfEvents {
    /// RFC 3339 or YYYY-MM-DD; a week before `to` where it is not given.
    from: Option<String>,
    /// RFC 3339 or YYYY-MM-DD (that day included); now where it is not given.
    to: Option<String>,
    /// At most so many: 1 to 5000. Where it is not given: 200, as CSV 5000.
    limit: Option<u32>,
    /// Of this device only.
    device: Option<String>,
    /// Of this group only, by its slug or its name.
    group: Option<String>,
    /// Of this `event_type` only.
    kind: Option<String>,
}

/// Of which outlets, and when.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it is read key by key; this describes it")]
struct OfDays {
    /// `device/slot`; all where neither it nor `group` is given.
    outlet: Option<String>,
    /// The outlets of this group.
    group: Option<String>,
    /// YYYY-MM-DD; 30 days before `to` where it is not given.
    from: Option<String>,
    /// YYYY-MM-DD; today where it is not given.
    to: Option<String>,
}

/// How an outlet was.
#[utoipa::path(get, path = "/api/history/samples", tag = "history", params(OfSamples), responses(
    (status = 200, description = "`outlet` and `points`, the oldest first; each holds until the next. `step` is 0 for a report and the seconds of a mean.", body = Object),
    (status = 400, description = "The question cannot be understood.", body = Problem),
    (status = 404, description = "There is no such outlet.", body = Problem),
    (status = 503, description = "Setup mode, none is kept, or the file cannot be read.", body = Problem),
))]
async fn samples(State(site): State<Arc<Site>>, Query(asked): Asked) -> Result<Json<Value>, Refusal> {
    let zone = site.zone();
    let (outlet, found) = sampled(&site, asked, POINTS.0).await?;
    let points: Vec<Value> = found.iter().map(|it| point(it, &zone)).collect();
    Ok(Json(json!({ "outlet": outlet.to_string(), "points": points })))
}

/// How an outlet was, as CSV.
#[utoipa::path(get, path = "/api/history/samples.csv", tag = "history", params(OfSamples), responses(
    (status = 200, description = "at, on (share of the step), power_w, mode, step_s.", body = String, content_type = "text/csv"),
    (status = 400, description = "The question cannot be understood.", body = Problem),
    (status = 404, description = "There is no such outlet.", body = Problem),
    (status = 503, description = "Setup mode, none is kept, or the file cannot be read.", body = Problem),
))]
async fn samples_csv(State(site): State<Arc<Site>>, Query(asked): Asked) -> Result<Response, Refusal> {
    let zone = site.zone();
    let (outlet, found) = sampled(&site, asked, usize::MAX).await?;
    let rows = found
        .into_iter()
        .map(|it| [moment(it.at, &zone), number(it.on), number(it.power), it.mode, it.step.to_string()]);
    Ok(table(&format!("{}-{}", outlet.device, outlet.slot), ["at", "on", "power_w", "mode", "step_s"], rows))
}

/// What happened.
#[utoipa::path(get, path = "/api/history/events", tag = "history", params(OfEvents), responses(
    (status = 200, description = "`events`, the newest first; `detail` has further facts.", body = Object),
    (status = 400, description = "The question cannot be understood.", body = Problem),
    (status = 404, description = "There is no such group.", body = Problem),
    (status = 503, description = "Setup mode, none is kept, or the file cannot be read.", body = Problem),
))]
async fn events(State(site): State<Arc<Site>>, Query(asked): Asked) -> Result<Json<Value>, Refusal> {
    let zone = site.zone();
    let found = happened(&site, asked, EVENTS.0).await?;
    let events: Vec<Value> = found.iter().map(|it| event(it, &zone)).collect();
    Ok(Json(json!({ "events": events })))
}

/// What happened, as CSV.
#[utoipa::path(get, path = "/api/history/events.csv", tag = "history", params(OfEvents), responses(
    (status = 200, description = "at, event_type, device, slot, group, message.", body = String, content_type = "text/csv"),
    (status = 400, description = "The question cannot be understood.", body = Problem),
    (status = 404, description = "There is no such group.", body = Problem),
    (status = 503, description = "Setup mode, none is kept, or the file cannot be read.", body = Problem),
))]
async fn events_csv(State(site): State<Arc<Site>>, Query(asked): Asked) -> Result<Response, Refusal> {
    let zone = site.zone();
    let rows = happened(&site, asked, EVENTS.1).await?.into_iter().map(|it| {
        let slot = it.slot.map_or_else(String::new, |it| it.to_string());
        [moment(it.at, &zone), it.kind, it.device.unwrap_or_default(), slot, it.group.unwrap_or_default(), it.message]
    });
    Ok(table("events", ["at", "event_type", "device", "slot", "group", "message"], rows))
}

/// What was used, day by day.
#[utoipa::path(get, path = "/api/history/days", tag = "history", params(OfDays), responses(
    (status = 200, description = "`days`: each outlet's days, the oldest first, with `kwh_source` (`meter`, `estimate` by `rated_watts`, `both`); `currency` of `cost`, where there is a tariff.", body = Object),
    (status = 400, description = "The question cannot be understood.", body = Problem),
    (status = 404, description = "There is no such outlet or group.", body = Problem),
    (status = 503, description = "Setup mode, none is kept, or the file cannot be read.", body = Problem),
))]
async fn days(State(site): State<Arc<Site>>, Query(asked): Asked) -> Result<Json<Value>, Refusal> {
    let found = used(&site, asked).await?;
    let currency = site.settings().and_then(|it| it.tariff.as_ref().map(|it| it.currency.clone()));
    let day = |it: &HistoryDay| json!({ "outlet": it.outlet, "date": it.date, "on_minutes": it.on_minutes, "kwh": rounded(it.kwh), "kwh_source": source(it), "cost": rounded(it.cost) });
    Ok(Json(json!({ "days": found.iter().map(day).collect::<Vec<_>>(), "currency": currency })))
}

/// What was used, day by day, as CSV.
#[utoipa::path(get, path = "/api/history/days.csv", tag = "history", params(OfDays), responses(
    (status = 200, description = "date, outlet, on_minutes, kwh, cost, kwh_source.", body = String, content_type = "text/csv"),
    (status = 400, description = "The question cannot be understood.", body = Problem),
    (status = 404, description = "There is no such outlet or group.", body = Problem),
    (status = 503, description = "Setup mode, none is kept, or the file cannot be read.", body = Problem),
))]
async fn days_csv(State(site): State<Arc<Site>>, Query(asked): Asked) -> Result<Response, Refusal> {
    let rows = used(&site, asked).await?.into_iter();
    let rows = rows.map(|it| {
        [
            it.date.clone(),
            it.outlet.clone(),
            it.on_minutes.to_string(),
            number(it.kwh),
            number(it.cost),
            source(&it).unwrap_or_default().to_owned(),
        ]
    });
    Ok(table("days", ["date", "outlet", "on_minutes", "kwh", "cost", "kwh_source"], rows))
}

async fn sampled(
    site: &Site,
    asked: BTreeMap<String, String>,
    usual: usize,
) -> Result<(OutletId, Vec<HistoryPoint>), Refusal> {
    api::open(site)?;
    let mut asked = Params(asked);
    let outlet = asked.outlet(site)?.ok_or_else(|| Refusal::bad("`outlet` is missing: say which, as `device/slot`"))?;
    let (from, to) = asked.times(site, SignedDuration::from_hours(24))?;
    let points = asked.number("points", 4, POINTS.1)?.unwrap_or(usual);
    asked.empty(&["outlet", "from", "to", "points"])?;
    let query = HistoryQuery::Samples { outlet: outlet.clone(), from, to, points };
    match ask(site, query).await? {
        HistoryAnswer::Samples(found) if found.len() > HISTORY_ROWS && points == usize::MAX => Err(Refusal::bad(
            format!("there are more than {HISTORY_ROWS} samples: ask for a shorter time, or for `points`"),
        )),
        HistoryAnswer::Samples(found) => Ok((outlet, found)),
        _ => Err(unexpected()),
    }
}

async fn happened(site: &Site, asked: BTreeMap<String, String>, usual: u32) -> Result<Vec<HistoryEvent>, Refusal> {
    api::open(site)?;
    let mut asked = Params(asked);
    let (from, to) = asked.times(site, SignedDuration::from_hours(7 * 24))?;
    let limit = asked.number("limit", 1, EVENTS.1)?.unwrap_or(usual);
    let (device, kind) = (asked.take("device"), asked.take("kind"));
    if let Some(kind) = kind.as_deref().filter(|kind| NoticeKind::ALL.iter().all(|it| it.as_str() != *kind)) {
        let all = NoticeKind::ALL.map(NoticeKind::as_str).join(", ");
        return Err(Refusal::bad(format!("{} is no kind of event; there is: {all}", quoted(kind))));
    }
    let group = asked.take("group").map(|it| switch::group(site, &it)).transpose()?.map(|it| it.to_string());
    asked.empty(&["from", "to", "limit", "device", "group", "kind"])?;
    match ask(site, HistoryQuery::Events { from, to, limit, device, group, kind }).await? {
        HistoryAnswer::Events(found) => Ok(found),
        _ => Err(unexpected()),
    }
}

async fn used(site: &Site, asked: BTreeMap<String, String>) -> Result<Vec<HistoryDay>, Refusal> {
    api::open(site)?;
    let mut asked = Params(asked);
    let house = site.handle.picture();
    let outlets = match (asked.outlet(site)?, asked.take("group")) {
        (Some(_), Some(_)) => return Err(Refusal::bad("`outlet` and `group` are given: say one of them")),
        (Some(outlet), None) => vec![outlet],
        (None, Some(group)) => {
            let group = switch::group(site, &group)?;
            house.groups.get(&group).map(|it| it.outlets.clone()).unwrap_or_default()
        }
        (None, None) => house.outlets.keys().cloned().collect(),
    };
    let today = site.zone().to_datetime(site.handle.clock.now()).date();
    let to = asked.date("to")?.unwrap_or(today);
    let from = asked.date("from")?.unwrap_or_else(|| to.saturating_sub(SignedDuration::from_hours(29 * 24)));
    asked.empty(&["outlet", "group", "from", "to"])?;
    if from > to {
        return Err(Refusal::bad(format!("`from` ({from}) is after `to` ({to})")));
    }
    match ask(site, HistoryQuery::Days { outlets, from, to }).await? {
        HistoryAnswer::Days(found) => Ok(found),
        _ => Err(unexpected()),
    }
}

async fn ask(site: &Site, query: HistoryQuery) -> Result<HistoryAnswer, Refusal> {
    let found = site.handle.errand(Errand::History(query), WITHIN).await?;
    serde_json::from_value(found).map_err(|_| unexpected())
}

fn unexpected() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the history gave an answer that was not asked for")
}

/// What is asked, each taken once; what is left is unknown.
struct Params(BTreeMap<String, String>);

impl Params {
    fn take(&mut self, key: &str) -> Option<String> {
        self.0.remove(key).filter(|it| !it.is_empty())
    }

    fn outlet(&mut self, site: &Site) -> Result<Option<OutletId>, Refusal> {
        let Some(text) = self.take("outlet") else { return Ok(None) };
        let outlet: OutletId = text.parse().map_err(|words| Refusal::bad(format!("`outlet`: {words}")))?;
        let house = site.handle.picture();
        if house.outlets.contains_key(&outlet) { Ok(Some(outlet)) } else { Err(switch::no_outlet(&text, &house)) }
    }

    fn times(&mut self, site: &Site, usual: SignedDuration) -> Result<(Timestamp, Timestamp), Refusal> {
        let zone = site.zone();
        let to = self.time("to", &zone, true)?.unwrap_or_else(|| site.handle.clock.now());
        let from = self.time("from", &zone, false)?.unwrap_or_else(|| to.saturating_sub(usual).unwrap_or(to));
        if from >= to {
            return Err(Refusal::bad(format!(
                "`from` ({}) is not before `to` ({})",
                local(&zone, from),
                local(&zone, to)
            )));
        }
        Ok((from, to))
    }

    fn time(&mut self, key: &str, zone: &TimeZone, is_end: bool) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.take(key) else { return Ok(None) };
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Some(at));
        }
        let date = text.parse::<Date>().ok().filter(|_| !text.contains(['T', ' ', ':']));
        let date = date.and_then(|it| if is_end { it.tomorrow().ok() } else { Some(it) });
        let at = date.and_then(|it| zone.to_timestamp(it.to_datetime(jiff::civil::Time::midnight())).ok());
        let wrong = || {
            Refusal::bad(format!("`{key}` is {}, it must be such as 2026-01-15T06:00:00Z or 2026-01-15", quoted(&text)))
        };
        at.map(Some).ok_or_else(wrong)
    }

    fn date(&mut self, key: &str) -> Result<Option<Date>, Refusal> {
        let Some(text) = self.take(key) else { return Ok(None) };
        let date = text.parse().ok().filter(|_| text.len() == 10);
        date.map(Some)
            .ok_or_else(|| Refusal::bad(format!("`{key}` is {}, it must be such as 2026-01-15", quoted(&text))))
    }

    fn number<T: std::str::FromStr + PartialOrd + std::fmt::Display>(
        &mut self,
        key: &str,
        least: T,
        most: T,
    ) -> Result<Option<T>, Refusal> {
        let Some(text) = self.take(key) else { return Ok(None) };
        let found = text.parse().ok().filter(|it| least <= *it && *it <= most);
        found
            .map(Some)
            .ok_or_else(|| Refusal::bad(format!("`{key}` is {}, it must be from {least} to {most}", quoted(&text))))
    }

    fn empty(&self, known: &[&str]) -> Result<(), Refusal> {
        let Some(key) = self.0.keys().find(|it| !known.contains(&it.as_str())) else { return Ok(()) };
        Err(Refusal::bad(format!("{} is unknown here; there is: {}", quoted(key), known.join(", "))))
    }
}

/// Who says what a day used: `meter`, `estimate` (time on by `rated_watts`), or `both` where one took over from the other.
fn source(it: &HistoryDay) -> Option<&'static str> {
    let kwh = it.kwh?;
    Some(match it.estimated {
        none if none <= 0.0 => "meter",
        all if all >= kwh * (1.0 - 1e-9) => "estimate",
        _ => "both",
    })
}

fn point(it: &HistoryPoint, zone: &TimeZone) -> Value {
    json!({ "at": moment(it.at, zone), "on": rounded(it.on), "power": rounded(it.power), "mode": it.mode, "step": it.step })
}

fn event(it: &HistoryEvent, zone: &TimeZone) -> Value {
    let mut detail = json!(it.detail);
    in_zone(&mut detail, zone);
    json!({
        "at": moment(it.at, zone), "event_type": it.kind, "device": it.device, "slot": it.slot, "group": it.group, "message": it.message,
        "detail": detail,
    })
}

fn moment(second: i64, zone: &TimeZone) -> String {
    Timestamp::from_second(second).map_or_else(|_| String::new(), |it| local(zone, it))
}

/// To four digits.
fn rounded(it: Option<f64>) -> Option<f64> {
    it.map(|it| (it * 10_000.0).round() / 10_000.0)
}

fn number(it: Option<f64>) -> String {
    rounded(it).map_or_else(String::new, |it| it.to_string())
}

/// A file for tables. A text that a table program would take for a formula is told as text.
fn table<const N: usize>(name: &str, head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Response {
    let mut file = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to memory cannot fail, and every row is as long as the head.
    let _ = file.write_record(head);
    for row in rows {
        let _ = file.write_record(row.map(|it| if is_formula(&it) { format!("'{it}") } else { it }));
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(file) = HeaderValue::from_str(&format!("attachment; filename=\"heattrax-{name}.csv\"")) {
        headers.insert(header::CONTENT_DISPOSITION, file);
    }
    (headers, file.into_inner().unwrap_or_default()).into_response()
}

fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '@', '\t', '\r']) || (cell.starts_with('-') && cell.parse::<f64>().is_err())
}
