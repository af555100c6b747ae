//! The environment as a layer: the seed's names, and for every key its path with double underscores.

use std::collections::BTreeMap;

use super::{
    problem::{Place, Problem},
    sources::Overrides,
    tree::{Kind, Node},
};

const PREFIX: &str = "HEATTRAX_";

/// The names with single underscores, without the prefix, and the keys that they set.
const NAMES: &[(&str, &str)] = &[
    ("CHECK_INTERVAL_MINUTES", "scheduler.check_interval_minutes"),
    ("COOLDOWN_MINUTES", "safety.cooldown_minutes"),
    ("DATA", "data"),
    ("FORECAST_HOURS", "scheduler.forecast_hours"),
    ("HEALTH_CHECK_INTERVAL_HOURS", "health_check.interval_hours"),
    ("HEALTH_CHECK_MAX_FAILURES", "health_check.max_consecutive_failures"),
    ("HEALTH_SERVER_ENABLED", "health_server.enabled"),
    ("HEALTH_SERVER_HOST", "health_server.host"),
    ("HEALTH_SERVER_PORT", "health_server.port"),
    ("LATITUDE", "location.latitude"),
    ("LEAD_TIME_MINUTES", "thresholds.lead_time_minutes"),
    ("LOG", "logging.level"),
    ("LOG_FORMAT", "logging.format"),
    ("LOG_LEVEL", "logging.level"),
    ("LONGITUDE", "location.longitude"),
    ("MAX_RUNTIME_HOURS", "safety.max_runtime_hours"),
    ("MORNING_MODE_ENABLED", "morning_mode.enabled"),
    ("MORNING_MODE_END_HOUR", "morning_mode.end_hour"),
    ("MORNING_MODE_START_HOUR", "morning_mode.start_hour"),
    ("NOTIFICATIONS_REQUIRED", "notifications.required"),
    ("NOTIFICATIONS_TEST_ON_STARTUP", "notifications.test_on_startup"),
    ("NOTIFICATION_EMAIL_ENABLED", "notifications.email.enabled"),
    ("NOTIFICATION_EMAIL_FROM", "notifications.email.from_email"),
    ("NOTIFICATION_EMAIL_SMTP_HOST", "notifications.email.smtp_host"),
    ("NOTIFICATION_EMAIL_SMTP_PASSWORD", "notifications.email.smtp_password"),
    ("NOTIFICATION_EMAIL_SMTP_PORT", "notifications.email.smtp_port"),
    ("NOTIFICATION_EMAIL_SMTP_USERNAME", "notifications.email.smtp_username"),
    ("NOTIFICATION_EMAIL_TO", "notifications.email.to_emails"),
    ("NOTIFICATION_EMAIL_USE_TLS", "notifications.email.use_tls"),
    ("NOTIFICATION_FORECAST_ENABLED", "notifications.forecast.enabled"),
    ("NOTIFICATION_FORECAST_NOTIFY_MODE", "notifications.forecast.notify_mode"),
    ("NOTIFICATION_NTFY_ENABLED", "notifications.ntfy.enabled"),
    ("NOTIFICATION_NTFY_SERVER", "notifications.ntfy.server"),
    ("NOTIFICATION_NTFY_TOKEN", "notifications.ntfy.token"),
    ("NOTIFICATION_NTFY_TOPIC", "notifications.ntfy.topic"),
    ("NOTIFICATION_WEBHOOK_ENABLED", "notifications.webhook.enabled"),
    ("NOTIFICATION_WEBHOOK_URL", "notifications.webhook.url"),
    ("OPENWEATHERMAP_API_KEY", "weather_api.openweathermap.api_key"),
    ("PIRATE_WEATHER_API_KEY", "weather_api.pirate_weather.api_key"),
    ("REBOOT_PAUSE_SECONDS", "reboot.pause_seconds"),
    ("TAPO_PASSWORD", "devices.credentials.password"),
    ("TAPO_USERNAME", "devices.credentials.username"),
    ("THRESHOLD_TEMP_F", "thresholds.temperature_f"),
    ("TIMEZONE", "location.timezone"),
    ("TRAILING_TIME_MINUTES", "thresholds.trailing_time_minutes"),
    ("VACATION_MODE", "vacation_mode"),
    ("WEATHER_CACHE_FILE", "weather_api.resilience.cache_file"),
    ("WEATHER_CACHE_VALID_HOURS", "weather_api.resilience.cache_valid_hours"),
    ("WEATHER_ENABLED", "weather_api.enabled"),
    ("WEATHER_FORECAST_HORIZON_HOURS", "weather_api.resilience.forecast_horizon_hours"),
    ("WEATHER_MAX_RETRY_INTERVAL_MINUTES", "weather_api.resilience.max_retry_interval_minutes"),
    ("WEATHER_OUTAGE_ALERT_AFTER_MINUTES", "weather_api.resilience.outage_alert_after_minutes"),
    ("WEATHER_PROVIDER", "weather_api.provider"),
    ("WEATHER_REFRESH_INTERVAL_MINUTES", "weather_api.resilience.refresh_interval_minutes"),
    ("WEATHER_RETRY_INTERVAL_MINUTES", "weather_api.resilience.retry_interval_minutes"),
    ("WEB_ENABLED", "web.enabled"),
    ("WEB_HOST", "web.bind_host"),
    ("WEB_MANUAL_OVERRIDE_TIMEOUT_HOURS", "web.manual_override_timeout_hours"),
    ("WEB_PASSWORD", "web.password"),
    ("WEB_PIN", "web.pin"),
    ("WEB_PORT", "web.port"),
];

/// The names of secrets, which may also be given with `_FILE`.
const SECRETS: [&str; 10] = [
    "TAPO_USERNAME",
    "TAPO_PASSWORD",
    "WEB_PASSWORD",
    "WEB_PIN",
    "NOTIFICATION_EMAIL_SMTP_PASSWORD",
    "NOTIFICATION_NTFY_TOKEN",
    "NOTIFICATION_NTFY_TOPIC",
    "NOTIFICATION_WEBHOOK_URL",
    "OPENWEATHERMAP_API_KEY",
    "PIRATE_WEATHER_API_KEY",
];

/// What the environment says.
pub(super) struct Environment {
    pub(super) tree: Node,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
}

/// Reads the environment. `file` is asked how it writes a key, because a variable's name cannot keep lower and upper case.
pub(super) fn read(env: &BTreeMap<String, String>, file: &Node) -> Environment {
    let tree = Node::empty(Place::Environment(PREFIX.to_owned()));
    let mut found = Environment { tree, problems: Vec::new(), warnings: Vec::new() };
    // Paths come last and win over the short names: who writes the whole path means that key.
    let (paths, names): (Vec<_>, Vec<_>) = env.iter().partition(|(name, _)| name.contains("__"));
    for (name, value) in names.into_iter().chain(paths) {
        // Those two are no keys of the config.
        let is_key = |it: &&str| !it.is_empty() && !["CONFIG_PATH", "TOKEN"].contains(it);
        let Some(short) = name.strip_prefix(PREFIX).filter(is_key) else {
            continue;
        };
        if value.is_empty() {
            continue;
        }
        let place = Place::Environment(name.clone());
        if short.contains("__") {
            match keys_of(short, file) {
                Some(path) => match list_above(&path, file) {
                    Some(list) => found.problems.push(into_a_list(&list, place)),
                    None => found.put(&path, value, place),
                },
                None => found.problems.push(not_a_path(short, place)),
            }
            continue;
        }
        match key_of(short) {
            Some(path) => found.put(&path.split('.').map(str::to_owned).collect::<Vec<_>>(), value, place),
            None => found.warnings.push(unknown(name)),
        }
    }
    found
}

/// The path of the list in the file that a path leads into: the list would win, and the variable be for nothing.
fn list_above(path: &[String], file: &Node) -> Option<String> {
    let above = (1..path.len()).map(|it| &path[..it]);
    let is_list = |it: &&[String]| file.at(it).is_some_and(|it| matches!(it.value.kind, Kind::List(_)));
    above.into_iter().find(is_list).map(|it| it.join("."))
}

fn into_a_list(list: &str, place: Place) -> Problem {
    Problem {
        place,
        path: list.to_owned(),
        found: "a part of a list".to_owned(),
        allowed: "the file has a list there, of which nothing can be set by the environment".to_owned(),
        hint: None,
    }
}

impl Environment {
    fn put(&mut self, path: &[String], value: &str, place: Place) {
        let leaf = Node { place: place.clone(), kind: Kind::Text(value.to_owned()) };
        if let Some(displaced) = self.tree.put(path, leaf) {
            self.warnings.push(format!("{place}: {}: wins over {displaced}", path.join(".")));
        }
    }
}

fn key_of(short: &str) -> Option<String> {
    let key = |name: &str| NAMES.iter().find(|(it, _)| *it == name).map(|(_, key)| *key);
    if let Some(key) = key(short) {
        return Some(key.to_owned());
    }
    let name = short.strip_suffix("_FILE").filter(|name| SECRETS.contains(name))?;
    Some(format!("{}_file", key(name)?))
}

/// `MQTT__HOST` is `mqtt.host`; a key that the file writes as `Front Walk` is named by `FRONT_WALK`.
fn keys_of(short: &str, file: &Node) -> Option<Vec<String>> {
    let mut at = Some(file);
    let mut path = Vec::new();
    for part in short.split("__") {
        if part.is_empty() {
            return None;
        }
        let entry = at.and_then(|node| node.entries().iter().find(|entry| as_name(&entry.key) == part.to_uppercase()));
        path.push(entry.map_or_else(|| part.to_lowercase(), |entry| entry.key.clone()));
        at = entry.map(|entry| &entry.value);
    }
    Some(path)
}

fn as_name(key: &str) -> String {
    key.chars().map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_uppercase() } else { '_' }).collect()
}

fn not_a_path(short: &str, place: Place) -> Problem {
    let path = short.to_lowercase().replace("__", ".");
    let (found, allowed) = ("an empty part between two underscores", "a key's path, such as HEATTRAX_MQTT__HOST");
    Problem { place, path, found: found.to_owned(), allowed: allowed.to_owned(), hint: None }
}

fn unknown(name: &str) -> String {
    let names = NAMES.iter().map(|(short, _)| format!("{PREFIX}{short}"));
    let nearest = names.max_by(|one, other| strsim::jaro(one, name).total_cmp(&strsim::jaro(other, name)));
    let nearest = nearest.map(|it| format!("; did you mean `{it}`?")).unwrap_or_default();
    format!("environment {name}: no such setting, ignored{nearest}")
}

/// The command line as a layer.
pub(super) fn of_flags(flags: &Overrides) -> Node {
    let data = flags.data.as_ref().map(|it| it.to_string_lossy().into_owned());
    let given = [
        (["data"].as_slice(), "--data", data),
        (["logging", "level"].as_slice(), "--log", flags.log_level.clone()),
        (["logging", "format"].as_slice(), "--log-format", flags.log_format.clone()),
    ];
    let mut tree = Node::empty(Place::Flag("--"));
    for (path, flag, value) in given {
        let Some(value) = value else { continue };
        let path: Vec<String> = path.iter().map(|it| (*it).to_owned()).collect();
        tree.put(&path, Node { place: Place::Flag(flag), kind: Kind::Text(value) });
    }
    tree
}
