//! The protocol of `madang.v1`: JSON frames, as in the crate `protocol`.

use madang_protocol::{ClientFrame, CloseCode, RefusalCode, ServerFrame, UnixMs};
use serde_json::Value;

use super::{ClientProtocol, Context, Handshake};
use crate::connection::scheduler::Scheduler;
use crate::connection::transport::{End, Incoming, Transport};
use crate::encoded::encode;
use crate::session::{Hello, Outgoing, Session, Untyped};

/// The protocol.
pub struct Madang;

impl ClientProtocol for Madang {
    const NAME: &'static str = "madang.v1";

    async fn open(
        &mut self,
        mut handshake: Handshake<'_, impl Transport, impl Scheduler>,
    ) -> Result<(Session, Vec<Outgoing>), End> {
        let Incoming::Text(text) = handshake.next().await? else {
            return Err(End::Close(CloseCode::PROTOCOL_ERROR));
        };
        let hello = hello(&text).map_err(End::Close)?;
        // Joined before anything is read: what happens from here on is queued.
        let mut session = handshake.session(handshake.you()?);
        let mut out = Vec::new();
        session.welcome(hello, handshake.now(), &mut out).await.map_err(End::Close)?;
        Ok((session, out))
    }

    async fn on_incoming(
        &mut self,
        incoming: Incoming,
        context: Context<'_, impl Transport>,
    ) -> Result<(), End> {
        match incoming {
            Incoming::Text(text) => {
                receive(context.session, &text, context.now, context.out).await.map_err(End::Close)
            }
            Incoming::Binary(_) => Err(End::Close(CloseCode::PROTOCOL_ERROR)),
            Incoming::Life => Ok(()),
        }
    }

    fn encode(
        &mut self,
        outgoing: Outgoing,
        _: &mut Session,
        transport: &mut impl Transport,
    ) -> Result<(), End> {
        transport.text(outgoing.encoded());
        Ok(())
    }

    fn ping(&mut self, context: Context<'_, impl Transport>) {
        context.session.heads(context.now, context.out);
        context.transport.ping();
    }

    fn on_close(&mut self, code: CloseCode, retry_after_ms: u32, transport: &mut impl Transport) {
        transport.text(encode(&ServerFrame::Bye { code, retry_after_ms }));
    }
}

/// The first frame of a client.
///
/// # Errors
/// The close code for one that is not `hello`.
pub fn hello(text: &str) -> Result<Hello, CloseCode> {
    match serde_json::from_str(text) {
        Ok(ClientFrame::Hello { resume, epoch, locale }) => Ok(Hello { resume, epoch, locale }),
        _ => Err(CloseCode::NO_HELLO),
    }
}

/// Takes any later frame.
///
/// # Errors
/// The close code where the connection cannot go on.
pub async fn receive(
    session: &mut Session,
    text: &str,
    now: UnixMs,
    out: &mut Vec<Outgoing>,
) -> Result<(), CloseCode> {
    match serde_json::from_str(text) {
        Ok(ClientFrame::Hello { .. }) => return Err(CloseCode::PROTOCOL_ERROR),
        Ok(ClientFrame::Unknown) => {
            session.refuse_untyped(RefusalCode::UnknownType, untyped(text), None, out);
        }
        Ok(frame) => session.ask(frame, now, out).await,
        Err(error) => {
            if session.offends() {
                let user = &session.you().id;
                tracing::info!(%user, %error, "a client sends frames that are not of madang.v1");
            }
            let why = error.to_string();
            session.refuse_untyped(RefusalCode::BadFrame, untyped(text), Some(&why), out);
        }
    }
    Ok(())
}

/// Reads what it can of a frame that cannot be typed.
fn untyped(text: &str) -> Untyped {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let string = |key: &str| value.get(key).and_then(Value::as_str);
    Untyped {
        cmid: string("cmid").and_then(|cmid| cmid.parse().ok()),
        req: value.get("req").and_then(Value::as_u64).and_then(|req| req.try_into().ok()),
        room: string("room").and_then(|room| room.parse().ok()),
    }
}
