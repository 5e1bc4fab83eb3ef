//! The question before a message is deleted.

use leptos::html;
use leptos::prelude::*;
use madang_client::Event;
use madang_protocol::{RoomId, Seq};

use crate::strings::Strings;
use crate::{client, shell};

use super::clicked;

/// Asks whether the message `deleting` of `room` is meant. A `<dialog>`: the browser keeps the focus inside and gives it
/// back.
pub(super) fn delete_dialog(
    t: &'static Strings,
    room: RwSignal<RoomId>,
    deleting: RwSignal<Option<Seq>>,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let (Some(dialog), asked) = (dialog.get(), deleting.get().is_some()) else { return };
        if asked && !dialog.open() {
            // It fails only for a dialog that is open or out of the document.
            let _ = dialog.show_modal();
        } else if !asked && dialog.open() {
            dialog.close();
        }
    });
    let delete = move |_| {
        if let Some(seq) = deleting.get_untracked() {
            client::dispatch(Event::Delete { room: room.get_untracked(), cmid: shell::new_cmid(), seq });
        }
        deleting.set(None);
    };
    view! {
        <dialog
            class="dialog"
            aria-labelledby="delete-question"
            aria-describedby="delete-text"
            node_ref=dialog
            on:close=move |_| deleting.set(None)
        >
            <h2 id="delete-question">{t.delete_question}</h2>
            <p id="delete-text">{t.delete_text}</p>
            <div class="dialog-buttons">
                <button class="button" type="button" on:click=clicked(move |_| deleting.set(None))>
                    {t.cancel}
                </button>
                <button class="button danger" type="button" on:click=clicked(delete)>
                    {t.delete}
                </button>
            </div>
        </dialog>
    }
}
