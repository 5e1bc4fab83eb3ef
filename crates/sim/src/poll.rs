//! Futures without a runtime.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::{Check, broken};

/// Returns what `future` yields without waiting.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// As [`ready`], with patience for a store that pauses.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> Check<T> {
    let mut future = pin!(future);
    for _ in 0..1_000 {
        if let Some(value) = ready(future.as_mut()) {
            return Ok(value);
        }
    }
    broken("the server waits for what cannot come")
}
