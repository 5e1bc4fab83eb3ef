//! The bytes of a connection, in clear or under TLS. HTTP polls it; a WebSocket takes it out of HTTP and reads and
//! writes without ever waiting, which in clear is one system call on the socket and nothing else.

mod tls;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use tls::Tls;

/// Name of HTTP/2 in the handshake of TLS (RFC 9113, 3.2).
pub(crate) const HTTP_2: &[u8] = b"h2";

/// Name of HTTP/1.1 there.
pub(crate) const HTTP_1: &[u8] = b"http/1.1";

/// One end of a connection.
pub(crate) enum Io {
    /// In clear.
    Plain(TcpStream),
    /// Under TLS. On the heap, because its state is a hundred times as large as a socket's.
    Tls(Box<Tls>),
}

impl Io {
    /// Does the handshake of TLS on `tcp`. The peer decides how long it takes: bound it.
    ///
    /// # Errors
    /// The peer sends something else than TLS of this server's versions, or leaves.
    pub(crate) async fn secure(tcp: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        Tls::handshake(tcp, config).await.map(|tls| Self::Tls(Box::new(tls)))
    }

    /// Returns true under TLS. Then there may be bytes to read that the socket will not announce, because they have
    /// left it already.
    pub(crate) fn is_secure(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Returns true if the handshake of TLS agreed on HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        matches!(self, Self::Tls(tls) if tls.application_protocol() == Some(HTTP_2))
    }

    /// Reads what there is. 0 bytes: the peer has ended.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`]: nothing now; wait with [`Io::read_ready`].
    pub(crate) fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            // Unlike the socket's own `try_read`, this one remembers that a short read left nothing, which saves the next.
            Self::Plain(tcp) => {
                let mut buffer = ReadBuf::new(buffer);
                match Pin::new(tcp).poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer) {
                    Poll::Ready(read) => read.map(|()| buffer.filled().len()),
                    Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
                }
            }
            Self::Tls(tls) => tls.try_read(buffer),
        }
    }

    /// Waits until reading is worth a try, after [`Io::try_read`] found nothing. Cancel safe.
    pub(crate) async fn read_ready(&self) -> io::Result<()> {
        poll_fn(|context| self.tcp().poll_read_ready(context)).await
    }

    /// Takes so many of these bytes, and writes what the socket takes. Under TLS some of it may stay in
    /// [`Io::holds_output`].
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] while the socket takes nothing; wait with [`Io::write_ready`].
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_write(bytes),
            Self::Tls(tls) => tls.try_write(bytes),
        }
    }

    /// Returns true if bytes were taken that are still to be written with [`Io::try_flush`].
    pub(crate) fn holds_output(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.holds_output(),
        }
    }

    /// Writes what was taken and is still here.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`]: not all of it yet; wait with [`Io::write_ready`].
    pub(crate) fn try_flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.try_flush(),
        }
    }

    /// Waits until writing is worth a try, after it would have blocked. Cancel safe.
    pub(crate) async fn write_ready(&self) -> io::Result<()> {
        poll_fn(|context| self.tcp().poll_write_ready(context)).await
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.tcp(),
        }
    }
}

/// Tries `step` until it does not block, waiting for the socket in between.
fn poll_step<T>(
    tls: &mut Tls,
    context: &mut Context<'_>,
    ready: impl Fn(&TcpStream, &mut Context<'_>) -> Poll<io::Result<()>>,
    mut step: impl FnMut(&mut Tls) -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        match step(tls) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ready!(ready(tls.tcp(), context))?;
            }
            result => return Poll::Ready(result),
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Self::Tls(tls) => {
                let space = buffer.initialize_unfilled();
                let read = poll_step(tls, context, TcpStream::poll_read_ready, |tls| tls.try_read(space));
                let bytes = ready!(read)?;
                buffer.advance(bytes);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Self::Tls(tls) => {
                poll_step(tls, context, TcpStream::poll_write_ready, |tls| tls.try_write(bytes))
            }
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(context, slices),
            tls @ Self::Tls(_) => {
                let first = slices.iter().find(|slice| !slice.is_empty());
                Pin::new(tls).poll_write(context, first.map_or(&[], |slice| slice))
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        // Under TLS each write is a record of its own: what is written together is better put together before.
        matches!(self, Self::Plain(_))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Tls(tls) => poll_step(tls, context, TcpStream::poll_write_ready, Tls::try_flush),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Tls(tls) => {
                tls.end();
                ready!(poll_step(tls, context, TcpStream::poll_write_ready, Tls::try_flush))?;
                Pin::new(tls.tcp_mut()).poll_shutdown(context)
            }
        }
    }
}
