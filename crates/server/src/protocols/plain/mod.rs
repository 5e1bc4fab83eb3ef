//! The plain protocol, for clients that know no subprotocol, as textbooks write them: a room, a line of JSON or of text
//! for each message, and no first frame to send.
//!
//! A connection begins as JSON. A first frame of text turns it to text; an object with a message is one there too.
//! Frames that are empty, and a `ping` before anything else, choose nothing.

mod forms;
mod request;

use std::collections::VecDeque;

use madang_protocol::{ClientFrame, CloseCode, Cmid, RefusalCode, RoomId, Seq, ServerFrame};
use serde::Deserialize;

use super::names::is_called;
use super::{ClientProtocol, Context, Handshake};
use crate::connection::scheduler::Scheduler;
use crate::connection::transport::{End, Incoming, Transport};
use crate::encoded::Encoded;
use crate::idempotency;
use crate::refusal::Refusal;
use crate::session::{MAX_PENDING, NoFollow, Outgoing, Session, Untyped};

use request::{Frame, Request};

/// Parameters in the address; each may be missing.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct PlainQuery {
    /// The room; the lobby, if none is named.
    room: Option<String>,
    /// The cursor to resume from; what is posted from now on, if none is named.
    after: Option<String>,
    /// `text`: no greeting, and text from the beginning.
    mode: Option<String>,
}

/// The protocol.
pub(crate) struct Plain {
    asked: PlainQuery,
    room: RoomId,
    form: Form,
    /// It has sent nothing yet but `ping`.
    silent: bool,
    /// The writes under way that the client named by a key of its own, and waits for.
    named: VecDeque<(Cmid, String)>,
}

/// Forms of a plain client's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// JSON, until the first frame is another form.
    Greeted,
    Json,
    Text,
}

impl Plain {
    pub(crate) fn new(asked: PlainQuery) -> Self {
        let form = if asked.mode.as_deref() == Some("text") { Form::Text } else { Form::Greeted };
        Self { asked, room: RoomId::lobby(), form, silent: true, named: VecDeque::new() }
    }

    /// Puts the session into the room that was asked for. Answers where it reads on from.
    fn enter(&mut self, session: &mut Session) -> Result<Seq, CloseCode> {
        if let Some(room) = &self.asked.room {
            self.room = room.parse().map_err(|_| CloseCode::NO_SUCH_ROOM)?;
        }
        let after = match self.asked.after.take() {
            Some(text) => {
                let head = session.head(&self.room).map_err(|_| CloseCode::NO_SUCH_ROOM)?;
                Some(session.rooms().cursors().read(&text, head).map_err(|_| CloseCode::BAD_CURSOR)?)
            }
            None => None,
        };
        match session.follow(&self.room, after) {
            Ok(seq) => Ok(seq),
            Err(NoFollow::Ahead(_)) => Err(CloseCode::BAD_CURSOR),
            Err(NoFollow::Refused(refusal)) if refusal.code == RefusalCode::StorageUnavailable => {
                Err(CloseCode::MOVING)
            }
            Err(NoFollow::Refused(_)) => Err(CloseCode::NO_SUCH_ROOM),
        }
    }

    /// Posts, under the name that comes with it.
    async fn request(&mut self, request: Request, context: Context<'_, impl Transport>) {
        let Context { session, transport, out, now } = context;
        let Request { nickname, message, key } = request;
        let new_name = nickname.filter(|name| !is_called(session.you(), name));
        if let Some(name) = new_name
            && let Err(refusal) = session.rename(&name, now).await
        {
            // Under the old name it would be somebody else's message.
            return self.refuse(&refusal, key.as_deref(), session, transport);
        }
        let Some(body) = message else { return };
        let cmid = match key {
            Some(key) => {
                let cmid = idempotency::cmid(&key);
                self.named.truncate(2 * MAX_PENDING);
                self.named.push_front((cmid, key));
                cmid
            }
            None => idempotency::fresh(),
        };
        session
            .ask(ClientFrame::Post { room: self.room.clone(), cmid, body, reply_to: None }, now, out)
            .await;
    }

    fn refuse(
        &self,
        refusal: &Refusal,
        key: Option<&str>,
        session: &Session,
        transport: &mut impl Transport,
    ) {
        session.rooms().metrics().refused(refusal.code);
        let sentence = session.sentence(refusal);
        transport.text(self.refusal(refusal.code, &sentence, refusal.retry_after_ms, key));
    }

    fn refusal(
        &self,
        code: RefusalCode,
        sentence: &str,
        retry_after_ms: Option<u32>,
        key: Option<&str>,
    ) -> Encoded {
        match self.form {
            Form::Text => forms::refusal_text(sentence),
            Form::Greeted | Form::Json => forms::refusal_json(code, sentence, retry_after_ms, key),
        }
    }

    /// The client's key of a write that is answered.
    fn key_of(&mut self, cmid: Cmid) -> Option<String> {
        let place = self.named.iter().rposition(|(named, _)| *named == cmid)?;
        self.named.remove(place).map(|(_, key)| key)
    }
}

impl ClientProtocol for Plain {
    const NAME: &'static str = "plain";

    async fn open(
        &mut self,
        handshake: Handshake<'_, impl Transport, impl Scheduler>,
    ) -> Result<(Session, Vec<Outgoing>), End> {
        let mut session = handshake.session(handshake.you()?);
        let seq = self.enter(&mut session).map_err(End::Close)?;
        if self.form == Form::Greeted {
            let greeting = forms::greeting(session.you(), seq, session.rooms().cursors());
            handshake.transport.text(greeting);
        }
        Ok((session, Vec::new()))
    }

    async fn on_incoming(
        &mut self,
        incoming: Incoming,
        context: Context<'_, impl Transport>,
    ) -> Result<(), End> {
        let text = match incoming {
            Incoming::Text(text) => text,
            Incoming::Binary(_) => return Err(End::Close(CloseCode::NO_BINARY)),
            Incoming::Life => return Ok(()),
        };
        let frame = Frame::of(&text);
        let silent = self.silent;
        self.silent &= matches!(frame, Frame::Empty | Frame::Ping | Frame::JsonPing);
        let request = match (self.form, frame) {
            (_, Frame::Empty) => return Ok(()),
            (_, Frame::JsonPing) => {
                context.transport.text(forms::pong());
                return Ok(());
            }
            (Form::Text, Frame::Ping) if !silent => Ok(Request::of_text(&text)),
            (_, Frame::Ping) => {
                context.transport.text(Encoded::from("pong"));
                return Ok(());
            }
            // A text client may type text that happens to be JSON; only a message is taken for one.
            (Form::Text, Frame::Object(read)) => Ok(read.unwrap_or_else(|_| Request::of_text(&text))),
            (Form::Text, Frame::Array { nested: false }) => Ok(Request::of_text(&text)),
            (_, Frame::Array { .. }) => Err("a message is a JSON object, not an array".into()),
            (Form::Greeted | Form::Json, Frame::Object(read)) => {
                self.form = Form::Json;
                read
            }
            (Form::Json, Frame::Text(_)) => Err("after JSON objects, a JSON object".into()),
            (Form::Greeted | Form::Text, Frame::Text(line)) => {
                self.form = Form::Text;
                Ok(Request::of_text(line))
            }
        };
        match request {
            Ok(request) => self.request(request, context).await,
            Err(why) => {
                if context.session.offends() {
                    tracing::info!(user = %context.session.you().id, why, "a plain client sends what cannot be read");
                }
                context.session.refuse_untyped(
                    RefusalCode::BadFrame,
                    Untyped::default(),
                    Some(&why),
                    context.out,
                );
            }
        }
        Ok(())
    }

    fn encode(
        &mut self,
        outgoing: Outgoing,
        session: &mut Session,
        transport: &mut impl Transport,
    ) -> Result<(), End> {
        match outgoing {
            Outgoing::Entry(entry) => {
                let line = match self.form {
                    Form::Text => forms::text(&entry),
                    Form::Greeted | Form::Json => forms::json(&entry, session.rooms().cursors()),
                };
                if let Some(line) = line {
                    transport.text(line.clone());
                }
            }
            Outgoing::Frame(frame) => match *frame {
                ServerFrame::Done { cmid, seq, .. } => {
                    if let Some(key) = self.key_of(cmid) {
                        transport.text(forms::done(&key, seq));
                    }
                }
                // The room cannot be read on: the client comes back, to where it was if it says so.
                ServerFrame::Refused { cmid: None, req: None, room: Some(_), .. } => {
                    return Err(End::Close(CloseCode::MOVING));
                }
                ServerFrame::Refused { cmid, code, message, retry_after_ms, .. } => {
                    let key = cmid.and_then(|cmid| self.key_of(cmid));
                    transport.text(self.refusal(code, &message, retry_after_ms, key.as_deref()));
                }
                _ => {}
            },
            Outgoing::Shared(_) | Outgoing::OffsetCommitted { .. } => {}
        }
        Ok(())
    }

    /// The close code and its reason suffice.
    fn on_close(&mut self, _: CloseCode, _: u32, _: &mut impl Transport) {}
}
