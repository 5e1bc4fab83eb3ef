//! The running client behind the page.
//!
//! There is one in a browser's tab, and none on the server: the server only renders. That is why it stands in
//! thread-locals and not in signals, which have to be able to move between the server's threads.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;
use madang_client::{Event, Model};
use madang_protocol::UnixMs;

use crate::page::Page;
use crate::shell::{self, Shell};
use crate::time::{Clock, utc_time};
use crate::{navigation, scroll};

thread_local! {
    static SHELL: RefCell<Option<Shell>> = const { RefCell::new(None) };
    static CLOCK: RefCell<Option<Clock>> = const { RefCell::new(None) };
}

/// Brings the page to life. The first rendering is over: from here on, what is shown may differ from what the
/// server rendered.
pub(crate) fn start(page: Page, model: Model) {
    look_at_clock(page);
    page.alive.set(true);
    scroll::start(page);
    page.sync(&model);
    let running = Shell::start(
        model,
        Rc::new(move |model: &Model| {
            look_at_clock(page);
            page.sync(model);
        }),
    );
    SHELL.with_borrow_mut(|shell| *shell = Some(running));
    navigation::start(page);
    // Readers who scrolled before stay where they are.
    scroll::settle(page, false);
    if let Some(root) = document().document_element() {
        // For the styles, which take what only serves the plain page out of sight, and for tests.
        let _ = root.set_attribute("data-alive", "");
    }
    on_cleanup(stop);
}

fn stop() {
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

/// Notes which day it is, so that "today" is right after midnight, too.
fn look_at_clock(page: Page) {
    let today = day(shell::now());
    let known = CLOCK.with_borrow(|clock| clock.as_ref().is_some_and(|clock| clock.today() == today));
    if !known {
        CLOCK.set(Some(Clock::local(today, page.language)));
        page.clock.update(|version| *version += 1);
    }
}

/// The time of day of `at`, where the reader is once that is known. Reacts to that.
pub(crate) fn time(page: Page, at: UnixMs) -> String {
    page.clock.track();
    CLOCK.with_borrow(|clock| clock.as_ref().map_or_else(|| utc_time(at), |clock| clock.time(at)))
}

/// The name of a day. Reacts to midnight.
pub(crate) fn day_name(page: Page, day: i32) -> String {
    page.clock.track();
    CLOCK.with_borrow(|clock| match clock {
        Some(clock) => clock.day(day, page.t),
        None => crate::time::utc_day_name(day, page.t),
    })
}
