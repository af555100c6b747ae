//! `heattrax simulate`: its arguments, its files, its progress.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use heattrax::{
    config::{self, Sources},
    recorded::{self, Recording},
    simulate::{self, Options, Outage, When},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use super::{chain, fatal, say};

/// Outages that `--outage-every` makes.
const MOST_OUTAGES: i64 = 4096;

#[derive(Clone, Debug, Args)]
pub(super) struct SimulateArguments {
    /// Recorded weather: CSV, packed with gzip or not; see examples/weather
    #[arg(long, value_name = "F.csv[.gz]")]
    weather: PathBuf,
    /// The config file [default: as for `run`]. It needs no account of the plugs
    #[arg(long, value_name = "F")]
    pub(super) config: Option<PathBuf>,
    /// Begin here: 2013-01-01T06:00:00Z, or a local date [default: the beginning of the weather]
    #[arg(long, value_name = "T", value_parser = simulate::parse_when)]
    from: Option<When>,
    /// End here [default: the end of the weather]
    #[arg(long, value_name = "T", value_parser = simulate::parse_when)]
    to: Option<When>,
    /// Time between two looks, 10s to 1h
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = simulate::parse_step)]
    step: SignedDuration,
    /// The forecast is late by so many minutes: the weather comes that much earlier than forecast (negative: later)
    #[arg(long, value_name = "MIN", default_value = "0", allow_negative_numbers = true, value_parser = simulate::parse_shift)]
    forecast_shift: SignedDuration,
    /// Added to every temperature and dew point that is forecast, in °C; the present stays true
    #[arg(long, value_name = "C", default_value = "0", allow_negative_numbers = true, value_parser = simulate::parse_bias)]
    forecast_bias: f64,
    /// Nothing is known of this share of the hours ahead, in percent
    #[arg(long, value_name = "PCT", default_value = "0", value_parser = simulate::parse_null)]
    null_hours: f64,
    /// No forecast is fetched from FROM on for HOURS; may be repeated
    #[arg(long, value_name = "FROM/HOURS", value_parser = simulate::parse_outage)]
    outage: Vec<Outage>,
    /// No forecast is fetched for --outage-hours, every so many days
    #[arg(long, value_name = "DAYS", requires = "outage_hours", value_parser = clap::value_parser!(u32).range(1..=366))]
    outage_every: Option<u32>,
    /// How long each of those outages lasts
    #[arg(long, value_name = "H", requires = "outage_every", value_parser = clap::value_parser!(u32).range(1..=8784))]
    outage_hours: Option<u32>,
    /// Show beside it what a 35/45 °F thermostat plug and the predecessor's storm rule would have done
    #[arg(long)]
    compare: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Write each change of a group: time_utc,group,state,mode,reason
    #[arg(long, value_name = "OUT.csv")]
    timeline: Option<PathBuf>,
    /// Write a week as a picture
    #[arg(long, value_name = "OUT.svg")]
    plot: Option<PathBuf>,
    /// The first date of that week [default: the week with the most frozen precipitation]
    #[arg(long, value_name = "DATE", requires = "plot")]
    plot_from: Option<Date>,
}

/// Runs it, and prints what came of it.
pub(super) fn simulated(arguments: &SimulateArguments, sources: &Sources) -> ExitCode {
    match outcome(arguments, sources) {
        Ok(text) => {
            say(text.trim_end());
            ExitCode::SUCCESS
        }
        Err(words) => fatal(&words),
    }
}

fn outcome(arguments: &SimulateArguments, sources: &Sources) -> Result<String, String> {
    let settings = config::load_rules(sources).map_err(|it| format!("the config cannot be used\n{it}"))?;
    for warning in &settings.warnings {
        let _ = writeln!(std::io::stderr(), "warning: {warning}");
    }
    let zone = &settings.control.zone;
    let recording = recording(&arguments.weather)?;
    let options = options(arguments, &recording, zone);
    let shown = std::io::stderr().is_terminal();
    let outcome = simulate::run(&settings.control, &recording, &options, |share| {
        if shown {
            let _ = write!(std::io::stderr(), "\r{:3.0} %", share * 100.0);
        }
    });
    if shown {
        let _ = write!(std::io::stderr(), "\r     \r");
    }
    let outcome = outcome.map_err(|it| it.to_string())?;
    if let Some(path) = &arguments.timeline {
        written(path, &simulate::timeline(&outcome))?;
    }
    if let Some(path) = &arguments.plot {
        let from = arguments.plot_from.unwrap_or_else(|| simulate::busiest_week(&outcome, zone));
        written(path, &simulate::plot(&outcome, &recording, zone, from))?;
    }
    Ok(if arguments.json { simulate::json(&outcome).to_string() } else { simulate::table(&outcome, zone) })
}

fn recording(path: &Path) -> Result<Recording, String> {
    let bytes = std::fs::read(path).map_err(|it| format!("{}: {it}", path.display()))?;
    recorded::read(&bytes).map_err(|it| format!("{}: {}", path.display(), chain(&it)))
}

fn written(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|it| format!("{} cannot be written: {it}", path.display()))
}

fn options(arguments: &SimulateArguments, recording: &Recording, zone: &TimeZone) -> Options {
    let first = recording.hours.first().map(|it| it.interval.start);
    let from = arguments.from.map(|it| it.instant(zone));
    let mut outages: Vec<(Timestamp, Timestamp)> = arguments.outage.iter().map(|it| it.instants(zone)).collect();
    let begin = from.or(first).unwrap_or(Timestamp::UNIX_EPOCH);
    if let Some((days, hours)) = arguments.outage_every.zip(arguments.outage_hours) {
        let later = |hours: i64| begin.checked_add(SignedDuration::from_hours(hours)).ok();
        let every = (1..=MOST_OUTAGES).map(|number| number * i64::from(days) * 24);
        outages.extend(every.map_while(|at| later(at).zip(later(at + i64::from(hours)))));
    }
    Options {
        from,
        to: arguments.to.map(|it| it.instant(zone)),
        step: arguments.step,
        shift: arguments.forecast_shift,
        bias: arguments.forecast_bias,
        null_percent: arguments.null_hours,
        outages,
        compare: arguments.compare,
    }
}
