//! The running client behind the page.
//!
//! There is one in a browser's tab, and none on the server: the server only renders. That is why it stands in
//! thread-locals and not in signals, which have to be able to move between the server's threads.

use std::cell::RefCell;

use leptos::prelude::*;
use madang_client::{Event, Model};
use madang_protocol::UnixMs;

use crate::shell::{self, Shell};
use crate::strings::Strings;
use crate::time::{Clock, utc_day_name, utc_time};

thread_local! {
    static SHELL: RefCell<Option<Shell>> = const { RefCell::new(None) };
    static CLOCK: RefCell<Option<Clock>> = const { RefCell::new(None) };
}

/// Makes this the running client.
pub(crate) fn set(running: Shell) {
    SHELL.set(Some(running));
}

/// Ends the running client.
pub(crate) fn stop() {
    if let Some(shell) = SHELL.take() {
        shell.stop();
    }
}

/// The running client; `None` before it runs.
pub(crate) fn shell() -> Option<Shell> {
    SHELL.with_borrow(Clone::clone)
}

/// Reports an event to the running client.
pub(crate) fn dispatch(event: Event) {
    if let Some(shell) = shell() {
        shell.dispatch(event);
    }
}

/// Reads the running client's model.
pub(crate) fn with<R>(read: impl FnOnce(&Model) -> R) -> Option<R> {
    shell().map(|shell| shell.with(read))
}

/// The day of `at` where the reader is.
pub(crate) fn day(at: UnixMs) -> i32 {
    shell::local_day(at)
}

/// Notes which day it is, so that "today" is right after midnight, too. `clock` counts up when that changes.
pub(crate) fn look_at_clock(clock: RwSignal<u32>, language: &str) {
    let today = day(shell::now());
    let known = CLOCK.with_borrow(|clock| clock.as_ref().is_some_and(|clock| clock.today() == today));
    if !known {
        CLOCK.set(Some(Clock::local(today, language)));
        clock.update(|version| *version += 1);
    }
}

/// The time of day of `at`, where the reader is once that is known. Reacts to that, by `clock`.
pub(crate) fn time(clock: RwSignal<u32>, at: UnixMs) -> String {
    clock.track();
    CLOCK.with_borrow(|clock| clock.as_ref().map_or_else(|| utc_time(at), |clock| clock.time(at)))
}

/// The name of a day. Reacts to midnight, by `clock`.
pub(crate) fn day_name(clock: RwSignal<u32>, day: i32, t: &Strings) -> String {
    clock.track();
    CLOCK.with_borrow(|clock| match clock {
        Some(clock) => clock.day(day, t),
        None => utc_day_name(day, t),
    })
}
