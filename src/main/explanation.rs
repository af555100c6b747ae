//! The `explain` command: its arguments, and how it ends.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use heattrax::{
    app,
    config::{self, Sources},
    hub::Clock,
    model::Secret,
};

use super::{RunArguments, refused, say};

#[derive(Clone, Debug, Args)]
pub(super) struct ExplainArguments {
    #[command(flatten)]
    pub(super) from: RunArguments,
    /// Only the outlets of this group
    #[arg(long, value_name = "G")]
    group: Option<String>,
    /// For this time: 2026-01-15T06:00:00Z, or 06:00 of today in the zone of the house [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// JSON for programs
    #[arg(long)]
    json: bool,
    /// A file with one of the bridge's `web.tokens`, where it has a password [default: HEATTRAX_TOKEN]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// The token of the file, else of the environment.
fn token(file: Option<&Path>) -> Result<Option<Secret>, String> {
    let Some(file) = file else {
        return Ok(std::env::var("HEATTRAX_TOKEN").ok().filter(|it| !it.is_empty()).map(Secret::new));
    };
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| format!("--token-file {} cannot be read: {error}", file.display()))?;
    Ok(Some(Secret::new(text.trim())))
}

/// Asks the running bridge, else what it remembers, and prints the answer.
pub(super) async fn explained(arguments: ExplainArguments, sources: &Sources) -> ExitCode {
    // No plug is spoken to: their account may be missing.
    let settings = match config::load_rules(sources) {
        Ok(settings) => settings,
        Err(problems) => return refused(config::report(&Err(problems)).trim_end()),
    };
    let ExplainArguments { from: _, group, at, json, token_file } = arguments;
    let token = match token(token_file.as_deref()) {
        Ok(token) => token,
        Err(words) => return refused(&words),
    };
    let options = app::ExplainOptions { group, at, json, token };
    match app::explain(&settings, options, Clock::wall().now()).await {
        Ok(answer) => {
            say(answer.trim_end());
            ExitCode::SUCCESS
        }
        Err(words) => refused(&words),
    }
}
