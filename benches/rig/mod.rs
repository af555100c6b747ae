//! What the benchmarks with real sockets share: emulated devices in a process of their own, and a house in this one.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

pub(crate) mod bare;
pub(crate) mod house;
pub(crate) mod kasa;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use heattrax::{
    config,
    control::Controller,
    hub::{Clock, Handle, Hub},
    model::{self, Availability, Event, House, Lasting, Memory, Origin, OutletId, Switch, Target, Verb},
    outlets,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

pub(crate) const ACCOUNT: (&str, &str) = ("bench@example.com", "bench");
/// Nothing here takes longer, and a benchmark that waits for what never comes ends.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A child process that ends with the benchmark.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// This very build of the program.
    pub(crate) fn heattrax(arguments: &[&str], log: &std::path::Path) -> Self {
        let log = fs::File::create(log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_heattrax"));
        Self(command.args(arguments).stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    /// CPU time so far, of all threads. The kernel counts in hundredths of a second.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    /// A line of `/proc/<pid>/status` that counts kB, in MiB: `VmRSS` is the memory now, `VmHWM` the most that it ever was.
    pub(crate) fn memory(&self, name: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|it| it.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

/// A run of free ports: found by binding them all at once.
pub(crate) fn free_ports(count: u16) -> u16 {
    let free = |first: u16| {
        let bound: Vec<_> = (first..first + count).map_while(|it| TcpListener::bind(("127.0.0.1", it)).ok()).collect();
        bound.len() == usize::from(count)
    };
    // Below the ports that the system itself gives to connections.
    (12_000..30_000).step_by(usize::from(count) + 1).find(|first| free(*first)).unwrap()
}

/// Dual plugs with meters (P210M) in a process of their own.
pub(crate) struct Fleet {
    pub(crate) first: u16,
    pub(crate) count: u16,
    panel: SocketAddr,
    pub(crate) folder: TempDir,
    _process: Process,
}

/// What happened on the wires of all devices so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    pub(crate) logins: u64,
    pub(crate) requests: u64,
    pub(crate) relays_on: usize,
}

impl Fleet {
    pub(crate) async fn start(count: u16, latency_ms: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let first = free_ports(count + 1);
        let panel = SocketAddr::from(([127, 0, 0, 1], first + count));
        let (listen, latency) = (format!("127.0.0.1:{first}"), latency_ms.to_string());
        let (count_text, control) = (count.to_string(), panel.to_string());
        let arguments = [
            ["emulate", "--model=P210M"].as_slice(),
            &["--listen", &listen, "--count", &count_text, "--control", &control, "--latency-ms", &latency],
            &["--user", ACCOUNT.0, "--password", ACCOUNT.1],
        ];
        let process = Process::heattrax(&arguments.concat(), &folder.path().join("emulate.log"));
        let last = SocketAddr::from(([127, 0, 0, 1], first + count - 1));
        let listening = async {
            while TcpStream::connect(last).await.is_err() || TcpStream::connect(panel).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, listening).await.expect("the emulator listens");
        Self { first, count, panel, folder, _process: process }
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        (self.first..self.first + self.count).map(|port| format!("127.0.0.1:{port}")).collect()
    }

    /// One request to the control panel.
    pub(crate) async fn panel(&self, line: &str) -> Value {
        let mut stream = TcpStream::connect(self.panel).await.unwrap();
        let head = format!("{line} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", self.panel);
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    pub(crate) async fn tally(&self) -> Tally {
        let state = self.panel("GET /state").await;
        let devices = state["devices"].as_array().unwrap();
        let sum = |name: &str| devices.iter().map(|it| it["counts"][name].as_u64().unwrap()).sum();
        let outlets = devices.iter().flat_map(|it| it["outlets"].as_array().unwrap());
        let relays_on = outlets.filter(|it| it["on"] == true).count();
        Tally { logins: sum("logins"), requests: sum("requests"), relays_on }
    }

    /// A config with all of these devices in one group, `all`. `class` is what hangs on them.
    pub(crate) fn config(&self, class: &str, mqtt: &str) -> String {
        let mut text = format!(
            "location: {{ latitude: 40.7, longitude: -74.0, timezone: America/New_York }}\n\
             safety: {{ max_runtime_hours: 6, cooldown_minutes: 30 }}\n\
             weather_api: {{ enabled: false }}\nweb: {{ enabled: false }}\nmqtt: {mqtt}\n\
             devices:\n  credentials: {{ username: {}, password: {} }}\n  groups:\n    all:\n      class: {class}\n      items:\n",
            ACCOUNT.0, ACCOUNT.1
        );
        for (at, address) in self.addresses().iter().enumerate() {
            writeln!(text, "        - {{ name: dev{at}, ip_address: \"{address}\" }}").unwrap();
        }
        text
    }
}

/// A bridge without its broker, in this process: the hub, and the task of each device.
pub(crate) struct Home {
    pub(crate) handle: Handle,
    clock: Clock,
    stop: CancellationToken,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Home {
    /// Returns as soon as every outlet has reported.
    pub(crate) async fn start(
        fleet: &Fleet,
        class: &str,
        poll_every: Duration,
        network: Arc<dyn outlets::Network>,
    ) -> Self {
        let text = fleet.config(class, "{ host: nowhere }");
        let settings = config::parse("house.yaml", &text, &BTreeMap::new(), &<_>::default())
            .unwrap_or_else(|it| panic!("{}", config::report(&Err(it))));
        let clock = Clock::wall();
        let controller = Controller::new(Arc::clone(&settings.control), &Memory::default(), clock.now());
        let (hub, handle) = Hub::new(controller, clock.clone());
        let stop = CancellationToken::new();
        let mut tasks = Vec::new();
        for mut device in settings.devices {
            device.poll_every = poll_every;
            let orders = hub.orders(&device.slug).unwrap();
            let (credentials, network) = (settings.credentials.clone(), Arc::clone(&network));
            let assignment = outlets::Assignment { settings: device, credentials, pin: None, network, finder: None };
            tasks.push(tokio::spawn(outlets::run(assignment, handle.clone(), orders, stop.clone())));
        }
        tasks.push(tokio::spawn(hub.run()));
        let home = Self { handle, clock, stop, tasks };
        let outlets = 2 * usize::from(fleet.count);
        let all_there = |it: &House| {
            it.outlets.len() == outlets && it.outlets.values().all(|it| it.availability == Availability::Online)
        };
        home.until(all_there).await;
        home
    }

    /// Waits for the board to show something.
    pub(crate) async fn until(&self, shows: impl Fn(&House) -> bool) {
        let mut board = self.handle.house.clone();
        timeout(PATIENCE, board.wait_for(|it| shows(it))).await.expect("the board shows it in time").unwrap();
    }

    /// A person's word about one outlet or all.
    pub(crate) async fn command(&self, target: Target, to: Switch) {
        let verb = Verb::Set(to, Lasting::Default);
        let command = model::Command::new(target, verb, Origin::Mqtt);
        self.handle.send(Event::Commanded(command)).await.unwrap();
    }

    /// Has every device asked at once. How long it was until the hub had the last answer; the board may show it later, with others.
    pub(crate) async fn look_at_all(&self, devices: usize) -> Duration {
        // Times on the board are whole milliseconds on some machines: no answer of before may look like one of now.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let start = self.clock.now();
        for at in 0..devices {
            let device = format!("dev{at}").parse().unwrap();
            self.handle.send(Event::LookAsked { device }).await.unwrap();
        }
        self.until(|house| house.outlets.values().all(|it| it.reported_at.is_some_and(|at| at > start))).await;
        let last = self.handle.picture().outlets.values().filter_map(|it| it.reported_at).max().unwrap();
        Duration::try_from(last.duration_since(start)).unwrap()
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.abort();
            let _ = task.await;
        }
    }
}

/// Every outlet of the config, in one.
pub(crate) fn everything() -> Target {
    Target::Group("all".parse().unwrap())
}

/// Has every outlet been answered since the last command, and is it so?
pub(crate) fn all_are(switch: Switch) -> impl Fn(&House) -> bool {
    move |house| house.outlets.values().all(|it| it.answered == it.commanded && it.switch() == Some(switch))
}

pub(crate) fn outlet(device: usize, slot: u8) -> OutletId {
    OutletId::new(format!("dev{device}").parse().unwrap(), slot)
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// `median / p95 / p99` in ms.
pub(crate) fn spread(times: &mut [Duration]) -> String {
    times.sort();
    let at = |part: usize| millis(times[(times.len() * part / 100).min(times.len() - 1)]);
    format!("{:.2} / {:.2} / {:.2}", at(50), at(95), at(99))
}
