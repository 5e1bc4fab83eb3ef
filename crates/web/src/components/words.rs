//! Words that change, on a page that others change too.
//!
//! A translator takes text nodes out of the document and puts elements in their place. Whoever then writes into the
//! node that they hold, writes where nobody looks. So [`words`] put their node back into its element before they
//! change it, and [`anew`] makes whole elements anew.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;
use leptos::reactive::effect::RenderEffect;
use leptos::tachys::html::attribute::Attribute;
use leptos::tachys::html::attribute::any_attribute::AnyAttribute;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::renderer::types::{Element, Node, Text};
use leptos::tachys::view::add_attr::AddAnyAttr;
use leptos::tachys::view::{Mountable, Position, PositionState};
use wasm_bindgen::JsCast;

use super::{Reacting, reacting};
use crate::closure_view::html_of_closure;

/// A text that reacts, as the only child of its element.
pub(super) fn words(read: impl Fn() -> String + Send + Sync + 'static) -> Words {
    Words(reacting(read))
}

/// See [`words`].
pub(super) struct Words(Reacting<String>);

/// The node of some [`Words`], and what keeps it up to date.
pub(super) struct WordsState {
    node: Text,
    /// The element that they are the text of, once it is known.
    place: Rc<RefCell<Option<Element>>>,
    _effect: RenderEffect<String>,
}

impl WordsState {
    /// `rendered`: the node shows the words already.
    fn new(read: Reacting<String>, node: Text, place: Option<Element>, rendered: bool) -> Self {
        let place = Rc::new(RefCell::new(place));
        let (shown, within) = (node.clone(), place.clone());
        let effect = RenderEffect::new(move |before: Option<String>| {
            let now = read();
            if before.as_ref() != Some(&now) && (before.is_some() || !rendered) {
                if let Some(element) = &*within.borrow() {
                    element.replace_children_with_node_1(&shown);
                }
                shown.set_data(&now);
            }
            now
        });
        Self { node, place, _effect: effect }
    }
}

impl Mountable for WordsState {
    fn unmount(&mut self) {
        self.node.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.place.replace(Some(parent.clone()));
        self.node.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.node.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        Vec::new()
    }
}

impl Render for Words {
    type State = WordsState;

    fn build(self) -> WordsState {
        WordsState::new(self.0, document().create_text_node(""), None, false)
    }

    fn rebuild(self, state: &mut WordsState) {
        let place = state.place.take();
        *state = WordsState::new(self.0, state.node.clone(), place, false);
    }
}

impl AddAnyAttr for Words {
    type Output<A: Attribute> = Self;

    fn add_any_attr<A: Attribute>(self, _: A) -> Self {
        self
    }
}

impl RenderHtml for Words {
    html_of_closure!();

    const MIN_LENGTH: usize = 0;

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> WordsState {
        cursor.child();
        position.set(Position::NextChildAfterText);
        let node = cursor.current();
        let place = node.parent_element();
        WordsState::new(self.0, node.unchecked_into(), place, true)
    }
}

/// A part of the page that is made anew whenever `read` reacts, elements and all. For what has words, is small, and
/// has no state of its own.
pub(super) fn anew<V>(read: impl Fn() -> V + Send + Sync + 'static) -> impl Fn() -> Anew<V> + Send + Sync {
    move || Anew(read())
}

/// See [`anew`].
pub(super) struct Anew<V>(V);

impl<V: Render> Render for Anew<V> {
    type State = V::State;

    fn build(self) -> V::State {
        self.0.build()
    }

    fn rebuild(self, state: &mut V::State) {
        let mut new = self.0.build();
        state.insert_before_this(&mut new);
        state.unmount();
        *state = new;
    }
}

impl<V: RenderHtml> AddAnyAttr for Anew<V> {
    type Output<A: Attribute> = Self;

    fn add_any_attr<A: Attribute>(self, _: A) -> Self::Output<A> {
        self
    }
}

impl<V: RenderHtml> RenderHtml for Anew<V> {
    type AsyncOutput = V::AsyncOutput;
    type Owned = Anew<V::Owned>;

    const MIN_LENGTH: usize = V::MIN_LENGTH;
    const EXISTS: bool = V::EXISTS;

    fn dry_resolve(&mut self) {
        self.0.dry_resolve();
    }

    async fn resolve(self) -> V::AsyncOutput {
        self.0.resolve().await
    }

    fn to_html_with_buf(
        self,
        buf: &mut String,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        self.0.to_html_with_buf(buf, position, escape, mark_branches, extra_attrs);
    }

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> V::State {
        self.0.hydrate::<FROM_SERVER>(cursor, position)
    }

    fn into_owned(self) -> Anew<V::Owned> {
        Anew(self.0.into_owned())
    }
}
