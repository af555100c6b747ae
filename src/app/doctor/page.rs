//! The page's address: does a bridge answer there, or is it free?

use std::time::Duration;

use tokio::net::TcpListener;

use super::{super::explain::authority, Line};
use crate::{model::WebSettings, web};

/// A bridge that runs answers at once.
const WITHIN: Duration = Duration::from_secs(3);

/// The line about the page, and whether a bridge runs.
pub(super) async fn examine(settings: Option<&WebSettings>) -> (Line, bool) {
    let Some(settings) = settings else {
        return (Line::ok("page", "switched off; whether a bridge runs is not known"), false);
    };
    let authority = authority(settings);
    if TcpListener::bind((settings.bind_host.as_str(), settings.port)).await.is_ok() {
        return (Line::ok("page", format!("{authority} is free: no bridge runs here")), false);
    }
    match web::ask(&authority, "/healthz", "*/*", None, WITHIN).await {
        Ok(answer) if answer.status == 200 => {
            (Line::ok("page", format!("a running bridge answers at {authority}")), true)
        }
        Ok(answer) if answer.status == 503 => {
            let line = Line::warn("page", format!("{authority} answers that its control loop stands still"));
            (line.cured("restart the bridge, and keep its log"), true)
        }
        Ok(answer) => (taken(&authority, &format!("it answers {}", answer.status)), false),
        Err(words) => (taken(&authority, &words), false),
    }
}

fn taken(authority: &str, words: &str) -> Line {
    Line::fail("page", format!("{authority} cannot be listened on, and no bridge answers there ({words})"))
        .cured("give `web.port` another number, or `web.bind_host` an address of this machine")
}
