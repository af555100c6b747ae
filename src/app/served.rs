//! The addresses on which HTTP is served.

use std::{
    net::{IpAddr, SocketAddr},
    sync::PoisonError,
    time::Duration,
};

use tokio::net::TcpListener;

use super::{
    Bridge, StartError, VERSION,
    alone::{note, shown_at},
};
use crate::{
    config::Problems,
    model::{Settings, WebSettings},
    web,
};

/// Ports that are tried from the config's on.
const NEXT: u16 = 10;
/// Whoever is there says who they are within this time.
const ASKED: Duration = Duration::from_secs(1);
/// A place that cannot be listened on is tried again this often.
const AGAIN: Duration = Duration::from_secs(30);

impl Bridge {
    /// A port that is taken is no reason to leave the heaters alone: it is told, and the rest goes on.
    pub(super) async fn serve_health(&mut self, settings: Option<&WebSettings>, info: web::WebInfo) {
        let Some(WebSettings { bind_host, port, .. }) = settings else { return };
        let listener = match TcpListener::bind((bind_host.as_str(), *port)).await {
            Ok(listener) => listener,
            Err(error) => return tracing::error!("health_server cannot listen on {bind_host}:{port}: {error}"),
        };
        let info = web::WebInfo { version: VERSION.to_owned(), names: vec![bind_host.clone()], ..info };
        let run = web::serve_health(listener, info, self.handle.clone(), self.shells.clone());
        self.spawn("health server", async {
            if let Err(error) = run.await {
                tracing::error!("the health server failed: {error}");
            }
        });
    }

    /// Where the page cannot be shown as the config says, it is shown where it was before, or at one of the next ports: nobody shall need a
    /// shell to put it right. Nor is it a reason to leave the heaters alone, unless another bridge is there that looks after them.
    pub(super) async fn serve(&mut self, settings: Option<&WebSettings>, info: web::WebInfo) -> Result<(), StartError> {
        let Some(how @ WebSettings { bind_host, port, .. }) = settings else { return Ok(()) };
        let info = web::WebInfo { version: VERSION.to_owned(), names: names(how), access: Some(how.clone()), ..info };
        let listener = match TcpListener::bind((bind_host.as_str(), *port)).await {
            Ok(listener) => Some(listener),
            Err(source) if is_bridge(bind_host, *port).await => {
                return Err(StartError::Web { host: bind_host.clone(), port: *port, source });
            }
            Err(error) => {
                tracing::error!("the page cannot be shown at {bind_host}:{port}: {error}");
                self.elsewhere(bind_host, *port).await
            }
        };
        if let Some(listener) = &listener {
            self.web = listener.local_addr().ok();
            self.web.into_iter().for_each(tell);
            *self.levers.page.lock().unwrap_or_else(PoisonError::into_inner) = self.web;
            note(self.alone.as_ref(), self.web);
        }
        let (handle, stop, place) = (self.handle.clone(), self.shells.clone(), (bind_host.clone(), *port));
        let alone = self.alone.as_ref().and_then(|it| it.try_clone().ok());
        self.spawn("web", async move {
            let listener = match listener {
                Some(listener) => listener,
                None => tokio::select! {
                    listener = freed(&place) => {
                        note(alone.as_ref(), listener.local_addr().ok());
                        listener
                    }
                    () = stop.cancelled() => return,
                },
            };
            if let Err(error) = web::serve(listener, info, handle, stop).await {
                tracing::error!("the web server failed: {error}");
            }
        });
        Ok(())
    }

    /// Where it was before this start, or the next port that is free.
    async fn elsewhere(&self, host: &str, port: u16) -> Option<TcpListener> {
        let before = *self.levers.page.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listener) = async { TcpListener::bind(before?).await.ok() }.await {
            return Some(listener);
        }
        for port in (1..NEXT).filter_map(|it| port.checked_add(it)) {
            if let Ok(listener) = TcpListener::bind((host, port)).await {
                return Some(listener);
            }
        }
        None
    }
}

fn tell(address: SocketAddr) {
    if address.ip().is_unspecified() {
        tracing::info!("the page is at port {} of every address of this machine", address.port());
    } else {
        tracing::info!("the page is at http://{address}/");
    }
}

/// Does another bridge answer there, or the scheduler before it? Two of them would fight over the plugs.
async fn is_bridge(host: &str, port: u16) -> bool {
    let told = web::ask(&reached_at(host, port), "/health", "*/*", None, ASKED).await;
    told.is_ok_and(|it| it.body.contains("heattrax_scheduler"))
}

/// What is listened on at `host`, as this machine reaches it.
pub(super) fn reached_at(host: &str, port: u16) -> String {
    match host.parse::<IpAddr>() {
        // Whoever listens everywhere is also here.
        Ok(IpAddr::V4(it)) if it.is_unspecified() => format!("127.0.0.1:{port}"),
        Ok(IpAddr::V6(it)) if it.is_unspecified() => format!("[::1]:{port}"),
        Ok(IpAddr::V6(it)) => format!("[{it}]:{port}"),
        _ => format!("{host}:{port}"),
    }
}

/// Where whoever supervises the bridge asks whether it is well: at its page, wherever that is, or at the port that serves the probes alone.
/// Blocks.
///
/// # Errors
/// Nothing that could be asked is served.
pub fn health_url(loaded: &Result<Settings, Problems>) -> Result<String, String> {
    let (data, web, health) = match loaded {
        Ok(it) => (&it.data, it.web.as_ref(), it.health.as_ref()),
        Err(it) => (&it.partial.data, Some(&it.partial.web), None),
    };
    let by_config = || web.or(health).map(|it| reached_at(&it.bind_host, it.port));
    let at = shown_at(data)
        .or_else(by_config)
        .ok_or("neither `web` nor `health_server` is switched on: there is nothing to ask")?;
    Ok(format!("http://{at}/healthz"))
}

/// Waits until the place can be listened on.
async fn freed((host, port): &(String, u16)) -> TcpListener {
    loop {
        tokio::time::sleep(AGAIN).await;
        if let Ok(listener) = TcpListener::bind((host.as_str(), *port)).await {
            listener.local_addr().into_iter().for_each(tell);
            return listener;
        }
    }
}

/// Host names under which the page is asked for.
fn names(settings: &WebSettings) -> Vec<String> {
    [&settings.bind_host].into_iter().chain(&settings.allowed_hosts).cloned().collect()
}
