//! Marks beside a name.

use leptos::prelude::*;
use madang_protocol::UserId;

use crate::people::Marks;
use crate::strings::Strings;

/// The end of the id where somebody else's name looks the same, and that it is a program's.
pub(super) fn marks(t: &Strings, id: &UserId, Marks { alike, bot }: Marks) -> impl IntoView + use<> {
    let mark = |class, title, words: &str| {
        let words = words.to_owned();
        view! { <span class=class title=title translate="no">{words}</span> }
    };
    (alike.then(|| mark("tag", t.alike, id.tag())), bot.then(|| mark("tag bot", t.bot_title, t.bot)))
}
