//! By HTTP: a stream of events that goes on after `Last-Event-ID`, and posts with an `Idempotency-Key`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use http_body_util::BodyExt;
use hyper::header::{AUTHORIZATION, HeaderName};
use hyper::{Method, StatusCode};
use madang_protocol::{Cmid, Entry, EntryKind, Seq};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::{Life, SILENCE};
use crate::chaos::events::Events;
use crate::chaos::http;
use crate::chaos::route::Route;

#[derive(Deserialize)]
struct Posted {
    seq: Seq,
}

/// One stream, from its opening to its end.
pub(super) async fn connection(life: &mut Life) -> Result<()> {
    let path = format!("/api/rooms/{}/stream", life.program.room);
    let last = (HeaderName::from_static("last-event-id"), life.cursor().to_string());
    let route = route(life);
    let headers = [bearer(life), last];
    let asked = http::ask(&route, Method::GET, &path, &headers, String::new());
    let answer = timeout(SILENCE, asked).await??;
    if answer.status() != StatusCode::OK {
        bail!("the stream is answered {}", answer.status());
    }
    let (mut body, mut events) = (answer.into_body(), Events::default());
    let mut heard = Instant::now();
    loop {
        if let Some((cmid, text)) = life.due() {
            post(life, cmid, &text).await?;
        }
        let piece = match timeout(Duration::from_millis(50), body.frame()).await {
            Err(_) if heard.elapsed() > SILENCE => bail!("the server is silent"),
            Err(_) => continue,
            Ok(piece) => piece.context("the end")??,
        };
        heard = Instant::now();
        let Ok(bytes) = piece.into_data() else { continue };
        for (id, data) in events.take(&bytes) {
            let entry: Entry = serde_json::from_str(&data)?;
            anyhow::ensure!(entry.seq == id, "event {id} is entry {}", entry.seq);
            see(life, &entry);
        }
    }
}

/// The log as it is, without a gap; its messages are what every program compares.
fn see(life: &mut Life, entry: &Entry) {
    life.world.checker.borrow_mut().saw(entry);
    if matches!(&entry.what, EntryKind::Posted { .. }) {
        life.message(entry.seq);
    }
}

async fn post(life: &mut Life, cmid: Cmid, text: &str) -> Result<()> {
    let path = format!("/api/rooms/{}/messages", life.program.room);
    let key = (HeaderName::from_static("idempotency-key"), cmid.to_string());
    let (route, headers, body) = (route(life), [bearer(life), key], json!({"body": text}).to_string());
    let asked = http::fetch(&route, Method::POST, &path, &headers, body);
    let (status, _, answer) = timeout(SILENCE, asked).await??;
    // Anything else is a refusal for now, a full disk or too many posts: it is repeated when it is due again.
    if status.is_success() {
        life.acknowledged(cmid, serde_json::from_slice::<Posted>(&answer)?.seq);
    }
    Ok(())
}

fn route(life: &Life) -> Route {
    Route { client: life.program.number, address: life.world.address, login: None }
}

fn bearer(life: &Life) -> (HeaderName, String) {
    (AUTHORIZATION, format!("Bearer {}", life.token))
}
