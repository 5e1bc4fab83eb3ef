//! Futures without a runtime.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::{Check, broken};

/// What `future` yields without waiting.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// As [`ready`], of something that has nothing to wait for: reads run where they are asked for.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> Check<T> {
    ready(future).map_or_else(|| broken("the server waits for what cannot come"), Ok)
}
