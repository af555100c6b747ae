//! No bytes upset this parser.
#![no_main]

use heattrax::weather::open_meteo;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The middle of the made answers in tests/data/weather, which make a good corpus.
    let now = Timestamp::from_second(1_768_475_700).unwrap_or_default();
    let _ = open_meteo::parse_quarters(bytes, now);
});
