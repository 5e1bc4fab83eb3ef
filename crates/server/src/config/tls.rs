//! The options of TLS.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// https and wss by the server itself, without a proxy.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "TLS")]
pub struct Tls {
    /// Certificate in PEM, followed by those of its issuers: serve https and wss instead of http. Both files are read
    /// again when they change; a pair that cannot be used leaves the old one in place.
    #[arg(long, env = "MADANG_TLS_CERT", value_name = "FILE", requires = "key")]
    pub tls_cert: Option<PathBuf>,

    /// Its private key in PEM: PKCS#8, PKCS#1 or SEC1, without a passphrase.
    #[arg(id = "key", long = "tls-key", env = "MADANG_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Listen on this address too, such as 0.0.0.0:80, and redirect everyone from there to https.
    #[arg(long, env = "MADANG_HTTP_ADDR", value_name = "IP:PORT", requires = "tls_cert")]
    pub http_addr: Option<SocketAddr>,

    /// Tell browsers to come by https only for so long (HSTS); 0 for no such header. It holds for the whole host name, on every
    /// port, and cannot be taken back before.
    #[arg(long, env = "MADANG_HSTS", default_value_t = 0, value_name = "SECONDS", requires = "tls_cert")]
    pub hsts: u32,
}
