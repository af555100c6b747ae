//! What a winter costs: the recorded hours of Newark, 2013, at one-minute steps through the recommended config.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::{collections::BTreeMap, fs, hint::black_box};

use criterion::{Criterion, criterion_group, criterion_main};
use heattrax::{
    config::{self, Overrides},
    recorded,
    simulate::{self, Options},
};
use jiff::{SignedDuration, Timestamp};

const CONFIG: &str = r#"
location: {latitude: 40.6895, longitude: -74.1745, timezone: America/New_York}
units: metric
devices:
  credentials: {username: ann@example.org, password: not-used-here}
  groups:
    mats:
      items: [{name: Walk, ip_address: 192.0.2.1, outlets: [0], rated_watts: 1500}]
      melt: {enabled: true}
"#;

fn winter(criterion: &mut Criterion) {
    let settings = config::parse("bench", CONFIG, &BTreeMap::new(), &Overrides::default()).unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/weather/nyc_EWR_2013.csv.gz");
    let weather = recorded::read(&fs::read(file).unwrap()).unwrap();
    let from: Timestamp = "2013-01-01T06:00:00Z".parse().unwrap();
    let run =
        |hours: i64| Options { from: Some(from), to: Some(from + SignedDuration::from_hours(hours)), ..<_>::default() };
    let mut group = criterion.benchmark_group("simulate");
    group.sample_size(10);
    for (name, hours) in [("a winter, 3600 h at one minute", 3600), ("a year, 8700 h at one minute", 8700)] {
        group.bench_function(name, |bench| {
            bench.iter(|| simulate::run(&settings.control, black_box(&weather), &run(hours), |_| {}).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, winter);
criterion_main!(benches);
