//! The text of a message: as typed, with its links.

use leptos::either::Either;
use leptos::prelude::*;

use crate::links::{Piece, ascii, pieces, shown};

/// Text nodes and links; never markup.
pub(super) fn text(body: &str) -> impl IntoView + use<> {
    pieces(body)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => Either::Left(text.to_owned()),
            Piece::Link(typed) => match shown(typed, ascii) {
                Some(href) => Either::Right(link(href)),
                None => Either::Left(typed.to_owned()),
            },
        })
        .collect_view()
}

fn link(href: String) -> impl IntoView {
    let words = href.clone();
    view! {
        <a href=href target="_blank" rel="noopener noreferrer nofollow" translate="no">
            {words}
        </a>
    }
}
