//! Listeners and timers that end with their owner. None is ever forgotten: what outlives its page, or its
//! socket, fires into nothing or, worse, into the next one.

use js_sys::Function;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, EventTarget};

// As in web-sys, but without taking a timer's name for a small number: that is the browser's own affair, and a
// clock of a test's own counts from far above.
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = setTimeout)]
    fn set_timeout(then: &Function, ms: i32) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(name: &JsValue);
    #[wasm_bindgen(catch, js_name = requestAnimationFrame)]
    fn request_frame(then: &Function) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_name = cancelAnimationFrame)]
    fn cancel_frame(name: &JsValue);
}

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
    name: JsValue,
    call_off: fn(&JsValue),
    _closure: Closure<dyn FnMut()>,
}

impl Later {
    /// After `ms` milliseconds, or somewhat later.
    pub(super) fn timeout(ms: i64, then: impl FnMut() + 'static) -> Option<Self> {
        let closure = Closure::<dyn FnMut()>::new(then);
        let ms = i32::try_from(ms.max(0)).unwrap_or(i32::MAX);
        let name = set_timeout(closure.as_ref().unchecked_ref(), ms).ok()?;
        Some(Self { name, call_off: clear_timeout, _closure: closure })
    }

    /// Before the next frame is painted.
    pub(super) fn frame(then: impl FnMut() + 'static) -> Option<Self> {
        let closure = Closure::<dyn FnMut()>::new(then);
        let name = request_frame(closure.as_ref().unchecked_ref()).ok()?;
        Some(Self { name, call_off: cancel_frame, _closure: closure })
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        (self.call_off)(&self.name);
    }
}
