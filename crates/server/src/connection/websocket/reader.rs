//! Reads frames of a client, and puts its messages together (RFC 6455, 5; RFC 7692, 7.2.2). tungstenite reads the heads;
//! above them it takes no compressed frame, and forgets the code of a Close that it does not know.
//!
//! Bounds: a message has at most `max` bytes, as it is and on the wire; a frame is kept as it comes, and not for what its
//! head promises.

use std::io::{Cursor, ErrorKind};
use std::str::from_utf8;

use bytes::{Buf, Bytes, BytesMut};
use madang_protocol::CloseCode;
use tungstenite::Utf8Bytes;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::stream::Stream;
use crate::connection::transport::End;
use crate::deflate::{NotInflated, inflate};

/// Bytes that are read at once, while no long frame has begun.
const READ_BYTES: usize = 1024;

/// Bytes that are read at once of a long frame.
const READ_BYTES_OF_LONG: usize = 16 * 1024;

/// Bytes on the wire allowed per message, as a multiple of the maximum size: a one-byte fragment carries a six-byte head.
const OVERHEAD: usize = 8;

/// Bytes that a compressed message may have over the maximum: what cannot be compressed becomes longer.
const DEFLATE_OVERHEAD: usize = 1024;

/// Maximum payload of a control frame (RFC 6455, 5.5).
const CONTROL_BYTES: u64 = 125;

/// The peer broke the WebSocket protocol.
pub(super) const BROKEN: CloseCode = CloseCode(1002);

/// Input from the peer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    Text(Utf8Bytes),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    /// With its code, if it has one.
    Close(Option<CloseCode>),
}

/// Frames as they come. Between messages it holds no memory besides itself.
pub(super) struct Reader {
    /// Largest message, in bytes.
    max: Option<usize>,
    /// Compression was agreed on.
    inflates: bool,
    /// Read, and not a whole frame yet.
    unread: BytesMut,
    /// The message that has begun.
    message: Option<Box<Fragments>>,
    /// So many bytes of a payload are passed over.
    skip: u64,
    /// A Close of the peer has begun, be it malformed: nothing comes behind it.
    closing: bool,
    /// Of all that comes, nothing but a Close is of interest.
    drains: bool,
}

/// Fragments of one message.
struct Fragments {
    is_text: bool,
    is_compressed: bool,
    bytes: Vec<u8>,
    /// Bytes of its frames, heads among them.
    wire: usize,
    /// So many bytes are known to be UTF-8.
    valid: usize,
}

impl Reader {
    /// A reader of messages of at most `max` bytes, of which `early` was read already.
    pub(super) fn new(early: &[u8], max: Option<usize>, inflates: bool) -> Self {
        let unread = BytesMut::from(early);
        Self { max, inflates, unread, message: None, skip: 0, closing: false, drains: false }
    }

    /// Returns true once a Close of the peer has begun.
    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    /// Reads on for a Close alone.
    pub(super) fn drain(&mut self) {
        self.drains = true;
        self.message = None;
    }

    /// Gives back memory, if it holds nothing.
    pub(super) fn release(&mut self) {
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
    }

    /// Returns true if it holds nothing, and no memory.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.unread.capacity() == 0 && self.message.is_none() && self.skip == 0
    }

    /// Returns what came whole, or `None` if there is no more of it now.
    ///
    /// # Errors
    /// Reason why nothing more can be read.
    pub(super) fn read(&mut self, stream: &mut Stream) -> Result<Option<Received>, End> {
        loop {
            let missing = match self.frame()? {
                Ok(Some(received)) => return Ok(Some(received)),
                Ok(None) => continue,
                Err(missing) => missing,
            };
            match stream.read_some(&mut self.unread, missing.clamp(READ_BYTES, READ_BYTES_OF_LONG)) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(_) => return Err(End::Gone),
            }
        }
    }

    /// Takes one frame. Returns what it makes whole, if anything, or how many bytes are missing, at least.
    fn frame(&mut self) -> Result<Result<Option<Received>, usize>, End> {
        if self.skip > 0 {
            let passed = usize::try_from(self.skip).unwrap_or(usize::MAX).min(self.unread.len());
            self.unread.advance(passed);
            self.skip -= passed as u64;
            return Ok(if self.skip > 0 { Err(1) } else { Ok(None) });
        }
        let mut cursor = Cursor::new(&self.unread);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| broken("no such opcode"))?;
        let Some((head, length)) = parsed else { return Ok(Err(1)) };
        let head_bytes = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        self.check(&head, length)?;
        if self.drains && matches!(head.opcode, OpCode::Data(_)) {
            self.unread.advance(head_bytes);
            self.skip = length;
            return Ok(Ok(None));
        }
        let whole = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(head_bytes);
        if self.unread.len() < whole {
            return Ok(Err(whole - self.unread.len()));
        }
        self.unread.advance(head_bytes);
        let mut payload = self.unread.split_to(whole - head_bytes);
        unmask(&mut payload, head.mask.unwrap_or_default());
        match head.opcode {
            OpCode::Control(control) => control_frame(control, payload.freeze()).map(|it| Ok(Some(it))),
            OpCode::Data(data) => self.data_frame(data, &head, payload, whole).map(Ok),
        }
    }

    /// Checks a head, before anything of what it promises is awaited.
    fn check(&mut self, head: &FrameHeader, length: u64) -> Result<(), End> {
        let is_first = matches!(head.opcode, OpCode::Data(Data::Text | Data::Binary));
        self.closing |= head.opcode == OpCode::Control(Control::Close);
        if head.rsv2 || head.rsv3 || head.rsv1 && !(self.inflates && is_first) {
            return Err(broken("a reserved bit"));
        }
        if head.mask.is_none() {
            return Err(broken("a frame without a mask"));
        }
        if matches!(head.opcode, OpCode::Control(_)) {
            let is_sound = head.is_final && length <= CONTROL_BYTES;
            return if is_sound { Ok(()) } else { Err(broken("a control frame in parts, or a long one")) };
        }
        if self.drains {
            return Ok(());
        }
        if is_first == self.message.is_some() {
            return Err(broken("a fragment out of order"));
        }
        let begun = self.message.as_ref();
        let is_compressed = begun.map_or(head.rsv1, |message| message.is_compressed);
        let (bytes, wire) = begun.map_or((0, 0), |message| (message.bytes.len(), message.wire));
        let fits = self.max.is_none_or(|max| {
            let most = if is_compressed { max.saturating_add(DEFLATE_OVERHEAD) } else { max };
            bytes as u64 + length.min(u64::from(u32::MAX)) <= most as u64
                // Ever so small fragments, or empty ones for ever, are as bad as a message that is too large.
                && wire <= max.saturating_mul(OVERHEAD).saturating_add(READ_BYTES)
        });
        if fits { Ok(()) } else { Err(End::Close(CloseCode::TOO_BIG)) }
    }

    fn data_frame(
        &mut self,
        data: Data,
        head: &FrameHeader,
        payload: BytesMut,
        wire: usize,
    ) -> Result<Option<Received>, End> {
        let is_text = data == Data::Text;
        let begun = self.message.take();
        if begun.is_none() && head.is_final && !head.rsv1 {
            return whole(is_text, payload.freeze()).map(Some);
        }
        let new = || Fragments { is_text, is_compressed: head.rsv1, bytes: Vec::new(), wire: 0, valid: 0 };
        let mut message = begun.unwrap_or_else(|| Box::new(new()));
        message.bytes.extend_from_slice(&payload);
        message.wire = message.wire.saturating_add(wire);
        if head.is_final {
            return message.whole(self.max).map(Some);
        }
        message.validate()?;
        self.message = Some(message);
        Ok(None)
    }
}

impl Fragments {
    /// Checks a text as it comes, so that a broken one is not awaited to its end.
    fn validate(&mut self) -> Result<(), End> {
        if !self.is_text || self.is_compressed {
            return Ok(());
        }
        match from_utf8(self.bytes.get(self.valid..).unwrap_or_default()) {
            Ok(_) => self.valid = self.bytes.len(),
            Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
            Err(_) => return Err(End::Close(CloseCode::NOT_UTF8)),
        }
        Ok(())
    }

    fn whole(self, max: Option<usize>) -> Result<Received, End> {
        if !self.is_compressed {
            return whole(self.is_text, self.bytes.into());
        }
        let inflated = inflate(&self.bytes, max).map_err(|error| match error {
            NotInflated::TooLong => End::Close(CloseCode::TOO_BIG),
            NotInflated::Broken => broken("what is compressed cannot be read"),
        });
        whole(self.is_text, inflated?.into())
    }
}

fn whole(is_text: bool, bytes: Bytes) -> Result<Received, End> {
    if !is_text {
        return Ok(Received::Binary(bytes));
    }
    Utf8Bytes::try_from(bytes).map(Received::Text).map_err(|_| End::Close(CloseCode::NOT_UTF8))
}

fn control_frame(control: Control, payload: Bytes) -> Result<Received, End> {
    match control {
        Control::Ping => Ok(Received::Ping(payload)),
        Control::Pong => Ok(Received::Pong),
        Control::Close => close_frame(&payload).map(Received::Close),
        // tungstenite takes none of these for a head.
        Control::Reserved(_) => Err(broken("no such opcode")),
    }
}

/// Reads the code of a Close (RFC 6455, 7.4).
fn close_frame(payload: &[u8]) -> Result<Option<CloseCode>, End> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(broken("half a close code")) };
    };
    if from_utf8(reason).is_err() {
        return Err(End::Close(CloseCode::NOT_UTF8));
    }
    match u16::from_be_bytes(*code) {
        code @ (1000..=1003 | 1007..=1014 | 3000..=4999) => Ok(Some(CloseCode(code))),
        _ => Err(broken("a close code that none may send")),
    }
}

fn broken(why: &'static str) -> End {
    tracing::debug!(why, "a peer broke the WebSocket protocol");
    End::Close(BROKEN)
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let word = u32::from_ne_bytes(mask);
    let (words, rest) = payload.as_chunks_mut();
    for bytes in words {
        *bytes = (u32::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    rest.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
}

#[cfg(test)]
mod tests;
