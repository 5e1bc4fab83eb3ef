//! Certificates for a test, and a client of TLS that checks them; and what is the same over TLS and in clear.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Bytes to and fro, whatever carries them.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytes for T {}

/// One end of them.
pub(crate) type Pipe = Box<dyn Bytes>;

/// Target of a request: an address in clear, or a server by its own scheme.
pub(crate) trait To {
    /// Value of `Host`.
    fn host(&self) -> SocketAddr;

    /// A connection of its own. None if nobody is there.
    async fn reach(&self) -> Option<Pipe>;
}

impl To for SocketAddr {
    fn host(&self) -> SocketAddr {
        *self
    }

    async fn reach(&self) -> Option<Pipe> {
        Some(Box::new(TcpStream::connect(self).await.ok()?))
    }
}

/// A certificate for 127.0.0.1 that signs itself, with its key.
pub(crate) struct Certificate {
    pub(crate) certificate: String,
    pub(crate) key: rcgen::KeyPair,
    der: Vec<u8>,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        Self::of(rcgen::KeyPair::generate().expect("a key"))
    }

    /// With this key.
    pub(crate) fn of(key: rcgen::KeyPair) -> Self {
        let params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { certificate: certificate.pem(), der: certificate.der().to_vec(), key }
    }

    /// Writes both files, as the options of the server name them.
    pub(crate) fn write(&self, folder: &Path) -> [String; 4] {
        let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| folder.join(name));
        std::fs::write(&key, self.key.serialize_pem()).expect("a file");
        std::fs::write(&certificate, &self.certificate).expect("a file");
        let text = |path: &Path| path.to_str().expect("text").to_owned();
        ["--tls-cert".into(), text(&certificate), "--tls-key".into(), text(&key)]
    }

    /// Takes TLS on `tcp` with this one. None if the client goes.
    pub(crate) async fn accept(&self, tcp: TcpStream) -> Option<Pipe> {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.der.clone().into()], key.into())
            .expect("a key of this certificate");
        Some(Box::new(TlsAcceptor::from(Arc::new(config)).accept(tcp).await.ok()?))
    }

    /// A client that trusts this one alone, and remembers nothing of a connection for the next.
    pub(crate) fn trusted(&self) -> Trust {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone().into()).expect("a certificate");
        let roots = Arc::new(roots);
        Trust { config: config(roots.clone(), &[&TLS12, &TLS13]), roots }
    }
}

fn config(roots: Arc<RootCertStore>, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Certificates that a client of TLS trusts.
#[derive(Clone)]
pub(crate) struct Trust {
    roots: Arc<RootCertStore>,
    config: Arc<ClientConfig>,
}

impl Trust {
    /// A client of this version alone.
    pub(crate) fn speaking_only(&self, version: &'static SupportedProtocolVersion) -> Self {
        Self { config: config(self.roots.clone(), &[version]), roots: self.roots.clone() }
    }

    /// A client that is changed so.
    pub(crate) fn with(&self, change: impl FnOnce(&mut ClientConfig)) -> Self {
        let mut config = (*self.config).clone();
        change(&mut config);
        Self { config: config.into(), roots: self.roots.clone() }
    }

    /// TLS on `tcp`. None if the handshake fails.
    pub(crate) async fn wrap(&self, tcp: TcpStream) -> Option<tokio_rustls::client::TlsStream<TcpStream>> {
        let name = ServerName::IpAddress(tcp.peer_addr().ok()?.ip().into());
        TlsConnector::from(self.config.clone()).connect(name, tcp).await.ok()
    }
}
