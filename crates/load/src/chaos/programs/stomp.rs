//! Over STOMP: a subscription that goes on after a cursor, a receipt and a `cmid` for each post.

use anyhow::{Context, Result, bail};
use madang_protocol::{Cmid, Entry, EntryKind};
use madang_stomp::{ClientCommand, Decoder, Frame, Item, Limits, ServerCommand, Version, encode};
use tokio::time::Instant;

use super::{Life, Socket};

const LIMITS: Limits = Limits { headers: 64, line: 4_096, head: 16_384, body: 65_536 };

/// One connection, from its opening to its end.
pub(super) async fn connection(life: &mut Life) -> Result<()> {
    let subprotocol = Version::V12.subprotocol();
    let (mut socket, _) = life.websocket("/stomp", &[("sec-websocket-protocol", subprotocol)]).await?;
    let mut decoder = Decoder::new(LIMITS);
    decoder.agree(Version::V12);
    let connect = Frame::new(ClientCommand::Connect)
        .with("accept-version", "1.2")
        .with("host", "madang")
        .with("heart-beat", "0,3000")
        .with("passcode", life.token.clone());
    send(&mut socket, &connect).await?;
    let destination = format!("/topic/{}", life.program.room);
    let subscribe = Frame::new(ClientCommand::Subscribe)
        .with("id", "0")
        .with("destination", destination.clone())
        .with("after", life.cursor().to_string());
    send(&mut socket, &subscribe).await?;
    let mut heard = Instant::now();
    let mut write = life.unsent();
    let mut receipts = Vec::new();
    loop {
        if let Some((cmid, body)) = write.take().or_else(|| life.due()) {
            let post = Frame::new(ClientCommand::Send)
                .with("destination", destination.clone())
                .with("cmid", cmid.to_string())
                .with("receipt", cmid.to_string())
                .with_body(body);
            send(&mut socket, &post).await?;
        }
        let Some(text) = socket.next(&mut heard).await? else { continue };
        let mut bytes = text.as_bytes();
        while let Some(item) = decoder.next(&mut bytes)? {
            if let Item::Frame(frame) = item {
                hear(life, &frame, &mut receipts)?;
            }
        }
        receipts.retain(|cmid| !acknowledge(life, *cmid));
    }
}

async fn send(socket: &mut Socket, frame: &Frame<ClientCommand>) -> Result<()> {
    let mut bytes = Vec::new();
    encode(frame, Version::V12, &mut bytes)?;
    socket.send(String::from_utf8(bytes)?).await
}

fn hear(life: &mut Life, frame: &Frame<ServerCommand>, receipts: &mut Vec<Cmid>) -> Result<()> {
    match frame.command {
        ServerCommand::Message => message(life, frame)?,
        ServerCommand::Receipt => {
            receipts.push(frame.header("receipt-id").context("a receipt without an id")?.parse()?);
        }
        ServerCommand::Error => bail!("{:?}", frame.header("message")),
        ServerCommand::Connected => {}
    }
    Ok(())
}

/// Takes a receipt for what it says, as soon as somebody has seen where the write stands: that, no receipt says.
fn acknowledge(life: &mut Life, cmid: Cmid) -> bool {
    let place = life.world.checker.borrow().log.of(cmid).cloned();
    place.is_some_and(|(_, seq)| {
        life.acknowledged(cmid, seq);
        true
    })
}

fn message(life: &mut Life, frame: &Frame<ServerCommand>) -> Result<()> {
    let header = |name: &str| frame.header(name).with_context(|| format!("a message without {name}"));
    let cmid: Option<Cmid> = frame.header("cmid").map(str::parse).transpose()?;
    let entry = Entry {
        room: life.program.room.clone(),
        seq: header("seq")?.parse()?,
        at: header("at")?.parse()?,
        by: header("user")?.parse()?,
        cmid,
        what: EntryKind::posted(String::from_utf8(frame.body.clone())?, None),
    };
    life.world.checker.borrow_mut().saw(&entry);
    life.message(entry.seq);
    Ok(())
}
