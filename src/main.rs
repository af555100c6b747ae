//! The `heattrax` program: arguments, the log, and how it ends.

#[path = "main/diagnosis.rs"]
mod diagnosis;
#[path = "main/emulation.rs"]
mod emulation;
#[path = "main/explanation.rs"]
mod explanation;
#[path = "main/files.rs"]
mod files;
#[path = "main/log.rs"]
mod log;
#[path = "main/search.rs"]
mod search;
#[path = "main/simulation.rs"]
mod simulation;

use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use heattrax::{
    app::{self, Ended, Levers},
    config::{self, Overrides, Problems, Sources, Writer},
    emulator,
    hub::{Clock, Errand, Handle},
    model::{LogFormat, LogSettings, Settings},
    web,
};
use tokio_util::sync::CancellationToken;

use self::log::{end_log, log_level, start_log};

/// Reading a config takes no longer.
const RELOAD_WITHIN: Duration = Duration::from_secs(10);

/// A Home Assistant style MQTT bridge for TP-Link Tapo and Kasa outlets that heats snow-melting mats by itself.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
    /// How the log is written [default: text, or the config's]
    #[arg(long, global = true, value_enum)]
    log_format: Option<LogFormatArgument>,
    /// What is logged: error, warn, info, debug, trace, or a tracing filter [default: info, or the config's]
    #[arg(long, global = true, value_name = "LEVEL", value_parser = log_level)]
    log: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bridge (also without a command). A config that is absent or wrong starts setup mode: nothing is switched
    Run(RunArguments),
    /// The whole house made of air: a broker, two emulated plugs, a recorded storm. Needs nothing, keeps nothing
    Demo(DemoArguments),
    /// Say OK, or every problem of the config at once
    Check {
        /// The config file
        #[arg(long, value_name = "F")]
        config: Option<PathBuf>,
    },
    /// Each outlet: on or off, why, what every voice says, the weather and the plan. Asks the running bridge, else its memory
    Explain(explanation::ExplainArguments),
    /// Find devices without logging in to them: a table, and the lines of a config to paste
    Discover(search::DiscoverArguments),
    /// Ask everything once and say what to do: config, clock, broker, each device, weather. Switches nothing
    Doctor(diagnosis::DoctorArguments),
    /// A recorded winter through the very same controller: how warm, how dear, how safe
    Simulate(Box<simulation::SimulateArguments>),
    /// Emulated devices on consecutive ports, or a recorded storm as the weather providers would tell it, until stopped
    Emulate(emulation::EmulateArguments),
    /// What may stand in the config file, as JSON Schema: for editors that complete and check it
    Schema,
    /// Read a password from the standard input, and print a hash of it for `web.password`
    HashPassword,
    /// Exit 0 while the control loop lives, 1 otherwise: for supervisors
    Healthcheck {
        /// The health address [default: where the page of the bridge with this config is]
        #[arg(long, value_name = "U")]
        url: Option<String>,
        /// The config file
        #[arg(long, value_name = "F")]
        config: Option<PathBuf>,
        /// The folder of the bridge's memory [default: data, or the config's]
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
}

#[derive(Clone, Debug, Args)]
struct RunArguments {
    /// The config file [default: $HEATTRAX_CONFIG_PATH, config/heattrax.yaml, /etc/heattrax/heattrax.yaml]
    #[arg(long, value_name = "F")]
    config: Option<PathBuf>,
    /// The folder of the bridge's memory [default: data, or the config's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
struct DemoArguments {
    /// The broker's port; the next free one if it is taken
    #[arg(long, default_value_t = 1883)]
    mqtt_port: u16,
    /// The page's port; the next free one if it is taken
    #[arg(long, default_value_t = 4328)]
    web_port: u16,
    /// How many times faster than life the house's time runs (1 to 3600)
    #[arg(long, default_value_t = 60.0, value_parser = speed)]
    speed: f64,
    /// The recorded storm
    #[arg(long, value_name = "NAME", default_value = emulator::storm::Storm::names()[0])]
    storm: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormatArgument {
    Text,
    Json,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if (1.0..=3600.0).contains(&speed) { Ok(speed) } else { Err("a speed is from 1 to 3600".to_owned()) }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    files::open_enough();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fatal(&format!("the runtime cannot start: {error}")),
    };
    let code = runtime.block_on(dispatch(arguments));
    // A blocking call that hangs (a dead network folder) must not keep the process from ending.
    runtime.shutdown_timeout(Duration::from_millis(100));
    code
}

async fn dispatch(arguments: Arguments) -> ExitCode {
    let overrides = |data| Overrides {
        data,
        log_level: arguments.log.clone(),
        log_format: arguments
            .log_format
            .map(|it| if it == LogFormatArgument::Json { "json" } else { "text" }.to_owned()),
    };
    let plain_log = || LogSettings {
        level: arguments.log.clone().unwrap_or_else(|| "info".to_owned()),
        format: if arguments.log_format == Some(LogFormatArgument::Json) { LogFormat::Json } else { LogFormat::Text },
    };
    match arguments.command {
        None => run(Sources::from_process(arguments.run.config, overrides(arguments.run.data))).await,
        Some(Command::Run(run_arguments)) => {
            run(Sources::from_process(run_arguments.config, overrides(run_arguments.data))).await
        }
        Some(Command::Demo(demo)) => {
            let (log, lever, journal) = start_log(&plain_log());
            let options = app::DemoOptions {
                mqtt_port: demo.mqtt_port,
                web_port: demo.web_port,
                speed: demo.speed,
                storm: demo.storm,
                levers: Levers { log: Some(lever), journal, ..Levers::default() },
            };
            let ended = app::demo(options, |line| say(&line), told_to_stop()).await;
            end_log(log).await;
            ended.map_or_else(|error| fatal(&chain(&error)), |()| ExitCode::SUCCESS)
        }
        Some(Command::Check { config }) => check(&Sources::from_process(config, overrides(None))),
        Some(Command::Explain(it)) => {
            let sources = Sources::from_process(it.from.config.clone(), overrides(it.from.data.clone()));
            explanation::explained(it, &sources).await
        }
        Some(Command::Discover(it)) => search::discovered(&it).await,
        Some(Command::Doctor(it)) => {
            let sources = Sources::from_process(it.from.config.clone(), overrides(it.from.data.clone()));
            diagnosis::diagnosed(&it, &sources).await
        }
        Some(Command::Simulate(it)) => {
            let sources = Sources::from_process(it.config.clone(), overrides(None));
            simulation::simulated(&it, &sources)
        }
        Some(Command::Emulate(emulate)) => {
            let (log, ..) = start_log(&plain_log());
            let code = emulation::emulated(emulate).await;
            end_log(log).await;
            code
        }
        Some(Command::Schema) => schema(),
        Some(Command::HashPassword) => hash_password(),
        Some(Command::Healthcheck { url, config, data }) => {
            let by_config = || app::health_url(&config::load(&Sources::from_process(config, overrides(data))));
            let healthy = async { web::healthcheck(&url.map_or_else(by_config, Ok)?).await };
            healthy.await.map_or_else(|words| fatal(&words), |()| ExitCode::SUCCESS)
        }
    }
}

async fn run(sources: Sources) -> ExitCode {
    // From now on: before that it would end the process, and until the bridge listens the config has just been read.
    let _reloads = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
    let loaded = config::load(&sources);
    let of = |loaded: &Result<Settings, Problems>| {
        loaded.as_ref().map_or_else(|problems| problems.partial.log.clone(), |settings| settings.log.clone())
    };
    let (log, lever, journal) = start_log(&of(&loaded));
    let mut loaded = loaded;
    let writer = Writer::new(sources);
    let levers = Levers { log: Some(lever.clone()), config: Some(writer.clone()), journal, ..Levers::default() };
    let told = CancellationToken::new();
    tokio::spawn(cancel_when_told(told.clone()));
    let code = loop {
        match bridge(loaded, levers.clone(), &told).await {
            Ok(Ended::Stopped) => break ExitCode::SUCCESS,
            Ok(Ended::Restart) if told.is_cancelled() => break ExitCode::SUCCESS,
            // An edit may have come just before the end.
            Ok(Ended::Restart) => loaded = writer.settled(),
            Err(code) => break code,
        }
        // What somebody set while it ran ends with the restart.
        if let Err(words) = lever.set(Some(&of(&loaded).level)) {
            tracing::warn!("the log goes on as it was: {words}");
        }
    };
    end_log(log).await;
    code
}

async fn bridge(
    loaded: Result<Settings, Problems>,
    levers: Levers,
    told: &CancellationToken,
) -> Result<Ended, ExitCode> {
    let clock = Clock::wall();
    let bridge = match loaded {
        Ok(settings) => {
            for warning in &settings.warnings {
                tracing::warn!("{warning}");
            }
            tracing::info!("heattrax {} starts; {}", app::VERSION, app::DEVICE_TIMERS);
            app::Bridge::start_with(settings, clock, levers).await
        }
        Err(problems) => {
            for problem in &problems.list {
                tracing::error!("{problem}");
            }
            tracing::error!(
                "setup mode: nothing is switched until the config is right; `heattrax check` tells when it is"
            );
            app::setup(problems, clock, levers).await
        }
    };
    let bridge = match bridge {
        Ok(bridge) => bridge,
        Err(error) => return Err(fatal(&chain(&error))),
    };
    let reloading = tokio::spawn(reload_when_told(bridge.handle().clone()));
    let ended = bridge.run_until(told.cancelled()).await;
    reloading.abort();
    ended.map_err(|died| fatal(&died.to_string()))
}

/// Listened for from the beginning to the end, whatever starts again meanwhile.
async fn cancel_when_told(told: CancellationToken) {
    told_to_stop().await;
    told.cancel();
}

/// Has the config read anew at each SIGHUP. One that is wrong changes nothing.
async fn reload_when_told(handle: Handle) {
    use tokio::signal::unix::{SignalKind, signal};
    // Without the signal there is still the restart.
    let Ok(mut told) = signal(SignalKind::hangup()) else { return };
    while told.recv().await.is_some() {
        tracing::info!("SIGHUP: the config is read anew");
        if let Err(failed) = handle.errand(Errand::Reload, RELOAD_WITHIN).await {
            tracing::error!("{failed}");
        }
    }
}

fn check(sources: &Sources) -> ExitCode {
    let loaded = config::load(sources);
    say(config::report(&loaded).trim_end());
    if let Ok(settings) = &loaded {
        let file = Writer::new(sources.clone()).file();
        app::foretold(settings, &file, Clock::wall().now()).iter().for_each(|it| say(it));
    }
    if loaded.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

/// Ends at SIGTERM or SIGINT.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = terminated.recv() => tracing::info!("stopping: SIGTERM"),
                _ = interrupted => tracing::info!("stopping: SIGINT"),
            }
        }
        // Without the one signal there is still the other.
        Err(_) => {
            let _ = interrupted.await;
        }
    }
}

fn schema() -> ExitCode {
    // `:#` is indented.
    say(&format!("{:#}", config::schema()));
    ExitCode::SUCCESS
}

/// The first line of the input, hashed.
fn hash_password() -> ExitCode {
    let mut line = String::new();
    if std::io::stdin().read_line(&mut line).is_err() {
        return fatal("the standard input cannot be read");
    }
    match web::hash_password(line.trim_end_matches(['\r', '\n'])) {
        Ok(hash) => {
            say(&hash);
            ExitCode::SUCCESS
        }
        Err(words) => refused(&words),
    }
}

/// A line for people. A reader that has gone away is no reason to fail.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// What was asked for cannot be understood.
fn refused(words: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "heattrax: {words}");
    ExitCode::from(2)
}

fn fatal(words: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "heattrax: {words}");
    ExitCode::FAILURE
}

/// An error with everything that led to it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}
