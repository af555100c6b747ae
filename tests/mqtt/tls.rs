//! TLS with an authority of one's own: the broker's certificate, and the bridge's. All of them are made in the test.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use heattrax::{
    emulator::broker::Broker,
    model::{Event, MqttSettings, TlsFiles, Trouble, TroubleKind},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rumqttc::tokio_rustls::{TlsAcceptor, rustls};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    house::{house, identity, settings},
    peer::{Bridge, broker, retained, topics},
};

/// An authority, and a folder for what it signs.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate and its key.
struct Signed {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    files: (PathBuf, PathBuf),
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn signs(&self, name: &str, address: Option<IpAddr>) -> Signed {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.subject_alt_names.extend(address.map(SanType::IpAddress));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let files = (self.folder.path().join(format!("{name}.pem")), self.folder.path().join(format!("{name}.key")));
        std::fs::write(&files.0, certificate.pem()).unwrap();
        std::fs::write(&files.1, key.serialize_pem()).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Signed { certificate: certificate.der().clone(), key, files }
    }
}

/// A door before a broker that lets in who shows a certificate of this authority.
struct Door {
    address: SocketAddr,
    _broker: Broker,
    inside: SocketAddr,
    _task: JoinSet<()>,
}

impl Door {
    async fn new(authority: &Authority, server: Signed) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(authority.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let guests = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_client_cert_verifier(guests);
        let config = config.with_single_cert(vec![server.certificate], server.key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let broker = broker().await;
        let inside = broker.address();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                guests.spawn(async move {
                    // Who has no right certificate is left outside.
                    let Ok(mut guest) = acceptor.accept(stream).await else { return };
                    let mut way = TcpStream::connect(inside).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut guest, &mut way).await;
                });
            }
        });
        Self { address, _broker: broker, inside, _task: task }
    }

    fn settings(&self, tls: TlsFiles) -> MqttSettings {
        MqttSettings { tls: Some(tls), ..settings(self.address.port()) }
    }
}

fn files(ca: &Path, client: Option<&Signed>) -> TlsFiles {
    TlsFiles {
        ca_file: Some(ca.to_owned()),
        client_cert_file: client.map(|it| it.files.0.clone()),
        client_key_file: client.map(|it| it.files.1.clone()),
        server_name: None,
    }
}

const LOOPBACK: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

async fn trouble(settings: MqttSettings) -> Trouble {
    let mut bridge = Bridge::with(settings, identity(), house());
    match bridge.event(|it| matches!(it, Event::BrokerLost { .. } | Event::BrokerConnected)).await {
        Event::BrokerLost { trouble } => trouble,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_bridge_with_a_certificate_of_the_authority_is_let_in() {
    let authority = Authority::new();
    let door = Door::new(&authority, authority.signs("broker", LOOPBACK)).await;
    let own = authority.signs("heattrax", None);
    let mut bridge = Bridge::with(door.settings(files(&authority.ca_file(), Some(&own))), identity(), house());
    bridge.connected().await;
    bridge.stop.cancel();
    bridge.task.await.unwrap();
    assert!(topics(&retained(door.inside).await).contains(&"heattrax/bridge/availability"));
}

#[tokio::test]
async fn one_without_or_with_a_strangers_is_not() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let door = Door::new(&authority, authority.signs("broker", LOOPBACK)).await;
    let strange = stranger.signs("heattrax", None);
    for own in [None, Some(&strange)] {
        let trouble = trouble(door.settings(files(&authority.ca_file(), own))).await;
        assert!(trouble.text.contains(&door.address.to_string()), "{}", trouble.text);
        assert!(trouble.text.contains("client_cert_file"), "{}", trouble.text);
    }
}

#[tokio::test]
async fn a_broker_of_another_authority_is_not_trusted_and_a_person_is_needed() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let door = Door::new(&authority, authority.signs("broker", LOOPBACK)).await;
    let own = authority.signs("heattrax", None);
    let trouble = trouble(door.settings(files(&stranger.ca_file(), Some(&own)))).await;
    assert_eq!(trouble.kind, TroubleKind::NeedsPerson);
    assert!(trouble.text.contains("cannot agree on TLS"), "{}", trouble.text);
}

#[tokio::test]
async fn the_name_in_the_certificate_must_be_the_one_that_is_expected() {
    let authority = Authority::new();
    let door = Door::new(&authority, authority.signs("mosquitto.lan", None)).await;
    let own = authority.signs("heattrax", None);
    let by_address = files(&authority.ca_file(), Some(&own));
    assert_eq!(trouble(door.settings(by_address.clone())).await.kind, TroubleKind::NeedsPerson);
    let named = TlsFiles { server_name: Some("mosquitto.lan".to_owned()), ..by_address };
    Bridge::with(door.settings(named), identity(), house()).connected().await;
}

#[tokio::test]
async fn a_file_that_is_no_certificate_is_named() {
    let authority = Authority::new();
    let own = authority.signs("heattrax", None);
    std::fs::write(&own.files.1, "no key").unwrap();
    let mut settings = settings(1);
    settings.tls = Some(files(&authority.ca_file(), Some(&own)));
    let trouble = trouble(settings).await;
    assert_eq!(trouble.kind, TroubleKind::NeedsPerson);
    assert!(trouble.text.contains("heattrax.key") && trouble.text.contains("cannot be used"), "{}", trouble.text);
}
