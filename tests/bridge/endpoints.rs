//! The router and `/openapi.json` say the same, and every status that the document promises is seen at least once.

use std::{collections::BTreeSet, fs, path::Path};

use heattrax::{emulator::Protection, hub::Clock};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    cases::{self, Case, Of},
    home::Home,
    noon,
    site::{Site, WHOLE, send},
};

const RULES: &str = r#"    walkway:
      class: heater
      items: [ { name: Driveway, ip_address: "{mat}", outlets: [0], poll_seconds: 1 } ]
    porch:
      class: light
      items: [ { name: Porch, ip_address: "{lights}", poll_seconds: 1 } ]
      schedules:
        - { name: Evening, on: { type: time, value: "18:00" }, off: { type: time, value: "23:00" } }
notifications: { ntfy: { enabled: true, server: "http://127.0.0.1:9", topic: snow } }
"#;

/// What no request of ours can bring about, and why. `*` stands for any letters.
const NOT_PROVOKED: [(&str, &str, &[&str]); 5] = [
    ("503", "the control loop would have to hang; tests/web/probes.rs does that", &["/healthz", "/health"]),
    ("500", "the control loop would have to hang; tests/web/probes.rs does that", &["/api/health"]),
    (
        "503",
        "only while the bridge is busy or stops: it is served in setup mode too",
        &["/api/restart", "/api/discover", "/api/log-level", "/api/config*", "/api/credentials", "/api/setup*"],
    ),
    ("504", "the hub would have to hang: no plug is asked", &["*/ack", "/api/vacation_mode"]),
    ("200", "it would send to every network of this machine", &["/api/setup/discover"]),
];

fn is_not_provoked(path: &str, status: &str) -> bool {
    let is_meant = |it: &&str| match it.split_once('*') {
        Some((before, after)) => path.starts_with(before) && path.ends_with(after),
        None => path == *it,
    };
    NOT_PROVOKED.iter().any(|(known, _, paths)| *known == status && paths.iter().any(&is_meant))
}

/// Every operation of the document with its statuses.
fn operations(document: &Value) -> Vec<(String, String, Vec<String>)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(it, _)| *it != "parameters") {
            let statuses = operation["responses"].as_object().unwrap().keys().cloned().collect();
            all.push((method.to_uppercase(), path.clone(), statuses));
        }
    }
    all
}

/// The path of the document that a target belongs to.
fn template<'a>(paths: &'a [(String, String, Vec<String>)], target: &str) -> Option<&'a str> {
    let target: Vec<&str> = target.split('?').next().unwrap().split('/').collect();
    let fits = |path: &str| {
        let parts: Vec<&str> = path.split('/').collect();
        parts.len() == target.len() && parts.iter().zip(&target).all(|(one, it)| one == it || one.starts_with('{'))
    };
    let fitting = paths.iter().map(|it| it.1.as_str()).filter(|it| fits(it));
    fitting.min_by_key(|it| it.matches('{').count())
}

/// A target that the document's path leads to.
fn target(path: &str) -> String {
    let filled = path.replace("{device}", "porch").replace("{slot}", "1").replace("{group}", "porch");
    filled.replace("{index}", "0").replace("{name}", "main.js")
}

struct Bench {
    home: Home,
    setup: Site,
    fixed: Site,
    kept: Site,
    locked: Site,
    broken: Site,
    /// What was seen, by method, path of the document, and status.
    seen: BTreeSet<(String, String, String)>,
    faults: Vec<String>,
    operations: Vec<(String, String, Vec<String>)>,
    etag: String,
    backup: String,
    /// Wrong tokens that were shown.
    guesses: u32,
}

impl Bench {
    async fn new() -> Self {
        let mut home = Home::new(RULES, Clock::driven(noon(), 5.0)).await;
        home.peer.wait("heattrax/driveway/1", &["\"state\":\"OFF\""]).await;
        home.peer.wait("heattrax/porch/2", &["\"state\":\"OFF\""]).await;
        let (_, document) = home.http("GET", "/openapi.json", None).await;
        let kept = Site::new(WHOLE).await;
        let mut mode = fs::metadata(kept.file()).unwrap().permissions();
        mode.set_readonly(true);
        fs::set_permissions(kept.file(), mode).unwrap();
        let password = "web: { password: a long one, pin: \"4711\" }\n";
        Self {
            home,
            setup: Site::new("").await,
            fixed: Site::fixed(WHOLE).await,
            kept,
            locked: Site::new(&format!("{WHOLE}{password}")).await,
            broken: Site::new(WHOLE).await,
            seen: BTreeSet::new(),
            faults: Vec::new(),
            operations: operations(&document),
            etag: String::new(),
            backup: String::new(),
            guesses: 0,
        }
    }

    fn note(&mut self, method: &str, target: &str, status: u16) {
        let Some(path) = template(&self.operations, target).map(str::to_owned) else {
            return self.faults.push(format!("{method} {target} is nowhere in the document"));
        };
        self.seen.insert((method.to_owned(), path, status.to_string()));
    }

    async fn ask(&mut self, case: &Case) {
        let Case(of, request, body, header, wanted) = case;
        let at = match of {
            Of::Home => self.home.web(),
            Of::Setup => self.setup.at,
            Of::Fixed => self.fixed.at,
            Of::Kept => self.kept.at,
            Of::Locked => self.locked.at,
            Of::Broken => self.broken.at,
        };
        let (method, path) = request.split_once(' ').unwrap();
        let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
        let header = header.replace("$ETAG", &self.etag);
        let body: Value = serde_json::from_str(&body.to_string().replace("$BACKUP", &self.backup)).unwrap();
        let told = send(at, method, path, &header, &body).await;
        if told.status != *wanted {
            self.faults.push(format!("{request} {header:?} {body}: {} and not {wanted}: {}", told.status, told.body));
        }
        let is_text = path.starts_with("/api/explain") || told.body.is_empty() || path.starts_with("/static/");
        let probe = ["/healthz", "/readyz", "/health"].iter().any(|it| path.starts_with(it));
        if told.status >= 400 && !is_text && !probe && !told.json()["error"].is_string() {
            self.faults.push(format!("{request}: {} is not told as `error`: {}", told.status, told.body));
        }
        self.etag = told.header("etag").unwrap_or(&self.etag).to_owned();
        if let Some(name) = told.json()["backups"][0].as_str() {
            self.backup = name.to_owned();
        }
        self.note(method, path, told.status);
    }

    async fn ask_all(&mut self, cases: &[Case]) {
        for case in cases {
            self.ask(case).await;
        }
    }

    /// What stands before every endpoint.
    async fn ask_the_gate(&mut self) {
        for (method, path, statuses) in self.operations.clone() {
            let (target, at) = (target(&path), self.locked.at);
            let gates = [("401", "", Value::Null), ("403", "Host: evil.example\r\n", Value::Null)];
            let large = ("413", "Content-Length: 3000000\r\n", Value::Null);
            for (status, header, body) in gates.into_iter().chain([large]) {
                if !statuses.iter().any(|it| it == status) {
                    continue;
                }
                let told = send(at, &method, &target, header, &body).await;
                if told.status.to_string() != status && !path.starts_with("/api/auth") {
                    self.faults.push(format!("{method} {target}: {} and not {status}", told.status));
                }
                if told.json()["error"].as_str().is_none() {
                    self.faults.push(format!("{method} {target}: {status} is not told as `error`: {}", told.body));
                }
                self.note(&method, &path, told.status);
            }
            if statuses.iter().any(|it| it == "401") && statuses.iter().any(|it| it == "429") {
                self.guess(&method, &path).await;
            }
        }
    }

    /// Shows one wrong token after the other until it has to wait.
    async fn guess(&mut self, method: &str, path: &str) {
        for _ in 0..8 {
            self.guesses += 1;
            let header = format!("Authorization: Bearer guess-{}\r\n", self.guesses);
            let told = send(self.locked.at, method, &target(path), &header, &Value::Null).await;
            self.note(method, path, told.status);
            if told.status == 429 {
                break;
            }
        }
    }

    /// The mat has a fault: it is locked off.
    async fn lock(&mut self, protection: Protection, word: &str) {
        self.home.mat.protect(1, protection);
        self.home.peer.wait("heattrax/driveway/1/decision", &[word]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_status_that_the_document_promises_is_seen() {
    let mut bench = Bench::new().await;
    bench.ask_all(&cases::looking()).await;
    bench.ask_all(&cases::switching()).await;
    bench.lock(Protection::Overloaded, "overload").await;
    bench.ask_all(&cases::locked_off()).await;
    bench.lock(Protection::Overheated, "overheat").await;
    bench.ask(&Case(Of::Home, "POST /api/outlets/driveway/1/ack", Value::Null, "", 200)).await;
    bench.home.mat.protect(1, Protection::Normal);
    bench.ask_all(&cases::schedules()).await;
    bench.ask_all(&cases::config()).await;
    bench.ask_all(&cases::steps()).await;
    bench.ask_all(&cases::signing_in()).await;
    bench.ask_the_gate().await;
    // Nobody may take every seat of the house.
    let mut seats = Vec::new();
    for _ in 0..256 {
        let mut stream = tokio::net::TcpStream::connect(bench.fixed.at).await.unwrap();
        stream.write_all(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        stream.readable().await.unwrap();
        seats.push(stream);
    }
    bench.ask(&Case(Of::Fixed, "GET /api/events", Value::Null, "", 503)).await;
    drop(seats);
    bench.home.lights.vanish().await;
    bench.ask_all(&cases::vanished()).await;
    fs::write(bench.broken.file(), "a: [").unwrap();
    bench.ask_all(&cases::broken()).await;
    bench.ask(&Case(Of::Broken, "POST /api/restart", Value::Null, "", 200)).await;

    let mut missing = Vec::new();
    for (method, path, statuses) in &bench.operations {
        for status in statuses {
            let is_seen = bench.seen.contains(&(method.clone(), path.clone(), status.clone()));
            match (is_seen, is_not_provoked(path, status)) {
                (false, false) => missing.push(format!("{method} {path} {status}: promised, and no case has it")),
                (true, true) => missing.push(format!("{method} {path} {status}: seen, though it is excused")),
                _ => {}
            }
        }
        let told = bench.seen.iter().filter(|(one, other, _)| one == method && other == path);
        let strange = told.filter(|(_, _, status)| !statuses.contains(status));
        missing.extend(strange.map(|it| format!("{method} {path} {}: seen, and not in the document", it.2)));
    }
    bench.faults.extend(missing);
    assert!(bench.faults.is_empty(), "\n{}", bench.faults.join("\n"));
    bench.home.stop().await;
}

#[tokio::test]
async fn the_document_says_who_has_to_say_who_they_are() {
    let site = Site::new(&format!("{WHOLE}web: {{ password: a long one, pin: \"4711\" }}\n")).await;
    let login = async |with: Value| {
        let told = send(site.at, "POST", "/api/auth/login", "", &with).await;
        format!("Cookie: {}\r\n", told.header("set-cookie").unwrap().split(';').next().unwrap())
    };
    let (pin, all) = (login(json!({ "pin": "4711" })).await, login(json!({ "password": "a long one" })).await);
    let document = send(site.at, "GET", "/openapi.json", &all, &Value::Null).await.json();
    let schemes = &document["components"]["securitySchemes"];
    let told = |name: &str, key: &str| schemes[name][key].clone();
    assert_eq!((told("session", "type"), told("session", "in")), (json!("apiKey"), json!("cookie")), "{schemes}");
    assert_eq!(told("session", "name"), "heattrax_session");
    assert_eq!((told("token", "type"), told("token", "scheme")), (json!("http"), json!("bearer")), "{schemes}");
    assert_eq!(document["security"], Value::Null, "what is open to all says nothing");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(it, _)| *it != "parameters") {
            // No endpoint reads a body of this kind: whoever is let in is told so, and nothing is done.
            let status = async |cookie: &str| {
                let header = format!("{cookie}Content-Type: text/plain\r\n");
                send(site.at, &method.to_uppercase(), &target(path), &header, &Value::Null).await.status
            };
            let named = operation["security"].as_array();
            let is_open = named.is_none();
            assert_eq!(is_open, status("").await != 401, "{method} {path}: {operation:#}");
            let Some(named) = named else { continue };
            let of = |name: &str| named.iter().find_map(|it| it[name][0].as_str());
            let (session, token) = (of("session").unwrap(), of("token").unwrap());
            assert!(["read", "control", "all"].contains(&session) && token != "control", "{method} {path}");
            assert_eq!(of("calendar_token").is_some(), path == "/calendar.ics", "{path}");
            assert_eq!(session == "all", status(&pin).await == 403, "{method} {path}: {session}");
        }
    }
    site.stop().await;
}

#[tokio::test]
async fn the_router_serves_what_the_document_says_and_nothing_else() {
    let site = Site::new(WHOLE).await;
    let (_, document) = site.http("GET", "/openapi.json", json!(null)).await;
    for (path, item) in document["paths"].as_object().unwrap() {
        let told = send(site.at, "TRACE", &target(path), "", &json!(null)).await;
        assert_eq!((told.status, told.json()["error"].is_string()), (405, true), "{path}: {}", told.body);
        let served: BTreeSet<_> = told.header("allow").unwrap().split(',').map(|it| it.trim().to_lowercase()).collect();
        let mut said: BTreeSet<_> = item.as_object().unwrap().keys().cloned().collect();
        said.remove("parameters");
        if said.contains("get") {
            said.insert("head".to_owned());
        }
        assert_eq!(served, said, "{path}");
    }
    let told = send(site.at, "GET", "/api/nothing", "", &json!(null)).await;
    assert_eq!((told.status, told.json()["error"].is_string()), (404, true), "{}", told.body);
    site.stop().await;
    // A route that is not made from its own words would be in no document.
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let code = fs::read_to_string(&path).unwrap();
                assert!(![".route(", ".nest(", ".route_service("].iter().any(|it| code.contains(it)), "{path:?}");
            }
        }
    }
}
