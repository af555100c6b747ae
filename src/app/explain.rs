//! The `explain` command: asks a running bridge, and answers by itself where there is none. It only looks.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{alone::shown_at, served::reached_at};
use crate::{
    control::Controller,
    explain::{Question, explain as answer, parse_at},
    model::{Event, House, Memory, Secret, Settings, Trouble, TroubleKind},
    store::Store,
    weather::cache::{Cache, CacheError},
    web,
};

/// A running bridge has this long to answer.
const WITHIN: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExplainOptions {
    /// One group.
    pub group: Option<String>,
    /// RFC 3339, or `HH:MM` of the present day in the zone of the house.
    pub at: Option<String>,
    /// JSON instead of text.
    pub json: bool,
    /// One of the bridge's `web.tokens`, for a bridge that wants to know who asks.
    pub token: Option<Secret>,
}

/// Explains what each outlet does and why.
///
/// # Errors
/// The question cannot be understood, in words.
pub async fn explain(settings: &Settings, options: ExplainOptions, now: Timestamp) -> Result<String, String> {
    let at = options.at.as_deref().map(|it| parse_at(it, &settings.control.zone, now)).transpose()?;
    let why_not = match ask(settings, &options, at).await {
        Ok(web::Answer { status: 200, body }) => return Ok(body),
        Ok(web::Answer { status: 400, body }) => return Err(refused(&body)),
        // Any other 404 is not from a bridge.
        Ok(web::Answer { status: 404, body }) if body.contains("there is no group ") => return Err(refused(&body)),
        Ok(web::Answer { status: 401 | 403, .. }) => unknown(&options).to_owned(),
        Ok(web::Answer { status, body }) => {
            format!("the running bridge does not tell ({status}: {})", first_line(&body))
        }
        Err(words) => format!("no bridge was asked: {words}"),
    };
    let (house, doubts) = remembered(settings, now);
    let source = format!("the config, the memory and the last forecast ({why_not}{doubts})");
    let question = Question { group: options.group, at };
    let answer = answer(&settings.control, &house, &question, source).map_err(|it| it.to_string())?;
    Ok(if options.json { format!("{:#}\n", answer.local_json()) } else { answer.text() })
}

/// Why it does not explain; whoever wants JSON is refused in JSON.
fn refused(body: &str) -> String {
    let told: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let words = told.as_ref().and_then(|it| it.get("error")?.as_str()).unwrap_or(body);
    format!("the running bridge says: {}", words.trim())
}

/// Asks the bridge that the config tells of.
async fn ask(settings: &Settings, options: &ExplainOptions, at: Option<Timestamp>) -> Result<web::Answer, String> {
    let by_config = || settings.web.as_ref().map(|it| reached_at(&it.bind_host, it.port));
    let authority = shown_at(&settings.data).or_else(by_config);
    let authority = authority.ok_or("the web server is switched off")?;
    let at = at.map(|it| it.to_string());
    let asked = [("group", options.group.as_deref()), ("at", at.as_deref())];
    let asked = asked.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", web::encoded(value?))));
    let target = format!("/api/explain?{}", asked.collect::<Vec<_>>().join("&"));
    let accept = if options.json { "application/json" } else { "text/plain" };
    let token = options.token.as_ref().map(Secret::reveal);
    let answer = web::ask(&authority, &target, accept, token, WITHIN).await?;
    let is_ours = if options.json { answer.body.starts_with('{') } else { answer.body.starts_with("HeatTrax") };
    if answer.status == 200 && !is_ours {
        return Err(format!("{authority} is something else"));
    }
    Ok(answer)
}

/// It wants to know who asks.
fn unknown(options: &ExplainOptions) -> &'static str {
    if options.token.is_some() {
        "the running bridge does not know the token that was given: it must be one of `web.tokens`"
    } else {
        "the running bridge tells only whom it knows: give one of `web.tokens` by --token-file or HEATTRAX_TOKEN"
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().filter(|it| !it.is_control()).take(200).collect()
}

/// The house as the memory and the cached forecast know it, with what is wrong with them. Nothing is written.
fn remembered(settings: &Settings, now: Timestamp) -> (House, String) {
    let mut doubts = String::new();
    let memory = match Store::look(&settings.data) {
        Ok(Some(memory)) => memory,
        Ok(None) => {
            doubts.push_str("; there is no memory yet");
            Memory::default()
        }
        Err(words) => {
            doubts.push_str(&format!("; {words}"));
            Memory::default()
        }
    };
    let mut controller = Controller::new(Arc::clone(&settings.control), &memory, now);
    if let Some(weather) = &settings.weather {
        let why = match Cache::new(weather).look(now) {
            Ok(forecast) => {
                controller.handle(Event::WeatherObserved(Arc::new(forecast)), now);
                (controller.house().weather.fresh != Some(true)).then(|| "the last one is too old".to_owned())
            }
            Err(CacheError::Absent) => Some("none has been kept".to_owned()),
            Err(error) => Some(format!("the one that was kept is not used: {error}")),
        };
        if let Some(text) = why {
            // Nobody fetches another one: rules need not wait for it.
            controller.handle(Event::WeatherLost { trouble: Trouble { kind: TroubleKind::Passing, text } }, now);
        }
    }
    (controller.house().clone(), doubts)
}
