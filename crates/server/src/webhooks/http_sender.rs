//! HTTP client of deliveries: the name is resolved here, each address is checked, and the connection goes to the very
//! address that was checked. One connection for each try. Redirects are not followed.
//!
//! Bound: 10 s for all of it, and of the answer its head alone, which hyper bounds; nothing of its body is read.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::OnceCell;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::address::is_public;
use super::delivery::Delivery;

/// Time for one try, from the name's lookup to the answer.
const TIME: Duration = Duration::from_secs(10);

/// Time for one of several addresses, so that a dead one does not cost all of it.
const CONNECT: Duration = Duration::from_secs(4);

/// Largest head of an answer. Bytes.
const HEAD: usize = 16 * 1024;

/// The way out.
pub(super) struct HttpSender {
    /// Hosts that may be anywhere, by the name or address that stands in the webhook's.
    allowed: Vec<String>,
    /// Certificates that https trusts: the system's, read when they are first needed.
    tls: OnceCell<Option<TlsConnector>>,
}

/// Reasons why something was not delivered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("its host is not in the public Internet, and --webhook-allow does not name it")]
    Forbidden,
    #[error("its host is unknown ({0})")]
    Unknown(io::Error),
    #[error("its host does not answer ({0})")]
    Unreachable(io::Error),
    #[error("its certificate or its TLS is not good ({0})")]
    Untrusted(io::Error),
    #[error("this system trusts no certificate at all")]
    NoRoots,
    #[error("its address cannot be asked for")]
    Unaskable,
    #[error("the connection broke ({0})")]
    Broken(#[from] hyper::Error),
    #[error("it was answered {0}, not 2xx")]
    Answered(StatusCode),
    #[error("it took longer than 10 s")]
    Slow,
}

impl HttpSender {
    pub(super) fn new(allowed: Vec<String>) -> Self {
        Self { allowed, tls: OnceCell::new() }
    }

    /// Delivers once. Success is a status of 2xx.
    pub(super) async fn deliver(&self, url: &Url, delivery: &Delivery) -> Result<(), Failure> {
        timeout(TIME, self.post(url, delivery)).await.unwrap_or(Err(Failure::Slow))
    }

    async fn post(&self, url: &Url, delivery: &Delivery) -> Result<(), Failure> {
        let request = request(url, delivery)?;
        let tcp = self.connect(url).await?;
        if url.scheme() != "https" {
            return exchange(tcp, request).await;
        }
        let name = match url.host() {
            Some(Host::Domain(name)) => {
                ServerName::try_from(name.to_owned()).map_err(|_| Failure::Unaskable)?
            }
            Some(Host::Ipv4(ip)) => ServerName::from(std::net::IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => ServerName::from(std::net::IpAddr::V6(ip)),
            None => return Err(Failure::Unaskable),
        };
        let tls =
            self.tls.get_or_init(async || spawn_blocking(trusting_the_system).await.ok().flatten()).await;
        let tls = tls.as_ref().ok_or(Failure::NoRoots)?;
        exchange(tls.connect(name, tcp).await.map_err(Failure::Untrusted)?, request).await
    }

    async fn connect(&self, url: &Url) -> Result<TcpStream, Failure> {
        let mut last = Failure::Forbidden;
        for address in self.addresses(url).await? {
            match timeout(CONNECT, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => return Ok(tcp),
                Ok(Err(error)) => last = Failure::Unreachable(error),
                Err(_) => last = Failure::Unreachable(io::ErrorKind::TimedOut.into()),
            }
        }
        Err(last)
    }

    /// The addresses of the host to which a webhook may go.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, Failure> {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(Failure::Unaskable);
        };
        let is_allowed = url.host_str().is_some_and(|name| self.allows(name));
        let mut addresses: Vec<SocketAddr> = match host {
            Host::Domain(name) => lookup_host((name, port)).await.map_err(Failure::Unknown)?.collect(),
            Host::Ipv4(ip) => vec![(ip, port).into()],
            Host::Ipv6(ip) => vec![(ip, port).into()],
        };
        addresses.retain(|address| is_allowed || is_public(address.ip()));
        Ok(addresses)
    }

    fn allows(&self, name: &str) -> bool {
        let bare = |name: &str| name.trim_matches(['[', ']']).to_ascii_lowercase();
        self.allowed.iter().any(|allowed| bare(allowed) == bare(name))
    }
}

fn trusting_the_system() -> Option<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return None;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(Arc::new(versions.with_root_certificates(roots).with_no_client_auth()).into())
}

fn request(url: &Url, delivery: &Delivery) -> Result<Request<String>, Failure> {
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    let request = Request::post(format!("{}{query}", url.path()))
        .header(HOST, host)
        .header(USER_AGENT, concat!("madang/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json")
        .header(CONNECTION, "close")
        .header("madang-delivery", &delivery.id)
        .header("madang-timestamp", &delivery.timestamp)
        .header("madang-signature", &delivery.signature);
    request.body(delivery.body.clone()).map_err(|_| Failure::Unaskable)
}

async fn exchange<S>(stream: S, request: Request<String>) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(stream)).await?;
    // It ends with this function.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let status = sender.send_request(request).await?.status();
    if status.is_success() { Ok(()) } else { Err(Failure::Answered(status)) }
}
