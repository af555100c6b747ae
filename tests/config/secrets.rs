//! Secrets are read from files too, and are never shown.

use std::collections::BTreeMap;

use heattrax::config::{self, Overrides, Sources};

use crate::{SMALL, env, parse_with, small_and};

const SECRET: &str = "S3cr3t-Zx9";

/// A config with a secret wherever one may be.
fn full_of_secrets() -> String {
    small_and(
        "web: {pin: S3cr3t-Zx9, password: S3cr3t-Zx9, auth: {enabled: false, password_hash: S3cr3t-Zx9}}
weather_api: {openweathermap: {api_key: S3cr3t-Zx9}}
notifications:
  email: {enabled: false, smtp_password: S3cr3t-Zx9}
  webhook: {enabled: true, url: \"https://example.org/S3cr3t-Zx9\", headers: {Authorization: S3cr3t-Zx9}}
  ntfy: {enabled: true, topic: S3cr3t-Zx9, token: S3cr3t-Zx9}
",
    )
    .replace("hunter22", SECRET)
    .replace("{host: localhost}", "{host: localhost, username: me, password: S3cr3t-Zx9}")
}

#[test]
fn secrets_are_not_in_what_is_shown_or_printed() {
    let settings = parse_with(&full_of_secrets(), &BTreeMap::new()).unwrap();
    assert_eq!(settings.credentials.password.reveal(), SECRET);
    assert_eq!(settings.mqtt.as_ref().unwrap().password.as_ref().unwrap().reveal(), SECRET);
    for text in [format!("{settings:?}"), settings.shown.to_string(), settings.warnings.join("\n")] {
        assert!(!text.contains(SECRET), "{text}");
    }
    assert_eq!(settings.shown["devices"]["credentials"]["password"], "********");
    assert_eq!(settings.shown["mqtt"]["password"], "********");
    assert_eq!(settings.shown["web"]["pin"], "********");
}

#[test]
fn secrets_are_not_in_problems_whatever_is_wrong() {
    let whole = full_of_secrets();
    let mut texts: Vec<String> = Vec::new();
    let around = [("[", "]"), ("{a: ", "}"), ("[", ""), ("\"", ""), ("'", ""), ("a: ", "")];
    let before = ["!!int ", "!!binary ", "*", "&", "!", "!<", "@", "%", "`", "| ", "> ", "- ", "? ", "\t"];
    for at in whole.match_indices(SECRET).map(|(at, _)| at) {
        let (head, tail) = (&whole[..at], &whole[at + SECRET.len()..]);
        for (before, after) in around.into_iter().chain(before.map(|it| (it, ""))) {
            texts.push(format!("{head}{before}{SECRET}{after}{tail}"));
        }
    }
    texts.push(whole.replace("{username: ann@example.org, password: S3cr3t-Zx9}", SECRET));
    texts.push(whole.replace("password:", "pasword:"));
    texts.push(whole.replace("smtp_password:", "smtp_pasword:").replace("enabled: false", "enabled: true"));
    for text in texts {
        let Err(problems) = parse_with(&text, &BTreeMap::new()) else { continue };
        for shown in [problems.to_string(), format!("{problems:?}"), problems.warnings.join("\n")] {
            assert!(!shown.contains(SECRET), "{shown}\n{text}");
        }
    }
}

#[test]
fn the_environment_is_not_printed() {
    let sources = Sources { env: env(&[("HEATTRAX_TAPO_PASSWORD", SECRET)]), ..Sources::default() };
    let printed = format!("{sources:?}");
    assert!(printed.contains("HEATTRAX_TAPO_PASSWORD") && !printed.contains(SECRET), "{printed}");
}

#[test]
fn a_secret_may_be_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    let path = file.to_string_lossy();
    let text = SMALL
        .replace("password: hunter22", &format!("password_file: {path}"))
        .replace("{host: localhost}", &format!("{{host: localhost, password_file: {path}}}"));
    let settings = parse_with(&text, &BTreeMap::new()).unwrap();
    assert_eq!(settings.credentials.password.reveal(), SECRET);
    assert_eq!(settings.mqtt.unwrap().password.unwrap().reveal(), SECRET);

    // The stronger source wins, whichever of the two forms it takes.
    let env_file = env(&[
        ("HEATTRAX_TAPO_USERNAME_FILE", &path),
        ("HEATTRAX_TAPO_PASSWORD_FILE", &path),
        ("HEATTRAX_MQTT__PASSWORD_FILE", &path),
    ]);
    let settings = parse_with(SMALL, &env_file).unwrap();
    assert_eq!((settings.credentials.username.as_str(), settings.credentials.password.reveal()), (SECRET, SECRET));
    assert_eq!(settings.mqtt.unwrap().password.unwrap().reveal(), SECRET);
    let settings = parse_with(&text, &env(&[("HEATTRAX_TAPO_PASSWORD", "from-env")])).unwrap();
    assert_eq!(settings.credentials.password.reveal(), "from-env");
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_string_lossy();
    for path in ["/no/such/file", &folder] {
        let problems = parse_with(SMALL, &env(&[("HEATTRAX_TAPO_PASSWORD_FILE", path)])).unwrap_err();
        assert_eq!(problems.list.len(), 1, "{problems}");
        let start =
            format!("environment HEATTRAX_TAPO_PASSWORD_FILE: devices.credentials.password_file: found \"{path}\": ");
        assert!(problems.list[0].to_string().starts_with(&start), "{problems}");
    }
    let both = env(&[("HEATTRAX_TAPO_PASSWORD_FILE", "/x"), ("HEATTRAX_TAPO_PASSWORD", "y")]);
    let problems = parse_with(SMALL, &both).unwrap_err();
    assert!(problems.list[0].to_string().contains("one of the two"), "{problems}");
}

#[test]
fn a_secret_of_digits_keeps_every_digit() {
    let text = SMALL.replace("hunter22", "0012.50");
    let settings = parse_with(&text, &BTreeMap::new()).unwrap();
    assert_eq!(settings.credentials.password.reveal(), "0012.50");
}

#[test]
fn a_problem_of_a_secret_s_own_place_names_no_value() {
    let outcome = config::parse(
        "house.yaml",
        &SMALL.replace("hunter22", "[S3cr3t-Zx9]"),
        &BTreeMap::new(),
        &Overrides::default(),
    );
    let report = config::report(&outcome);
    assert!(report.contains("devices.credentials.password: found a list; allowed: text"), "{report}");
}
