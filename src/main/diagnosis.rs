//! The `doctor` command: its arguments, and how it ends.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
};

use clap::Args;
use heattrax::{
    app::{self, Line, Verdict},
    config::{self, Sources},
    hub::Clock,
};

use super::{RunArguments, fatal, say};

#[derive(Clone, Debug, Args)]
pub(super) struct DoctorArguments {
    #[command(flatten)]
    pub(super) from: RunArguments,
    /// JSON for programs
    #[arg(long)]
    json: bool,
}

/// Prints what was found. 0 if nothing has failed.
pub(super) async fn diagnosed(arguments: &DoctorArguments, sources: &Sources) -> ExitCode {
    let lines = match config::load(sources) {
        Ok(settings) => {
            if std::io::stderr().is_terminal() {
                let _ = writeln!(
                    std::io::stderr(),
                    "asking {} devices, the broker and the weather …",
                    settings.devices.len()
                );
            }
            app::doctor(&settings, Arc::new(app::Sockets), Clock::wall().now()).await
        }
        Err(problems) => app::unread(&problems),
    };
    if arguments.json {
        match serde_json::to_string_pretty(&lines) {
            Ok(text) => say(&text),
            Err(error) => return fatal(&error.to_string()),
        }
    } else {
        lines.iter().for_each(|it| say(&it.to_string()));
        say(&last(&lines));
    }
    if lines.iter().any(|it| it.verdict == Verdict::Fail) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn last(lines: &[Line]) -> String {
    let count = |verdict| lines.iter().filter(|it| it.verdict == verdict).count();
    match (count(Verdict::Fail), count(Verdict::Warn)) {
        (0, 0) => "all is well".to_owned(),
        (0, warnings) => format!("all works; worth a look: {warnings}"),
        (failures, warnings) => format!("does not work: {failures}, worth a look: {warnings}"),
    }
}
