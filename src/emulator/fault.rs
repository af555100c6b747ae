//! What can be made to go wrong.

use std::time::Duration;

/// A fault of the device or of the way to it. Those that are not about logging in strike requests of a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Every exchange takes this much longer.
    Latency(Duration),
    /// The connection is cut and the request is not carried out.
    Drop,
    /// The request is carried out, then the connection is cut: the answer is lost.
    DropAfter,
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
    /// Each login logs everybody else out, as firmware from 1.4 does.
    SingleSession,
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

    /// Takes all faults back.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The first fault that `pick` takes; it counts as having struck once.
    pub(super) fn strike<T>(&mut self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let (index, picked) = self.0.iter().enumerate().find_map(|(index, (fault, _))| Some((index, pick(fault)?)))?;
        if let Some((_, Some(times))) = self.0.get_mut(index) {
            *times -= 1;
            if *times == 0 {
                self.0.remove(index);
            }
        }
        Some(picked)
    }
}
