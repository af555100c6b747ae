//! The log: where it goes, what it tells, and how that is changed while the program runs.

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use heattrax::{
    app::LogLever,
    model::{LogFormat, LogSettings},
};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

/// Lines of the log that may wait for a slow reader.
const LOG_LINES: usize = 8192;
/// What `info` means.
const QUIET_BROKER: &str = "info,mqtt5=warn";
/// How long the last lines may take.
const LAST_LINES: Duration = Duration::from_millis(100);

/// A bad option ends the program before anything else: it must not start setup mode and so stop the heating.
pub(crate) fn log_level(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let is_level = |it: &str| LEVELS.iter().any(|level| it.eq_ignore_ascii_case(level));
    let directives = || text.split(',').all(|it| is_level(it.rsplit_once('=').map_or(it, |(_, level)| level)));
    if directives() && EnvFilter::try_new(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not one of {} or a filter such as info,rumqttc=debug", LEVELS.join(", ")))
}

/// Starts the log. It is written by a thread of its own, and what a stalled reader does not take is lost: a log must never hold up
/// what minds a heater. The guard writes what is left.
pub(crate) fn start_log(settings: &LogSettings) -> (WorkerGuard, LogLever) {
    let filter = EnvFilter::try_new(loud(&settings.level)).unwrap_or_else(|_| EnvFilter::new(QUIET_BROKER));
    let (filter, reload) = tracing_subscriber::reload::Layer::new(filter);
    let writer = tracing_appender::non_blocking::NonBlockingBuilder::default().buffered_lines_limit(LOG_LINES);
    let (writer, guard) = writer.lossy(true).finish(std::io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(std::io::stderr().is_terminal());
    let log = tracing_subscriber::registry().with(filter);
    match settings.format {
        LogFormat::Text => log.with(lines).init(),
        LogFormat::Json => log.with(lines.json()).init(),
    }
    let shown = Mutex::new(settings.level.clone());
    let lever = LogLever::new(move |level| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(level) = level {
            reload.reload(filter_of(level)?).map_err(|error| error.to_string())?;
            level.clone_into(&mut shown);
        }
        Ok(shown.clone())
    });
    (guard, lever)
}

/// What a level or a filter that a person gives lets through.
fn filter_of(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(loud(&log_level(level)?)).map_err(|error| error.to_string())
}

/// A bare level is about the bridge: the embedded broker tells of each client at INFO, which is DEBUG to us.
fn loud(level: &str) -> &str {
    if level.eq_ignore_ascii_case("info") { QUIET_BROKER } else { level }
}

/// Writes what is left of the log, if somebody still reads it.
pub(crate) async fn end_log(guard: WorkerGuard) {
    // A reader that stalls loses the last lines; the process ends all the same.
    let _ = tokio::time::timeout(LAST_LINES, tokio::task::spawn_blocking(move || drop(guard))).await;
}
