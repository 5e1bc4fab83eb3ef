//! The page as a whole.

use std::fmt;
use std::str::FromStr;

use leptos::prelude::*;
use madang_client::{Model, PageData};
use madang_protocol::json;

use crate::hydration;
use crate::page::Page;
use crate::steps::{later, stepwise};
use crate::strings::tab_title;

use super::composer::Composer;
use super::connection::Connection;
use super::header::RoomHeader;
use super::panels::{MessagePlaces, PeoplePlace, SettingsPlace};
use super::rooms::Rooms;
use super::timeline::Timeline;
use super::welcome::{Notice, Welcome};
use super::{reacting, words};

/// The body of the page. The server provides the [`PageData`] that it is rendered from, and hands the same to
/// the browser; the client-only build has none, and begins with `fresh`.
#[component]
pub(crate) fn App(
    /// Makes the state of a page that no server rendered.
    fresh: fn() -> Model,
) -> impl IntoView {
    let data = SharedValue::new_str(|| Handed(use_context())).into_inner().0;
    let model = data.as_ref().map_or_else(fresh, Model::from_page);
    let page = Page::new(&model, data.as_ref());
    let t = page.t;
    let model = StoredValue::new(Some(model));
    Effect::new(move |_| {
        // The last step. Remains of a rendering that failed get there no more.
        let owner = Owner::current().unwrap_or_default();
        later(move || {
            if let Some(model) = model.try_update_value(Option::take).flatten() {
                owner.with(|| hydration::start(page, model));
            }
        });
    });
    name_the_tab(page);
    view! {
        <a class="skip" href="#composer-text">
            {t.skip_to_composer}
        </a>
        <div class="page">
            {stepwise(move || view! { <Rooms page /> })} {stepwise(move || room(page))}
            {stepwise(move || view! { <PeoplePlace page /> })}
        </div>
        {stepwise(move || view! { <SettingsPlace page /> })}
        <MessagePlaces page />
        <p class="toast" role="status" class:shown=reacting(move || !page.said.with(String::is_empty))>
            {words(move || page.said.get())}
        </p>
    }
}

fn room(page: Page) -> impl IntoView {
    let below = move || {
        view! {
            <div class="below">
                <Notice page />
                <Welcome page />
                <Composer page />
            </div>
        }
    };
    view! {
        <main class="room" aria-labelledby="room-title">
            <RoomHeader page />
            <Connection page />
            <Timeline page />
            {stepwise(below)}
        </main>
    }
}

/// The title shows the room, and how many messages wait in all of them.
fn name_the_tab(page: Page) {
    Effect::new(move |_| {
        let title = page.title.with(|room| tab_title(room));
        document().set_title(&match page.unread.get() {
            0 => title,
            unread => format!("({unread}) {title}"),
        });
    });
}

/// Data that the server renders the page from, as the text that it hands to the browser.
struct Handed(Option<PageData>);

impl fmt::Display for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Handed {
    type Err = json::Unreadable;

    fn from_str(text: &str) -> Result<Self, json::Unreadable> {
        json::read(text).map(Self)
    }
}
