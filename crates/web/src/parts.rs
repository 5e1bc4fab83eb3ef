//! The page in parts: code that a first visitor does not need is loaded while the room is alive, when it is wanted or when
//! there is nothing else to do. This file alone knows how; a function becomes a part by [`part!`](part).
//!
//! A build that cannot split (feature `parts` off) has everything at once, by the same functions.

use leptos::prelude::*;
use leptos::tachys::html::attribute::Attribute;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::renderer::types::{Element, Node};
use leptos::tachys::view::add_attr::AddAnyAttr;
use leptos::tachys::view::{Mountable, Position, PositionState};
/// A part did not load: the network is away, or the server has another version by now. The next try starts anew.
pub(crate) use leptos::wasm_split::SplitLoaderError as Missing;

use crate::closure_view::html_of_closure;

/// Event by which `start.js` learns that an element is about to be drawn anew, and keeps what was typed into it.
const TAKEN_OVER: &str = "madang-part";

/// Makes a function a part: an `async fn` whose code is fetched at its first call, and one that only fetches it.
macro_rules! part {
    ($fetch:ident, fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty $body:block) => {
        #[cfg(feature = "parts")]
        #[leptos::wasm_split::wasm_split(
            $name,
            wasm_split_path = leptos::wasm_split,
            preload(#[allow(dead_code)] $fetch),
            fallible
        )]
        fn $name($($arg: $type),*) -> Result<$result, crate::parts::Missing> {
            Ok($body)
        }

        #[cfg(not(feature = "parts"))]
        async fn $name($($arg: $type),*) -> Result<$result, crate::parts::Missing> {
            Ok($body)
        }

        #[cfg(not(feature = "parts"))]
        #[allow(dead_code)]
        async fn $fetch() -> Result<(), crate::parts::Missing> {
            Ok(())
        }
    };
}
pub(crate) use part;

/// Empties an element that a part draws into; what was typed there is put back after. True if the server had
/// rendered something there, which is more than the marks that leptos leaves where views are erased.
pub(crate) fn take_over(place: &Element) -> bool {
    if place.first_element_child().is_none() {
        return false;
    }
    let _ = web_sys::Event::new(TAKEN_OVER).and_then(|event| place.dispatch_event(&event));
    place.replace_children_with_node_0();
    true
}

/// A view that only the server renders, as the only child of its element. In the browser a part takes its place.
pub(crate) fn later<V: RenderHtml>(
    render: impl FnOnce() -> V + Send + 'static,
) -> Later<impl FnOnce() -> V + Send> {
    Later(render)
}

/// See [`later`].
pub(crate) struct Later<F>(F);

/// Nothing to change: what stands there is not ours.
pub(crate) struct Untouched;

impl Mountable for Untouched {
    fn unmount(&mut self) {}

    fn mount(&mut self, _: &Element, _: Option<&Node>) {}

    fn insert_before_this(&self, _: &mut dyn Mountable) -> bool {
        false
    }

    fn elements(&self) -> Vec<Element> {
        Vec::new()
    }
}

impl<F> Render for Later<F> {
    type State = Untouched;

    fn build(self) -> Untouched {
        Untouched
    }

    fn rebuild(self, _: &mut Untouched) {}
}

impl<V: RenderHtml, F: FnOnce() -> V + Send + 'static> AddAnyAttr for Later<F> {
    type Output<A: Attribute> = Self;

    fn add_any_attr<A: Attribute>(self, _: A) -> Self::Output<A> {
        self
    }
}

impl<V: RenderHtml, F: FnOnce() -> V + Send + 'static> RenderHtml for Later<F> {
    html_of_closure!();

    const MIN_LENGTH: usize = 0;

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Untouched {
        // Where views are erased, as under `cargo leptos watch`, it stands in a list, whose end is looked for behind it.
        if cfg!(erase_components)
            && let Some(end) = cursor.current().last_child()
            && let Some(last) = end.previous_sibling()
        {
            cursor.set(last);
            position.set(Position::NextChild);
        }
        Untouched
    }
}
