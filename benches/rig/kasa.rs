//! python-kasa, beside whom we are measured.
use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::{ACCOUNT, Fleet};

/// python-kasa in a process of its own. It waits at its marks until the requests were counted.
pub(crate) struct Kasa {
    child: Child,
    says: BufReader<ChildStdout>,
    hears: ChildStdin,
}

impl Kasa {
    pub(crate) fn start(fleet: &Fleet, more: &[&str]) -> Option<Self> {
        let Some(python) = env::var_os("HEATTRAX_KASA_PYTHON") else {
            println!("python-kasa: left out, HEATTRAX_KASA_PYTHON names no Python that has it");
            return None;
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/kasa/bench.py");
        let (first, count) = (fleet.first.to_string(), fleet.count.to_string());
        let given = ["--first", &first, "--count", &count, "--user", ACCOUNT.0, "--password", ACCOUNT.1];
        let mut command = Command::new(python);
        command.arg(script).args(given).args(more).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (says, hears) = (BufReader::new(child.stdout.take().unwrap()), child.stdin.take().unwrap());
        Some(Self { child, says, hears })
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "python-kasa has ended early");
        line
    }

    /// The times of what it did, and how many requests the plugs have counted for each kind.
    pub(crate) async fn run(mut self, fleet: &Fleet) -> [(Vec<Duration>, f64); 3] {
        let mut counted = Vec::new();
        for _ in 0..4 {
            self.line();
            counted.push(fleet.tally().await.requests);
            self.hears.write_all(b"counted\n").unwrap();
        }
        let said: Value = serde_json::from_str(&self.line()).unwrap();
        self.child.wait().unwrap();
        ["switch", "poll", "round"].map(|name| {
            let times = said[name].as_array().unwrap().iter();
            let times: Vec<_> = times.map(|it| Duration::from_secs_f64(it.as_f64().unwrap() / 1000.0)).collect();
            let at = ["switch", "poll", "round"].iter().position(|it| *it == name).unwrap();
            let requests = (counted[at + 1] - counted[at]) as f64 / times.len().max(1) as f64;
            (times, requests)
        })
    }
}
