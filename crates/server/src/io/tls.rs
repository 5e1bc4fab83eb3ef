//! TLS on a TCP stream, driven by hand: rustls holds the state, the socket is read and written only when it has
//! something or takes something. Nothing here waits except the handshake.

use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};
use tokio::net::TcpStream;

/// Reads of the socket for one try to get a byte of text: a peer that sends records without any must not keep
/// the task from all else.
const READS: usize = 16;

/// Text that one write takes: one record. A peer has to take that much in the time that a write may wait.
const RECORD: usize = 16 * 1024;

/// A connection under TLS.
pub(crate) struct Tls {
    tcp: TcpStream,
    state: ServerConnection,
    /// We have sent our end.
    ended: bool,
}

impl Tls {
    /// Does the handshake, up to the last byte that we send in it.
    pub(super) async fn handshake(tcp: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let mut state = ServerConnection::new(config).map_err(io::Error::other)?;
        state.set_buffer_limit(Some(RECORD));
        let mut tls = Self { tcp, state, ended: false };
        while tls.state.is_handshaking() {
            tls.flush().await?;
            match tls.pull() {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    poll_fn(|context| tls.tcp.poll_read_ready(context)).await?;
                }
                Err(error) => return Err(error),
            }
        }
        tls.flush().await?;
        Ok(tls)
    }

    async fn flush(&mut self) -> io::Result<()> {
        loop {
            match self.try_flush() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    poll_fn(|context| self.tcp.poll_write_ready(context)).await?;
                }
                result => return result,
            }
        }
    }

    /// Reads text that is here, or that the socket has. If it would block, there is none in either.
    pub(super) fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for _ in 0..READS {
            match self.state.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Many clients end without the farewell of TLS. A cut shows in HTTP and in WebSocket too, which both
                // tell where a message ends.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                result => return result,
            }
            self.pull()?;
        }
        Err(ErrorKind::WouldBlock.into())
    }

    /// Reads what the socket has, and understands it. How many bytes: 0 at the end.
    fn pull(&mut self) -> io::Result<usize> {
        let bytes = self.state.read_tls(&mut Socket(&self.tcp))?;
        if let Err(error) = self.state.process_new_packets() {
            // The peer is told what is wrong, if it can still hear it.
            let _ = self.try_flush();
            return Err(io::Error::new(ErrorKind::InvalidData, error));
        }
        Ok(bytes)
    }

    /// Takes text, once all that was taken before is written: so at most one write's records wait here.
    pub(super) fn try_write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.try_flush()?;
        let taken = self.state.writer().write(text)?;
        match self.try_flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            result => result?,
        }
        Ok(taken)
    }

    pub(super) fn holds_output(&self) -> bool {
        self.state.wants_write()
    }

    pub(super) fn try_flush(&mut self) -> io::Result<()> {
        while self.state.wants_write() {
            if self.state.write_tls(&mut Socket(&self.tcp))? == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Says that nothing more comes, with the next flush.
    pub(super) fn end(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            self.state.send_close_notify();
        }
    }

    /// Returns what was agreed on in the handshake (ALPN, RFC 7301).
    pub(super) fn application_protocol(&self) -> Option<&[u8]> {
        self.state.alpn_protocol()
    }

    pub(super) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    pub(super) fn tcp_mut(&mut self) -> &mut TcpStream {
        &mut self.tcp
    }
}

impl Drop for Tls {
    /// However the connection ends, the peer can tell our end from a cut. A peer that never got that far is sent
    /// nothing.
    fn drop(&mut self) {
        if !self.state.is_handshaking() {
            self.end();
        }
        let _ = self.try_flush();
    }
}

/// The socket as rustls wants it.
struct Socket<'a>(&'a TcpStream);

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
