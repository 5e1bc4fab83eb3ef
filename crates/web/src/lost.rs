//! Finding out that what is drawn does not reach the document. Where somebody took the page's nodes away, or the comments that mark places
//! among them, new rows are put where nobody looks, and nothing fails.

use std::time::Duration;

use leptos::prelude::*;
use madang_client::RowKey;

use crate::rowkey;

/// Event by which `start.js` learns that the page has to be loaded anew.
const LOST: &str = "madang-lost";

/// Looks for a row that is being added, once it has been drawn, if it is then still `wanted`.
pub(crate) fn look_for(key: RowKey, wanted: impl Fn() -> bool + 'static) {
    let look = move || {
        let found = document().query_selector(&format!(".rows [data-key='{}']", rowkey::text(key)));
        if wanted() && matches!(found, Ok(None)) {
            let _ = web_sys::Event::new(LOST).and_then(|event| window().dispatch_event(&event));
        }
    };
    set_timeout(look, Duration::ZERO);
}
