//! What goes wrong, and what people do meanwhile.

use std::{net::SocketAddr, time::Duration};

use heattrax::{
    emulator::Fault,
    model::{Command, Control, Event, Lasting, Origin, Switch, Target, Verb},
};
use jiff::SignedDuration;
use tokio::time::Instant;

use crate::town::Town;

/// The longest that a fault lasts.
const LONGEST: Duration = Duration::from_secs(40 * 60);
/// The longest that a plug cannot be reached: it may be lost at the end of another fault.
pub(crate) const LONGEST_GONE: Duration = Duration::from_secs(80 * 60);

/// How much goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    /// A plug meets with something at one look in so many.
    pub(crate) rare: u32,
    /// People want something at one look in so many.
    pub(crate) quiet: u32,
    /// The longest that a fault lasts.
    pub(crate) longest: Duration,
    /// The longest power cut.
    pub(crate) dark: Duration,
    /// Do faults come after which a device is left alone for minutes?
    pub(crate) grave: bool,
}

impl Measure {
    /// A look every five seconds, for days.
    pub(crate) const DAYS: Self =
        Self { rare: 60, quiet: 120, longest: LONGEST, dark: Duration::from_secs(120), grave: true };
    /// Four looks a second, for minutes.
    pub(crate) const MINUTES: Self =
        Self { rare: 16, quiet: 8, longest: Duration::from_secs(8), dark: Duration::from_secs(2), grave: false };
}

pub(crate) struct Chaos {
    measure: Measure,
    /// What was done to each plug ends then.
    until: Vec<Option<Instant>>,
    /// Was it lost at the end of a fault?
    lost: Vec<bool>,
    weather_at: Option<Instant>,
    pub(crate) strikes: u64,
    /// When people wished outlets on, by the plugs' time, and until when at most.
    pub(crate) wishes: Vec<Wish>,
}

pub(crate) struct Wish {
    pub(crate) outlets: Vec<(usize, u8)>,
    pub(crate) from: Duration,
    pub(crate) until: Duration,
}

/// A wish without a word about its length lasts for so long at most.
const WISH_LASTS: Duration = Duration::from_secs(3 * 3600);

fn fault() -> Fault {
    let ms = |most: u64| Duration::from_millis(fastrand::u64(1..most));
    match fastrand::u8(..23) {
        0 => Fault::Latency(ms(1500)),
        1 => Fault::Jitter(ms(6000)),
        2 => Fault::Drop,
        3 => Fault::DropAfter,
        4 => Fault::Hang,
        5 => Fault::Status(*fastrand::choice(&[400, 403, 429, 500, 503]).unwrap()),
        6 => Fault::Garbage,
        7 => Fault::BrokenJson,
        8 => Fault::HandshakeForbidden,
        9 => Fault::OtherAccount,
        10 => Fault::Half,
        11 => Fault::Drip(ms(20)),
        12 => Fault::BatchLimit(fastrand::usize(1..4)),
        13 => Fault::BatchHang(fastrand::usize(1..4)),
        14 => Fault::Locked,
        15 => Fault::Tpap,
        16 => Fault::WithoutField(
            (*fastrand::choice(&["on_time", "auto_off_status", "device_on", "rssi", "position"]).unwrap()).to_owned(),
        ),
        17 | 18 => {
            let methods = [
                "get_countdown_rules",
                "add_countdown_rule",
                "edit_countdown_rule",
                "set_auto_off_config",
                "set_device_info",
                "get_child_device_list",
                "get_energy_usage",
                "get_device_info",
            ];
            Fault::MethodError { method: (*fastrand::choice(&methods).unwrap()).to_owned(), code: -1001 }
        }
        19 => Fault::NoMeters,
        20 => Fault::NonsenseMeters,
        21 => Fault::MostSessions(1),
        _ => Fault::ExactNumbers,
    }
}

fn is_grave(fault: &Fault) -> bool {
    matches!(fault, Fault::HandshakeForbidden | Fault::OtherAccount | Fault::Locked | Fault::Tpap)
}

impl Chaos {
    pub(crate) fn new(measure: Measure) -> Self {
        Self { measure, until: Vec::new(), lost: Vec::new(), weather_at: None, strikes: 0, wishes: Vec::new() }
    }

    /// Is nothing wrong with a plug?
    pub(crate) fn is_well(&self, at: usize) -> bool {
        self.until.get(at).is_none_or(Option::is_none)
    }

    fn fault(&self) -> Fault {
        let fits = |it: &Fault| self.measure.grave || !is_grave(it);
        std::iter::repeat_with(fault).find(fits).unwrap()
    }

    /// A moment of life.
    pub(crate) async fn strikes(&mut self, town: &Town) {
        self.until.resize(town.plugs.len(), None);
        self.lost.resize(town.plugs.len(), false);
        for at in 0..town.plugs.len() {
            if self.until[at].is_some_and(|until| until <= Instant::now()) {
                if !self.lost[at] && fastrand::u8(..3) == 0 {
                    // It is lost in the middle of whatever it was about, and its faults stay with it.
                    town.plugs[at].vanish().await;
                    self.lost[at] = true;
                    self.until[at] = Some(Instant::now() + self.measure.longest.mul_f64(fastrand::f64()));
                } else {
                    self.heal(town, at).await;
                }
            }
            if self.until[at].is_none() && fastrand::u32(..self.measure.rare) == 0 {
                self.strike(town, at).await;
            }
        }
        if self.weather_at.is_none_or(|at| at <= Instant::now()) {
            town.weather().await;
            self.weather_at = Some(Instant::now() + Duration::from_secs(fastrand::u64(600..20_000)));
        }
        if fastrand::u32(..self.measure.quiet) == 0 {
            self.someone_asks(town).await;
        }
    }

    async fn strike(&mut self, town: &Town, at: usize) {
        let plug = &town.plugs[at];
        self.strikes += 1;
        let length = self.measure.longest.mul_f64(fastrand::f64());
        let mut until = Some(Instant::now() + length);
        match fastrand::u8(..24) {
            0 | 20 | 21 => plug.vanish().await,
            1 => plug.sleep().await,
            2 => {
                plug.expire_sessions();
                until = None;
            }
            3 => {
                let dark = self.measure.dark.mul_f64(fastrand::f64());
                if fastrand::bool() {
                    plug.set_fault_for(Fault::LazyPort, 1);
                }
                plug.reboot(dark).await.unwrap();
                until = None;
            }
            4 => {
                // The router gives it another address, perhaps one that somebody else had before.
                let free: Vec<_> = (10..18_u8)
                    .map(|host| SocketAddr::from(([192, 0, 2, host], 80)))
                    .filter(|it| (0..town.plugs.len()).all(|plug| town.address(plug) != *it))
                    .collect();
                town.moves(at, *fastrand::choice(&free).unwrap()).await;
                until = None;
            }
            5 => {
                let slot = *fastrand::choice(&town.ids()).unwrap();
                town.plugs[slot.0].press(slot.1);
                // The bridge may see it only when the plug can be reached again, and then counts from there.
                let now = town.plugs[0].now();
                self.wishes.push(Wish { outlets: vec![slot], from: now, until: now + LONGEST_GONE + WISH_LASTS });
                until = None;
            }
            6 => self.swap(town, at).await,
            7..=10 => plug.set_fault(Fault::Sometimes(0.3 * fastrand::f64(), Box::new(self.fault()))),
            11 | 12 => {
                plug.set_fault(Fault::Sometimes(0.1, Box::new(Fault::Drop)));
                plug.set_fault(Fault::Sometimes(0.1, Box::new(Fault::DropAfter)));
                plug.set_fault(Fault::Jitter(Duration::from_secs(2)));
            }
            13 | 14 => plug.set_fault_for(self.fault(), fastrand::u32(1..5)),
            _ => plug.set_fault(self.fault()),
        }
        // Misfortunes come together.
        for _ in 0..until.map_or(0, |_| fastrand::u8(..3)) {
            plug.set_fault(Fault::Sometimes(fastrand::f64(), Box::new(self.fault())));
        }
        self.until[at] = until;
    }

    /// Two plugs have each other's addresses.
    async fn swap(&mut self, town: &Town, at: usize) {
        let other = (at + 1) % town.plugs.len();
        if self.until[other].is_some() {
            return;
        }
        let (here, there) = (town.address(at), town.address(other));
        town.plugs[other].vanish().await;
        town.moves(at, there).await;
        town.moves(other, here).await;
    }

    async fn heal(&mut self, town: &Town, at: usize) {
        let plug = &town.plugs[at];
        plug.clear_faults();
        town.comes_back(at).await;
        (self.until[at], self.lost[at]) = (None, false);
    }

    /// Everything works again. What hung is let go, as a power cycle of an access point does.
    pub(crate) async fn ends(&mut self, town: &Town) {
        for at in 0..town.plugs.len() {
            self.heal(town, at).await;
        }
        town.weather().await;
    }
}

impl Chaos {
    async fn someone_asks(&mut self, town: &Town) {
        let (plug, slot) = *fastrand::choice(&town.ids()).unwrap();
        let (target, outlets) = match fastrand::u8(..4) {
            0 => (Target::Group("walk".parse().unwrap()), vec![(0, 1), (1, 1), (1, 2)]),
            _ => (Target::Outlet(Town::id(plug, slot)), vec![(plug, slot)]),
        };
        let switch = Switch::from_bool(fastrand::bool());
        let verb = match fastrand::u8(..12) {
            0 => Verb::Toggle,
            1 => Verb::Control(Control::Off),
            2 | 3 => Verb::Control(Control::Auto),
            4 => Verb::Acknowledge,
            5 => Verb::Set(switch, Lasting::For(SignedDuration::from_mins(fastrand::i64(1..180)))),
            _ => Verb::Set(switch, Lasting::Default),
        };
        let now = town.plugs[0].now();
        if !matches!(verb, Verb::Set(Switch::Off, _)) {
            self.wishes.push(Wish { outlets, from: now, until: now + WISH_LASTS });
        }
        town.handle.send(Event::Commanded(Command::new(target, verb, Origin::Mqtt))).await.unwrap();
    }
}
