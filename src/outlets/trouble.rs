//! What can go wrong between the bridge and a device, in kinds for the task and in words for people.

use std::{fmt, time::Duration};

use crate::model::{Address, DeviceSettings, Trouble, TroubleKind};

/// The port that devices listen on where the config names none.
const DEFAULT_PORT: u16 = 80;

/// Kinds of trouble: what the task does next depends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The port is closed: nothing was sent.
    Refused,
    /// No answer within the deadline: the request may have been carried out.
    Silent,
    /// The network failed in another way: the request may have been carried out.
    Unreachable,
    /// The device has forgotten the session: nothing was carried out.
    Session,
    /// The device understood the request and said no.
    Device,
    /// The answer could not be understood: the request may have been carried out.
    Garbled,
    /// The device does not know this e-mail and password.
    Account,
    /// The device refuses local logins.
    ThirdParty,
    /// The device counts wrong passwords (TPAP), or has locked itself.
    Locked,
    /// The device wants a login that nobody has built yet.
    Unsupported,
    /// Another device answers at the address.
    Stranger,
    /// The device has nothing that could be switched.
    NoOutlets,
}

impl Kind {
    /// Will it pass by itself?
    pub(super) fn is_passing(self) -> bool {
        self.for_people() == TroubleKind::Passing
    }

    /// Is one such answer enough to call the device lost? The others may be a hiccup of the radio, and get a second chance.
    pub(super) fn is_certain(self) -> bool {
        self == Self::Refused || !self.is_passing()
    }

    /// Is it the same trouble for people? A device without power is unreachable or silent by the network's mood.
    pub(super) fn is_same_trouble(self, other: Self) -> bool {
        let network = |it| matches!(it, Self::Silent | Self::Unreachable);
        self == other || (network(self) && network(other))
    }

    /// Did the device answer, so that the link itself is well?
    pub(super) fn is_an_answer(self) -> bool {
        self == Self::Device
    }

    /// Can a request that ended like this have been carried out all the same?
    pub(super) fn may_have_been_done(self) -> bool {
        !matches!(self, Self::Refused | Self::Session)
    }

    fn for_people(self) -> TroubleKind {
        match self {
            Self::Refused | Self::Silent | Self::Unreachable | Self::Session | Self::Device | Self::Garbled => {
                TroubleKind::Passing
            }
            Self::Account | Self::ThirdParty | Self::Locked | Self::Unsupported | Self::NoOutlets => {
                TroubleKind::NeedsPerson
            }
            Self::Stranger => TroubleKind::WrongDevice,
        }
    }
}

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(super) struct LinkError {
    /// What the task looks at.
    pub(super) kind: Kind,
    /// What people read: names the device, its address and the cause.
    pub(super) text: String,
}

impl LinkError {
    /// As events carry it.
    pub(super) fn trouble(&self) -> Trouble {
        Trouble { kind: self.kind.for_people(), text: self.text.clone() }
    }
}

/// A device by its name and its address, as texts about it begin.
#[derive(Clone, Debug)]
pub(super) struct Whereabouts {
    name: String,
    address: Address,
}

impl Whereabouts {
    /// Of a device of the config.
    pub(super) fn of(settings: &DeviceSettings) -> Self {
        Self { name: settings.name.clone(), address: settings.address.clone() }
    }

    /// As a link dials it: an IPv6 address needs brackets.
    pub(super) fn dialled(&self) -> String {
        let Address { host, port } = &self.address;
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.clone() };
        port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
    }

    /// As a socket is opened, always with a port.
    pub(super) fn with_port(&self) -> String {
        let port = self.address.port.unwrap_or(DEFAULT_PORT);
        match self.address.port {
            Some(_) => self.dialled(),
            None => format!("{}:{port}", self.dialled()),
        }
    }

    /// A trouble with this device. `detail` is the cause as the device or the network named it.
    pub(super) fn error(&self, kind: Kind, detail: &str) -> LinkError {
        let port = self.address.port.unwrap_or(DEFAULT_PORT);
        let text = match kind {
            Kind::Refused => format!(
                "{self} cannot be reached: port {port} is closed ({}:{port} refused the connection); is it powered, and is \
                 this its address?",
                self.address.host
            ),
            Kind::Silent => format!("{self} {detail}"),
            Kind::Unreachable => format!("{self} cannot be reached on port {port}: {detail}"),
            Kind::Session => format!("{self} ends every session at once: is another program logging in to it?"),
            Kind::Device => format!("{self} says no: {detail}"),
            Kind::Garbled => format!("{self} gives answers that are not understood: {detail}"),
            Kind::Account => format!(
                "{self} does not accept this account (e-mail and password are case-sensitive; use those of the Tapo app, \
                 with which the plug was set up)"
            ),
            Kind::ThirdParty => format!(
                "{self} refuses local control: Third-Party Compatibility is off: Tapo app > Me > Third-Party Services, \
                 switch it on (or off and on again)"
            ),
            Kind::Locked => format!(
                "{self} does not accept this password, or has locked itself after too many wrong ones: {detail}; it is left \
                 alone for ten minutes"
            ),
            Kind::Unsupported => format!("{self} cannot be logged in to: {detail}"),
            Kind::Stranger => format!("{detail}; nothing is switched"),
            Kind::NoOutlets => format!("{self} has no outlets that could be switched (it calls itself `{detail}`)"),
        };
        LinkError { kind, text }
    }

    /// No answer within the deadline.
    pub(super) fn silent(&self, limit: Duration) -> LinkError {
        self.error(Kind::Silent, &format!("did not answer within {} s", limit.as_secs_f64()))
    }

    /// The address alone.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name, self.address)
    }
}
