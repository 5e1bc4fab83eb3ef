//! Waiting for a write that is queued.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{Queued, StoreError};

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
