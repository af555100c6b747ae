//! The addresses on which HTTP is served.

use tokio::net::TcpListener;

use super::{Bridge, StartError, VERSION};
use crate::{model::WebSettings, web};

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

    pub(super) async fn serve(&mut self, settings: Option<&WebSettings>, info: web::WebInfo) -> Result<(), StartError> {
        let Some(how @ WebSettings { bind_host, port, .. }) = settings else { return Ok(()) };
        let refused = |source| StartError::Web { host: bind_host.clone(), port: *port, source };
        let listener = TcpListener::bind((bind_host.as_str(), *port)).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        if address.ip().is_unspecified() {
            tracing::info!("the page is at port {} of every address of this machine", address.port());
        } else {
            tracing::info!("the page is at http://{address}/");
        }
        self.web = Some(address);
        let info = web::WebInfo { version: VERSION.to_owned(), names: names(how), access: Some(how.clone()), ..info };
        let run = web::serve(listener, info, self.handle.clone(), self.shells.clone());
        self.spawn("web", async {
            if let Err(error) = run.await {
                tracing::error!("the web server failed: {error}");
            }
        });
        Ok(())
    }
}

/// Host names under which the page is asked for.
fn names(settings: &WebSettings) -> Vec<String> {
    [&settings.bind_host].into_iter().chain(&settings.allowed_hosts).cloned().collect()
}
