//! One look at one device, for people who want to know why it does not work. Nothing is switched and nothing is written.

use std::{sync::Arc, time::Duration};

use super::{
    Network,
    answer::{self, About, Countdown, Look},
    finding::{self, Finder},
    identity::Expected,
    link::{Kind, Link, LinkError},
    pace,
};
use crate::model::{Address, Credentials, DeviceSettings, Mac, Pin};

/// A login is several steps, each with the device's own deadline; all of them together end here.
const ENOUGH: Duration = Duration::from_secs(10);

/// What a device said about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Examined {
    /// The housing.
    pub about: About,
    /// `KLAP` or `TPAP`.
    pub protocol: &'static str,
    /// Its outlets, by slot.
    pub sockets: Vec<Socket>,
    /// Another device was expected at the address: its MAC address.
    pub expected: Option<Mac>,
    /// Where the expected one answers.
    pub moved: Option<Address>,
}

/// One outlet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The device's `position`, from 1.
    pub slot: u8,
    /// Can a countdown be armed on it? `None` where this could not be learned.
    pub countdown: Option<bool>,
    /// The countdown that runs on it.
    pub running: Option<Countdown>,
    /// The auto-off timer: `None` if the outlet has none or it could not be read, else whether it is in force, and its minutes.
    pub auto_off: Option<(bool, u32)>,
    /// Does it stay off when the power comes back? `None` if the device does not say.
    pub stays_off: Option<bool>,
}

/// Why a device could not be examined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Unexamined {
    /// In words, with the device, its address and the cause.
    pub text: String,
    /// What a person can do.
    pub cure: &'static str,
    /// Where a device with the expected MAC address answers.
    pub moved: Option<Address>,
}

/// Logs in to a device once and asks what it is and which timers it can hold. With firmware from 1.4 on the login ends the session
/// of whoever else speaks to the device, a running bridge too, which logs in again by itself. One that is not where it is said to
/// be is looked for.
///
/// # Errors
/// The device cannot be reached, refuses the login, or is not understood; with what to do about it.
pub async fn examine(
    settings: &DeviceSettings,
    credentials: &Credentials,
    pin: Option<&Pin>,
    network: Arc<dyn Network>,
    finder: &Finder,
) -> Result<Examined, Unexamined> {
    let mut seen = look(settings, credentials, pin, &network).await;
    let lost = match &seen {
        Ok(examined) => examined.expected.is_some(),
        Err(error) => matches!(error.kind, Kind::Refused | Kind::Silent | Kind::Unreachable),
    };
    let mut moved = None;
    if lost {
        let (answers, at) = search(settings, pin, finder).await;
        if at.is_none() && answers && seen.is_err() {
            // It is there, and has only now been asked: some firmwares open their port after that.
            tokio::time::sleep(pace::until_port_opens()).await;
            seen = look(settings, credentials, pin, &network).await;
        }
        moved = at;
    }
    match seen {
        Ok(examined) => Ok(Examined { moved, ..examined }),
        Err(error) => Err(Unexamined { moved, ..unexamined(&error) }),
    }
}

/// Does the device answer where it is said to be, and where does it answer if that is elsewhere?
async fn search(settings: &DeviceSettings, pin: Option<&Pin>, finder: &Finder) -> (bool, Option<Address>) {
    let host = settings.address.host.as_str();
    let Some(mac) = Expected::of(settings, pin).mac else {
        return (!finder.ask(&[host], finding::WAIT).await.is_empty(), None);
    };
    let found = finder.whereabouts(mac, host).await;
    let port = |it: &Address| it.port.unwrap_or(80);
    let here = |it: &Address| it.host == host && port(it) == port(&settings.address);
    (found.is_some(), found.filter(|it| !here(it)))
}

async fn look(
    settings: &DeviceSettings,
    credentials: &Credentials,
    pin: Option<&Pin>,
    network: &Arc<dyn Network>,
) -> Result<Examined, LinkError> {
    let asked = async {
        let mut link = within(settings, Link::connect(settings, credentials, network)).await?;
        let about = answer::about(&link.info().await?);
        let expected = stranger(settings, pin, &about);
        // What another device can do is of no interest, and its owner has not asked.
        let sockets = if expected.is_none() { sockets(&mut link, &about).await? } else { Vec::new() };
        Ok(Examined { protocol: link.protocol(), about, sockets, expected, moved: None })
    };
    match tokio::time::timeout(ENOUGH, asked).await {
        Ok(examined) => examined,
        Err(_) => Err(super::trouble::Whereabouts::of(settings).silent(ENOUGH)),
    }
}

/// The protocol and the two steps of a login, each a round trip, share three times the device's deadline.
async fn within(
    settings: &DeviceSettings,
    connecting: impl Future<Output = Result<Link, LinkError>>,
) -> Result<Link, LinkError> {
    let late = |_| super::trouble::Whereabouts::of(settings).silent(settings.timeout);
    tokio::time::timeout(settings.timeout * 3, connecting).await.map_err(late)?
}

/// The MAC address that was expected, if another device answers.
fn stranger(settings: &DeviceSettings, pin: Option<&Pin>, about: &About) -> Option<Mac> {
    let meant = Expected::of(settings, pin);
    let expected = meant.mac?;
    // One that does not tell its MAC address is known by its id alone.
    (!meant.is(about.mac.unwrap_or(expected), about)).then_some(expected)
}

async fn sockets(link: &mut Link, about: &About) -> Result<Vec<Socket>, LinkError> {
    let looks = if about.is_single {
        vec![answer::single(&link.info().await?)]
    } else {
        let list = link.children().await?;
        answer::strip(&list).map_err(|text| link.place.error(Kind::Garbled, &text))?
    };
    let mut sockets = Vec::with_capacity(looks.len());
    for look in &looks {
        sockets.push(socket(link, look).await?);
    }
    Ok(sockets)
}

/// A device that says no to a question about a timer has none; one that falls silent is silent.
async fn socket(link: &mut Link, look: &Look) -> Result<Socket, LinkError> {
    let (slot, child, stays_off) = (look.slot, look.child.as_deref(), look.stays_off);
    if !link.has_timers() {
        return Ok(Socket { slot, countdown: Some(false), running: None, auto_off: None, stays_off });
    }
    let (countdown, running) = match link.countdown(child).await {
        Ok(running) => (Some(true), running),
        Err(error) if error.kind == Kind::Device => (Some(false), None),
        Err(error) if error.kind == Kind::Garbled => (None, None),
        Err(error) => return Err(error),
    };
    let auto_off = match link.auto_off(child).await {
        Ok(set) => Some(set),
        Err(error) if matches!(error.kind, Kind::Device | Kind::Garbled) => None,
        Err(error) => return Err(error),
    };
    Ok(Socket { slot, countdown, running, auto_off, stays_off })
}

fn unexamined(error: &LinkError) -> Unexamined {
    let cure = match error.kind {
        Kind::Refused => {
            "check its power and its address; after a power cut new firmware opens its port only some minutes later (or once \
             the Tapo app has looked at it)"
        }
        Kind::Silent | Kind::Unreachable => {
            "check its power, its Wi-Fi and its address (Tapo app > device > Device Info), and that this machine may reach its \
             network"
        }
        Kind::Session => {
            "close other programs that log in to it (the Tapo app, another bridge), or let them ask less often"
        }
        Kind::ThirdParty => {
            "Tapo app > Me > Third-Party Services: switch Third-Party Compatibility on (or off and on again)"
        }
        Kind::Account => {
            "use the e-mail (to the letter, case counts) and password of the Tapo app with which it was set up"
        }
        Kind::Locked => "wait ten minutes, and see that the password is right before it is tried again",
        Kind::Unsupported => {
            "switch Third-Party Compatibility on (Tapo app > Me > Third-Party Services), so that it speaks KLAP"
        }
        Kind::NoOutlets | Kind::Stranger => "give the address of a plug or strip",
        Kind::Device | Kind::Garbled => {
            "update its firmware in the Tapo app, or power-cycle it while nothing depends on it"
        }
    };
    Unexamined { text: error.text.clone(), cure, moved: None }
}
