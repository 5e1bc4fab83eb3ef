//! Parts of the stories: a server, clients, browsers without scripts, and bytes as they are.

mod api;
mod browser;
mod client;
mod deflated;
mod dial;
mod events;
mod heard;
mod http;
mod http2;
mod link;
mod orders;
mod over;
mod plain;
mod raw;
mod receiver;
mod rt;
mod secure;
mod server;
mod stomp;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use madang_protocol::{Cmid, Entry, EntryKind, Message, RoomId};

pub(crate) use api::{Api, next_entry, refused, seq};
pub(crate) use browser::{Browser, hidden};
pub(crate) use client::Client;
pub(crate) use deflated::{DeflatedSocket, OFFER, deflated, deflated_frame, inflated, noise};
pub(crate) use dial::Dial;
pub(crate) use events::{Event, EventStream};
pub(crate) use heard::{Farewell, Refused};
pub(crate) use http::{Answer, ask, exchange, read_answer};
pub(crate) use http2::{Http2, h2_pipe};
pub(crate) use orders::{order, revoke, token, token_id};
pub(crate) use over::Over;
pub(crate) use plain::PlainSocket;
pub(crate) use raw::{Opcode, RawSocket, ask_upgrade, frame, upgrade_request};
pub(crate) use receiver::{Delivered, Receiver, Reply};
pub(crate) use rt::Rt;
pub(crate) use secure::{Certificate, Pipe, To, Trust};
pub(crate) use server::{Ended, Server};
pub(crate) use stomp::{By, Stomp, shared, stomp_server, text, to};

/// Maximum time of anything: generous, because it only passes when something is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Limits off, for stories about other things.
pub(crate) const UNLIMITED: [&str; 4] = ["--post-rate", "0", "--frame-rate", "0"];

/// Waits for `what`, or fails by its name.
pub(crate) async fn within<T>(what: &str, waited: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, waited).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} for {what}"),
    }
}

/// Asks again and again until `probe` returns true.
pub(crate) async fn until(what: &str, mut probe: impl AsyncFnMut() -> bool) {
    within(what, async {
        while !probe().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// A cmid that nobody used before.
pub(crate) fn fresh_cmid() -> Cmid {
    static RUN: LazyLock<u64> = LazyLock::new(|| random(u64::MAX));
    static COUNT: AtomicU64 = AtomicU64::new(1);
    Cmid((u128::from(*RUN) << 64) | u128::from(COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// A random number below `bound`.
pub(crate) fn random(bound: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0) % bound
}

pub(crate) fn lobby() -> RoomId {
    RoomId::lobby()
}

/// The text of a `posted` entry.
pub(crate) fn body(entry: &Entry) -> &str {
    match &entry.what {
        EntryKind::Posted { body, .. } => body,
        other => panic!("not a post: {other:?}"),
    }
}

/// The texts of messages, in their order.
pub(crate) fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().filter_map(|message| message.body.as_deref()).collect()
}

/// The seqs of entries, in their order.
pub(crate) fn seqs(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq).collect()
}
