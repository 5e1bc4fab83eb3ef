//! Marks beside a name.

use leptos::prelude::*;
use madang_protocol::UserId;

use crate::page::Page;
use crate::people::Marks;

/// The end of the id where somebody else's name looks the same, and that it is a program's.
pub(super) fn marks(page: Page, id: &UserId, Marks { alike, bot }: Marks) -> impl IntoView + use<> {
    let t = page.t;
    let mark = |class, title, words: &str| {
        let words = words.to_owned();
        view! { <span class=class title=title translate="no">{words}</span> }
    };
    (alike.then(|| mark("tag", t.alike, id.tag())), bot.then(|| mark("tag bot", t.bot_title, t.bot)))
}
