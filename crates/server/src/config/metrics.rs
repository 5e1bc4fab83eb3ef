//! Options for access to the counters.

use std::net::SocketAddr;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

/// Access to the counters; without either option, for requests from this machine itself, and not through a proxy on it.
#[derive(Args, Clone, Debug)]
pub struct Metrics {
    /// Address and port for /metrics alone, such as 127.0.0.1:9100; it is then not served elsewhere without a token.
    #[arg(long, env = "MADANG_METRICS_ADDR", value_name = "IP:PORT")]
    pub metrics_addr: Option<SocketAddr>,

    /// A token that opens /metrics at the server's own address, as `Authorization: Bearer TOKEN`. Give it by the environment:
    /// other users of the machine see command lines.
    #[arg(long, env = "MADANG_METRICS_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub metrics_token: Option<String>,
}
