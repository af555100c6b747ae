use heattrax::{
    emulator::storm::{Storm, recorded_csv},
    model::Celsius,
};
use jiff::SignedDuration;
use proptest::prelude::*;

const HEAD: &str = "time_utc,temp_c,dewp_c,rh,wind_ms,precip_mm,cloud,wx\n";

fn rows(rows: &str) -> Result<Vec<heattrax::model::Interval>, String> {
    recorded_csv(format!("{HEAD}{rows}").as_bytes()).map_err(|it| it.to_string())
}

#[test]
fn every_recording_reads_and_ascends() {
    for (name, hours) in [("newark-2013", 8702), ("lincoln-2023", 744)] {
        let recorded = Storm::recorded(name).unwrap();
        assert_eq!(recorded.len(), hours);
        assert!(recorded.windows(2).all(|pair| pair[0].end <= pair[1].start));
        assert!(recorded.iter().all(|it| it.end.duration_since(it.start) == SignedDuration::from_hours(1)));
    }
    assert!(Storm::recorded("atlantis").unwrap_err().to_string().contains("newark-2013, lincoln-2023"));
}

#[test]
fn precipitation_begins_two_and_a_half_hours_after_a_storms_start() {
    for name in Storm::names() {
        let start = Storm::start_of(name).unwrap();
        let hours = Storm::recorded(name).unwrap();
        let fall = hours.iter().find(|it| it.end > start && it.precipitation.unwrap_or_default() > 0.0).unwrap();
        assert_eq!(fall.start.duration_since(start), SignedDuration::from_mins(150), "{name}");
        assert!(fall.temperature.unwrap() <= Celsius(1.0), "{name}");
    }
    assert_eq!(Storm::start_of("atlantis"), None);
}

#[test]
fn a_row_is_the_hour_that_starts_there() {
    let hours = rows("3600,-1.5,-2,95,3.1,0.4,0.5,St\n7200,,,,,,,\n").unwrap();
    let first = &hours[0];
    assert_eq!((first.start.as_second(), first.end.as_second()), (3600, 7200));
    assert_eq!(first.temperature, Some(Celsius(-1.5)));
    assert_eq!(first.dew_point, Some(Celsius(-2.0)));
    assert_eq!((first.humidity, first.wind, first.precipitation), (Some(95.0), Some(3.1), Some(0.4)));
    assert_eq!((first.cloud, first.code), (Some(0.5), Some(71)));
    let second = &hours[1];
    assert_eq!((second.temperature, second.precipitation, second.code, second.cloud), (None, None, None, None));
}

#[test]
fn columns_may_stand_anywhere_and_further_ones_are_ignored() {
    let text = "\u{feff}wx, ghi ,precip_mm,time_utc\r\nR,9,3.0,0\r\n\r\n";
    let hours = recorded_csv(text.as_bytes()).unwrap();
    assert_eq!((hours[0].precipitation, hours[0].code, hours[0].temperature), (Some(3.0), Some(65), None));
}

#[test]
fn letters_become_the_code_of_the_most_severe() {
    for (letters, amount, temperature, code) in [
        ("S", "0.2", "-3", Some(71)),
        ("S", "1.5", "-3", Some(73)),
        ("S", "4", "-3", Some(75)),
        ("St", "0", "-3", Some(71)),
        ("FRS", "1", "0", Some(66)),
        ("F", "3", "0", Some(67)),
        ("SZ", "0.1", "0", Some(71)),
        ("Rt", "0.3", "5", Some(61)),
        ("U", "0.3", "0.6", Some(71)),
        ("U", "0.3", "5", Some(61)),
        ("Z", "0", "-2", Some(48)),
        ("G", "0", "2", Some(45)),
        ("", "2", "-2", None),
        ("t", "0", "-2", None),
    ] {
        let hours = rows(&format!("0,{temperature},,,,{amount},,{letters}\n")).unwrap();
        assert_eq!(hours[0].code, code, "{letters} {amount} {temperature}");
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    for (text, words) in [
        ("noon,1,,,,,,", "line 2, column `time_utc`: `noon` is not a time in unix seconds"),
        (",1,,,,,,", "line 2, column `time_utc`: `` is not"),
        ("99999999999999,1,,,,,,", "a time in unix seconds"),
        ("0,warm,,,,,,", "line 2, column `temp_c`: `warm` is not a temperature"),
        ("0,NaN,,,,,,", "column `temp_c`: `NaN`"),
        ("0,1,,101,,,,", "column `rh`: `101`"),
        ("0,1,,,,-1,,", "column `precip_mm`: `-1`"),
        ("0,1,,,,,40,", "column `cloud`: `40` is not a cover of 0 to 1"),
        ("0,1,,,,,,BR", "line 2, column `wx`: `BR` is not letters of S, F, R, U, Z, G and t"),
        ("0,1,,,,,,\n3600,1,,", "line 3: there are 4 fields, the first line names 8 columns"),
        ("0,1,,,,,,\n\n1800,1,,,,,,", "line 4, column `time_utc`: `1800` is not at least an hour after"),
    ] {
        let error = rows(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
    assert!(recorded_csv(b"when,temp_c\n").unwrap_err().to_string().contains("no column `time_utc`"));
    let twice = recorded_csv(b"time_utc,temp_c,temp_c\n").unwrap_err().to_string();
    assert_eq!(twice, "line 1, column `temp_c`: it is named twice");
    assert!(recorded_csv(b"\xff\xfe").is_err());
    assert!(recorded_csv(b"\x1f\x8b damaged").is_err());
    assert_eq!(rows("").unwrap(), []);
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_or_hours(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = recorded_csv(&bytes);
        let _ = recorded_csv(&[HEAD.as_bytes(), &bytes].concat());
        let _ = recorded_csv(&[b"\x1f\x8b", bytes.as_slice()].concat());
    }

    #[test]
    fn any_text_is_an_error_or_hours(text in "([0-9.,SFRZa-zé-]{0,40}\n){0,5}") {
        let _ = rows(&text);
    }
}
