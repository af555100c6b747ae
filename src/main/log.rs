//! The log: where it goes, what it tells, and how that is changed while the program runs.

use std::{
    fmt::{Debug, Write},
    io::IsTerminal,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use heattrax::{
    app::LogLever,
    hub::{Clock, Journal, Line, LineLevel},
    model::{LogFormat, LogSettings},
};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::{
    EnvFilter, Layer,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

/// Lines of the log that may wait for a slow reader.
const LOG_LINES: usize = 8192;
/// What `info` means.
const QUIET_BROKER: &str = "info,mqtt5=warn";
/// What `debug` and `trace` leave out.
const QUIET_PEERS: &str = "reqwest=info,hyper=info,hyper_util=info,h2=info,rustls=info,tungstenite=info,async_tungstenite=info,\
     ws_stream_tungstenite=info";
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
pub(crate) fn start_log(settings: &LogSettings) -> (WorkerGuard, LogLever, Arc<Journal>) {
    let filter = EnvFilter::try_new(loud(&settings.level)).unwrap_or_else(|_| EnvFilter::new(QUIET_BROKER));
    let (filter, reload) = tracing_subscriber::reload::Layer::new(filter);
    let writer = tracing_appender::non_blocking::NonBlockingBuilder::default().buffered_lines_limit(LOG_LINES);
    let (writer, guard) = writer.lossy(true).finish(std::io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(std::io::stderr().is_terminal());
    let journal = Arc::new(Journal::default());
    let log = tracing_subscriber::registry().with(filter).with(Diarist(Arc::clone(&journal)));
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
    (guard, lever, journal)
}

/// What a level or a filter that a person gives lets through.
fn filter_of(level: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(loud(&log_level(level)?)).map_err(|error| error.to_string())
}

/// A bare level is about the bridge: the embedded broker tells of each client at INFO, which is DEBUG to us, and those who speak HTTP tell
/// at DEBUG where they connect to, which of a webhook is a secret. Those who speak WebSocket write at TRACE all that they send, the broker's
/// password too. Who names them in a filter hears them.
fn loud(level: &str) -> String {
    match level.to_ascii_lowercase().as_str() {
        "info" => QUIET_BROKER.to_owned(),
        bare @ ("debug" | "trace") => format!("{bare},{QUIET_PEERS}"),
        _ => level.to_owned(),
    }
}

/// Writes what is left of the log, if somebody still reads it.
pub(crate) async fn end_log(guard: WorkerGuard) {
    // A reader that stalls loses the last lines; the process ends all the same.
    let _ = tokio::time::timeout(LAST_LINES, tokio::task::spawn_blocking(move || drop(guard))).await;
}

/// Keeps the last lines for those who read the log through the bridge.
struct Diarist(Arc<Journal>);

impl<S: Subscriber> Layer<S> for Diarist {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => LineLevel::Error,
            Level::WARN => LineLevel::Warn,
            Level::INFO => LineLevel::Info,
            Level::DEBUG => LineLevel::Debug,
            Level::TRACE => LineLevel::Trace,
        };
        let mut words = Words::default();
        event.record(&mut words);
        let message = words.message + &words.fields;
        self.0.write(Line { at: Clock::wall().now(), level, target: event.metadata().target().to_owned(), message });
    }
}

/// The words of a line, and the fields that come with them.
#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

/// Longer lines are cut: two thousand of them are kept.
const LONGEST_LINE: usize = 2000;

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
        for text in [&mut self.message, &mut self.fields] {
            let end = (0..=LONGEST_LINE.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
            text.truncate(end.unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_tells_nothing_of_where_others_connect_to_and_a_filter_does() {
        for bare in ["debug", "TRACE"] {
            let filter = filter_of(bare).map(|it| it.to_string()).unwrap_or_default();
            assert!(filter.contains("reqwest=info") && filter.contains("hyper_util=info"), "{filter}");
            let frames = ["tungstenite=info", "async_tungstenite=info", "ws_stream_tungstenite=info"];
            assert!(frames.iter().all(|it| filter.split(',').any(|said| said == *it)), "{filter}");
        }
        let filter = filter_of("debug,reqwest=debug").map(|it| it.to_string()).unwrap_or_default();
        assert!(filter.contains("reqwest=debug") && !filter.contains("hyper"), "{filter}");
        assert_eq!(loud("warn"), "warn");
    }
}
