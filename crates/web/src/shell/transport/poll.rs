//! One `GET` after another down, posts up.

use std::rc::Rc;

use gloo_net::http::Request;
use js_sys::{Array, JSON};
use madang_client::{Conn, Event};
use madang_protocol::ClientFrame;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::mailbox::{LOST, Mailbox, field};
use super::{Carrier, read};

/// So many polls in a row may be cut, as some proxies do after a minute; then the connection counts as lost.
const CUTS: u32 = 3;

/// Polls and their mailbox.
pub(super) struct Polls {
    mailbox: Mailbox,
}

impl Polls {
    pub(super) fn open(conn: Conn, report: Rc<dyn Fn(Event)>) -> Self {
        let mailbox = Mailbox::open(conn, report, |mailbox| spawn_local(poll(mailbox)));
        Self { mailbox }
    }
}

async fn poll(mailbox: Mailbox) {
    let mut cuts = 0;
    while !mailbox.is_ended() {
        let path = mailbox.path(&format!("/poll?ack={}", mailbox.heard()));
        match mailbox.ask(Request::get(&path), None).await {
            Ok(answer) if take(&mailbox, &answer).is_ok() => cuts = 0,
            Err(code) if code != LOST => mailbox.fail(code),
            _ if cuts == CUTS => mailbox.fail(LOST),
            _ => {
                cuts += 1;
                // A post tells now whether the next one can succeed.
                mailbox.show_life();
            }
        }
    }
}

/// `{"ack":M,"frames":[…]}`: the frames up to the M-th.
fn take(mailbox: &Mailbox, answer: &str) -> Result<(), JsValue> {
    let answer = JSON::parse(answer)?;
    let last = field(&answer, "ack")?.as_f64().ok_or(JsValue::NULL)? as u64;
    let frames = Array::from(&field(&answer, "frames")?);
    let first = last.saturating_sub(u64::from(frames.length()));
    for (number, frame) in (first + 1..).zip(frames.iter()) {
        if let Some(text) = JSON::stringify(&frame)?.as_string() {
            mailbox.deliver(number, read(&text));
        }
    }
    Ok(())
}

impl Carrier for Polls {
    fn send(&self, frame: &ClientFrame) {
        self.mailbox.send(frame);
    }
}

impl Drop for Polls {
    fn drop(&mut self) {
        self.mailbox.end();
    }
}
