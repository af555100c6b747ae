//! The command, as people run it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{MATS, storm, weather_csv};

struct Desk {
    folder: TempDir,
}

impl Desk {
    /// A config without an account or a broker, and two days of weather.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let config = format!(
            "units: metric\nlocation: {{latitude: 40.7, longitude: -74.0, timezone: America/New_York}}\n\
             devices:\n  groups:\n{MATS}"
        );
        fs::write(folder.path().join("house.yaml"), config).unwrap();
        fs::write(folder.path().join("storm.csv"), weather_csv(&storm())).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_on(&self.path("storm.csv"), arguments)
    }

    fn run_on(&self, weather: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_heattrax"));
        command.env_clear().current_dir(self.folder.path()).arg("simulate").arg("--weather").arg(weather);
        command.args(["--config", "house.yaml"]).args(arguments).output().unwrap()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn it_needs_no_account_and_no_broker_and_prints_a_table() {
    let output = Desk::new().run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("onsets met warm"), "{}", out(&output));
    assert!(!err(&output).contains('\r'), "progress is for terminals");
}

#[test]
fn it_writes_json_a_timeline_and_a_picture() {
    let desk = Desk::new();
    let output = desk.run(&["--json", "--timeline", "t.csv", "--plot", "p.svg", "--plot-from", "2013-01-15"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let json: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(json["on_hours"].as_f64(), Some(12.0));
    let timeline = fs::read_to_string(desk.path("t.csv")).unwrap();
    assert!(timeline.starts_with("time_utc,group,state,mode,reason\n13"));
    assert!(fs::read_to_string(desk.path("p.svg")).unwrap().starts_with("<svg "));
}

#[test]
fn options_reach_the_forecast() {
    let desk = Desk::new();
    let on_hours = |arguments: &[&str]| {
        let output = desk.run(&[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", err(&output));
        let json: Value = serde_json::from_str(&out(&output)).unwrap();
        json["on_hours"].as_f64().unwrap()
    };
    assert!((on_hours(&["--forecast-shift", "60"]) - 11.0).abs() < 0.1);
    assert!((on_hours(&["--forecast-shift", "-60"]) - 13.0).abs() < 1.1);
    assert!((on_hours(&["--forecast-bias", "-1.5"]) - 12.0).abs() < 0.1);
    assert!((on_hours(&["--null-hours", "100"]) - 11.0).abs() < 0.1);
    // Six hours after the last fetch it is off, until there is a forecast again.
    assert!((on_hours(&["--outage", "2013-01-15T17:30:00Z/9.5"]) - 8.0).abs() < 0.1);
    assert!((on_hours(&["--from", "2013-01-15T21:00:00Z", "--to", "2013-01-16", "--step", "5m"]) - 8.0).abs() < 0.1);
    assert!((on_hours(&["--outage-every", "1", "--outage-hours", "9"]) - 12.0).abs() < 3.1);
}

#[test]
fn wrong_arguments_end_with_2() {
    let desk = Desk::new();
    for (arguments, words) in [
        (vec!["--step", "1s"], "from 10s to 1h"),
        (vec!["--from", "yesterday"], "neither a time"),
        (vec!["--from", "2013-01-15T12:00:00"], "neither a time"),
        (vec!["--forecast-shift", "soon"], "is not a number of minutes"),
        (vec!["--forecast-bias", "99"], "-20 to 20"),
        (vec!["--null-hours", "101"], "percent, 0 to 100"),
        (vec!["--outage", "2013-01-15"], "FROM/HOURS"),
        (vec!["--outage-every", "3"], "--outage-hours"),
        (vec!["--plot-from", "2013-01-15"], "--plot"),
    ] {
        let output = desk.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(err(&output).contains(words), "{arguments:?}: {}", err(&output));
    }
}

#[test]
fn bad_files_end_with_1_and_their_place() {
    let desk = Desk::new();
    let weather = |name: &str, text: &str| {
        fs::write(desk.path(name), text).unwrap();
        let output = desk.run_on(&desk.path(name), &[]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        err(&output)
    };
    assert!(weather("a.csv", "time_utc,temp_c\n0,warm\n").contains("a.csv: line 2, column `temp_c`: `warm` is not"));
    assert!(weather("b.csv", "when\n").contains("no column `time_utc`"));
    assert!(weather("c.csv", "time_utc,temp_c\n").contains("the recording has no hours"));
    assert!(err(&desk.run_on(&desk.path("none.csv"), &[])).contains("none.csv"));
    let unwritable = desk.run(&["--timeline", "no/such/folder.csv"]);
    assert_eq!(unwritable.status.code(), Some(1));
    assert!(err(&unwritable).contains("cannot be written"));
    fs::write(desk.path("house.yaml"), "devices: 3\n").unwrap();
    let output = desk.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("house.yaml:1:10"), "{}", err(&output));
}

#[test]
fn an_account_that_is_a_placeholder_does_not_stand_in_the_way() {
    let desk = Desk::new();
    let config = fs::read_to_string(desk.path("house.yaml")).unwrap();
    let account = "devices:\n  credentials: {username: your_tapo_email@example.com, password_file: /no/such/file}\n";
    fs::write(desk.path("house.yaml"), config.replace("devices:\n", account)).unwrap();
    let output = desk.run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
}

#[test]
fn the_help_says_what_each_option_does() {
    let output = Desk::new().run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    for option in
        ["--from", "--step", "--forecast-shift", "--forecast-bias", "--null-hours", "--outage", "--json", "--plot"]
    {
        assert!(out(&output).contains(option), "{option}");
    }
}
