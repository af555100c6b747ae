//! TLS from files. They are read afresh for each connection, so a renewed certificate needs no restart.

use std::{path::Path, sync::Arc};

use rumqttc::{TlsConfiguration, Transport};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};

use crate::model::{MqttSettings, TlsFiles};

/// What the connection runs over. The error is a fragment that names the file.
pub(super) async fn transport(settings: &MqttSettings) -> Result<Transport, String> {
    let Some(files) = settings.tls.clone() else {
        return Ok(if settings.websocket.is_some() { Transport::ws() } else { Transport::tcp() });
    };
    // The machine's store may be hundreds of files.
    let read = tokio::task::spawn_blocking(move || config(&files)).await;
    let config = read.map_err(|_| "the TLS files cannot be read".to_owned())??;
    let config = TlsConfiguration::Rustls(Arc::new(config));
    Ok(if settings.websocket.is_some() {
        Transport::wss_with_config(config)
    } else {
        Transport::tls_with_config(config)
    })
}

/// What a broker says that does not want our certificate, or wants one: with TLS 1.3 only after we have taken its own.
pub(super) fn refused(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(Error::AlertReceived(alert)) = inner.and_then(|it| it.downcast_ref()) {
            return Some(format!(
                "refused the TLS connection ({alert:?}): see which client certificate it wants (`mqtt.tls.client_cert_file`)"
            ));
        }
        next = error.source();
    }
    None
}

fn config(files: &TlsFiles) -> Result<ClientConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let roots = Arc::new(match &files.ca_file {
        Some(path) => from_file(path)?,
        None => from_machine()?,
    });
    let versions = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let builder = match &files.server_name {
        None => builder.with_root_certificates(roots),
        Some(name) => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Named::new(name, roots, provider)?))
        }
    };
    let (Some(certificate), Some(key)) = (&files.client_cert_file, &files.client_key_file) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| unreadable(certificate, &error))
}

fn from_file(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unreadable(path, &error))?;
    }
    Ok(roots)
}

fn from_machine() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err("the machine has no certificates, name `tls.ca_file`".to_owned());
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| unreadable(path, &error))?;
    if found.is_empty() {
        return Err(format!("the TLS file {} holds no certificate", path.display()));
    }
    Ok(found)
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("the TLS file {} cannot be used: {error}", path.display())
}

/// Checks the certificate against the name of the config instead of the address, for a broker that is reached by an address
/// that its certificate does not carry. Everything else is checked as ever.
#[derive(Debug)]
struct Named {
    name: ServerName<'static>,
    inner: Arc<WebPkiServerVerifier>,
}

impl Named {
    fn new(name: &str, roots: Arc<RootCertStore>, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let name = ServerName::try_from(name.to_owned()).map_err(|_| format!("`tls.server_name` {name} is no name"))?;
        let inner = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
        Ok(Self { name, inner: inner.map_err(|error| format!("TLS cannot be set up: {error}"))? })
    }
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.inner.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
