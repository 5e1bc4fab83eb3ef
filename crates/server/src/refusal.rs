//! Sentences of refusals that help, in the reader's language.

use madang_client::Locale;
use madang_protocol::{Headers, Limits, RefusalCode, RoomId, ServerFrame, text};

use crate::store::StoreError;

/// Time after which a write that met a failing disk may be tried again. Milliseconds.
const STORAGE_RETRY_MS: u32 = 5_000;

/// A refusal on its way to whoever asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub code: RefusalCode,
    /// Trying again makes sense after so long.
    pub retry_after_ms: Option<u32>,
}

impl From<RefusalCode> for Refusal {
    fn from(code: RefusalCode) -> Self {
        Self { code, retry_after_ms: None }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::UnknownRoom => RefusalCode::UnknownRoom.into(),
            StoreError::UnknownMessage => RefusalCode::UnknownMessage.into(),
            StoreError::NotYours => RefusalCode::NotYours.into(),
            StoreError::TooManyRooms => RefusalCode::TooManyRooms.into(),
            // None can happen to a login that was just looked up and to a random id; bots are not made here.
            StoreError::UnknownUser
            | StoreError::Taken
            | StoreError::TooManyBots
            | StoreError::TooManyBans
            | StoreError::TheLobby
            | StoreError::InUse => RefusalCode::Unknown.into(),
            StoreError::Unavailable(_) | StoreError::Closed => {
                Self { code: RefusalCode::StorageUnavailable, retry_after_ms: Some(STORAGE_RETRY_MS) }
            }
        }
    }
}

impl Refusal {
    /// More than the rate allows; there is room again after `retry_after_ms`.
    pub fn too_fast(retry_after_ms: u32) -> Self {
        Self { code: RefusalCode::TooFast, retry_after_ms: Some(retry_after_ms) }
    }

    /// The same, if it is about new rooms.
    pub(crate) fn for_rooms(self) -> Self {
        Self { code: RefusalCode::RoomsTooFast, ..self }
    }

    /// The sentence for people.
    pub fn sentence(&self, locale: Locale, limits: &Limits) -> String {
        match locale {
            Locale::En => english(self.code, limits),
            Locale::Ko => korean(self.code, limits),
        }
    }

    /// The frame, about the room if one was meant.
    pub fn frame(&self, locale: Locale, limits: &Limits, room: Option<RoomId>) -> ServerFrame {
        ServerFrame::Refused {
            cmid: None,
            req: None,
            room,
            code: self.code,
            message: self.sentence(locale, limits),
            retry_after_ms: self.retry_after_ms,
        }
    }
}

fn english(code: RefusalCode, limits: &Limits) -> String {
    match code {
        RefusalCode::BadFrame => "This frame is not one of madang.v1.".into(),
        RefusalCode::UnknownType => "This server does not know that kind of frame.".into(),
        RefusalCode::UnknownRoom => "There is no such room.".into(),
        RefusalCode::UnknownMessage => "There is no such message, or it was deleted.".into(),
        RefusalCode::NotYours => "Only its author can change a message.".into(),
        RefusalCode::Empty => "Nothing to send: the text is empty.".into(),
        RefusalCode::TooLong => format!(
            "The text is too long: at most {} characters for a message, {} for a name, {} for a title.",
            limits.body_chars,
            text::NAME_CHARS,
            text::TITLE_CHARS
        ),
        RefusalCode::NameReserved => "That name is the server's own, or a guest's. Choose another.".into(),
        RefusalCode::TooFast => "Too much at once. Wait a moment.".into(),
        RefusalCode::TooManyRooms => format!("There can be no more than {} rooms.", limits.rooms),
        RefusalCode::StorageUnavailable => {
            "The server cannot save anything right now; nothing was sent. It will try again by itself.".into()
        }
        RefusalCode::UnknownLogin => "The token or login is unknown, or was revoked.".into(),
        RefusalCode::NotAllowed => "This token may not do that.".into(),
        RefusalCode::UnusableCursor => {
            "This cursor cannot be read on from: it is of another database, or ahead of the log. Begin anew."
                .into()
        }
        RefusalCode::RoomsTooFast => {
            "You have opened as many rooms as you may for now. Try again later.".into()
        }
        RefusalCode::BadHeaders => format!(
            "A message has at most {} headers of {} bytes together, without control characters in a name, and none of the server's own names.",
            Headers::MAX,
            Headers::MAX_BYTES
        ),
        RefusalCode::Banned => "You are banned from this server.".into(),
        RefusalCode::Unknown => "The server refused this.".into(),
    }
}

fn korean(code: RefusalCode, limits: &Limits) -> String {
    match code {
        RefusalCode::BadFrame => "madang.v1 형식이 아닌 프레임이에요.".into(),
        RefusalCode::UnknownType => "이 서버가 모르는 종류의 프레임이에요.".into(),
        RefusalCode::UnknownRoom => "그런 방이 없어요.".into(),
        RefusalCode::UnknownMessage => "그런 메시지가 없거나 이미 지워졌어요.".into(),
        RefusalCode::NotYours => "메시지는 쓴 사람만 바꿀 수 있어요.".into(),
        RefusalCode::Empty => "보낼 내용이 없어요.".into(),
        RefusalCode::TooLong => format!(
            "글이 너무 길어요. 메시지는 {}자, 이름은 {}자, 방 제목은 {}자까지 쓸 수 있어요.",
            limits.body_chars,
            text::NAME_CHARS,
            text::TITLE_CHARS
        ),
        RefusalCode::NameReserved => "서버나 손님만 쓰는 이름이에요. 다른 이름을 골라 주세요.".into(),
        RefusalCode::TooFast => "한꺼번에 너무 많이 요청했어요. 잠시만 기다려 주세요.".into(),
        RefusalCode::TooManyRooms => format!("방은 {}개까지만 둘 수 있어요.", limits.rooms),
        RefusalCode::StorageUnavailable => {
            "지금은 서버가 저장할 수 없어서 보내지 못했어요. 잠시 뒤 자동으로 다시 시도해요.".into()
        }
        RefusalCode::UnknownLogin => "토큰이나 로그인이 없거나 이미 취소됐어요.".into(),
        RefusalCode::NotAllowed => "이 토큰으로는 할 수 없는 일이에요.".into(),
        RefusalCode::UnusableCursor => {
            "이 위치부터 이어 읽을 수 없어요. 기록이 바뀌었거나 아직 없는 위치예요. 처음부터 다시 읽어 주세요.".into()
        }
        RefusalCode::RoomsTooFast => "지금은 방을 더 만들 수 없어요. 나중에 다시 해 주세요.".into(),
        RefusalCode::BadHeaders => format!(
            "메시지 헤더는 {}개, 모두 합쳐 {}바이트까지예요. 이름에는 제어 문자나 서버가 쓰는 이름을 쓸 수 없어요.",
            Headers::MAX,
            Headers::MAX_BYTES
        ),
        RefusalCode::Banned => "이 서버를 이용할 수 없게 차단됐어요.".into(),
        RefusalCode::Unknown => "서버가 요청을 받아들이지 않았어요.".into(),
    }
}
