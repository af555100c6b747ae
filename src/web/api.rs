//! What the bridge does and will do, for people and programs that ask: `/api/explain`, `/api/plan`, `/calendar.ics`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    answer::{Problem, Refusal},
    calendar, plain,
};
use crate::{
    explain::{Question, explain, local, parse_at},
    hub::Plans,
    model::{ControlSettings, Plan},
};

/// An explanation of a part of the house, or of another time, has to be there after so long.
const TURN: Duration = Duration::from_secs(5);

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(explained))
        .routes(routes!(planned))
        .routes(routes!(forecast))
        .routes(routes!(mat_forecast))
        .routes(routes!(calendar))
}

/// `GET /api/explain?group=&at=`: text, or JSON where it is asked for.
#[utoipa::path(get, path = "/api/explain", tag = "house", params(
    ("group" = Option<String>, Query, description = "One group, by its slug or its name."),
    ("at" = Option<String>, Query, description = "RFC 3339, or HH:MM of the present day; now where it is not given."),
), responses(
    (status = 200, description = "Every voice of every outlet: text, or JSON where `Accept: application/json` asks for it.", content(
        (String = "text/plain"), (Object = "application/json"),
    )),
    (status = 400, description = "The question cannot be understood: text, or JSON where it is asked for.", content(
        (String = "text/plain"), (Problem = "application/json"),
    )),
    (status = 404, description = "There is no such group: text, or JSON where it is asked for.", content(
        (String = "text/plain"), (Problem = "application/json"),
    )),
    (status = 503, description = "Setup mode, or too many ask: JSON, or text where that is asked for.", content(
        (String = "text/plain"), (Problem = "application/json"),
    )),
))]
async fn explained(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let as_json = accept.contains("application/json");
    match explanation(&site, &uri, as_json).await {
        Ok(words) => {
            let kind = if as_json { "application/json" } else { "text/plain; charset=utf-8" };
            ([(header::CONTENT_TYPE, kind)], words).into_response()
        }
        // People read what they asked for as text; of setup mode programs are told in its own shape.
        Err(no) if !as_json && no.body.get("setup_mode").is_none() => plain(no.status, no.words()),
        Err(no) => no.into_response(),
    }
}

async fn explanation(site: &Arc<Site>, uri: &Uri, as_json: bool) -> Result<Bytes, Refusal> {
    let settings = open(site)?;
    let question = question(uri.query().unwrap_or_default(), &settings, site.handle.picture().at);
    let question = question.map_err(Refusal::bad)?;
    let is_all = question == Question::default();
    let asked = Arc::clone(site);
    let make = move || {
        let answer = explain(&settings, &asked.handle.picture(), &question, "the running bridge");
        answer.map(|it| Bytes::from(if as_json { it.local_json().to_string() } else { it.text() }))
    };
    // Running a large house forward takes a while.
    let answer = if is_all {
        let shared = &site.press.explained[usize::from(as_json)];
        shared.get(&site.press.turns, move || make().unwrap_or_default()).await.map(Ok)
    } else {
        let busy = "too many ask for explanations: try again later";
        let made = timeout(TURN, site.press.turns.make(make)).await;
        made.map_err(|_| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, busy))?
    };
    let failed = || Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the explanation failed");
    answer.ok_or_else(failed)?.map_err(|unknown| Refusal::absent(unknown.to_string()))
}

/// `GET /api/plan`: what each group will do.
#[utoipa::path(get, path = "/api/plan", tag = "house", responses(
    (status = 200, description = "The plan of each group, by its slug.", body = Object),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn planned(State(site): State<Arc<Site>>) -> Response {
    match open(&site) {
        Ok(_) => Json(plans(&site.handle.plans.borrow(), &site.zone())).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// The plans as they are shown: with the offset of the house.
pub(super) fn plans(plans: &Plans, zone: &TimeZone) -> Value {
    let plan = |it: &Plan| {
        let windows = it.windows.iter().map(|window| {
            let mut told = json!(window);
            (told["start"], told["end"]) = (json!(local(zone, window.start)), json!(local(zone, window.end)));
            told
        });
        let mut told = json!({ "windows": windows.collect::<Value>() });
        (told["made_at"], told["until"]) = (json!(local(zone, it.made_at)), json!(local(zone, it.until)));
        (told["kwh"], told["cost"], told["currency"]) = (json!(it.kwh), json!(it.cost), json!(it.currency));
        told
    };
    plans.iter().map(|(slug, it)| (slug.to_string(), plan(it))).collect::<Map<_, _>>().into()
}

/// `GET /api/weather/forecast`: the forecast by the hour.
#[utoipa::path(get, path = "/api/weather/forecast", tag = "weather", responses(
    (status = 200, description = "The forecast by the hour; `status` is `no_data` while there is none.", body = Object),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn forecast(State(site): State<Arc<Site>>) -> Response {
    match open(&site) {
        Ok(settings) => Json(crate::explain::forecast(&settings, &site.handle.picture())).into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// `GET /api/weather/mat-forecast`: when each group will be on and off.
#[utoipa::path(get, path = "/api/weather/mat-forecast", tag = "weather", responses(
    (status = 200, description = "When each group will be on and off.", body = Object),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn mat_forecast(State(site): State<Arc<Site>>) -> Response {
    match open(&site) {
        Ok(settings) => {
            let plans = Arc::clone(&site.handle.plans.borrow());
            Json(crate::explain::mat_forecast(&settings, &site.handle.picture(), &plans)).into_response()
        }
        Err(refused) => refused.into_response(),
    }
}

/// `GET /calendar.ics`: the predicted windows.
#[utoipa::path(get, path = "/calendar.ics", tag = "house", responses(
    (status = 200, description = "The predicted windows.", body = String, content_type = "text/calendar"),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn calendar(State(site): State<Arc<Site>>) -> Response {
    let settings = match open(&site) {
        Ok(settings) => settings,
        Err(refused) => return refused.into_response(),
    };
    let plans = Arc::clone(&site.handle.plans.borrow());
    let text = calendar::calendar(&plans, &settings);
    ([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text).into_response()
}

/// The settings, if they may be shown and there are any.
pub(super) fn open(site: &Site) -> Result<Arc<ControlSettings>, Refusal> {
    site.settings().filter(|_| site.info.setup.is_empty()).ok_or_else(Refusal::setup)
}

fn question(query: &str, settings: &ControlSettings, now: jiff::Timestamp) -> Result<Question, String> {
    let mut asked: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in query.split('&').filter(|it| !it.is_empty()).map(|it| it.split_once('=').unwrap_or((it, ""))) {
        asked.insert(decoded(key)?, decoded(value)?);
    }
    let mut take = |key: &str| asked.remove(key).filter(|it| !it.is_empty());
    let (group, at) = (take("group"), take("at"));
    if let Some(key) = asked.keys().find(|it| !["group", "at"].contains(&it.as_str())) {
        return Err(format!("`{key}` is unknown here: `group` and `at` can be asked for"));
    }
    let at = at.map(|it| parse_at(&it, &settings.zone, now)).transpose()?;
    Ok(Question { group, at })
}

/// A part of an address as it was meant. Of a path no more than whether it can be read: there, `+` is none.
pub(super) fn decoded(text: &str) -> Result<String, String> {
    let wrong = || {
        format!(
            "`{text}` is not written as addresses are: % needs two digits from 0 to F, and all of it has to be UTF-8"
        )
    };
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |it: Option<u8>| it.and_then(|it| char::from(it).to_digit(16)).ok_or_else(wrong);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).map_err(|_| wrong())?
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}
