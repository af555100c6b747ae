//! Switching: `POST /api/outlets/…` and `/api/groups/…`, answered after the outlets have reported.

pub(super) mod asking;

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::asking::{Said, agreed, ask};
use super::{
    Site,
    answer::{Problem, Refusal},
    api::open,
    body::Body,
    house::{DecisionView, Look, decision, spokesman, state},
};
use crate::model::{
    Command, House, Origin, OutletId, Slug, Switch, Target, Verb,
    asked::{because, control, lasting, quoted, verb},
};

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new()
        .routes(routes!(set_outlet))
        .routes(routes!(set_group))
        .routes(routes!(control_outlet))
        .routes(routes!(control_group))
        .routes(routes!(acknowledge_outlet))
        .routes(routes!(acknowledge_group))
}

/// How something is to be switched.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Set {
    /// `ON`, `OFF` or `TOGGLE`.
    #[schema(example = "ON")]
    state: String,
    /// How long: above 0, at most 24 h.
    #[serde(rename = "for")]
    #[schema(example = "45m")]
    lasts: Option<String>,
    /// Until when: `HH:MM`, RFC 3339, or `next_change`; at most 24 h ahead.
    #[schema(example = "22:00")]
    until: Option<String>,
    /// Why, in the asker's own words.
    reason: Option<String>,
}

/// Who is to decide.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetControl {
    /// `auto`, `on` or `off`.
    #[schema(example = "auto")]
    control: String,
}

/// What came of a command.
#[derive(Serialize, ToSchema)]
struct Done {
    /// `ON`, `OFF`, of a group also `MIXED`: as reported by now.
    state: Option<&'static str>,
    /// Of a group: that of an outlet that is wanted on, else of one that something keeps off, else of the first.
    decision: Option<DecisionView>,
    /// What each outlet said.
    answers: Vec<Said>,
}

/// Switches an outlet; answered after the plug has reported it.
#[utoipa::path(post, path = "/api/outlets/{device}/{slot}/set", tag = "switch", request_body = Set, params(
    ("device" = String, Path, description = "The device's slug."), ("slot" = u8, Path, description = "From 1."),
), responses(
    (status = 200, description = "It is so.", body = Done),
    (status = 400, description = "The request cannot be read.", body = Problem),
    (status = 404, description = "There is no such outlet.", body = Problem),
    (status = 409, description = "Refused, with the reason.", body = Problem),
    (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
    (status = 504, description = "The plug did not do it within 10 s: its own error.", body = Problem),
))]
async fn set_outlet(
    State(site): State<Arc<Site>>,
    Path(at): Path<(String, String)>,
    Body(set): Body<Set>,
) -> Result<Response, Refusal> {
    let id = outlet(&site, &at)?;
    site.order(Target::Outlet(id), set.command(&site)?).await
}

/// Switches every outlet of a group. TOGGLE on a mixed group turns all off.
#[utoipa::path(post, path = "/api/groups/{group}/set", tag = "switch", request_body = Set, params(
    ("group" = String, Path, description = "The group's slug or name."),
), responses(
    (status = 200, description = "It is so.", body = Done),
    (status = 400, description = "The request cannot be read.", body = Problem),
    (status = 404, description = "There is no such group.", body = Problem),
    (status = 409, description = "Refused by an outlet at least; `answers` tells by which.", body = Problem),
    (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
    (status = 504, description = "A plug did not do it within 10 s.", body = Problem),
))]
async fn set_group(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    Body(set): Body<Set>,
) -> Result<Response, Refusal> {
    let group = group(&site, &name)?;
    site.order(Target::Group(group), set.command(&site)?).await
}

/// Says who decides about an outlet. `off` holds until a person ends it, `on` as long as a plain ON.
#[utoipa::path(post, path = "/api/outlets/{device}/{slot}/control", tag = "switch", request_body = SetControl, params(
    ("device" = String, Path, description = "The device's slug."), ("slot" = u8, Path, description = "From 1."),
), responses(
    (status = 200, description = "It is so, and the outlet follows.", body = Done),
    (status = 400, description = "The request cannot be read.", body = Problem),
    (status = 404, description = "There is no such outlet.", body = Problem),
    (status = 409, description = "Refused, with the reason.", body = Problem),
    (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
    (status = 504, description = "The plug did not do it within 10 s.", body = Problem),
))]
async fn control_outlet(
    State(site): State<Arc<Site>>,
    Path(at): Path<(String, String)>,
    Body(set): Body<SetControl>,
) -> Result<Response, Refusal> {
    let id = outlet(&site, &at)?;
    site.order(Target::Outlet(id), (set.verb()?, None)).await
}

/// Says who decides about every outlet of a group.
#[utoipa::path(post, path = "/api/groups/{group}/control-mode", tag = "switch", request_body = SetControl, params(
    ("group" = String, Path, description = "The group's slug or name."),
), responses(
    (status = 200, description = "It is so, and the outlets follow.", body = Done),
    (status = 400, description = "The request cannot be read.", body = Problem),
    (status = 404, description = "There is no such group.", body = Problem),
    (status = 409, description = "Refused by an outlet at least.", body = Problem),
    (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
    (status = 504, description = "A plug did not do it within 10 s.", body = Problem),
))]
async fn control_group(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    Body(set): Body<SetControl>,
) -> Result<Response, Refusal> {
    let group = group(&site, &name)?;
    site.order(Target::Group(group), (set.verb()?, None)).await
}

/// Somebody has looked at the outlet's fault: it may be tried again.
#[utoipa::path(post, path = "/api/outlets/{device}/{slot}/ack", tag = "switch", params(
    ("device" = String, Path, description = "The device's slug."), ("slot" = u8, Path, description = "From 1."),
), responses(
    (status = 200, description = "Acknowledged.", body = Done),
    (status = 404, description = "There is no such outlet.", body = Problem),
    (status = 409, description = "No fault waits for it.", body = Problem),
    (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
    (status = 504, description = "Nothing was heard of it in time.", body = Problem),
))]
async fn acknowledge_outlet(
    State(site): State<Arc<Site>>,
    Path(at): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let id = outlet(&site, &at)?;
    site.order(Target::Outlet(id), (Verb::Acknowledge, None)).await
}

/// Somebody has looked at the faults of a group: every outlet that is locked off may be tried again.
#[utoipa::path(post, path = "/api/groups/{group}/ack", tag = "switch", params(
    ("group" = String, Path, description = "The group's slug or name."),
), responses(
    (status = 200, description = "Acknowledged.", body = Done),
    (status = 404, description = "There is no such group.", body = Problem),
    (status = 409, description = "No fault waits for it.", body = Problem),
    (status = 503, description = "Setup mode, or the bridge is busy.", body = Problem),
    (status = 504, description = "Nothing was heard of it in time.", body = Problem),
))]
async fn acknowledge_group(State(site): State<Arc<Site>>, Path(name): Path<String>) -> Result<Response, Refusal> {
    let group = group(&site, &name)?;
    site.order(Target::Group(group), (Verb::Acknowledge, None)).await
}

impl Set {
    fn command(&self, site: &Site) -> Result<(Verb, Option<String>), Refusal> {
        let (now, zone) = (site.handle.clock.now(), site.zone());
        let lasting = lasting(self.lasts.as_deref(), self.until.as_deref(), now, &zone).map_err(Refusal::bad)?;
        let verb = verb(&self.state, lasting, "`state` must be ON, OFF or TOGGLE").map_err(Refusal::bad)?;
        Ok((verb, self.reason.as_deref().and_then(because)))
    }
}

impl SetControl {
    fn verb(&self) -> Result<Verb, Refusal> {
        control(&self.control).map(Verb::Control).map_err(|it| Refusal::bad(format!("`control`: {it}")))
    }
}

impl Site {
    /// Has a command followed and tells what came of it.
    async fn order(&self, target: Target, (verb, reason): (Verb, Option<String>)) -> Result<Response, Refusal> {
        let command = Command { reason, ..Command::new(target.clone(), verb, Origin::Web) };
        let said = ask(&self.handle, command).await?;
        let house = self.handle.picture();
        let done = self.done(&target, &house, said.clone());
        agreed(&said)
            .map_err(|refusal| refusal.with("state", json!(done.state)).with("decision", json!(done.decision)))?;
        Ok(Json(done).into_response())
    }

    fn done(&self, target: &Target, house: &House, answers: Vec<Said>) -> Done {
        let settings = self.settings();
        let look = Look { house, handle: &self.handle, settings: settings.as_deref(), zone: self.zone() };
        let outlets: Vec<_> = asking::outlets_of(target, house).iter().filter_map(|id| house.outlets.get(id)).collect();
        let position = match target {
            Target::Group(group) => house.groups.get(group).and_then(|it| state(it.state(house))),
            _ => outlets.first().and_then(|it| it.switch()).map(Switch::as_str),
        };
        Done { state: position, decision: spokesman(&outlets).map(|it| decision(&look, it)), answers }
    }
}

/// The outlet that an address names.
fn outlet(site: &Site, (device, slot): &(String, String)) -> Result<OutletId, Refusal> {
    open(site)?;
    let house = site.handle.picture();
    let named = format!("{device}/{slot}");
    let id = named.parse::<OutletId>().ok().filter(|id| house.outlets.contains_key(id));
    id.ok_or_else(|| no_outlet(&named, &house))
}

/// 404, with the outlets that there are.
pub(super) fn no_outlet(name: &str, house: &House) -> Refusal {
    let there = listed(house.outlets.keys().map(ToString::to_string));
    Refusal::absent(format!("there is no outlet {}; there is: {there}", quoted(name)))
}

/// The group of this slug or name.
pub(super) fn group(site: &Site, name: &str) -> Result<Slug, Refusal> {
    let settings = open(site)?;
    settings.group_named(name).map(|it| it.slug.clone()).ok_or_else(|| {
        let there = listed(settings.groups.keys().map(ToString::to_string));
        Refusal::absent(format!("there is no group {}; there is: {there}", quoted(name)))
    })
}

/// A few names, for who has mistaken one.
pub(super) fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.take(40).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
