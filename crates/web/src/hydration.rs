//! From a page that was rendered to one that is alive.

use std::rc::Rc;

use leptos::prelude::*;
use madang_client::Model;

use crate::components::fetch_ahead;
use crate::page::Page;
use crate::shell::Shell;
use crate::steps::later;
use crate::{client, navigation, scroll};

/// Brings the page to life, in steps. The first rendering is over: from here on, what is shown may differ from what the
/// server rendered.
pub(crate) fn start(page: Page, model: Model) {
    on_cleanup(client::stop);
    client::look_at_clock(page.clock, page.language);
    later(move || {
        let changed = move |model: &Model| {
            client::look_at_clock(page.clock, page.language);
            show(page, model);
        };
        client::set(Shell::start(model, Rc::new(changed)));
    });
    later(move || page.alive.set(true));
    let owner = Owner::current().unwrap_or_default();
    later(move || {
        owner.with(|| navigation::start(page));
        scroll::start(page);
        client::with(|model| show(page, model));
        // Readers who scrolled before stay where they are.
        scroll::settle(page, false);
        if let Some(root) = document().document_element() {
            // For the styles, which take what only serves the plain page out of sight, and for tests.
            let _ = root.set_attribute("data-alive", "");
        }
        fetch_ahead();
    });
}

/// Shows what changed in the model; the timeline stays where its reader is.
fn show(page: Page, model: &Model) {
    let change = page.sync(model);
    scroll::keep_place(page, change.replaced, change.ended, || page.sync_rows(model, change.look));
}
