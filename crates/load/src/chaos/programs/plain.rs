//! Over the plain protocol: JSON, a cursor in the address, a key for each post.

use anyhow::Result;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::Life;
use crate::chaos::route::login_of;

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: Option<String>,
    cmid: Option<String>,
    seq: Option<u64>,
}

/// One connection, from its opening to its end.
pub(super) async fn connection(life: &mut Life) -> Result<()> {
    let path = format!("/?room={}&after={}", life.program.room, life.cursor());
    let cookie = life.cookie.clone().unwrap_or_default();
    let (mut socket, headers) = life.websocket(&path, &[("cookie", &cookie)]).await?;
    life.cookie = login_of(&headers).or(life.cookie.take());
    let mut heard = Instant::now();
    // A write that the last connection may have lost.
    let mut write = life.unsent();
    loop {
        if let Some((cmid, body)) = write.take().or_else(|| life.due()) {
            socket.send(json!({"message": body, "cmid": cmid}).to_string()).await?;
        }
        let Some(text) = socket.next(&mut heard).await? else { continue };
        let Said { kind, cmid, seq } = serde_json::from_str(&text)?;
        match (kind.as_deref(), cmid, seq) {
            (None, _, Some(seq)) => life.message(seq),
            (Some("done"), Some(cmid), Some(seq)) => life.acknowledged(cmid.parse()?, seq),
            // It was refused, for a full disk or too many posts: it is repeated when something is due again.
            _ => {}
        }
    }
}
