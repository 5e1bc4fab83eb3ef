//! The browser's events about the page and its network.

use std::rc::Rc;

use madang_client::{Event, Role};
use wasm_bindgen::JsCast;
use web_sys::{EventTarget, PageTransitionEvent, VisibilityState};

use super::Inner;
use super::listen::Listener;

/// Listeners that report to this shell for as long as they are kept.
pub(super) fn listeners(shell: &Rc<Inner>) -> Vec<Listener> {
    let Some(window) = web_sys::window() else { return Vec::new() };
    let on = |target: &EventTarget, name, then: fn(&Rc<Inner>, &web_sys::Event)| {
        let shell = Rc::downgrade(shell);
        Listener::new(target, name, move |heard| {
            if let Some(shell) = shell.upgrade() {
                then(&shell, &heard);
            }
        })
    };
    let mut listeners = vec![
        on(&window, "online", |shell, _| shell.dispatch(Event::Online)),
        on(&window, "offline", |shell, _| shell.dispatch(Event::Offline)),
        on(&window, "pagehide", |shell, _| sleep(shell)),
        on(&window, "pageshow", |shell, heard| {
            if heard.dyn_ref::<PageTransitionEvent>().is_some_and(PageTransitionEvent::persisted) {
                wake(shell);
            }
        }),
    ];
    if let Some(document) = window.document() {
        listeners.push(on(&document, "visibilitychange", |shell, _| {
            if let Some(tabs) = &*shell.tabs.borrow() {
                tabs.set_visible(is_visible());
            }
            shell.dispatch(Event::Visible(is_visible()));
        }));
        listeners.push(on(&document, "freeze", |shell, _| sleep(shell)));
        listeners.push(on(&document, "resume", |shell, _| wake(shell)));
    }
    listeners
}

/// The page is about to stand still, or to end: another tab leads at once, and is not to notice it first. Nothing stays
/// open: for its back button a browser keeps only a page without connections.
fn sleep(shell: &Rc<Inner>) {
    let left = shell.tabs.borrow().as_ref().is_some_and(|tabs| tabs.leave());
    shell.dispatch(if left { Event::Role(Role::Follower) } else { Event::Stopped });
}

/// The page stood still, in the browser's cache or by its will, where sockets die in silence.
fn wake(shell: &Rc<Inner>) {
    shell.dispatch(Event::Started { visible: is_visible() });
    if let Some(tabs) = &*shell.tabs.borrow() {
        tabs.rejoin();
    }
    let online = web_sys::window().is_none_or(|window| window.navigator().on_line());
    shell.dispatch(if online { Event::Online } else { Event::Offline });
}

/// Returns true if the page is on screen.
pub(super) fn is_visible() -> bool {
    web_sys::window()
        .and_then(|window| window.document())
        .is_some_and(|document| document.visibility_state() == VisibilityState::Visible)
}
