//! The `discover` command: its arguments, and how it ends.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::Args;
use heattrax::app;

use super::{fatal, say};

#[derive(Clone, Debug, Args)]
pub(super) struct DiscoverArguments {
    /// Who is asked: addresses of devices or broadcast addresses [default: every network of this machine]
    #[arg(long, value_name = "ADDR", num_args = 1.., value_delimiter = ',')]
    target: Vec<String>,
    /// How long answers are waited for, in seconds (1 to 60)
    #[arg(long, value_name = "S", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
    /// JSON for programs
    #[arg(long)]
    json: bool,
}

/// Prints what was found. 0 if anything was.
pub(super) async fn discovered(arguments: &DiscoverArguments) -> ExitCode {
    if std::io::stderr().is_terminal() {
        let _ = writeln!(std::io::stderr(), "waiting {} s for answers …", arguments.timeout);
    }
    let wait = Duration::from_secs(arguments.timeout);
    let found = app::discover(Arc::new(app::Sockets), &arguments.target, wait).await;
    if arguments.json {
        match serde_json::to_string_pretty(&found) {
            Ok(text) => say(&text),
            Err(error) => return fatal(&error.to_string()),
        }
    } else {
        say(&found.words());
    }
    if found.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
