//! State that the server hands to the page, so that both render the same rows.

use madang_protocol::{Cmid, Epoch, Limits, Person, RefusalCode, RoomInfo, Seq, Snapshot};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// A language of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Locale {
    /// The tag for `lang`, `hello` and the cookie.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// The locale that such a tag names; `ko-KR` is Korean too.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let language = tag.trim().split(['-', '_']).next().unwrap_or_default();
        [Self::En, Self::Ko].into_iter().find(|locale| language.eq_ignore_ascii_case(locale.as_str()))
    }
}

/// The colours of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system has it.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// The value of the cookie and of the form's field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme that such a value names.
    pub fn from_value(value: &str) -> Option<Self> {
        [Self::Auto, Self::Light, Self::Dark].into_iter().find(|theme| value == theme.as_str())
    }
}

/// Choice of what Enter does where a message is written. Enter with Shift always breaks the line, and with Ctrl it sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enter {
    /// Sends, but breaks the line on touch screens, whose keyboards have no Shift to hold.
    #[default]
    Auto,
    /// Sends.
    Always,
    /// Breaks the line; the button sends.
    Never,
}

impl Enter {
    /// The value of the cookie and of the form's field.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }

    /// The choice that such a value names.
    pub fn from_value(value: &str) -> Option<Self> {
        [Self::Auto, Self::Always, Self::Never].into_iter().find(|enter| value == enter.as_str())
    }
}

/// Something that was refused, to be shown once to the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The reason; the page has its own sentence for each that it knows.
    pub code: RefusalCode,
    /// The server's sentence, for a reason that the page does not know; may be empty.
    #[serde(default)]
    pub message: String,
}

impl From<Failure> for Notice {
    fn from(Failure { code, message }: Failure) -> Self {
        Self { code, message }
    }
}

/// Everything that a page is rendered from: made by the server, sent along with the HTML, and read again when
/// the page comes alive. [`crate::Model::from_page`] is the same on both sides, so both render the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageData {
    /// The person who looks at the page; absent only if the login could not be made.
    pub you: Option<Person>,
    /// The epoch of `snapshot.head` and of the rooms' heads.
    pub epoch: Epoch,
    /// The room on the page. Its messages are the newest, or those around `focus`; `before` tells whether
    /// older ones exist.
    pub snapshot: Snapshot,
    /// Names for the ids in the snapshot.
    pub people: Vec<Person>,
    /// All rooms, the most recently active first.
    pub rooms: Vec<RoomInfo>,
    /// The limits in force.
    pub limits: Limits,
    /// See `welcome`.
    pub heartbeat_ms: u32,
    /// The page's language.
    pub locale: Locale,
    /// True if the person chose the language; otherwise it is the browser's.
    #[serde(default)]
    pub locale_chosen: bool,
    /// The page's colours.
    pub theme: Theme,
    /// Choice of what Enter does.
    #[serde(default)]
    pub enter: Enter,
    /// The message that the permanent link names.
    #[serde(default)]
    pub focus: Option<Seq>,
    /// The message that is shown as a form to edit it, without JavaScript.
    #[serde(default)]
    pub editing: Option<Seq>,
    /// True if messages newer than these exist.
    #[serde(default)]
    pub after: bool,
    /// Refusal of the last form.
    #[serde(default)]
    pub notice: Option<Notice>,
    /// The id of the write that the plain form of this page makes, however often it is sent.
    pub cmid: Cmid,
}
