//! A connection whose writes give up: a peer that asks and never reads its answer would hold it for ever.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::framing::Framing;
use crate::io::Io;

/// A peer that takes nothing of what is written to it for so long has stalled.
pub(super) const STALL: Duration = Duration::from_secs(10);

/// The stream below HTTP. A WebSocket takes what it runs on out of it.
pub(crate) struct HttpStream {
    io: Io,
    /// Of HTTP/1.1 alone.
    framing: Option<Framing>,
    /// True if something was read since the last write: a request, or half of one.
    asked: Arc<AtomicBool>,
    /// Runs while a write waits.
    patience: Option<Patience>,
    /// Of all that wait it is the worst, when that is too much.
    dropped: CancellationToken,
}

/// Ends a write that waits.
struct Patience {
    stall: Pin<Box<Sleep>>,
    dropped: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl HttpStream {
    /// The stream, and whether something was read from it that was not answered yet.
    pub(super) fn of_http1(io: Io, dropped: CancellationToken) -> (Self, Arc<AtomicBool>) {
        let asked = Arc::new(AtomicBool::new(false));
        let framing = Some(Framing::default());
        (Self { io, asked: asked.clone(), framing, patience: None, dropped }, asked)
    }

    /// The stream, on which requests have frames of their own.
    pub(super) fn of_http2(io: Io, dropped: CancellationToken) -> Self {
        Self { io, asked: Arc::default(), framing: None, patience: None, dropped }
    }

    /// Returns the transport below it.
    pub(crate) fn into_io(self) -> Io {
        self.io
    }

    fn answered(&self, written: &Poll<io::Result<usize>>) {
        if written.is_ready() {
            self.asked.store(false, Ordering::Relaxed);
        }
    }

    /// A write that waits ends with an error once the patience has, or the server's.
    fn bounded<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.patience = None;
            return written;
        }
        let patience = self.patience.get_or_insert_with(|| Patience {
            stall: Box::pin(sleep(STALL)),
            dropped: Box::pin(self.dropped.clone().cancelled_owned()),
        });
        if patience.dropped.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(ErrorKind::QuotaExceeded.into()));
        }
        ready!(patience.stall.as_mut().poll(context));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for HttpStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.asked.store(true, Ordering::Relaxed);
            if let Some(framing) = &mut self.framing {
                framing.follow(buffer.filled_mut().split_at_mut(before).1);
            }
        }
        read
    }
}

impl AsyncWrite for HttpStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.answered(&written);
        self.bounded(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, bytes);
        self.answered(&written);
        self.bounded(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.io.holds_output() {
            // Must not end the patience with a write.
            return Pin::new(&mut self.io).poll_flush(context);
        }
        let flushed = Pin::new(&mut self.io).poll_flush(context);
        self.bounded(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.io).poll_shutdown(context);
        self.bounded(context, ended)
    }
}
