//! The browser's edge: runs the client core on a real socket, clock, storage and network.
//!
//! A [`Shell`] owns the [`Model`]. What happens becomes an [`Event`] in a queue, and is worked off in order;
//! the effects that come back are carried out here. The view is told once per animation frame, however many
//! events there were (at once while the page is hidden, where there are no frames), and reads the model then.
//!
//! All of it compiles everywhere and is inert until [`Shell::start`], which only an effect calls: the server
//! renders from a model of its own, and never starts a shell.

use std::rc::Rc;

use madang_client::{Event, Model};
use madang_protocol::{Cmid, UnixMs};

/// A handle to the running client; clones share it. Dropping the last one, or [`Shell::stop`], closes the
/// socket and removes every listener and timer.
#[derive(Clone)]
pub struct Shell {
    _inner: Rc<()>,
}

impl Shell {
    /// Starts the client: brings back the outbox, connects, and calls `changed` after each change.
    pub fn start(model: Model, changed: Rc<dyn Fn(&Model)>) -> Self {
        let _ = (model, changed);
        todo!()
    }

    /// Reports an event. It is worked off at once, or after the one that is being worked off.
    pub fn dispatch(&self, event: Event) {
        let _ = event;
    }

    /// Reads the model.
    pub fn with<R>(&self, read: impl FnOnce(&Model) -> R) -> R {
        let _ = read;
        todo!()
    }

    /// Closes the socket and removes every listener and timer. Nothing is reported any more.
    pub fn stop(&self) {}
}

/// A new write's id, from the browser's source of secrets.
pub fn new_cmid() -> Cmid {
    todo!()
}

/// Now, by the browser's clock.
pub fn now() -> UnixMs {
    todo!()
}

/// The day of `at` where the reader is: give it to `timeline` once the page is alive (`utc_day` before).
pub fn local_day(at: UnixMs) -> i32 {
    let _ = at;
    todo!()
}

/// Why a request to the server brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The server was not reached.
    Unreachable,
    /// The server refused, with its reason.
    Refused(madang_client::Notice),
}

/// Chooses a nickname: `POST /me`. The new name is dispatched as [`Event::Renamed`], too.
///
/// # Errors
/// The server refused, or was not reached.
pub async fn choose_name(shell: &Shell, name: &str) -> Result<(), RequestError> {
    let _ = (shell, name);
    todo!()
}

/// Opens a room: `POST /rooms`. It is dispatched as [`Event::RoomMade`], too; go there with `OpenRoom`.
///
/// # Errors
/// The server refused, or was not reached.
pub async fn open_room(shell: &Shell, title: &str) -> Result<madang_protocol::RoomId, RequestError> {
    let _ = (shell, title);
    todo!()
}

/// Keeps a choice of language (`None`: the browser's) and theme for a year: `POST /settings`.
///
/// # Errors
/// The server refused, or was not reached.
pub async fn save_settings(
    locale: Option<madang_client::Locale>,
    theme: madang_client::Theme,
) -> Result<(), RequestError> {
    let _ = (locale, theme);
    todo!()
}
