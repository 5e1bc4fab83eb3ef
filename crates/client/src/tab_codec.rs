//! Codec of the messages between tabs, as text: `kind argument rest`.
//!
//! By hand and not as JSON: a frame inside of a tagged message would be read by a second copy of all the code that
//! reads frames, a tenth of the page.

use std::fmt::Display;

use madang_protocol::json::read;
use madang_protocol::{ClientFrame, Epoch, ResumePoint, RoomId, Seq};
use serde::Deserialize;
use serde_json::to_string;

use crate::TabMessage;

impl TabMessage {
    /// The message as text; `None` if it holds a frame that cannot be written.
    pub fn to_text(&self) -> Option<String> {
        let line = |kind: &str, argument: &dyn Display, rest: &str| format!("{kind} {argument} {rest}");
        Some(match self {
            Self::Leading => line("leading", &"", ""),
            Self::Ask { conn } => line("ask", conn, ""),
            Self::Opened { conn } => line("opened", conn, ""),
            Self::Up { frame } => line("up", &"", &to_string(frame).ok()?),
            Self::Down { frame } => line("down", &"", &to_string(frame).ok()?),
            Self::Alive => line("alive", &"", ""),
            Self::Left => line("left", &"", ""),
            Self::Closed { code } => line("closed", code, ""),
            Self::Nudge { by_person } => line("nudge", by_person, ""),
            Self::Wrote { user, write } => line("wrote", user, &to_string(write).ok()?),
            Self::Changed { user, write } => line("changed", user, &to_string(write).ok()?),
            Self::Forgot { user, cmid } => line("forgot", user, &cmid.to_string()),
        })
    }

    /// The message that `text` stands for; `None` if it is a newer page's.
    pub fn from_text(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(' ')?;
        let (argument, rest) = rest.split_once(' ')?;
        Some(match kind {
            "leading" => Self::Leading,
            "ask" => Self::Ask { conn: argument.parse().ok()? },
            "opened" => Self::Opened { conn: argument.parse().ok()? },
            "up" => Self::Up { frame: frame(read(rest).ok()?)? },
            "down" => Self::Down { frame: read(rest).ok()? },
            "alive" => Self::Alive,
            "left" => Self::Left,
            "closed" => Self::Closed { code: argument.parse().ok()? },
            "nudge" => Self::Nudge { by_person: argument == "true" },
            "wrote" => Self::Wrote { user: argument.parse().ok()?, write: read(rest).ok()? },
            "changed" => Self::Changed { user: argument.parse().ok()?, write: read(rest).ok()? },
            "forgot" => Self::Forgot { user: argument.parse().ok()?, cmid: rest.parse().ok()? },
            _ => return None,
        })
    }
}

/// The fields of the frames that a tab gives to the one that leads. A page never reads these otherwise, and one kind
/// of record is read by less code than eight.
#[derive(Deserialize)]
struct Fields {
    t: String,
    room: Option<RoomId>,
    #[serde(default)]
    resume: Vec<ResumePoint>,
    epoch: Option<Epoch>,
    locale: Option<String>,
    seq: Option<Seq>,
    req: Option<u32>,
    before: Option<Seq>,
    after: Option<Seq>,
    around: Option<Seq>,
    #[serde(default)]
    limit: u16,
}

/// A frame from its fields. Writes are none of them: the tab that leads has all writes, and sends them itself.
fn frame(fields: Fields) -> Option<ClientFrame> {
    let Fields { t, room, resume, epoch, locale, seq, req, before, after, around, limit } = fields;
    Some(match t.as_str() {
        "hello" => ClientFrame::Hello { resume, epoch, locale },
        "watch" => ClientFrame::Watch { room: room?, after },
        "unwatch" => ClientFrame::Unwatch { room: room? },
        "present" => ClientFrame::Present { room },
        "read" => ClientFrame::Read { room: room?, seq: seq? },
        "typing" => ClientFrame::Typing { room: room? },
        "history" => ClientFrame::History { req: req?, room: room?, before, after, around, limit },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use madang_protocol::{Cmid, Operation, ServerFrame, UserId};

    use super::*;
    use crate::Write;

    fn up(frame: ClientFrame) -> TabMessage {
        TabMessage::Up { frame }
    }

    #[test]
    fn every_message_arrives_as_sent() {
        let user: UserId = "7rmo66779wsq".parse().unwrap();
        let (room, cmid) = (RoomId::lobby(), Cmid(7));
        let what = Operation::post("안녕, two  spaces\nand a line", Some(3));
        let write = Write { cmid, room: room.clone(), order: 1, at: 2, what, epoch: None, failure: None };
        let all = [
            TabMessage::Leading,
            TabMessage::Ask { conn: 3 },
            TabMessage::Opened { conn: u64::MAX },
            up(ClientFrame::Typing { room: room.clone() }),
            up(ClientFrame::Watch { room: room.clone(), after: None }),
            up(ClientFrame::Watch { room: room.clone(), after: Some(0) }),
            up(ClientFrame::Unwatch { room: room.clone() }),
            up(ClientFrame::Present { room: None }),
            up(ClientFrame::Present { room: Some(room.clone()) }),
            up(ClientFrame::Read { room: room.clone(), seq: 8 }),
            up(ClientFrame::Hello { resume: Vec::new(), epoch: None, locale: None }),
            up(ClientFrame::Hello {
                resume: vec![ResumePoint { room: room.clone(), seq: 5 }],
                epoch: "e".parse().ok(),
                locale: Some("ko".to_owned()),
            }),
            up(ClientFrame::History {
                req: 4,
                room: room.clone(),
                before: Some(3),
                after: None,
                around: None,
                limit: 50,
            }),
            TabMessage::Down { frame: ServerFrame::Live { room, head: 9 } },
            TabMessage::Alive,
            TabMessage::Left,
            TabMessage::Closed { code: 4001 },
            TabMessage::Nudge { by_person: true },
            TabMessage::Nudge { by_person: false },
            TabMessage::Wrote { user: user.clone(), write: write.clone() },
            TabMessage::Changed { user: user.clone(), write },
            TabMessage::Forgot { user, cmid },
        ];
        for told in all {
            assert_eq!(told.to_text().as_deref().and_then(TabMessage::from_text).as_ref(), Some(&told));
        }
    }

    #[test]
    fn messages_of_newer_pages_are_ignored() {
        for told in ["", "ping", "waltz 1 2", "ask me ", "up  {}", "forgot x y"] {
            assert!(!matches!(
                TabMessage::from_text(told),
                Some(TabMessage::Forgot { .. } | TabMessage::Ask { .. })
            ));
        }
        assert_eq!(TabMessage::from_text("waltz 1 2"), None);
    }
}
