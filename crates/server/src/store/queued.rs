//! Writes on their way to the disk.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::StoreError;

/// Channel for a command's result.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// Sends a command's result once its batch has ended: with SQLite's words if the batch failed.
pub(super) type Answer = Box<dyn FnOnce(Option<&str>)>;

/// A write that is queued, in the order of the calls. It happens whether this is polled or not; it yields
/// once the write is synced to disk, or refused.
#[must_use = "the write happens anyway, but only this tells whether it is durable"]
pub struct Queued<T>(pub(super) Option<Result<oneshot::Receiver<Result<T, StoreError>>, StoreError>>);

impl<T> Future for Queued<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match &mut self.0 {
            Some(Ok(answer)) => ready!(Pin::new(answer).poll(cx)).unwrap_or(Err(StoreError::Closed)),
            Some(Err(refused)) => Err(refused.clone()),
            None => Err(StoreError::Closed),
        };
        self.0 = None;
        Poll::Ready(result)
    }
}
