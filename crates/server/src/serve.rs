//! The start and the end of the server: its parts are made, put together, run, and drained.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept::silent::Silents;
use crate::accept::{self, Serves};
use crate::admin::{AdminSocket, CommandExecutor};
use crate::broker::Broker;
use crate::budgets::Budgets;
use crate::clock::{Clock, Times};
use crate::config::Serve;
use crate::connection::http_sessions::HttpSessions;
use crate::connection_limit::ConnectionLimit;
use crate::drain;
use crate::guests;
use crate::http;
use crate::http::rendered::Pages;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::room::Rooms;
use crate::state::{App, Parts};
use crate::store::{SpaceOptions, Store, StoreOptions};
use crate::unsent::Unsent;
use crate::webhooks::DeliveryWorkers;
use crate::{open_files, tls, upkeep};

/// Interval at which a changed presence is sent.
const PRESENCE: Duration = Duration::from_secs(1);

/// Read-only connections of the store.
const READERS: usize = 3;

/// Serves until `stop` is cancelled, and drains. Prints the address that it listens on.
///
/// # Errors
/// A port in use, a data folder or a certificate that cannot be used: one sentence with what to do.
pub async fn serve(config: Serve, stop: CancellationToken) -> anyhow::Result<()> {
    // Rendering a page needs an executor; whoever set one before us set this one.
    let _ = any_spawner::Executor::init_tokio();
    // Half of what may be open is for those who ask for something.
    let most_silent = open_files::raise().and_then(|most| usize::try_from(most / 2).ok()).unwrap_or(0);
    let secure = secure(&config)?;
    let metrics = Metrics::default();
    let (broker, commits, inbox) = Broker::new();
    let max_bytes = (config.max_database > 0).then(|| u64::from(config.max_database) * 1024 * 1024);
    let reads = metrics.store_reads.clone();
    let space = SpaceOptions {
        reserve: config.reserve(),
        available: metrics.disk_available.clone(),
        used: metrics.storage_used.clone(),
    };
    let options = StoreOptions { max_bytes, space, readers: READERS, reads, ..StoreOptions::default() };
    let store = Store::open(&config.data, options, commits)?;
    let listener = listen(config.addr, "--addr").await?;
    let redirector = match config.tls.http_addr {
        Some(addr) => Some(listen(addr, "--http-addr").await?),
        None => None,
    };
    let stomp = match config.stomp_addr {
        Some(addr) => Some(listen(addr, "--stomp-addr").await?),
        None => None,
    };
    let counting = match config.metrics.metrics_addr {
        Some(addr) => Some(listen(addr, "--metrics-addr").await?),
        None => None,
    };
    let hub = Arc::new(Hub::new(store.heads(), metrics.clone()));
    let budgets = Budgets::new(config.address.rates(config.post_rate, config.frame_rate), metrics.clone());
    let clock = Clock::default();
    let (limits, within) = (config.limits(), (budgets.clone(), clock.clone()));
    let rooms = Rooms::within(store.clone(), hub.clone(), broker, limits, within, metrics.clone());
    let (most, address) = (config.connections_per_address, config.address);
    let connection_limit = ConnectionLimit::new(most);
    let (streams, requests) =
        (ConnectionLimit::new(address.tcp(most)), ConnectionLimit::new(address.requests(most)));
    let silents = Silents::new(address.silent(most), most_silent);
    let connections = TaskTracker::new();
    let unsent = Unsent::new(config.max_unsent(), metrics.unsent.clone());
    let http_sessions = HttpSessions::default();
    let (told, last_call, reconnect_delay) = Default::default();
    let app = App::new(Parts {
        config,
        store,
        rooms,
        pages: Pages::new(metrics.rendered.clone()),
        metrics,
        connection_limit,
        streams,
        silents,
        requests,
        budgets,
        unsent,
        told,
        http_sessions,
        times: Times::begin(clock),
        stop,
        last_call,
        reconnect_delay,
        connections,
    });

    tokio::spawn(inbox.run(hub.clone(), app.store.clone()));
    tokio::spawn(tell_presence(hub.clone()));
    tokio::spawn(guests::remove_daily(app.clone()));
    tokio::spawn(upkeep::run(app.clone()));
    let workers = DeliveryWorkers::start(&app, hub.clone());
    serve_commands(&app, hub.clone(), workers);
    let addr = listener.local_addr()?;
    let router = http::router(app.clone());
    let serves = match secure {
        Some(config) => Serves::Secure(router, config, addr.port()),
        None => Serves::Clear(router),
    };
    announce("listening", serves.scheme(), addr)?;
    if let Some(redirector) = redirector {
        announce("redirecting", "http", redirector.local_addr()?)?;
        tokio::spawn(accept::run(redirector, Serves::Redirects(addr.port()), app.clone()));
    }
    if let Some(listener) = stomp {
        announce("listening", "stomp", listener.local_addr()?)?;
        tokio::spawn(accept::stomp::run(listener, app.clone()));
    }

    if let Some(listener) = counting {
        announce("counting", "http", listener.local_addr()?)?;
        tokio::spawn(accept::run(listener, Serves::Clear(http::metrics(app.clone())), app.clone()));
    }

    accept::run(listener, serves, app.clone()).await;

    tracing::info!("stopping");
    drain::run(&app, &hub).await;
    let store = app.store.clone();
    tokio::task::spawn_blocking(move || store.close()).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Takes what the owner orders on the command line. A folder that cannot hold a socket is worth a warning alone.
fn serve_commands(app: &App, hub: Arc<Hub>, workers: DeliveryWorkers) {
    match AdminSocket::open(&app.config.data) {
        Ok(socket) => {
            // Tracked, so that the socket is gone before the folder is somebody else's.
            let executor = CommandExecutor::new(app.store.clone(), hub).with(workers);
            app.connections.spawn(socket.serve(executor, app.stop.clone()));
        }
        Err(error) => tracing::warn!(%error, "no orders can be given while this server runs"),
    }
}

/// Returns the configuration of TLS, if connections are secured; the files are watched from now on.
fn secure(config: &Serve) -> anyhow::Result<Option<Arc<ServerConfig>>> {
    let (Some(certificate), Some(key)) = (&config.tls.tls_cert, &config.tls.tls_key) else { return Ok(None) };
    let (secure, reload) = tls::load(certificate, key)?;
    tokio::spawn(reload.run());
    Ok(Some(secure))
}

async fn listen(addr: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(addr).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            anyhow::bail!(
                "{addr} is in use by another program; stop it, or choose another port with {option}"
            )
        }
        Err(error) => {
            Err(error).with_context(|| format!("cannot listen on {addr}; choose another with {option}"))
        }
    }
}

/// Says where, on standard output: people and programs that started the server read it.
fn announce(what: &str, scheme: &str, addr: SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what} on {scheme}://{addr}")?;
    out.flush()
}

async fn tell_presence(hub: Arc<Hub>) {
    let mut every = tokio::time::interval(PRESENCE);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        hub.tell_presence();
    }
}
