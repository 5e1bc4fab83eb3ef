//! Locks between the tabs of a browser (Web Locks). Bound by hand: in web-sys they count as unstable, which would be
//! a compiler flag for whoever builds the page.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["navigator", "locks"], js_name = request)]
    fn request(name: &str, options: &JsValue, granted: &Function) -> Result<Promise, JsValue>;
}

/// Mode of a lock request.
#[derive(Clone)]
pub(super) enum Want {
    /// If nobody has it now.
    IfFree,
    /// As soon as it is free, unless called off.
    Wait(Option<AbortSignal>),
    /// Now, from whoever has it.
    Steal,
}

/// Asks for a lock, and holds it for as long as the promise that `granted` gives is pending; without one it is
/// given back at once. `granted` gets whether the lock is there: [`Want::IfFree`] may find it taken.
///
/// # Errors
/// There are no locks, the wait was called off, or the lock was stolen.
pub(super) async fn hold(
    name: &str,
    want: Want,
    granted: Box<dyn FnOnce(bool) -> Option<Promise>>,
) -> Result<(), JsValue> {
    let options = Object::new();
    let (key, value) = match want {
        Want::IfFree => ("ifAvailable", JsValue::TRUE),
        Want::Wait(signal) => ("signal", signal.map_or(JsValue::UNDEFINED, JsValue::from)),
        Want::Steal => ("steal", JsValue::TRUE),
    };
    Reflect::set(&options, &key.into(), &value)?;
    let granted = move |lock: JsValue| granted(!lock.is_null()).map_or(JsValue::UNDEFINED, JsValue::from);
    let granted = Closure::once(granted);
    let over = request(name, &options, granted.as_ref().unchecked_ref())?;
    JsFuture::from(over).await?;
    Ok(())
}
