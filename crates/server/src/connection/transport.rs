//! Interface between a connection's loop and its transport.

use bytes::Bytes;
use madang_protocol::CloseCode;
use tungstenite::Utf8Bytes;

use crate::encoded::Encoded;
use crate::metrics::Carrier;

/// Input from the peer.
#[derive(Debug)]
pub enum Incoming {
    /// A text.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
    /// A sign of life without a frame.
    Life,
}

/// Reasons for the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The peer closed, or the network did.
    Gone,
    /// The server closes, with this code.
    Close(CloseCode),
}

/// One transport attachment: it carries frames both ways, in order, and knows nothing of what they mean.
///
/// Frames are gathered by [`Transport::text`] and leave with the next [`Transport::flush`].
pub trait Transport: Send {
    /// Returns the transport's kind, for the counters.
    fn carrier(&self) -> Carrier;

    /// Returns true if the input is a stream's bytes, cut anywhere.
    fn is_stream(&self) -> bool {
        false
    }

    /// Waits for the next thing from the peer. Cancel safe.
    fn next(&mut self) -> impl Future<Output = Result<Incoming, End>> + Send;

    /// Adds a frame to what leaves.
    fn text(&mut self, frame: Encoded);

    /// Adds one frame of two parts, of which the second is shared by many receivers.
    fn joined(&mut self, own: &str, shared: &Encoded) {
        self.text([own, shared.as_str()].concat().into());
    }

    /// Asks the peer for a sign of life, if a frame that goes with each heartbeat does not do that already.
    fn ping(&mut self);

    /// Returns true if there is something to flush.
    fn has_output(&self) -> bool;

    /// Returns the bytes that were added and did not leave yet.
    fn output_bytes(&self) -> usize;

    /// Lets leave what was added. It returns when the peer has taken enough of it that more may be added.
    ///
    /// # Errors
    /// [`CloseCode::STALLED`] if the peer took nothing for 10 s, or if of all connections it is the worst when too
    /// much waits (`unsent`); gone, if it is.
    fn flush(&mut self) -> impl Future<Output = Result<(), End>> + Send;

    /// Ends the connection from this side: what was added leaves first. It waits as long as the peer takes to
    /// have it, so the caller bounds the time.
    fn close(&mut self, code: CloseCode, reason: &'static str) -> impl Future<Output = ()> + Send;

    /// Ends a connection that the peer has ended.
    fn acknowledge_close(&mut self) -> impl Future<Output = ()> + Send;
}
