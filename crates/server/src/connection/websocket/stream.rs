//! Stream below a WebSocket: what tungstenite reads comes from the socket, what it writes is gathered here.

use std::io::{self, ErrorKind, Read, Write};

use crate::connection::close_frame::CloseFrame;
use crate::io::Io;

/// Stream that tungstenite reads from and writes to: it never waits here.
pub(super) struct Stream {
    pub(super) io: Io,
    pub(super) out: Vec<u8>,
    /// So many bytes of `out` have left.
    pub(super) left: usize,
    /// So many bytes may still be read before the loop gets another turn.
    pub(super) read_budget: usize,
    /// So many bytes were read since the last whole message.
    pub(super) read: usize,
    /// The peer's Close.
    pub(super) close: CloseFrame,
}

impl Stream {
    pub(super) fn new(io: Io) -> Self {
        Self { io, out: Vec::new(), left: 0, read_budget: 0, read: 0, close: CloseFrame::default() }
    }

    pub(super) fn holds_output(&self) -> bool {
        self.left < self.out.len() || self.io.holds_output()
    }

    /// Writes what the peer takes now.
    pub(super) fn write_some(&mut self) -> io::Result<()> {
        let rest = self.out.get(self.left..).unwrap_or_default();
        if rest.is_empty() {
            return self.io.try_flush();
        }
        match self.io.try_write(rest)? {
            0 => Err(ErrorKind::WriteZero.into()),
            written => {
                self.left += written;
                Ok(())
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read_budget == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let bytes = self.io.try_read(buffer)?;
        self.read_budget = self.read_budget.saturating_sub(bytes);
        self.read += bytes;
        self.close.follow(buffer.get(..bytes).unwrap_or_default());
        Ok(bytes)
    }
}

impl Write for Stream {
    fn write(&mut self, frames: &[u8]) -> io::Result<usize> {
        self.out.extend(frames);
        Ok(frames.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
