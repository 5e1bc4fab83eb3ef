//! TLS of the server's own: its certificate, versions and ciphers. Where the bytes go is `io`'s business.

mod pair;
mod reload;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::io::{HTTP_1, HTTP_2};
use pair::Files;

pub(crate) use reload::Reload;

/// Reads certificate and key: how connections are to be secured, and what keeps that up to date.
///
/// # Errors
/// One sentence with the file that is wrong, and how.
pub(crate) fn load(certificate: &Path, key: &Path) -> anyhow::Result<(Arc<ServerConfig>, Reload)> {
    let files = Files { certificate: certificate.into(), key: key.into() };
    let provider = Arc::new(default_provider());
    let text = files.read()?;
    let shown = Shown::new(files.parse(&text, &provider)?);
    let config = config(provider.clone(), shown.clone())?;
    Ok((config, Reload::new(files, provider, shown, text.fingerprint())))
}

/// TLS 1.2 and 1.3, with HTTP/2 or HTTP/1.1 in it. A browser asks for the latter where it opens a WebSocket.
fn config(provider: Arc<CryptoProvider>, shown: Arc<Shown>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(shown);
    config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
    // Whoever comes back skips the signature: in a storm of reconnects that is most of the work. The tickets hold all
    // that is to be remembered, so nothing is kept here, and a change of the certificate does not end them.
    config.ticketer = Ticketer::new()?;
    // Data sent with the first flight can be sent again by anyone who saw it.
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// The certificate that newcomers are shown. Those who are here have seen theirs.
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    fn new(pair: CertifiedKey) -> Arc<Self> {
        Arc::new(Self(RwLock::new(Arc::new(pair))))
    }

    fn replace(&self, pair: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Shown")
    }
}
