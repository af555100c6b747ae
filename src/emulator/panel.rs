//! The control panel: a few HTTP requests by which a person or a script reaches into emulated devices.
//!
//! `GET /state` shows all. Everything else is a `POST` with its particulars in the address: `device` counts from 1 and is 1
//! if left out, `slot` likewise.
//!
//! ```text
//! POST /press?slot=1              the button
//! POST /load?slot=1&watts=300     what is plugged in
//! POST /drift?slot=1&watts=-50     so much more with each hour
//! POST /protect?slot=1&what=overheated
//! POST /relay?slot=1&what=welded  or jammed, or sound again
//! POST /reset_meters              the device forgets its energy
//! POST /sleep                     the port is closed until somebody asks for the device by UDP
//! POST /move?to=127.0.0.1:9105     another address
//! POST /vanish    POST /come_back    POST /reboot?seconds=2
//! POST /expire                    everybody is logged out
//! POST /pass?seconds=900          time passes at once
//! POST /fault?what=drop_after&times=1    POST /faults_over
//! ```

use std::{convert::Infallible, str::FromStr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    fault::Fault,
    listener::{self, Door},
    outlet::{Protection, Relay},
    plug::Plug,
};

/// The longest power cut that can be asked for, in s: the answer comes when it is over.
const LONGEST_CUT: u64 = 60;

/// What is to be done and cannot be, and why.
type Done = Result<Value, (StatusCode, String)>;

/// Serves until told to stop.
pub(super) async fn serve(on: TcpListener, plugs: Vec<Plug>, stop: CancellationToken) {
    let plugs = Arc::new(plugs);
    listener::listen(Door::Port(on), stop, move |_, request| answer(Arc::clone(&plugs), request)).await;
}

async fn answer(plugs: Arc<Vec<Plug>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let particulars = Particulars(request.uri().query().unwrap_or_default());
    let done = match (request.method(), request.uri().path()) {
        (&Method::GET, "/state") => Ok(state(&plugs).await),
        (&Method::POST, path) => act(&plugs, path, particulars).await,
        _ => Err((StatusCode::NOT_FOUND, "there is GET /state; all else is a POST".to_owned())),
    };
    let (status, body) = done.map_or_else(|(status, text)| (status, json!({"error": text})), |it| (StatusCode::OK, it));
    let mut response = Response::new(Full::new(Bytes::from(format!("{body}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn state(plugs: &[Plug]) -> Value {
    let mut devices = Vec::new();
    for (index, plug) in plugs.iter().enumerate() {
        devices.push(json!({
            "device": index + 1,
            "model": plug.model().name(),
            "address": plug.address(),
            "mac": plug.mac().to_string(),
            "device_id": plug.device_id(),
            "is_there": plug.is_there().await,
            "outlets": plug.outlets(),
            "counts": plug.counts(),
        }));
    }
    json!({"devices": devices})
}

async fn act(plugs: &[Plug], path: &str, given: Particulars<'_>) -> Done {
    let device: usize = given.number("device", Some(1))?;
    let plug = device.checked_sub(1).and_then(|index| plugs.get(index));
    let plug = plug.ok_or_else(|| bad(format!("there is no device {device}; there are {}", plugs.len())))?;
    let slot: u8 = given.number("slot", Some(1))?;
    let done = match on_outlet(plug, path, slot, given)? {
        Some(true) => true,
        Some(false) => return Err(bad(format!("there is no slot {slot}"))),
        None => on_device(plug, path, given).await?,
    };
    match done {
        true => Ok(json!({"device": device, "outlets": plug.outlets()})),
        false => Err((StatusCode::NOT_FOUND, format!("nothing is done by `{path}`"))),
    }
}

/// What is done to one outlet. `None` if it is something else, `false` if there is no such outlet.
fn on_outlet(plug: &Plug, path: &str, slot: u8, given: Particulars<'_>) -> Result<Option<bool>, (StatusCode, String)> {
    Ok(Some(match path {
        "/press" => plug.press(slot),
        "/load" => plug.set_load(slot, given.number("watts", None)?),
        "/drift" => plug.drift_load(slot, given.number("watts", None)?),
        "/protect" => plug.protect(slot, given.protection()?),
        "/relay" => plug.break_relay(slot, given.relay()?),
        _ => return Ok(None),
    }))
}

/// What is done to the whole device. `false` if there is no such thing.
async fn on_device(plug: &Plug, path: &str, given: Particulars<'_>) -> Result<bool, (StatusCode, String)> {
    let network = |error: std::io::Error| bad(error.to_string());
    match path {
        "/reset_meters" => plug.reset_meters(),
        "/sleep" => plug.sleep().await,
        "/vanish" => plug.vanish().await,
        "/come_back" => plug.come_back().await.map_err(network)?,
        "/move" => {
            let to = given.text("to")?;
            let to = to.parse().map_err(|_| bad(format!("`to={to}` is not an address such as 127.0.0.1:9105")))?;
            plug.move_to(to).await.map_err(network)?;
        }
        "/reboot" => {
            let dark = Duration::from_secs(given.number::<u64>("seconds", Some(2))?.min(LONGEST_CUT));
            plug.reboot(dark).await.map_err(network)?;
        }
        "/expire" => plug.expire_sessions(),
        "/pass" => plug.pass(Duration::from_secs(u64::from(given.number::<u32>("seconds", None)?))),
        "/fault" => {
            let fault = given.text("what")?.parse::<Fault>().map_err(bad)?;
            match given.number("times", Some(0))? {
                0 => plug.set_fault(fault),
                times => plug.set_fault_for(fault, times),
            }
        }
        "/faults_over" => plug.clear_faults(),
        _ => return Ok(false),
    }
    Ok(true)
}

/// What stands behind the `?`.
#[derive(Clone, Copy)]
struct Particulars<'a>(&'a str);

impl<'a> Particulars<'a> {
    fn find(self, name: &str) -> Option<&'a str> {
        self.0.split('&').find_map(|it| it.strip_prefix(name)?.strip_prefix('='))
    }

    fn text(self, name: &str) -> Result<&'a str, (StatusCode, String)> {
        self.find(name).ok_or_else(|| bad(format!("`{name}` is missing")))
    }

    fn number<T: FromStr>(self, name: &str, otherwise: Option<T>) -> Result<T, (StatusCode, String)> {
        match (self.find(name), otherwise) {
            (Some(text), _) => {
                text.parse().map_err(|_| bad(format!("`{name}={text}` is not a number that makes sense")))
            }
            (None, Some(otherwise)) => Ok(otherwise),
            (None, None) => Err(bad(format!("`{name}` is missing"))),
        }
    }

    fn relay(self) -> Result<Relay, (StatusCode, String)> {
        match self.text("what")? {
            "sound" => Ok(Relay::Sound),
            "welded" => Ok(Relay::Welded),
            "jammed" => Ok(Relay::Jammed),
            what => Err(bad(format!("`what={what}` is not sound, welded or jammed"))),
        }
    }

    fn protection(self) -> Result<Protection, (StatusCode, String)> {
        match self.text("what")? {
            "normal" => Ok(Protection::Normal),
            "overheated" => Ok(Protection::Overheated),
            "overloaded" => Ok(Protection::Overloaded),
            "overcurrent" => Ok(Protection::Overcurrent),
            what => Err(bad(format!("`what={what}` is not normal, overheated, overloaded or overcurrent"))),
        }
    }
}

fn bad(text: String) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, text)
}
