//! The protocol of the API's event stream: each entry of one room is one event. The client sends nothing.

use madang_protocol::{CloseCode, RefusalCode, RoomId, Seq, ServerFrame};

use super::{ClientProtocol, Context, Handshake};
use crate::connection::scheduler::Scheduler;
use crate::connection::transport::{End, Incoming, Transport};
use crate::cursor::Cursors;
use crate::encoded::{Committed, Encoded, Encoding};
use crate::http::api::types::ApiEntry;
use crate::session::{NoFollow, Outgoing, Session};

/// The protocol.
pub(crate) struct Stream {
    room: RoomId,
    after: Seq,
    cursors: Option<Cursors>,
}

impl Stream {
    /// A stream of what follows the cursor `after`.
    pub(crate) fn new(room: RoomId, after: Seq) -> Self {
        Self { room, after, cursors: None }
    }
}

impl ClientProtocol for Stream {
    const NAME: &'static str = "stream";

    async fn open(
        &mut self,
        handshake: Handshake<'_, impl Transport, impl Scheduler>,
    ) -> Result<(Session, Vec<Outgoing>), End> {
        let mut session = handshake.session(handshake.you()?);
        let cursors = self.cursors.insert(session.rooms().cursors().clone());
        // At once, so that client and proxies know that it is open; and who loses it before the first entry knows
        // where to go on.
        handshake.transport.text(format!("id: {}\n\n", cursors.text(self.after)).into());
        match session.follow(&self.room, Some(self.after)) {
            Ok(_) => Ok((session, Vec::new())),
            // Looked at a moment ago; what has changed since is told by the next request.
            Err(NoFollow::Refused(refusal)) if refusal.code == RefusalCode::UnknownLogin => {
                Err(End::Close(CloseCode::LOGIN_GONE))
            }
            Err(_) => Err(End::Close(CloseCode::MOVING)),
        }
    }

    async fn on_incoming(&mut self, _: Incoming, _: Context<'_, impl Transport>) -> Result<(), End> {
        Ok(())
    }

    fn encode(
        &mut self,
        outgoing: Outgoing,
        _: &mut Session,
        transport: &mut impl Transport,
    ) -> Result<(), End> {
        let Some(cursors) = &self.cursors else { return Ok(()) };
        match outgoing {
            Outgoing::Entry(committed) => {
                let event = committed.encodings.get(Encoding::Event, || event(&committed, cursors));
                event.into_iter().for_each(|event| transport.text(event.clone()));
            }
            Outgoing::Frame(frame) => match *frame {
                // A comment: nothing but entries is an event, so that a reader needs to know nothing else.
                ServerFrame::Live { .. } => transport.text(": live\n\n".into()),
                // The room cannot be read on: the client comes back, to where it was.
                ServerFrame::Refused { room: Some(_), .. } => return Err(End::Close(CloseCode::MOVING)),
                _ => {}
            },
            Outgoing::Shared(_) | Outgoing::OffsetCommitted { .. } => {}
        }
        Ok(())
    }

    fn on_close(&mut self, code: CloseCode, retry_after_ms: u32, transport: &mut impl Transport) {
        if retry_after_ms > 0 {
            transport.text(format!("retry: {retry_after_ms}\n").into());
        }
        let data = format!(r#"{{"code":{},"retry_after_ms":{retry_after_ms}}}"#, code.0);
        transport.text(format!("event: bye\ndata: {data}\n\n").into());
    }
}

/// An entry as an event: JSON has no line breaks, so its data is one line.
fn event(committed: &Committed, cursors: &Cursors) -> Option<Encoded> {
    let event = ApiEntry::new(&committed.entry, &committed.author.person, cursors);
    let json = serde_json::to_string(&event).ok()?;
    Some(format!("id: {}\ndata: {json}\n\n", cursors.text(committed.entry.seq)).into())
}
