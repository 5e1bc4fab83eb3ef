//! Handlers: one for each kind of frame of a client, pagination of history among them.

use madang_protocol::{ClientFrame, Cmid, Operation, RefusalCode, RoomId, Seq, ServerFrame, UnixMs};

use super::{Outgoing, Session};
use crate::access::Action;
use crate::refusal::Refusal;
use crate::store::{ANSWER_BYTES, Appended, PageAt, PageRead, ReadLimit, message_bytes};

/// Least time between two typing notices of a session that are passed on.
const TYPING_MS: UnixMs = 1_000;

/// Bytes of a page of history that count as one frame.
const FRAME_BYTES: usize = 4 * 1024;

/// A `history` frame's questions.
struct HistoryRequest {
    req: u32,
    room: RoomId,
    at: Option<PageAt>,
    limit: u16,
}

/// Readable part of a frame that cannot be typed: the write or the request that it tried to be.
#[derive(Debug, Default)]
pub struct Untyped {
    /// The write.
    pub cmid: Option<Cmid>,
    /// The request.
    pub req: Option<u32>,
    /// The room.
    pub room: Option<RoomId>,
}

impl Session {
    /// Does what the client asks for, or refuses it; `out` gets the answers that need no waiting.
    pub async fn ask(&mut self, frame: ClientFrame, now: UnixMs, out: &mut Vec<Outgoing>) {
        match frame {
            ClientFrame::Watch { room, after } => {
                if self.watch(room.clone(), after, now, out).await {
                    self.meet_again(&[(room, after.unwrap_or_default())], out);
                }
            }
            ClientFrame::Unwatch { room } => self.unwatch(&room),
            ClientFrame::Present { room } => self.look_at(room, out),
            ClientFrame::Read { room, seq } => self.mark_read(room, seq, now),
            ClientFrame::Typing { room } => self.typing(room, now),
            ClientFrame::History { req, room, before, after, around, limit } => {
                self.history(
                    HistoryRequest { req, room, at: one_place(before, after, around), limit },
                    now,
                    out,
                )
                .await;
            }
            // No protocol lets these through.
            ClientFrame::Unknown | ClientFrame::Hello { .. } => {}
            frame => {
                if let Ok((room, cmid, operation)) = Operation::from_frame(frame) {
                    self.write(room, cmid, operation, now);
                }
            }
        }
    }

    /// Answers the write once it is durable, or refused.
    pub(super) fn answer(
        &mut self,
        durable: impl Future<Output = Result<Appended, Refusal>> + Send + 'static,
        room: RoomId,
        cmid: Cmid,
    ) {
        let (locale, limits) = (self.locale, self.rooms.limits().clone());
        self.pending.push_back(Box::pin(async move {
            let frame = match durable.await {
                Ok(appended) => ServerFrame::Done { cmid, room: appended.room, seq: appended.seq },
                Err(refusal) => about(refusal.frame(locale, &limits, Some(room)), cmid),
            };
            Some(frame.into())
        }));
    }

    fn write(&mut self, room: RoomId, cmid: Cmid, operation: Operation, now: UnixMs) {
        let grant = self.allow(&room, Action::of(&operation));
        match grant.and_then(|grant| self.rooms.write(&grant, cmid, operation, now)) {
            Ok(durable) => self.answer(durable, room, cmid),
            Err(refusal) => {
                let frame = about(refusal.frame(self.locale, self.rooms.limits(), Some(room)), cmid);
                // Answers keep the order of the questions.
                self.pending.push_back(Box::pin(std::future::ready(Some(frame.into()))));
            }
        }
    }

    fn mark_read(&mut self, room: RoomId, seq: Seq, now: UnixMs) {
        let (locale, limits) = (self.locale, self.rooms.limits().clone());
        let grant = self.allow(&room, Action::MarkRead);
        let marked = grant.and_then(|grant| self.rooms.mark_read(&grant, seq, now));
        self.pending.push_back(Box::pin(async move {
            // The marker itself comes by the hub, as it does to this person's other sessions.
            let marked = async { marked?.await };
            marked.await.err().map(|refusal| refusal.frame(locale, &limits, Some(room)).into())
        }));
    }

    /// One notice reaches everyone in the room, so only one a second goes on.
    fn typing(&mut self, room: RoomId, now: UnixMs) {
        if now - self.typing_at >= TYPING_MS {
            self.typing_at = now;
            // A notice that may not be is nothing that somebody waits for.
            let _ = self
                .allow(&room, Action::BeSeen)
                .and_then(|grant| self.rooms.typing(&grant, self.you.clone()));
        }
    }

    fn look_at(&mut self, room: Option<RoomId>, out: &mut Vec<Outgoing>) {
        if let Some(left) = self.present.take() {
            self.hub().exit(&left, self.id);
        }
        let Some(room) = room else { return };
        if let Err(refusal) = self.allow(&room, Action::BeSeen).and_then(|_| self.head(&room)) {
            return self.refuse(refusal, Some(room), out);
        }
        self.hub().enter(&room, self.id, self.you.clone(), &self.queue);
        self.present = Some(room);
    }

    /// One at a time: no further frame is read before it is answered, and sent.
    async fn history(&mut self, asked: HistoryRequest, now: UnixMs, out: &mut Vec<Outgoing>) {
        let HistoryRequest { req, room, at, limit } = asked;
        let page = match at {
            Some(at) => self.page(room.clone(), at, limit, now).await,
            None => Err(RefusalCode::BadFrame.into()),
        };
        match page {
            Ok(page) => {
                self.introduce(&page.people, out);
                let (before, after) = (page.before, page.after);
                let (head, messages) = (page.head, page.messages);
                out.push(ServerFrame::Page { req, room, head, messages, before, after }.into());
            }
            Err(refusal) => {
                let mut frame = refusal.frame(self.locale, self.rooms.limits(), Some(room));
                if let ServerFrame::Refused { req: answered, .. } = &mut frame {
                    *answered = Some(req);
                }
                out.push(self.counted(frame));
            }
        }
    }

    /// Returns a page, if its maximum size is not more than this session may ask for. The unused rest is given back.
    async fn page(&mut self, room: RoomId, at: PageAt, limit: u16, now: UnixMs) -> Result<PageRead, Refusal> {
        let whole = frames(ANSWER_BYTES);
        self.history.take_some(self.frame_rate, whole, now).map_err(Refusal::too_fast)?;
        let grant = self.allow(&room, Action::Read);
        let granted = grant.and_then(|grant| Ok((self.rooms.begin_read(&self.actor, now)?, grant)));
        let (reading, grant) = granted.inspect_err(|_| self.history.give_back(self.frame_rate, whole))?;
        let most = ReadLimit::json(limit.clamp(1, self.rooms.limits().history).into());
        let page = self.rooms.page(&grant, at, most).await;
        let bytes = page.iter().flat_map(|page| &page.messages).map(message_bytes).sum();
        reading.end(bytes);
        let used = frames(bytes);
        self.history.give_back(self.frame_rate, whole.saturating_sub(used));
        page
    }

    /// Refuses what could not be typed, about `what` it tried to be. `why` is added to the sentence.
    pub fn refuse_untyped(
        &self,
        code: RefusalCode,
        what: Untyped,
        why: Option<&str>,
        out: &mut Vec<Outgoing>,
    ) {
        let Untyped { cmid, req, room } = what;
        let mut message = Refusal::from(code).sentence(self.locale, self.rooms.limits());
        if let Some(why) = why {
            message.push_str(&format!(" ({why})"));
        }
        let frame = ServerFrame::Refused { cmid, req, room, code, message, retry_after_ms: None };
        out.push(self.counted(frame));
    }
}

pub(super) fn about(mut frame: ServerFrame, write: Cmid) -> ServerFrame {
    if let ServerFrame::Refused { cmid, .. } = &mut frame {
        *cmid = Some(write);
    }
    frame
}

/// Returns the number of frames that so many bytes count as.
fn frames(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(FRAME_BYTES)).unwrap_or(u32::MAX).max(1)
}

/// Exactly one of the three.
fn one_place(before: Option<Seq>, after: Option<Seq>, around: Option<Seq>) -> Option<PageAt> {
    match (before, after, around) {
        (Some(seq), None, None) => Some(PageAt::Before(seq)),
        (None, Some(seq), None) => Some(PageAt::After(seq)),
        (None, None, Some(seq)) => Some(PageAt::Around(seq)),
        _ => None,
    }
}
