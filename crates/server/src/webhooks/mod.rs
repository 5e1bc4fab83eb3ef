//! Outgoing webhooks: each sends one address what happens in one room, entry by entry, in order.
//!
//! `worker` is one webhook's task: a reader of the log whose cursor is durable, and moves only when the other side
//! has said yes. `delivery` is what is sent and how it is signed, `http_sender` how it gets there, `address` where it may not go.

pub(crate) mod address;
mod delivery;
mod http_sender;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use madang_protocol::UserId;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::hub::Hub;
use crate::state::App;
use crate::store::Bot;

use http_sender::HttpSender;
use worker::DeliveryWorker;

/// All delivery workers of this server.
#[derive(Clone)]
pub(crate) struct DeliveryWorkers(Arc<Shared>);

struct Shared {
    app: App,
    hub: Arc<Hub>,
    sender: Arc<HttpSender>,
    /// One for each webhook that is not removed; the store bounds how many there are.
    running: Mutex<HashMap<UserId, CancellationToken>>,
}

impl std::fmt::Debug for DeliveryWorkers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeliveryWorkers").finish_non_exhaustive()
    }
}

impl DeliveryWorkers {
    /// Starts a worker for each webhook.
    pub(crate) fn start(app: &App, hub: Arc<Hub>) -> Self {
        let sender = Arc::new(HttpSender::new(app.config.webhook_allow.clone()));
        let shared = Shared { app: app.clone(), hub, sender, running: Mutex::default() };
        let workers = Self(Arc::new(shared));
        app.store.bots().iter().for_each(|bot| workers.send(bot));
        workers
    }

    /// Starts a worker if the bot is a webhook.
    pub(crate) fn send(&self, bot: &Bot) {
        let Shared { app, hub, sender, running } = &*self.0;
        let target =
            bot.target.as_ref().and_then(|target| Some((Url::parse(&target.url).ok()?, &target.key)));
        let (Some((url, key)), Some(room)) = (target, bot.rooms.as_ref().and_then(|rooms| rooms.first()))
        else {
            return;
        };
        let stop = app.stop.child_token();
        let worker = DeliveryWorker {
            app: app.clone(),
            hub: hub.clone(),
            sender: sender.clone(),
            bot: bot.person.id.clone(),
            room: room.clone(),
            url,
            key: key.clone(),
        };
        app.connections.spawn(worker.run(stop.clone()));
        running.lock().unwrap_or_else(PoisonError::into_inner).insert(bot.person.id.clone(), stop);
    }

    /// Stops the worker of a webhook, at once.
    pub(crate) fn call_back(&self, bot: &UserId) {
        let stop = self.0.running.lock().unwrap_or_else(PoisonError::into_inner).remove(bot);
        if let Some(stop) = stop {
            stop.cancel();
        }
    }
}

/// The address of a webhook.
///
/// # Errors
/// A sentence with the fault of the address.
pub(crate) fn url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "This is no address: it must be like https://host/path.")?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("The address must begin with http:// or https://.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("The address may hold no user and no password.");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::url;

    #[test]
    fn address_is_http_without_a_login() {
        for good in ["https://x.example/a?b=c", "http://x.example:8080", "https://[2a00::1]/"] {
            assert!(url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "x.example",
            "ftp://x.example",
            "file:///etc/passwd",
            "http://",
            "https://u:p@x.example",
            "https://u@x.example",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }
}
