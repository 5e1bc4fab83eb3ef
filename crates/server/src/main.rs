//! The program `madang`.

use clap::Parser;
use madang_server::admin::{self, AdminCommand};
use madang_server::config::{Cli, Command, Serve};
use madang_server::log;
use tokio_util::sync::CancellationToken;

/// Gives back to the system what a burst of readers took, soon after they have gone.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    match run(Cli::parse().what()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("madang: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(options) => serve(*options).await,
        Command::Webhook(webhook) => admin::run(&webhook.folder.data, webhook.order.into()).await,
        Command::Room(room) => admin::run(&room.folder.data, room.order.into()).await,
        Command::Message(message) => admin::run(&message.folder.data, message.order.into()).await,
        Command::Ban(ban) => admin::run(&ban.folder.data, AdminCommand::Ban { whom: ban.whom }).await,
        Command::Unban(ban) => admin::run(&ban.folder.data, AdminCommand::Unban { whom: ban.whom }).await,
        Command::Bans(folder) => admin::run(&folder.data, AdminCommand::ListBans).await,
        Command::Token(token) => admin::run(&token.folder.data, token.order.into()).await,
    }
}

async fn serve(serve: Serve) -> anyhow::Result<()> {
    let log = log::start(&serve.log, serve.log_window())?;
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone())?);
    let ended = madang_server::serve(serve, stop).await;
    log.flush();
    ended
}

/// The first SIGTERM or Ctrl-C drains; a second one ends the program at once.
fn stop_on_signal(stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if stop.is_cancelled() {
                std::process::exit(130);
            }
            stop.cancel();
        }
    })
}
