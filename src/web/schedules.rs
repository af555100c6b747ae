//! The schedules of a group, as the config holds them: `/api/groups/{group}/schedules`. Changes go through the one writer of the
//! config and are in force when they are answered.
//!
//! Schedules are named by their place in the list, as clients of the old scheduler do. So that two editors lose nothing, each answer
//! has an `ETag`, and a change with `If-Match` is refused with 412 if the list has changed since.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Site,
    answer::{Problem, Refusal},
    api::open,
    body::Body,
    marks::Marks,
    settings::WITHIN,
    switch::listed,
};
use crate::{
    hub::Errand,
    model::{
        ConfigEdit, ControlSettings, Failed, GroupSettings, Slug, UNNAMED, Which, Why,
        asked::{quoted, shortened},
    },
};

/// Whoever is overtaken by others looks again so often.
const TRIES: u32 = 4;
/// What is read only.
const AT_ONCE: Duration = Duration::from_secs(5);

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(one, put, remove)).routes(routes!(enable))
}

/// Does a schedule speak?
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Enabled {
    enabled: bool,
}

/// The list of a group.
pub(super) struct Schedules {
    slug: Slug,
    name: String,
    list: Vec<Value>,
    /// Those of its temperatures.
    units: Value,
}

impl Schedules {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    /// A mark that is another one whenever the list is.
    fn mark(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.list.iter().for_each(|it| it.to_string().hash(&mut hasher));
        format!("{:016x}", hasher.finish())
    }

    /// Is it the list that whoever wants to change it has seen?
    fn is_as_seen(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if Marks::of(headers, header::IF_MATCH).is_none_or(|it| it.has(&self.mark())) {
            return Ok(());
        }
        let words = "the schedules have changed since they were read: look at them again";
        Err(Refusal::new(StatusCode::PRECONDITION_FAILED, words))
    }

    fn at(&self, index: &str) -> Result<&Value, Refusal> {
        let place = index.parse().ok().and_then(|place: usize| self.list.get(place));
        place.ok_or_else(|| {
            let count = self.list.len();
            Refusal::absent(format!(
                "Schedule index {} out of range (the group has {count}, counted from 0)",
                quoted(index)
            ))
        })
    }

    fn which(&self, index: &str) -> Result<Which, Refusal> {
        let name = self.at(index)?.get("name").and_then(Value::as_str).unwrap_or(UNNAMED);
        Ok(Which { name: name.to_owned(), place: index.parse().ok() })
    }

    fn answer(&self, status: StatusCode, body: Value) -> Response {
        (status, [(header::ETAG, format!("\"{}\"", self.mark()))], Json(body)).into_response()
    }
}

impl Site {
    /// The schedules of the group of this name or slug, as they are in force.
    pub(super) async fn schedules(&self, group: &str) -> Result<Schedules, Refusal> {
        let settings = open(self)?;
        let known = group_named(&settings, group)?;
        let told = self.handle.errand(Errand::Schedules(Some(known.slug.clone())), AT_ONCE).await?;
        let list = told.pointer("/groups").and_then(Value::as_object).and_then(|it| it.values().next()?.as_array());
        let (slug, name, units) = (known.slug.clone(), known.name.clone(), told["units"].clone());
        Ok(Schedules { slug, name, list: list.cloned().unwrap_or_default(), units })
    }

    /// Changes the list of a group as it is, and as whoever asks has seen it; it is in force when this returns. What somebody else
    /// changes at the same time is looked at before it is changed again.
    async fn edits(
        &self,
        group: &str,
        headers: &HeaderMap,
        mut edit: impl FnMut(&Schedules) -> Result<ConfigEdit, Refusal>,
    ) -> Result<(), Refusal> {
        let busy = || Refusal::from(Failed::not_now("others change the config all the time: ask again later"));
        let _alone = timeout(WITHIN, self.desk.lock()).await.map_err(|_| busy())?;
        for _ in 0..TRIES {
            // First the mark of the file, for others change it too: what it says then is in force.
            let mark = match self.handle.errand(Errand::ConfigText, WITHIN).await {
                Ok(file) => file["etag"].as_str().map(str::to_owned),
                // There is none, or it cannot be read: whoever is to write it says so.
                Err(failed) if failed.why == Why::Conflict => None,
                Err(failed) => return Err(failed.into()),
            };
            let seen = self.schedules(group).await?;
            seen.is_as_seen(headers)?;
            match self.handle.errand(Errand::Edit(edit(&seen)?, mark), WITHIN).await {
                Ok(_) => return Ok(()),
                Err(failed) if failed.why == Why::Changed => {}
                Err(failed) if failed.why == Why::Wrong => return Err(wrong(failed)),
                Err(failed) => return Err(failed.into()),
            }
        }
        Err(busy())
    }
}

/// The group of this name or slug. Else 404, in words that begin as clients of the old page know them, with what there is.
pub(super) fn group_named<'a>(settings: &'a ControlSettings, name: &str) -> Result<&'a GroupSettings, Refusal> {
    settings.group_named(name).ok_or_else(|| {
        let there = listed(settings.groups.values().map(|it| it.name.clone()));
        Refusal::absent(format!("Group '{}' not found; there is: {there}", shortened(name)))
    })
}

/// In the shape that clients of the old page know.
fn invalid(words: impl Into<String>) -> Refusal {
    Refusal::bad("Invalid schedule").with("details", json!([words.into()]))
}

/// The same: one detail for each thing that is wrong.
fn wrong(failed: Failed) -> Refusal {
    let details = if failed.each.is_empty() { vec![failed.words] } else { failed.each };
    Refusal::bad("Invalid schedule").with("details", json!(details))
}

/// A name that can be one, if there is any.
fn named(schedule: &Map<String, Value>) -> Result<Option<&str>, Refusal> {
    if schedule.is_empty() {
        return Err(Refusal::bad("Missing schedule data"));
    }
    let Some(name) = schedule.get("name") else { return Ok(None) };
    let name = name.as_str().filter(|it| !it.trim().is_empty());
    name.map(Some).ok_or_else(|| invalid("`name` must be text that is not empty; without it, the schedule gets one"))
}

/// With a name, if it has none: the first that no other schedule of the list has.
fn with_name(mut schedule: Map<String, Value>, list: &[Value], replaces: Option<&Which>) -> Map<String, Value> {
    let own = replaces.map(|it| it.name.as_str());
    let more = (2..).map(|number| format!("{UNNAMED} {number}"));
    let mut names = std::iter::once(UNNAMED.to_owned()).chain(more);
    let free = names.find(|it| own == Some(it.as_str()) || !is_taken(list, it));
    schedule.entry("name").or_insert_with(|| json!(free));
    schedule
}

fn is_taken(list: &[Value], name: &str) -> bool {
    list.iter().any(|it| it.get("name").and_then(Value::as_str).unwrap_or(UNNAMED) == name)
}

/// The schedules of a group.
#[utoipa::path(get, path = "/api/groups/{group}/schedules", tag = "schedules", params(
    ("group" = String, Path, description = "The group's name or slug."),
), responses(
    (status = 200, description = "`group`, `schedules`, `units` (`imperial` or `metric`) of their temperatures; an ETag.", body = Object),
    (status = 404, description = "There is no such group.", body = Problem),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn list(State(site): State<Arc<Site>>, Path(group): Path<String>) -> Result<Response, Refusal> {
    let it = site.schedules(&group).await?;
    Ok(it.answer(StatusCode::OK, json!({ "group": it.name, "schedules": it.list, "units": it.units })))
}

/// Adds a schedule, as the config writes schedules. One without a `name` gets one.
#[utoipa::path(post, path = "/api/groups/{group}/schedules", tag = "schedules", request_body = Object, params(
    ("group" = String, Path, description = "The group's name or slug."),
), responses(
    (status = 201, description = "`success`, `schedule`.", body = Object),
    (status = 400, description = "The config would be wrong: `details` say why.", body = Problem),
    (status = 404, description = "There is no such group.", body = Problem),
    (status = 409, description = "The environment holds it, or the file cannot be written.", body = Problem),
    (status = 412, description = "If-Match: the list has changed.", body = Problem),
    (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
))]
async fn add(
    State(site): State<Arc<Site>>,
    Path(group): Path<String>,
    headers: HeaderMap,
    Body(given): Body<Map<String, Value>>,
) -> Result<Response, Refusal> {
    let name = named(&given)?.map(str::to_owned);
    let mut schedule = Map::new();
    let adds = |it: &Schedules| {
        if let Some(name) = name.as_deref().filter(|name| is_taken(&it.list, name)) {
            return Err(invalid(format!("there is a schedule `{name}` in this group already")));
        }
        schedule = with_name(given.clone(), &it.list, None);
        Ok(ConfigEdit::PutSchedule { group: it.slug.clone(), replaces: None, schedule: schedule.clone() })
    };
    site.edits(&group, &headers, adds).await?;
    let now = site.schedules(&group).await?;
    Ok(now.answer(StatusCode::CREATED, json!({ "success": true, "schedule": schedule })))
}

/// One schedule, by its place in the list from 0.
#[utoipa::path(get, path = "/api/groups/{group}/schedules/{index}", tag = "schedules", params(
    ("group" = String, Path, description = "The group's name or slug."), ("index" = usize, Path, description = "From 0."),
), responses(
    (status = 200, description = "`group`, `index`, `schedule`; an ETag.", body = Object),
    (status = 404, description = "There is no such group or schedule.", body = Problem),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn one(State(site): State<Arc<Site>>, Path((group, index)): Path<(String, String)>) -> Result<Response, Refusal> {
    let it = site.schedules(&group).await?;
    let schedule = it.at(&index)?;
    Ok(it.answer(
        StatusCode::OK,
        json!({ "group": it.name, "index": index.parse::<usize>().ok(), "schedule": schedule }),
    ))
}

/// Puts another schedule in its place; its limits (`safety`) stay as the file has them. One without a `name` gets one.
#[utoipa::path(put, path = "/api/groups/{group}/schedules/{index}", tag = "schedules", request_body = Object, params(
    ("group" = String, Path, description = "The group's name or slug."), ("index" = usize, Path, description = "From 0."),
), responses(
    (status = 200, description = "`success`, `schedule`.", body = Object),
    (status = 400, description = "The config would be wrong: `details` say why.", body = Problem),
    (status = 404, description = "There is no such group or schedule.", body = Problem),
    (status = 409, description = "The environment holds it, or the file cannot be written.", body = Problem),
    (status = 412, description = "If-Match: the list has changed.", body = Problem),
    (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
))]
async fn put(
    State(site): State<Arc<Site>>,
    Path((group, index)): Path<(String, String)>,
    headers: HeaderMap,
    Body(given): Body<Map<String, Value>>,
) -> Result<Response, Refusal> {
    named(&given)?;
    let mut schedule = Map::new();
    let puts = |it: &Schedules| {
        let replaces = Some(it.which(&index)?);
        schedule = with_name(given.clone(), &it.list, replaces.as_ref());
        Ok(ConfigEdit::PutSchedule { group: it.slug.clone(), replaces, schedule: schedule.clone() })
    };
    site.edits(&group, &headers, puts).await?;
    let now = site.schedules(&group).await?;
    Ok(now.answer(StatusCode::OK, json!({ "success": true, "schedule": schedule })))
}

/// Takes a schedule out.
#[utoipa::path(delete, path = "/api/groups/{group}/schedules/{index}", tag = "schedules", params(
    ("group" = String, Path, description = "The group's name or slug."), ("index" = usize, Path, description = "From 0."),
), responses(
    (status = 200, description = "`success`, `deleted`.", body = Object),
    (status = 400, description = "The file cannot be changed so: `details` say why.", body = Problem),
    (status = 404, description = "There is no such group or schedule.", body = Problem),
    (status = 409, description = "The environment holds it, or the file cannot be written.", body = Problem),
    (status = 412, description = "If-Match: the list has changed.", body = Problem),
    (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
))]
async fn remove(
    State(site): State<Arc<Site>>,
    Path((group, index)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut deleted = Value::Null;
    let removes = |it: &Schedules| {
        deleted = it.at(&index)?.clone();
        Ok(ConfigEdit::RemoveSchedule { group: it.slug.clone(), which: it.which(&index)? })
    };
    site.edits(&group, &headers, removes).await?;
    let now = site.schedules(&group).await?;
    Ok(now.answer(StatusCode::OK, json!({ "success": true, "deleted": deleted })))
}

/// Has a schedule speak or be silent.
#[utoipa::path(put, path = "/api/groups/{group}/schedules/{index}/enabled", tag = "schedules", request_body = Enabled, params(
    ("group" = String, Path, description = "The group's name or slug."), ("index" = usize, Path, description = "From 0."),
), responses(
    (status = 200, description = "`success`, `enabled`.", body = Object),
    (status = 400, description = "The request cannot be read.", body = Problem),
    (status = 404, description = "There is no such group or schedule.", body = Problem),
    (status = 409, description = "The environment holds it, or the file cannot be written.", body = Problem),
    (status = 412, description = "If-Match: the list has changed.", body = Problem),
    (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
))]
async fn enable(
    State(site): State<Arc<Site>>,
    Path((group, index)): Path<(String, String)>,
    headers: HeaderMap,
    Body(Enabled { enabled }): Body<Enabled>,
) -> Result<Response, Refusal> {
    let enables =
        |it: &Schedules| Ok(ConfigEdit::EnableSchedule { group: it.slug.clone(), which: it.which(&index)?, enabled });
    site.edits(&group, &headers, enables).await?;
    let now = site.schedules(&group).await?;
    Ok(now.answer(StatusCode::OK, json!({ "success": true, "enabled": enabled })))
}
