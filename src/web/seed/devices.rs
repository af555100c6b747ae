//! `GET /api/devices/status`: every item of the config, as its plug reports it.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Item, items};
use crate::{
    explain::local,
    model::{Availability, ControlSettings, House},
    web::{
        Site,
        answer::{Problem, Refusal},
        api::open,
    },
};

pub(super) fn routes() -> OpenApiRouter<Arc<Site>> {
    OpenApiRouter::new().routes(routes!(devices))
}

/// Every item of the config, as its plug reports it; those that cannot be reached too.
#[utoipa::path(get, path = "/api/devices/status", tag = "predecessor", responses(
    (status = 200, description = "`devices`, and how many of them have been reached.", body = Object),
    (status = 503, description = "Setup mode.", body = Problem),
))]
async fn devices(State(site): State<Arc<Site>>) -> Result<Json<Value>, Refusal> {
    let settings = open(&site)?;
    let house = site.handle.picture();
    Ok(Json(json!({
        "status": "ok",
        "devices": items(&settings).map(|it| device(&it, &house)).collect::<Value>(),
        "initialization_summary": summary(&settings, &house),
        "timestamp": local(&settings.zone, house.at),
    })))
}

fn device(item: &Item<'_>, house: &House) -> Value {
    let known = house.devices.get(&item.device.slug);
    let is_online = known.is_some_and(|it| it.availability == Availability::Online);
    let housing = known.and_then(|it| it.housing.as_ref());
    let error = known.filter(|_| !is_online).and_then(|it| it.trouble.as_ref()).map(|it| it.text.as_str());
    let all: Vec<_> = house.outlets.values().filter(|it| it.id.device == item.device.slug).collect();
    let has_outlets = all.len() > 1;
    let outlets = all.iter().map(|it| {
        json!({
            "index": has_outlets.then(|| it.id.slot.saturating_sub(1)),
            "is_on": it.switch().filter(|_| is_online).map(|it| it.is_on()),
            "alias": it.name,
            "controlled": item.member.has(&it.id),
        })
    });
    json!({
        "name": item.name,
        "ip_address": item.device.address.to_string(),
        "reachable": is_online,
        "initialized": housing.is_some(),
        "has_outlets": has_outlets,
        "outlets": outlets.collect::<Value>(),
        "model": housing.map(|it| &it.model),
        "error": error,
        "initialization_error": error.filter(|_| housing.is_none()),
        "group": item.group.name,
    })
}

fn summary(settings: &ControlSettings, house: &House) -> Value {
    let mut groups: BTreeMap<&str, (usize, Vec<Value>)> = BTreeMap::new();
    for item in items(settings) {
        let (count, failed) = groups.entry(item.group.name.as_str()).or_default();
        *count += 1;
        let known = house.devices.get(&item.device.slug);
        if known.is_none_or(|it| it.housing.is_none()) {
            let error = known.and_then(|it| it.trouble.as_ref()).map(|it| it.text.as_str());
            failed.push(json!({
                "name": item.name,
                "ip_address": item.device.address.to_string(),
                "error": error.unwrap_or("not reached yet"),
            }));
        }
    }
    let configured: usize = groups.values().map(|it| it.0).sum();
    let failed: usize = groups.values().map(|it| it.1.len()).sum();
    let told = groups.iter().map(|(name, (count, failed))| {
        let group = json!({
            "group_name": name,
            "configured_count": count,
            "initialized_count": count - failed.len(),
            "failed_count": failed.len(),
            "failed_devices": failed,
            "initialization_complete": failed.is_empty(),
        });
        ((*name).to_owned(), group)
    });
    json!({
        "total_groups": groups.len(),
        "groups": told.collect::<Value>(),
        "overall": {
            "configured_devices": configured,
            "initialized_devices": configured - failed,
            "failed_devices": failed,
        },
    })
}
