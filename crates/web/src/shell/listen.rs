//! Listeners and timers that end with their owner. None is ever forgotten: what outlives its page, or its
//! socket, fires into nothing or, worse, into the next one.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, EventTarget, Window};

/// A listener; dropping it takes it off.
pub(super) struct Listener {
    target: EventTarget,
    name: &'static str,
    closure: Closure<dyn FnMut(Event)>,
}

impl Listener {
    pub(super) fn new(target: &EventTarget, name: &'static str, heard: impl FnMut(Event) + 'static) -> Self {
        let closure = Closure::<dyn FnMut(Event)>::new(heard);
        // Adding a listener fails for no argument that is given here.
        let _ = target.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
        Self { target: target.clone(), name, closure }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ =
            self.target.remove_event_listener_with_callback(self.name, self.closure.as_ref().unchecked_ref());
    }
}

/// Something that happens once, later; dropping it calls it off.
pub(super) struct Later {
    window: Window,
    id: i32,
    kind: Kind,
    _closure: Closure<dyn FnMut()>,
}

enum Kind {
    Timeout,
    Frame,
}

impl Later {
    /// After `ms` milliseconds, or somewhat later.
    pub(super) fn timeout(ms: i64, then: impl FnMut() + 'static) -> Option<Self> {
        let window = web_sys::window()?;
        let closure = Closure::<dyn FnMut()>::new(then);
        let ms = i32::try_from(ms.max(0)).unwrap_or(i32::MAX);
        let callback = closure.as_ref().unchecked_ref();
        let id = window.set_timeout_with_callback_and_timeout_and_arguments_0(callback, ms).ok()?;
        Some(Self { window, id, kind: Kind::Timeout, _closure: closure })
    }

    /// Before the next frame is painted.
    pub(super) fn frame(then: impl FnMut() + 'static) -> Option<Self> {
        let window = web_sys::window()?;
        let closure = Closure::<dyn FnMut()>::new(then);
        let id = window.request_animation_frame(closure.as_ref().unchecked_ref()).ok()?;
        Some(Self { window, id, kind: Kind::Frame, _closure: closure })
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        match self.kind {
            Kind::Timeout => self.window.clear_timeout_with_handle(self.id),
            Kind::Frame => {
                let _ = self.window.cancel_animation_frame(self.id);
            }
        }
    }
}
