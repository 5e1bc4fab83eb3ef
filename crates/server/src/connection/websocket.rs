//! A connection over a WebSocket.

use std::io::ErrorKind;

use madang_protocol::CloseCode;
use tungstenite::Message;
use tungstenite::error::{CapacityError, Error as WsError, ProtocolError};

use super::transport::{End, Incoming, Transport};
use super::wire::Wire;
use crate::encoded::Encoded;
use crate::metrics::Carrier;

impl Transport for Wire {
    fn carrier(&self) -> Carrier {
        Carrier::WebSocket
    }

    async fn next(&mut self) -> Result<Incoming, End> {
        let incoming = match self.read().await {
            Some(Ok(Message::Text(text))) => Incoming::Text(text),
            Some(Ok(Message::Binary(bytes))) => Incoming::Binary(bytes),
            // A bare frame is something that tungstenite writes, and never reads.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Incoming::Life,
            Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
            Some(Err(error)) => return Err(unreadable(error)),
        };
        Ok(incoming)
    }

    fn text(&mut self, frame: Encoded) {
        self.add_text(&[&frame]);
    }

    fn joined(&mut self, own: &str, shared: &Encoded) {
        self.add_text(&[own, shared]);
    }

    fn ping(&mut self) {
        self.add_ping();
    }

    fn has_output(&self) -> bool {
        self.holds_output()
    }

    fn output_bytes(&self) -> usize {
        self.unsent_bytes()
    }

    async fn flush(&mut self) -> Result<(), End> {
        self.write().await.map_err(|error| match error.kind() {
            ErrorKind::TimedOut | ErrorKind::QuotaExceeded => End::Close(CloseCode::STALLED),
            _ => End::Gone,
        })
    }

    async fn close(&mut self, code: CloseCode, reason: &'static str) {
        if self.is_given_up() {
            return;
        }
        let _ = self.add_close(code, reason);
        // A peer that sent a Close, be it malformed, sends nothing more, and waits for the end (RFC 6455, 7.1.7).
        if self.write().await.is_ok() && !self.is_closed_by_peer() {
            while let Some(Ok(_)) = self.read().await {}
        }
    }

    async fn acknowledge_close(&mut self) {
        let _ = self.write().await;
    }
}

/// Returns the end for what the WebSocket layer could not read.
fn unreadable(error: WsError) -> End {
    match error {
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => End::Close(CloseCode::TOO_BIG),
        WsError::Utf8(_) => End::Close(CloseCode::NOT_UTF8),
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Gone,
        WsError::Protocol(error) => {
            tracing::debug!(%error, "a peer broke the WebSocket protocol");
            End::Close(CloseCode(1002))
        }
        _ => End::Gone,
    }
}
