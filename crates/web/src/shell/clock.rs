//! Time and random numbers for the core, which takes none itself.

use js_sys::Date;
use madang_client::Roll;
use madang_protocol::{Cmid, UnixMs};
use wasm_bindgen::JsValue;

/// Now, by the browser's clock.
pub(crate) fn now() -> UnixMs {
    Date::now() as UnixMs
}

/// The day of `at` where the reader is: for `timeline` once the page is alive (`utc_day` before, as the server
/// does not know where that is).
pub(crate) fn local_day(at: UnixMs) -> i32 {
    // Minutes that UTC is ahead, at that moment: summer time counts.
    let behind = Date::new(&JsValue::from_f64(at as f64)).get_timezone_offset();
    madang_client::utc_day(at - behind as UnixMs * 60_000)
}

/// A new write's id.
pub(crate) fn new_cmid() -> Cmid {
    Cmid::new(now(), u128::from_le_bytes(random()))
}

/// A name that no other tab has.
pub(super) fn random_id() -> u64 {
    u64::from_le_bytes(random())
}

/// Jitter.
pub(super) fn roll() -> Roll {
    Roll::from_le_bytes(random())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let filled = web_sys::window()
        .and_then(|window| window.crypto().ok())
        .is_some_and(|crypto| crypto.get_random_values_with_u8_array(&mut bytes).is_ok());
    if !filled {
        // No browser of this decade lacks it. Ids must differ all the same.
        bytes.fill_with(|| (js_sys::Math::random() * 256.0) as u8);
    }
    bytes
}
