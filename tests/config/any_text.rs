//! Whatever the file holds: no panic, and a place inside the text for every problem.

use std::collections::BTreeMap;

use heattrax::config::{self, Place, Sources};
use proptest::prelude::*;

use crate::{parse, parse_with};

const VALID: &str = include_str!("seed.yaml");
const EXAMPLE: &str = include_str!("../../config/heattrax.yaml");
const SNOW_MELT: &str = include_str!("../../config/snow-melt.yaml");

fn places_are_inside(text: &str) {
    let Err(problems) = parse(text) else { return };
    let lines: Vec<&str> = text.lines().collect();
    assert!(!problems.list.is_empty());
    assert!(problems.list.is_sorted());
    for problem in &problems.list {
        let Place::File { line, column, .. } = &problem.place else { panic!("{problem}") };
        let (line, column) = (usize::try_from(*line).unwrap(), usize::try_from(*column).unwrap());
        assert!((1..=lines.len().max(1)).contains(&line), "{problem}\n{text}");
        let length = lines.get(line - 1).map_or(0, |line| line.chars().count());
        assert!((1..=length + 1).contains(&column), "{problem}\n{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused_with_a_place(text in "\\PC{0,200}") {
        places_are_inside(&text);
    }

    #[test]
    fn anything_like_yaml_is_read_or_refused_with_a_place(
        text in "([a-z]{1,6}|[:\\-\\[\\]{}\"'!&*|>%@#,?~]|\n|  |\t|: |- |0x1f|1e9|\\.nan|mqtt:|devices:|on:|<<: ){0,60}"
    ) {
        places_are_inside(&text);
    }

    #[test]
    fn a_valid_file_with_a_wound_is_read_or_refused_with_a_place(
        from in 0.0..1.0, length in 0usize..40, put in "([a-z]|[:\\-\\[\\]{}\"'!&*|>\n #]|-1|1e999|\\.inf|null|true){0,8}"
    ) {
        for text in [VALID, EXAMPLE, SNOW_MELT] {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a test")]
            let start = (text.len() as f64 * from) as usize;
            let mut chars: Vec<char> = text.chars().collect();
            let start = start.min(chars.len());
            let end = (start + length).min(chars.len());
            chars.splice(start..end, put.chars());
            places_are_inside(&chars.into_iter().collect::<String>());
        }
    }

    #[test]
    fn any_environment_is_read_or_refused(
        name in "HEATTRAX_[A-Z_]{0,30}", value in "\\PC{0,30}",
        known in prop::sample::select(vec!["HEATTRAX_LATITUDE", "HEATTRAX_WEB_PORT", "HEATTRAX_MQTT__HOST",
            "HEATTRAX_DEVICES__GROUPS", "HEATTRAX_LOG", "HEATTRAX_TIMEZONE", "HEATTRAX_WEATHER_PROVIDER"]),
    ) {
        let env = BTreeMap::from([(name, value.clone()), (known.to_owned(), value)]);
        let _ = parse_with(VALID, &env);
    }
}

#[test]
fn any_bytes_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("house.yaml");
    let bytes: Vec<u8> = (0..=255).cycle().take(4096).collect();
    for window in bytes.windows(64).step_by(61) {
        std::fs::write(&file, window).unwrap();
        assert!(config::load(&Sources { file: Some(file.clone()), ..Sources::default() }).is_err());
    }
}

#[test]
fn bombs_are_refused() {
    let bomb = {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let alias = format!("*a{}", level - 1);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 9].join(", ")));
        }
        text
    };
    let texts = [
        bomb,
        "[".repeat(100_000),
        "a:\n".repeat(100_000),
        "{a: ".repeat(10_000),
        (0..5_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
        "- ".repeat(50_000),
        "x".repeat(2_000_000),
        "a: &a [*a]".to_owned(),
        format!("devices: {{groups: {{{}}}}}", (0..10_000).map(|it| format!("g{it}: {{}}, ")).collect::<String>()),
    ];
    // Without the reader's limits this takes hours, or all memory.
    for text in texts {
        assert!(parse(&text).is_err());
    }
}
