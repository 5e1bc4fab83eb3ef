//! A connection on a bare TCP stream, for protocols that find their frames in it themselves.

use std::io::{self, ErrorKind};
use std::time::Duration;

use bytes::Bytes;
use madang_protocol::CloseCode;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::transport::{End, Incoming, Transport};
use crate::encoded::Encoded;
use crate::metrics::Carrier;
use crate::unsent::Account;

/// Most bytes that are read at once.
const READ_BYTES: usize = 8 * 1024;

/// Capacity that an empty output buffer keeps.
const IDLE_BYTES: usize = 4 * 1024;

/// A peer that takes nothing of what is written to it for so long has stalled.
const STALL: Duration = Duration::from_secs(10);

/// The stream.
pub(crate) struct Tcp {
    tcp: TcpStream,
    out: Vec<u8>,
    /// Account of the bytes that wait for the peer, if there are any.
    account: Account,
}

impl Tcp {
    /// A connection on `tcp`.
    pub(crate) fn new(tcp: TcpStream, account: Account) -> Self {
        Self { tcp, out: Vec::new(), account }
    }

    async fn write(&mut self) -> io::Result<()> {
        let mut left = 0;
        while let Some(rest) = self.out.get(left..).filter(|rest| !rest.is_empty()) {
            match self.tcp.try_write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => left += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.account.hold(rest.len());
                    tokio::select! {
                        () = self.account.dropped() => {
                            self.out = Vec::new();
                            return Err(ErrorKind::QuotaExceeded.into());
                        }
                        ready = timeout(STALL, self.tcp.writable()) => {
                            ready.map_err(|_| io::Error::from(ErrorKind::TimedOut))??;
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        self.account.hold(0);
        self.out.clear();
        if self.out.capacity() > IDLE_BYTES {
            self.out = Vec::new();
        }
        Ok(())
    }

    /// Some bytes, or none after the end. Cancel safe.
    async fn read(&mut self) -> io::Result<Bytes> {
        loop {
            self.tcp.readable().await?;
            // Here, so that a connection that waits holds none.
            let mut buffer = [0; READ_BYTES];
            match self.tcp.try_read(&mut buffer) {
                Ok(bytes) => return Ok(Bytes::copy_from_slice(buffer.get(..bytes).unwrap_or_default())),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Transport for Tcp {
    fn carrier(&self) -> Carrier {
        Carrier::StompTcp
    }

    fn is_stream(&self) -> bool {
        true
    }

    async fn next(&mut self) -> Result<Incoming, End> {
        match self.read().await {
            Ok(bytes) if !bytes.is_empty() => Ok(Incoming::Binary(bytes)),
            _ => Err(End::Gone),
        }
    }

    fn text(&mut self, frame: Encoded) {
        self.out.extend(frame.as_bytes());
    }

    fn joined(&mut self, own: &str, shared: &Encoded) {
        self.out.extend(own.as_bytes());
        self.out.extend(shared.as_bytes());
    }

    /// TCP has none that a peer could see; the kernel's own are set where the stream is accepted.
    fn ping(&mut self) {}

    fn has_output(&self) -> bool {
        !self.out.is_empty()
    }

    fn output_bytes(&self) -> usize {
        self.out.len()
    }

    async fn flush(&mut self) -> Result<(), End> {
        self.write().await.map_err(|error| match error.kind() {
            ErrorKind::TimedOut | ErrorKind::QuotaExceeded => End::Close(CloseCode::STALLED),
            _ => End::Gone,
        })
    }

    async fn close(&mut self, _: CloseCode, _: &'static str) {
        // Closed while something is unread, the stream would be reset, and the peer might lose the last words.
        if !self.account.is_dropped() && self.write().await.is_ok() && self.tcp.shutdown().await.is_ok() {
            while self.read().await.is_ok_and(|bytes| !bytes.is_empty()) {}
        }
    }

    async fn acknowledge_close(&mut self) {
        let _ = self.write().await;
    }
}
