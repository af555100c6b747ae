//! What is printed and written.

use heattrax::simulate::{self, Options, Outcome};
use serde_json::Value;

use crate::{START, mats, recording, storm};

fn outcome() -> Outcome {
    simulate::run(&mats(), &recording(&storm()), &Options::default(), |_| {}).unwrap()
}

#[test]
fn the_json_begins_with_what_the_contract_names() {
    let json = simulate::json(&outcome());
    let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let contract = [
        "hours",
        "on_hours",
        "kwh",
        "starts",
        "short_runs",
        "longest_run_hours",
        "wasted_hours",
        "precipitation",
        "frost",
        "safety_violations",
        "seconds_taken",
    ];
    assert_eq!(keys[..contract.len()], contract);
    let inner = |key: &str| json[key].as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(inner("precipitation"), ["hours", "covered_pct", "onsets", "warm_onsets", "warm_onset_pct"]);
    assert_eq!(inner("frost"), ["hours", "covered_pct"]);
    assert_eq!((json["hours"].as_f64(), json["on_hours"].as_f64()), (Some(48.0), Some(12.0)));
    assert_eq!(json["frost"]["covered_pct"], Value::Null, "percent of nothing");
    assert_eq!(json["groups"]["mats"]["refreeze"]["hours"].as_f64(), Some(0.0));
    assert_eq!((json["group"].as_str(), json["violations"].as_array().map(Vec::len)), (Some("mats"), Some(0)));
}

#[test]
fn the_table_names_each_figure_and_what_was_assumed() {
    let outcome = outcome();
    let table = simulate::table(&outcome, &mats().zone);
    for words in [
        "2013-01-14 19:00 to 2013-01-16 19:00",
        "onsets met warm               1 of 1 (100 %)",
        "breaches of safety                           0",
        "frost, h: of it on                        0: -",
        "mats: outlets without `rated_watts` count as 1500 W each",
        "percent of nothing",
    ] {
        assert!(table.contains(words), "{words}\n{table}");
    }
}

#[test]
fn the_timeline_has_a_row_for_each_change() {
    let text = simulate::timeline(&outcome());
    let at = |hour: i64| START + 3600 * hour;
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("time_utc,group,state,mode,reason"));
    // What fell before the recording begins is not known.
    let unknown = "\"schedule `Storm, all day` is silent: precipitation is unknown\"";
    let waits = "\"schedule `Storm, all day` waits: no precipitation now or near\"";
    let active = "\"schedule `Storm, all day` is active\"";
    let rest: Vec<String> = lines.map(str::to_owned).collect();
    assert_eq!(
        rest,
        [
            format!("{},mats,OFF,idle,{unknown}", at(0)),
            format!("{},mats,ON,schedule,{active}", at(19)),
            format!("{},mats,OFF,idle,{waits}", at(31)),
        ]
    );
}

/// Every tag is closed, in its order; quotes and angles are escaped.
fn is_well_formed(svg: &str) -> bool {
    let mut open: Vec<&str> = Vec::new();
    for tag in svg.split('<').skip(1) {
        let Some((tag, text)) = tag.split_once('>') else { return false };
        if text.contains('>') || tag.matches('"').count() % 2 != 0 {
            return false;
        }
        let name = tag.split_whitespace().next().unwrap_or_default().trim_end_matches('/');
        match name.strip_prefix('/') {
            Some(name) if open.pop() != Some(name) => return false,
            Some(_) => {}
            None if tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    open.is_empty() && svg.starts_with("<svg ") && svg.ends_with("</svg>\n")
}

#[test]
fn the_picture_is_a_well_formed_svg_of_a_week() {
    let (outcome, zone) = (outcome(), mats().zone.clone());
    let from = simulate::busiest_week(&outcome, &zone);
    assert_eq!(from.to_string(), "2013-01-14");
    let svg = simulate::plot(&outcome, &recording(&storm()), &zone, from);
    assert!(is_well_formed(&svg), "{svg}");
    for words in
        ["Mon 14 Jan 2013", "unheated walk", "mats", "frozen precipitation", "schedule: schedule `Storm, all day`"]
    {
        assert!(svg.contains(words), "{words}");
    }
    assert_eq!(svg.matches("<title>1.0 mm</title>").count(), 10);
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    let later = simulate::plot(&outcome, &recording(&storm()), &zone, "2013-03-01".parse().unwrap());
    assert!(is_well_formed(&later) && !later.contains("1.0 mm<"), "a week without weather is an empty picture");
}

#[test]
fn the_check_of_the_picture_can_fail() {
    assert!(!is_well_formed("<svg ><a></svg>\n"));
    assert!(!is_well_formed("<svg >x > y</svg>\n"));
}
