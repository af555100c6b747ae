//! Who has logged in: KLAP sessions as a device keeps them.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::klap::{self, Hash, Seed, SessionKeys};

/// Sessions that live together; the oldest goes when one more comes.
const MOST: usize = 16;

/// Why a device does not listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No such session, or its time is up, or the proof was wrong: HTTP 403.
    Forbidden,
    /// The message is not sealed as it must be, or its number is not a new one: HTTP 400.
    Malformed,
}

/// What number a request may have. What real firmware does is not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Any that is above the last one.
    Greater,
    /// The next one only.
    Next,
    /// Any at all.
    Any,
}

/// A handshake that waits for the client's proof.
struct HalfOpen {
    cookie: String,
    proof: Hash,
    keys: SessionKeys,
}

/// A client that is logged in.
struct Session {
    cookie: String,
    keys: SessionKeys,
    last_number: i32,
    opened: Instant,
}

/// The sessions of one device.
pub(super) struct Sessions {
    half_open: Option<HalfOpen>,
    /// The oldest first.
    open: VecDeque<Session>,
    pub(super) lifetime: Duration,
}

/// A request that was understood, and what it takes to answer it.
pub(super) struct Opened {
    pub(super) plain: Vec<u8>,
    pub(super) keys: SessionKeys,
    pub(super) number: i32,
}

impl Sessions {
    /// Nobody is logged in.
    pub(super) fn new(lifetime: Duration) -> Self {
        Self { half_open: None, open: VecDeque::new(), lifetime }
    }

    /// The first step of a login. Whatever login was under way is forgotten. Answers the cookie, the device's seed and its
    /// proof.
    pub(super) fn greet(&mut self, local: &Seed, auth: &Hash) -> (String, Seed, Hash) {
        let remote: Seed = std::array::from_fn(|_| fastrand::u8(..));
        let cookie = format!("{:032X}", fastrand::u128(..));
        self.half_open = Some(HalfOpen {
            cookie: cookie.clone(),
            proof: klap::client_hash(local, &remote, auth),
            keys: SessionKeys::derive(local, &remote, auth),
        });
        (cookie, remote, klap::server_hash(local, &remote, auth))
    }

    /// The second step of a login. Of more than `most` sessions the oldest goes.
    pub(super) fn admit(&mut self, cookie: &str, proof: &[u8], most: Option<usize>) -> Result<(), Refusal> {
        let login = self.half_open.take_if(|it| it.cookie == cookie).ok_or(Refusal::Forbidden)?;
        if login.proof != proof {
            return Err(Refusal::Forbidden);
        }
        while self.open.len() >= most.unwrap_or(MOST).min(MOST) {
            self.open.pop_front();
        }
        self.open.push_back(Session {
            cookie: login.cookie,
            last_number: login.keys.first_number(),
            keys: login.keys,
            opened: Instant::now(),
        });
        Ok(())
    }

    /// Opens a request, if its number is one that the device takes.
    pub(super) fn open(
        &mut self,
        cookie: &str,
        number: Option<i32>,
        sealed: &[u8],
        numbers: Numbers,
    ) -> Result<Opened, Refusal> {
        let lifetime = self.lifetime;
        self.open.retain(|session| session.opened.elapsed() < lifetime);
        let session = self.open.iter_mut().find(|it| it.cookie == cookie).ok_or(Refusal::Forbidden)?;
        let number = number.ok_or(Refusal::Malformed)?;
        let step = number.wrapping_sub(session.last_number);
        let taken = match numbers {
            Numbers::Greater => step > 0,
            Numbers::Next => step == 1,
            Numbers::Any => true,
        };
        if !taken {
            return Err(Refusal::Malformed);
        }
        let plain = session.keys.open(number, sealed).map_err(|_| Refusal::Malformed)?;
        session.last_number = number;
        Ok(Opened { plain, keys: session.keys.clone(), number })
    }

    /// Logs everybody out.
    pub(super) fn forget(&mut self) {
        self.half_open = None;
        self.open.clear();
    }
}
