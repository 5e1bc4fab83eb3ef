//! The page comes to life in steps, so that the browser answers its reader between them: all at once takes a slow phone half a
//! second. `start.js` asks for one step after the other.
//!
//! Until the last one the page is not `alive`, nothing that it shows changes, and its forms are plain.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use leptos::prelude::*;
use leptos::tachys::html::attribute::Attribute;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::renderer::types::{Element, Node};
use leptos::tachys::view::add_attr::AddAnyAttr;
use leptos::tachys::view::{Mountable, Position, PositionState};
use wasm_bindgen::JsCast;

use crate::closure_view::html_of_closure;
use crate::shell::now;

/// Milliseconds after which no more work is begun in a step. A slow phone takes twice as long for one row.
#[allow(dead_code, reason = "the server only renders")]
const STEP_MS: i64 = 4;

type Work = Box<dyn FnOnce()>;

thread_local! {
    /// Bounded by what the page has when it is rendered. In browsers only.
    static WAITING: RefCell<VecDeque<Work>> = RefCell::default();
}

/// Puts work behind what waits; during a step, before all that waited then: the page is hydrated in its order.
pub(crate) fn later(work: impl FnOnce() + 'static) {
    WAITING.with_borrow_mut(|waiting| waiting.push_back(Box::new(work)));
}

/// Does some of what waits. True if there is more.
#[allow(dead_code, reason = "the server only renders")]
pub(crate) fn step() -> bool {
    let end = now() + STEP_MS;
    let mut rest = WAITING.take();
    while let Some(work) = rest.pop_front() {
        work();
        WAITING.with_borrow_mut(|new| new.append(&mut rest));
        rest = WAITING.take();
        if now() >= end {
            break;
        }
    }
    WAITING.with_borrow_mut(|waiting| {
        waiting.append(&mut rest);
        !waiting.is_empty()
    })
}

/// An element that is hydrated in a step of its own; `make` is called in it.
pub(crate) fn stepwise<V: RenderHtml + 'static>(
    make: impl FnOnce() -> V + Send + 'static,
) -> Stepwise<impl FnOnce() -> V + Send> {
    Stepwise(make)
}

/// See [`stepwise`].
pub(crate) struct Stepwise<F>(F);

/// The element as the server rendered it, then what it was hydrated to.
pub(crate) struct StepwiseState(Rc<RefCell<Box<dyn Mountable>>>);

impl StepwiseState {
    fn new(state: impl Mountable + 'static) -> Self {
        Self(Rc::new(RefCell::new(Box::new(state))))
    }
}

impl Mountable for StepwiseState {
    fn unmount(&mut self) {
        self.0.borrow_mut().unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.0.borrow_mut().mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.0.borrow().insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        self.0.borrow().elements()
    }
}

impl<V: RenderHtml + 'static, F: FnOnce() -> V + Send + 'static> Render for Stepwise<F> {
    type State = StepwiseState;

    fn build(self) -> StepwiseState {
        StepwiseState::new((self.0)().build())
    }

    fn rebuild(self, state: &mut StepwiseState) {
        let mut new = self.build();
        state.insert_before_this(&mut new);
        state.unmount();
        *state = new;
    }
}

impl<V: RenderHtml + 'static, F: FnOnce() -> V + Send + 'static> AddAnyAttr for Stepwise<F> {
    type Output<A: Attribute> = Self;

    fn add_any_attr<A: Attribute>(self, _: A) -> Self::Output<A> {
        self
    }
}

impl<V: RenderHtml + 'static, F: FnOnce() -> V + Send + 'static> RenderHtml for Stepwise<F> {
    html_of_closure!();

    const MIN_LENGTH: usize = V::MIN_LENGTH;

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> StepwiseState {
        match position.get() {
            Position::FirstChild => cursor.child(),
            Position::Current => {}
            _ => cursor.sibling(),
        }
        position.set(Position::NextChild);
        let element: Element = cursor.current().unchecked_into();
        let state = StepwiseState::new(element.clone());
        let (hydrated, owner) = (state.0.clone(), Owner::current().unwrap_or_default());
        later(move || {
            let at = Cursor::new(element);
            let here = PositionState::new(Position::Current);
            let now = owner.with(|| (self.0)().hydrate::<FROM_SERVER>(&at, &here));
            hydrated.replace(Box::new(now));
        });
        state
    }
}
