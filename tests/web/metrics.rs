//! Figures for Prometheus, read by the rules of its text format.

use std::collections::{BTreeMap, BTreeSet};

use heattrax::model::{Availability, Broker};

use crate::{Room, house, info};

/// Name, labels, value.
fn read(line: &str) -> (String, String, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
    let (name, labels) =
        series.split_once('{').map_or((series, ""), |(name, rest)| (name, rest.strip_suffix('}').unwrap()));
    let good = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == ':';
    assert!(name.chars().all(good) && !name.starts_with(|it: char| it.is_ascii_digit()), "{line}");
    (name.to_owned(), labels.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
}

#[tokio::test]
async fn every_line_is_what_prometheus_reads_and_belongs_to_a_family() {
    let room = Room::start(info(), house(Broker::Connected, Availability::Online)).await;
    let answer = room.say("GET /metrics HTTP/1.1\r\nHost: localhost\r\n").await;
    assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
    let (_, text) = room.get("/metrics").await;
    let mut kinds = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["gauge", "counter", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} twice");
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (name, labels, value) = read(line);
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|it| name.strip_suffix(it)).unwrap_or(&name);
        assert!(kinds.contains_key(base) || kinds.contains_key(&name), "{line} belongs to no family");
        assert!(value.is_finite() && seen.insert((name, labels)), "{line} twice, or no figure");
    }
    for wanted in [
        "heattrax_broker_connected 1",
        "heattrax_device_operation_seconds_bucket{device=\"porch\",operation=\"poll\",le=\"+Inf\"} 0",
        "heattrax_build_info{version=\"1.2.3\"} 1",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
}
