//! The page's address: does a bridge answer there, or is it free?

use std::{path::Path, time::Duration};

use tokio::net::TcpListener;

use super::{
    super::{alone::inhabitant, served::reached_at},
    Line,
};
use crate::{model::WebSettings, web};

/// A bridge that runs answers at once.
const WITHIN: Duration = Duration::from_secs(3);

/// The line about the page, and whether a bridge runs.
pub(super) async fn examine(settings: Option<&WebSettings>, data: &Path) -> (Line, bool) {
    let inhabitant = inhabitant(data);
    let Some(settings) = settings else {
        let words = if inhabitant.is_some() { "switched off; a bridge runs" } else { "switched off; no bridge runs" };
        return (Line::ok("page", words), inhabitant.is_some());
    };
    let by_config = reached_at(&settings.bind_host, settings.port);
    let authority = inhabitant.clone().filter(|it| !it.is_empty()).unwrap_or_else(|| by_config.clone());
    if inhabitant.is_none() && TcpListener::bind((settings.bind_host.as_str(), settings.port)).await.is_ok() {
        return (Line::ok("page", format!("{authority} is free: no bridge runs here")), false);
    }
    match web::ask(&authority, "/healthz", "*/*", None, WITHIN).await {
        Ok(answer) if answer.status == 200 => {
            let elsewhere = if authority == by_config { "" } else { ", for it could not be where the config says" };
            (Line::ok("page", format!("a running bridge answers at {authority}{elsewhere}")), true)
        }
        Ok(answer) if answer.status == 503 => {
            let line = Line::warn("page", format!("{authority} answers that its control loop stands still"));
            (line.cured("restart the bridge, and keep its log"), true)
        }
        _ if inhabitant.is_some() => {
            let line = Line::warn("page", format!("a bridge runs, and its page does not answer at {authority}"));
            (line.cured("look into its log: what keeps the page away stands there"), true)
        }
        Ok(answer) => (taken(&authority, &format!("it answers {}", answer.status)), false),
        Err(words) => (taken(&authority, &words), false),
    }
}

fn taken(authority: &str, words: &str) -> Line {
    Line::fail("page", format!("{authority} cannot be listened on, and no bridge answers there ({words})"))
        .cured("give `web.port` another number, or `web.bind_host` an address of this machine")
}
