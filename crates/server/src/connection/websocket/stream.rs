//! Stream below a WebSocket: what is read comes from the socket, what is to be written is gathered here.

use std::io::{self, ErrorKind};

use bytes::BytesMut;

use crate::io::Io;

/// Stream that is read from and written to: it never waits here.
pub(super) struct Stream {
    pub(super) io: Io,
    pub(super) out: Vec<u8>,
    /// So many bytes of `out` have left.
    pub(super) left: usize,
    /// So many bytes may still be read before the loop gets another turn.
    pub(super) read_budget: usize,
}

impl Stream {
    pub(super) fn new(io: Io) -> Self {
        Self { io, out: Vec::new(), left: 0, read_budget: 0 }
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

    /// Adds at most `most` bytes to `unread`.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] if there are none now, or no more may be read in this turn;
    /// [`ErrorKind::UnexpectedEof`] after the end; any other: the connection is gone.
    pub(super) fn read_some(&mut self, unread: &mut BytesMut, most: usize) -> io::Result<()> {
        if self.read_budget == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let length = unread.len();
        unread.resize(length + most, 0);
        let read = self.io.try_read(unread.get_mut(length..).unwrap_or_default());
        unread.truncate(length + read.as_ref().map_or(0, |bytes| *bytes));
        match read? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            bytes => {
                self.read_budget = self.read_budget.saturating_sub(bytes);
                Ok(())
            }
        }
    }
}
