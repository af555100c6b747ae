//! What is asked of each endpoint, and the status that comes of it.

use serde_json::{Value, json};

use crate::site::WHOLE;

/// Who is asked.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    /// A whole house with plugs.
    Home,
    /// A bridge in setup mode, without a file.
    Setup,
    /// One that has no file that could be changed, and no lever of the log.
    Fixed,
    /// One whose file is write-protected.
    Kept,
    /// One with a password.
    Locked,
    /// One whose file somebody has broken meanwhile.
    Broken,
}

use Of::{Broken, Fixed, Home, Kept, Locked, Setup};

/// Who is asked, for what, with which body and header, and the status.
pub(crate) struct Case(
    pub(crate) Of,
    pub(crate) &'static str,
    pub(crate) Value,
    pub(crate) &'static str,
    pub(crate) u16,
);

const STALE: &str = "If-Match: \"0\"";
const SEEN: &str = "If-Match: $ETAG";
const UPLOAD: &str = "POST /api/config/upload";
const FORM: &str = "Content-Type: multipart/form-data; boundary=x";
const STALE_FORM: &str = "If-Match: \"0\"\r\nContent-Type: multipart/form-data; boundary=x";

fn get(of: Of, request: &'static str, status: u16) -> Case {
    Case(of, request, Value::Null, "", status)
}

fn body(of: Of, request: &'static str, body: Value, status: u16) -> Case {
    Case(of, request, body, "", status)
}

fn stale(request: &'static str, body: Value) -> Case {
    Case(Home, request, body, STALE, 412)
}

fn form(text: &str) -> Value {
    let head = "--x\r\nContent-Disposition: form-data; name=\"config_file\"; filename=\"house.yaml\"\r\n\r\n";
    Value::String(format!("{head}{text}\r\n--x--\r\n"))
}

/// Answered by any bridge that runs.
const ALWAYS: [&str; 22] = [
    "GET /",
    "GET /ui",
    "GET /static/main.js",
    "GET /openapi.json",
    "GET /metrics",
    "GET /healthz",
    "GET /readyz",
    "GET /health",
    "GET /api/ping",
    "GET /api/health",
    "GET /api/house",
    "GET /api/status",
    "GET /api/system/status",
    "GET /api/events",
    "GET /api/logs",
    "GET /api/auth/session",
    "GET /api/config",
    "GET /api/config/schema",
    "GET /api/config/text",
    "GET /api/config/download",
    "GET /api/config/backups",
    "GET /api/setup",
];

/// Answered where there is a house; 503 in setup mode.
const OF_A_HOUSE: [&str; 19] = [
    "GET /api/explain",
    "GET /api/plan",
    "GET /api/weather/forecast",
    "GET /api/weather/mat-forecast",
    "GET /calendar.ics",
    "GET /api/history/samples?outlet=porch/1",
    "GET /api/history/samples.csv?outlet=porch/1",
    "GET /api/history/events",
    "GET /api/history/events.csv",
    "GET /api/history/days",
    "GET /api/history/days.csv",
    "GET /api/notifications/status",
    "GET /api/groups/porch/schedules",
    "GET /api/groups/porch/schedules/0",
    "GET /api/groups/porch/automation",
    "GET /api/vacation_mode",
    "GET /api/solar_times",
    "GET /api/devices/status",
    "GET /api/mat/status",
];

/// Questions that cannot be answered.
const REFUSED: [(&str, u16); 24] = [
    ("GET /api/explain?at=soon", 400),
    ("GET /api/explain?group=attic", 404),
    ("GET /api/events?log=loud", 400),
    ("GET /api/events?log=info&log=warn", 400),
    ("GET /api/logs?limit=0", 400),
    ("GET /api/logs?limits=1", 400),
    ("GET /static/nothing.js", 404),
    ("GET /api/history/samples", 400),
    ("GET /api/history/samples.csv", 400),
    ("GET /api/history/samples?outlet=porch/9", 404),
    ("GET /api/history/samples.csv?outlet=porch/9", 404),
    ("GET /api/history/events?limit=0", 400),
    ("GET /api/history/events.csv?kind=party", 400),
    ("GET /api/history/events?group=attic", 404),
    ("GET /api/history/events.csv?group=attic", 404),
    ("GET /api/history/days?from=soon", 400),
    ("GET /api/history/days?from=2026-01-10&to=2026-01-09", 400),
    ("GET /api/history/days.csv?day=1", 400),
    ("GET /api/history/days?group=attic", 404),
    ("GET /api/history/days.csv?outlet=porch/9", 404),
    ("GET /api/groups/attic/schedules", 404),
    ("GET /api/groups/porch/schedules/7", 404),
    ("GET /api/groups/porch/schedules/first", 404),
    ("GET /api/groups/attic/automation", 404),
];

/// What stands in the config file: 409 where there is none that could be changed.
const NO_FILE: [&str; 5] = [
    "GET /api/config",
    "GET /api/config/text",
    "GET /api/config/download",
    "GET /api/config/backups",
    "GET /api/setup",
];

/// Questions, which change nothing.
pub(crate) fn looking() -> Vec<Case> {
    let mut all: Vec<Case> = ALWAYS.into_iter().chain(OF_A_HOUSE).map(|it| get(Home, it, 200)).collect();
    all.extend(OF_A_HOUSE.map(|it| get(Setup, it, 503)));
    all.extend(REFUSED.map(|(it, status)| get(Home, it, status)));
    all.extend(NO_FILE.map(|it| get(Fixed, it, 409)));
    all.extend([
        get(Home, "GET /control", 200),
        get(Home, "GET /control/login", 303),
        get(Home, "GET /static/main.js", 200),
        Case(Home, "GET /static/main.js", Value::Null, "If-None-Match: $ETAG", 304),
        get(Setup, "GET /readyz", 503),
        get(Fixed, "GET /health/weather", 200),
        get(Setup, "GET /health/weather", 503),
        get(Setup, "GET /api/config/download", 404),
        body(Home, "POST /api/discover", json!({ "targets": ["127.0.0.1:9"], "timeout": 1 }), 200),
        body(Home, "POST /api/discover", json!({ "timeout": 11 }), 400),
        body(Home, "POST /api/discover", json!({ "targets": ["8.8.8.8.8"] }), 400),
        body(Home, "POST /api/log-level", json!({ "level": "debug" }), 200),
        body(Home, "POST /api/log-level", json!({}), 400),
        body(Fixed, "POST /api/log-level", json!({ "level": "debug" }), 409),
        body(Home, "POST /api/notifications/test", json!({ "provider": "ntfy" }), 202),
        body(Home, "POST /api/notifications/test", json!({ "provider": "pigeon" }), 400),
        body(Setup, "POST /api/notifications/test", json!({}), 503),
    ]);
    all
}

/// What switches, with what each refuses of its own; and a fault that nobody has.
pub(crate) fn switching() -> Vec<Case> {
    let (on, off, auto) = (json!({ "state": "ON" }), json!({ "state": "OFF" }), json!({ "control": "auto" }));
    let device = |action: &str| json!({ "group": "porch", "device": "Porch", "outlet": 0, "action": action });
    let mat = |group: &str| json!({ "group": group, "action": "off" });
    let reset = |group: &str| json!({ "group": group });
    let action = json!({ "action": "off" });
    let away = json!({ "enabled": false });
    let rows: [(&'static str, &'static str, &Value); 6] = [
        ("POST /api/outlets/porch/1/set", "POST /api/outlets/porch/9/set", &off),
        ("POST /api/outlets/porch/1/control", "POST /api/outlets/attic/1/control", &auto),
        ("POST /api/groups/porch/set", "POST /api/groups/attic/set", &off),
        ("POST /api/groups/porch/control-mode", "POST /api/groups/attic/control-mode", &auto),
        ("POST /api/groups/porch/control", "POST /api/groups/attic/control", &action),
        ("PATCH /api/groups/porch/automation", "PATCH /api/groups/attic/automation", &Value::Null),
    ];
    let mut all = Vec::new();
    for (right, absent, said) in rows {
        let said = if said.is_null() { json!({}) } else { said.clone() };
        all.extend([body(Home, right, said.clone(), 200), body(Home, absent, said.clone(), 404)]);
        all.extend([body(Home, right, json!({ "nonsense": 1 }), 400), body(Setup, right, said, 503)]);
    }
    all.extend([
        body(Home, "POST /api/outlets/porch/1/set", on, 200),
        body(Home, "POST /api/devices/control", device("off"), 200),
        body(Home, "POST /api/devices/control", device("dim"), 400),
        body(Setup, "POST /api/devices/control", device("off"), 503),
        body(Home, "POST /api/mat/control", mat("walkway"), 200),
        body(Home, "POST /api/mat/control", json!({}), 400),
        body(Home, "POST /api/mat/control", mat("attic"), 404),
        body(Setup, "POST /api/mat/control", mat("walkway"), 503),
        body(Home, "POST /api/mat/reset-auto", reset("walkway"), 200),
        body(Home, "POST /api/mat/reset-auto", json!({}), 400),
        body(Fixed, "POST /api/mat/reset-auto", reset("shed"), 409),
        body(Home, "POST /api/mat/reset-auto", reset("attic"), 404),
        body(Setup, "POST /api/mat/reset-auto", reset("walkway"), 503),
        body(Home, "PUT /api/vacation_mode", away.clone(), 200),
        body(Home, "PUT /api/vacation_mode", json!({ "enabled": "no" }), 400),
        body(Setup, "PUT /api/vacation_mode", away, 503),
        get(Home, "POST /api/outlets/driveway/1/ack", 409),
        get(Home, "POST /api/groups/walkway/ack", 409),
        get(Home, "POST /api/outlets/driveway/9/ack", 404),
        get(Home, "POST /api/groups/attic/ack", 404),
        get(Setup, "POST /api/outlets/driveway/1/ack", 503),
        get(Setup, "POST /api/groups/walkway/ack", 503),
    ]);
    all
}

/// While the mat says that it is overloaded: nobody switches it on, until somebody has looked.
pub(crate) fn locked_off() -> Vec<Case> {
    let (on, forced) = (json!({ "state": "ON" }), json!({ "control": "on" }));
    vec![
        body(Home, "POST /api/outlets/driveway/1/set", on.clone(), 409),
        body(Home, "POST /api/outlets/driveway/1/control", forced.clone(), 409),
        body(Home, "POST /api/groups/walkway/set", on, 409),
        body(Home, "POST /api/groups/walkway/control-mode", forced, 409),
        body(Home, "POST /api/mat/control", json!({ "group": "walkway", "action": "on" }), 409),
        get(Home, "POST /api/groups/walkway/ack", 200),
    ]
}

/// The schedules of a group.
pub(crate) fn schedules() -> Vec<Case> {
    let from = |name: &str, from: &str| json!({ "name": name, "on": { "type": "time", "value": from }, "off": { "type": "time", "value": "22:00" } });
    let (night, evening, silent) = (from("Night", "21:00"), from("Evening", "19:00"), json!({ "enabled": false }));
    let (all_of, put, one) =
        ("POST /api/groups/porch/schedules", "PUT /api/groups/porch/schedules/0", "PUT /api/groups/porch/schedules/1");
    let mut all = vec![
        body(Home, all_of, night.clone(), 201),
        body(Home, all_of, night.clone(), 400),
        body(Home, all_of, json!({}), 400),
        body(Home, put, json!({}), 400),
        body(Home, "POST /api/groups/attic/schedules", night.clone(), 404),
        body(Kept, all_of, night.clone(), 409),
        stale(all_of, night.clone()),
        body(Setup, all_of, night.clone(), 503),
        get(Home, "GET /api/groups/porch/schedules", 200),
        Case(Home, one, night.clone(), SEEN, 200),
        body(Home, one, json!({ "name": "Night", "safety": { "max_runtime_hours": 5 } }), 400),
        body(Home, "PUT /api/groups/porch/schedules/7", night.clone(), 404),
        body(Kept, put, evening, 409),
        stale(one, night.clone()),
        body(Setup, put, night, 503),
        body(Home, "PUT /api/groups/porch/schedules/1/enabled", silent.clone(), 200),
        body(Home, "PUT /api/groups/porch/schedules/1/enabled", json!({ "enabled": 0 }), 400),
        body(Home, "PUT /api/groups/porch/schedules/7/enabled", silent.clone(), 404),
        body(Kept, "PUT /api/groups/porch/schedules/0/enabled", silent.clone(), 409),
        stale("PUT /api/groups/porch/schedules/1/enabled", silent.clone()),
        body(Setup, "PUT /api/groups/porch/schedules/0/enabled", silent, 503),
        stale("DELETE /api/groups/porch/schedules/1", Value::Null),
        get(Home, "DELETE /api/groups/porch/schedules/1", 200),
        get(Home, "DELETE /api/groups/porch/schedules/7", 404),
        get(Kept, "DELETE /api/groups/porch/schedules/0", 409),
        get(Setup, "DELETE /api/groups/porch/schedules/0", 503),
        body(Kept, "PATCH /api/groups/porch/automation", json!({ "morning_mode": true }), 409),
        stale("PATCH /api/groups/porch/automation", json!({ "morning_mode": true })),
        stale("PATCH /api/groups/porch/automation", json!({})),
        get(Home, "GET /api/groups/porch/automation", 200),
        Case(Home, "PATCH /api/groups/porch/automation", json!({ "morning_mode": null }), SEEN, 200),
    ];
    let preview = json!({ "group": "porch", "schedule": { "on": { "type": "sunset", "fallback": "17:00" }, "off": { "type": "time", "value": "23:00" } } });
    let unlit = json!({ "group": "porch", "schedule": { "on": { "type": "moonrise" } } });
    let nowhere = json!({ "group": "attic", "schedule": {} });
    all.extend([
        body(Home, "POST /api/schedules/preview", preview.clone(), 200),
        body(Home, "POST /api/schedules/preview", unlit, 400),
        body(Home, "POST /api/schedules/preview", nowhere, 404),
        body(Fixed, "POST /api/schedules/preview", preview.clone(), 409),
        body(Setup, "POST /api/schedules/preview", preview, 503),
    ]);
    all
}

/// The config.
pub(crate) fn config() -> Vec<Case> {
    let change = |hours: i8| json!({ "changes": [{ "path": "safety.max_runtime_hours", "value": hours }] });
    let whole = |hours: i8| json!({ "safety": { "max_runtime_hours": hours } });
    let account = |password: &str| json!({ "username": "me@example.com", "password": password });
    let mut all = vec![
        body(Home, "POST /api/config/check", json!({ "text": "a: [" }), 200),
        body(Home, "POST /api/config/check", json!({}), 400),
        body(Fixed, "POST /api/config/check", json!({ "text": "" }), 409),
        body(Kept, "PUT /api/config/text", json!({ "text": WHOLE.replace("house", "other") }), 409),
        body(Home, "PUT /api/config/text", json!({ "text": "a: [" }), 400),
        stale("PUT /api/config/text", json!({ "text": "" })),
    ];
    // What is right, what is wrong, and what would be another value in any file.
    let changes = [
        ("PATCH /api/config", change(5), change(-1), change(4)),
        ("PUT /api/config", whole(6), whole(-1), whole(4)),
        ("POST /api/config", whole(5), whole(-1), whole(4)),
        ("POST /api/credentials", account("another"), account(""), account("other")),
    ];
    for (request, right, wrong, other) in changes {
        all.extend([get(Home, "GET /api/config", 200), Case(Home, request, right.clone(), SEEN, 200)]);
        all.extend([body(Home, request, wrong, 400), body(Kept, request, other, 409), stale(request, right)]);
    }
    all.extend([
        get(Home, "GET /api/config/backups", 200),
        body(Home, "POST /api/config/restore", json!({ "name": "$BACKUP" }), 200),
        body(Home, "POST /api/config/restore", json!({ "name": "../../etc/passwd" }), 400),
        body(Fixed, "POST /api/config/restore", json!({ "name": "x" }), 409),
        stale("POST /api/config/restore", json!({ "name": "$BACKUP" })),
        Case(Home, UPLOAD, form("a: ["), FORM, 400),
        Case(Home, UPLOAD, form(""), STALE_FORM, 412),
        Case(Kept, UPLOAD, form(&WHOLE.replace("house", "other")), FORM, 409),
        Case(Broken, UPLOAD, form(&WHOLE.replace("house", "other")), FORM, 200),
        body(Broken, "PUT /api/config/text", json!({ "text": WHOLE }), 200),
    ]);
    all
}

/// The steps of a first config, at a house that runs and at one that does not.
pub(crate) fn steps() -> Vec<Case> {
    let account = json!({ "username": "me@example.com", "password": "secret" });
    let place = json!({ "latitude": 40.69, "longitude": -74.17, "timezone": "America/New_York" });
    let device = json!([{ "name": "Tree", "ip": "127.0.0.1:10", "group": "tree" }]);
    let nameless = json!([{ "name": "", "ip": "nowhere at all", "group": "tree" }]);
    let else_ = json!({ "username": "me@example.com", "password": "other" });
    let north = json!({ "latitude": 60.0, "longitude": 10.0, "timezone": "Europe/Oslo" });
    let rows: [(&'static str, Value, Value, Value); 3] = [
        ("POST /api/setup/account", account, json!({ "username": "", "password": "x" }), else_),
        ("POST /api/setup/place", place, json!({ "latitude": 99, "longitude": 0, "timezone": "UTC" }), north),
        ("POST /api/setup/devices", device.clone(), nameless, device),
    ];
    let mut all = vec![body(Setup, "POST /api/setup/finish", Value::Null, 400)];
    for (request, right, wrong, other) in rows {
        all.extend([body(Home, request, right.clone(), 200), body(Home, request, wrong, 400)]);
        all.extend([body(Kept, request, other, 409), stale(request, right)]);
    }
    all.extend([get(Home, "POST /api/setup/finish", 200), get(Fixed, "POST /api/setup/finish", 409)]);
    all
}

/// Who knows the password, and who guesses.
pub(crate) fn signing_in() -> Vec<Case> {
    let login = "POST /api/auth/login";
    let mut all = vec![
        body(Locked, login, json!({ "password": "a long one" }), 200),
        body(Locked, login, json!({ "pin": "4711" }), 200),
        body(Locked, login, json!({}), 400),
        get(Locked, "POST /api/auth/logout", 200),
        get(Locked, "GET /api/ping", 200),
    ];
    all.extend((0..6).map(|_| body(Locked, login, json!({ "password": "guessed" }), 401)));
    all.push(body(Locked, login, json!({ "password": "guessed" }), 429));
    all
}

/// The lights are gone: whoever switches them hears so.
pub(crate) fn vanished() -> Vec<Case> {
    let on = json!({ "state": "ON" });
    vec![
        body(Home, "POST /api/outlets/porch/1/set", on.clone(), 504),
        body(Home, "POST /api/outlets/porch/1/control", json!({ "control": "on" }), 504),
        body(Home, "POST /api/groups/porch/set", on, 504),
        body(Home, "POST /api/groups/porch/control-mode", json!({ "control": "on" }), 504),
        body(Home, "POST /api/mat/control", json!({ "group": "porch", "action": "on" }), 504),
        body(Home, "POST /api/mat/reset-auto", json!({ "group": "porch" }), 504),
        body(
            Home,
            "POST /api/devices/control",
            json!({ "group": "porch", "device": "Porch", "outlet": 0, "action": "on" }),
            400,
        ),
    ]
}

/// Somebody has the file in hand.
pub(crate) fn broken() -> Vec<Case> {
    vec![get(Broken, "GET /api/config", 400), get(Broken, "DELETE /api/groups/porch/schedules/0", 400)]
}
