//! What can be made to go wrong.

use std::{str::FromStr, time::Duration};

use serde_json::Value;

use super::{distort, methods::UNKNOWN_METHOD};

/// A fault of the device or of the way to it. Those that are not about logging in strike requests of a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Every answer comes this much later. The request is carried out at once, even if nobody waits for the answer.
    Latency(Duration),
    /// Every answer comes later by anything up to this.
    Jitter(Duration),
    /// Another fault, by chance: it strikes with this probability, from 0 to 1.
    Sometimes(f64, Box<Fault>),
    /// The connection is cut and the request is not carried out.
    Drop,
    /// The request is carried out, then the connection is cut: the answer is lost.
    DropAfter,
    /// The same, but only for requests that hold this method.
    LostAnswer(String),
    /// Requests that hold this method are not carried out, and log everybody out.
    EndsSession(String),
    /// The connection is accepted and nothing is ever answered, not even to a login.
    Hang,
    /// An HTTP status in place of an answer; the request is not carried out.
    Status(u16),
    /// Bytes that nobody sealed; the request is not carried out.
    Garbage,
    /// The request is carried out, and the sealed answer is not JSON.
    BrokenJson,
    /// The request is carried out, and every field of this name is missing from the answer.
    WithoutField(String),
    /// The request is carried out, and every field of this name in the answer holds this value.
    Says(String, Value),
    /// One method answers an error code and does nothing.
    MethodError {
        /// The method, wherever it is in the request.
        method: String,
        /// A vendor's error code such as -1001.
        code: i64,
    },
    /// Logging in is answered with HTTP 403, as with third-party access switched off.
    HandshakeForbidden,
    /// The device belongs to another account.
    OtherAccount,
    /// The device speaks the successor of KLAP only: it says so, and answers KLAP logins with HTTP 403.
    Tpap,
    /// The device has been asked with a wrong password too often: it says so, and answers logins with HTTP 403.
    Locked,
    /// A request that comes while another one is under way is answered with HTTP 503.
    Busy,
    /// The number of a request must be the next one, else HTTP 400.
    ExactNumbers,
    /// The number of a request may be anything.
    AnyNumbers,
    /// A list of more than so many requests is answered with the error -1003.
    BatchLimit(usize),
    /// A list of more than so many requests is never answered.
    BatchHang(usize),
    /// The connection is cut in the middle of the answer; the request is carried out.
    Half,
    /// The answer comes in small pieces, this far apart.
    Drip(Duration),
    /// Each login logs everybody else out, as firmware from 1.4 does.
    SingleSession,
    /// More logins than this do not live together: the oldest is logged out. 0 counts as 1.
    MostSessions(usize),
    /// A firmware without meters: it neither names them nor knows their methods.
    NoMeters,
    /// The meters tell figures that cannot be, others each time.
    NonsenseMeters,
    /// After a power cut the port stays closed until somebody asks for the device by UDP, or for eight minutes and a half.
    LazyPort,
}

impl Fault {
    pub(super) fn latency(&self) -> Option<Duration> {
        if let Self::Latency(added) = self { Some(*added) } else { None }
    }

    pub(super) fn jitter(&self) -> Option<Duration> {
        if let Self::Jitter(most) = self { Some(most.mul_f64(fastrand::f64())) } else { None }
    }

    pub(super) fn drip(&self) -> Option<Duration> {
        if let Self::Drip(pause) = self { Some(*pause) } else { None }
    }

    pub(super) fn batch_limit(&self, length: usize) -> bool {
        matches!(self, Self::BatchLimit(most) if length > *most)
    }

    pub(super) fn batch_hang(&self, length: usize) -> bool {
        matches!(self, Self::BatchHang(most) if length > *most)
    }

    pub(super) fn most_sessions(&self) -> Option<usize> {
        match self {
            Self::SingleSession => Some(1),
            Self::MostSessions(most) => Some((*most).max(1)),
            _ => None,
        }
    }

    pub(super) fn status(&self) -> Option<u16> {
        if let Self::Status(code) = self { Some(*code) } else { None }
    }

    /// Is the answer to this request lost, after it was carried out?
    pub(super) fn loses_answer(&self, plain: &[u8]) -> bool {
        match self {
            Self::DropAfter => true,
            Self::LostAnswer(method) => holds(plain, method),
            _ => false,
        }
    }

    /// Does this request end all sessions?
    pub(super) fn ends_session(&self, plain: &[u8]) -> bool {
        matches!(self, Self::EndsSession(method) if holds(plain, method))
    }

    pub(super) fn method_error(&self, asked: &str) -> Option<i64> {
        match self {
            Self::MethodError { method, code } if method == asked => Some(*code),
            Self::NoMeters if distort::is_of_meters(asked) => Some(UNKNOWN_METHOD),
            _ => None,
        }
    }
}

/// Does a request hold this method?
fn holds(plain: &[u8], method: &str) -> bool {
    String::from_utf8_lossy(plain).contains(&format!("\"{method}\""))
}

impl FromStr for Fault {
    type Err = String;

    /// Reads a fault as the control panel names it: `drop_after`, `status:503`, `latency:250` (in ms), `without:on_time`,
    /// `says:remain:3600`, `error:get_energy_usage:-1002`; with `@0.1` behind it, it strikes once in ten times.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((fault, chance)) = text.rsplit_once('@') {
            let wrong = || format!("`{chance}` in the fault `{text}` is not a chance from 0 to 1");
            let chance = chance.parse().ok().filter(|it| (0.0..=1.0).contains(it)).ok_or_else(wrong)?;
            return Ok(Self::Sometimes(chance, Box::new(fault.parse()?)));
        }
        let (name, detail) = text.split_once(':').unwrap_or((text, ""));
        let wrong = |what| format!("`{detail}` in the fault `{text}` is not {what}");
        let milliseconds = || {
            let number = detail.parse::<u32>().map_err(|_| wrong("a number of milliseconds"))?;
            Ok::<_, String>(Duration::from_millis(number.into()))
        };
        let number = || detail.parse().map_err(|_| wrong("a number"));
        Ok(match name {
            "drop" => Self::Drop,
            "drop_after" => Self::DropAfter,
            "hang" => Self::Hang,
            "garbage" => Self::Garbage,
            "broken_json" => Self::BrokenJson,
            "forbidden" => Self::HandshakeForbidden,
            "other_account" => Self::OtherAccount,
            "single_session" => Self::SingleSession,
            "lost_answer" if !detail.is_empty() => Self::LostAnswer(detail.to_owned()),
            "ends_session" if !detail.is_empty() => Self::EndsSession(detail.to_owned()),
            "without" if !detail.is_empty() => Self::WithoutField(detail.to_owned()),
            "says" => {
                let (field, value) = detail.split_once(':').ok_or_else(|| wrong("FIELD:JSON"))?;
                let value = serde_json::from_str(value).map_err(|_| wrong("FIELD:JSON, as in says:rssi:-90"))?;
                Self::Says(field.to_owned(), value)
            }
            "status" => Self::Status(detail.parse().map_err(|_| wrong("an HTTP status such as 503"))?),
            "tpap" => Self::Tpap,
            "locked" => Self::Locked,
            "busy" => Self::Busy,
            "exact_numbers" => Self::ExactNumbers,
            "any_numbers" => Self::AnyNumbers,
            "no_meters" => Self::NoMeters,
            "nonsense_meters" => Self::NonsenseMeters,
            "lazy_port" => Self::LazyPort,
            "half" => Self::Half,
            "sessions" => Self::MostSessions(number()?),
            "batch_limit" => Self::BatchLimit(number()?),
            "batch_hang" => Self::BatchHang(number()?),
            "latency" => Self::Latency(milliseconds()?),
            "jitter" => Self::Jitter(milliseconds()?),
            "drip" => Self::Drip(milliseconds()?),
            "error" => {
                let (method, code) = detail.split_once(':').ok_or_else(|| wrong("METHOD:CODE"))?;
                let code = code.parse().map_err(|_| wrong("METHOD:CODE"))?;
                Self::MethodError { method: method.to_owned(), code }
            }
            _ => {
                return Err(format!(
                    "`{text}` is not a fault; there are drop, drop_after, half, hang, garbage, broken_json, forbidden, \
                     other_account, tpap, locked, single_session, sessions:N, exact_numbers, any_numbers, busy, \
                     no_meters, nonsense_meters, lazy_port, status:CODE, latency:MS, jitter:MS, drip:MS, \
                     batch_limit:N, batch_hang:N, error:METHOD:CODE, lost_answer:METHOD, ends_session:METHOD, \
                     without:FIELD and says:FIELD:JSON, each also by chance, as in drop@0.1"
                ));
            }
        })
    }
}

/// The faults in force.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(Fault, Option<u32>)>);

impl Faults {
    /// Puts a fault in force, for a number of times or for good.
    pub(super) fn add(&mut self, fault: Fault, times: Option<u32>) {
        if times != Some(0) {
            self.0.push((fault, times));
        }
    }

    /// All of them.
    pub(super) fn in_force(&self) -> Vec<Fault> {
        self.0.iter().map(|(fault, _)| fault.clone()).collect()
    }

    /// Takes all faults back.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Is this fault in force? If so, it counts as having struck once.
    pub(super) fn hits(&mut self, fault: &Fault) -> bool {
        self.strike(|it| (it == fault).then_some(())).is_some()
    }

    /// The first fault that `pick` takes; it counts as having struck once.
    pub(super) fn strike<T>(&mut self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        // A fault that comes by chance is rolled for only where it would strike.
        let by_chance = |fault: &Fault| match fault {
            Fault::Sometimes(chance, fault) => pick(fault).filter(|_| fastrand::f64() < *chance),
            fault => pick(fault),
        };
        let (index, picked) =
            self.0.iter().enumerate().find_map(|(index, (fault, _))| Some((index, by_chance(fault)?)))?;
        if let Some((_, Some(times))) = self.0.get_mut(index) {
            *times -= 1;
            if *times == 0 {
                self.0.remove(index);
            }
        }
        Some(picked)
    }

    /// Every fault that `does` something; each counts as having struck once.
    pub(super) fn strike_each(&mut self, mut does: impl FnMut(&Fault) -> bool) {
        let mut does = |fault: &Fault| match fault {
            Fault::Sometimes(chance, fault) => fastrand::f64() < *chance && does(fault),
            fault => does(fault),
        };
        self.0.retain_mut(|(fault, times)| match times {
            Some(times) if does(fault) => {
                *times -= 1;
                *times > 0
            }
            Some(_) => true,
            None => {
                does(fault);
                true
            }
        });
    }
}
