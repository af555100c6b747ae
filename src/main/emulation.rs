//! `heattrax emulate`: devices, or weather, that are not there.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use clap::Args;
use heattrax::{
    emulator::{
        self,
        storm::{Storm, StormOptions, recorded_csv},
    },
    hub::Clock,
    model::{Interval, Provider},
};
use tokio_util::sync::CancellationToken;

use crate::{chain, fatal, say, told_to_stop};

#[derive(Clone, Debug, Args)]
pub(crate) struct EmulateArguments {
    /// Address of the first device, or of the storm
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// Instead of devices a storm, as Open-Meteo, MET Norway, NWS, OpenWeatherMap and Pirate Weather would tell it: newark-2013,
    /// lincoln-2023, or a CSV file as `simulate` reads it. Its first precipitation comes within two and a half hours
    #[arg(long, value_name = "NAME|F", conflicts_with_all = ["model", "count", "user", "password", "load", "control", "udp"])]
    storm: Option<String>,
    /// What they are, in turn, such as P210M,EP40M: P210M, EP40M, P400M, P300, P110M, P100 and more
    #[arg(long, default_value = "P210M", value_delimiter = ',', value_name = "M,…")]
    model: Vec<emulator::Model>,
    /// How many devices
    #[arg(long, default_value_t = 1)]
    count: u16,
    /// The account that they accept
    #[arg(long, default_value = "user@example.com")]
    user: String,
    /// Its password
    #[arg(long, default_value = "hunter2")]
    password: String,
    /// Time that each answer takes, in milliseconds
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// What each outlet draws while it is on, in W
    #[arg(long, default_value_t = 0.0)]
    load: f64,
    /// Address of the control plane: GET /state; POST /press?slot=1, /load, /drift, /protect, /relay, /reset_meters, /sleep, /vanish, /come_back, /move, /reboot, /expire, /pass, /fault, /faults_over
    #[arg(long, value_name = "ADDR")]
    control: Option<SocketAddr>,
    /// Address at which clients that look for devices are answered (UDP); they ask on port 20002
    #[arg(long, value_name = "ADDR")]
    udp: Option<SocketAddr>,
}

pub(crate) async fn emulated(arguments: EmulateArguments) -> ExitCode {
    if let Some(storm) = &arguments.storm {
        return stormed(storm, arguments.listen).await;
    }
    let options = emulator::EmulateOptions {
        listen: arguments.listen,
        models: arguments.model,
        count: arguments.count,
        username: arguments.user,
        password: arguments.password,
        latency: Duration::from_millis(arguments.latency_ms),
        load: arguments.load,
        speed: 1.0,
        clock: Clock::wall().now(),
        control: arguments.control,
        discovery: arguments.udp,
    };
    let stop = CancellationToken::new();
    let stopper = stop.clone();
    tokio::spawn(async move {
        told_to_stop().await;
        stopper.cancel();
    });
    match emulator::emulate(options, stop).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fatal(&error.to_string()),
    }
}

/// The storm begins now, by the clock on the wall.
async fn stormed(name: &str, listen: SocketAddr) -> ExitCode {
    let hours = match recording(name).await {
        Ok(hours) => hours,
        Err(words) => return fatal(&words),
    };
    let Some(begins) = Storm::start_within(&hours) else { return fatal(&format!("{name} holds no hour")) };
    let clock = Clock::wall();
    // The hours of a recording stay on the hour, or the steps of six hours would not be those of the providers.
    let moved = clock.now().duration_since(begins).as_hours();
    let now = Arc::new(move || clock.now());
    let offset = jiff::SignedDuration::from_hours(moved);
    let storm = match Storm::start(StormOptions { listen, offset, ..StormOptions::of(hours, now) }).await {
        Ok(storm) => storm,
        Err(error) => return fatal(&chain(&error)),
    };
    say("weather_api:");
    for provider in Provider::ALL {
        let key = provider.name().replace('-', "_");
        say(&format!("  {key}: {{ base_url: \"{}\" }}", storm.base_url_of(provider)));
    }
    say(&format!("# curl http://{}/storm", storm.address()));
    say(&format!("# curl -X POST 'http://{}/storm/fault?kind=503&provider=nws'", storm.address()));
    told_to_stop().await;
    ExitCode::SUCCESS
}

/// One of the recordings that are part of the program, else a file.
async fn recording(name: &str) -> Result<Vec<Interval>, String> {
    if Storm::names().contains(&name) {
        return Storm::recorded(name).map_err(|error| chain(&error));
    }
    let names = Storm::names().join(", ");
    let bytes = tokio::fs::read(name).await;
    let bytes = bytes.map_err(|error| format!("{name} cannot be read ({error}), nor is it one of {names}"))?;
    recorded_csv(&bytes).map_err(|error| format!("{name}: {error}"))
}
