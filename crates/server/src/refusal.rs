//! Sentences of refusals that help, in the reader's language.

use std::borrow::Cow;

use axum::http::StatusCode;
use madang_client::Locale;
use madang_protocol::{Headers, Limits, Reactions, RefusalCode, RoomId, ServerFrame, text};

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
            StoreError::TooManyReactions => RefusalCode::TooManyReactions.into(),
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
        let (_, english, korean) = meaning(self.code, limits);
        match locale {
            Locale::En => english.into_owned(),
            Locale::Ko => korean.into_owned(),
        }
    }

    /// The status of an HTTP response.
    pub fn status(&self) -> StatusCode {
        status(self.code)
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

/// Returns the code's name on the wire, in labels and logs.
pub(crate) fn name(code: RefusalCode) -> String {
    serde_json::to_string(&code).unwrap_or_default().trim_matches('"').to_owned()
}

/// Returns the status of an HTTP response with this code.
pub(crate) fn status(code: RefusalCode) -> StatusCode {
    meaning(code, &Limits::default()).0
}

/// The one table of refusals: the HTTP status, and the sentence in English and in Korean.
fn meaning(code: RefusalCode, limits: &Limits) -> (StatusCode, Cow<'static, str>, Cow<'static, str>) {
    match code {
        RefusalCode::BadFrame => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "This frame is not one of madang.v1.".into(),
            "madang.v1 형식이 아닌 프레임이에요.".into(),
        ),
        RefusalCode::UnknownType => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "This server does not know that kind of frame.".into(),
            "이 서버가 모르는 종류의 프레임이에요.".into(),
        ),
        RefusalCode::UnknownRoom => (
            StatusCode::NOT_FOUND,
            "There is no such room.".into(),
            "그런 방이 없어요.".into(),
        ),
        RefusalCode::UnknownMessage => (
            StatusCode::NOT_FOUND,
            "There is no such message, or it was deleted.".into(),
            "그런 메시지가 없거나 이미 지워졌어요.".into(),
        ),
        RefusalCode::NotYours => (
            StatusCode::FORBIDDEN,
            "Only its author can change a message.".into(),
            "메시지는 쓴 사람만 바꿀 수 있어요.".into(),
        ),
        RefusalCode::Empty => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Nothing to send: the text is empty.".into(),
            "보낼 내용이 없어요.".into(),
        ),
        RefusalCode::TooLong => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!(
            "The text is too long: at most {} characters for a message, {} for a name, {} for a title.",
            limits.body_chars,
            text::NAME_CHARS,
            text::TITLE_CHARS
        ).into(),
            format!(
            "글이 너무 길어요. 메시지는 {}자, 이름은 {}자, 방 제목은 {}자까지 쓸 수 있어요.",
            limits.body_chars,
            text::NAME_CHARS,
            text::TITLE_CHARS
        ).into(),
        ),
        RefusalCode::NameReserved => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "That name is the server's own, or a guest's. Choose another.".into(),
            "서버나 손님만 쓰는 이름이에요. 다른 이름을 골라 주세요.".into(),
        ),
        RefusalCode::TooFast => (
            StatusCode::TOO_MANY_REQUESTS,
            "Too much at once. Wait a moment.".into(),
            "한꺼번에 너무 많이 요청했어요. 잠시만 기다려 주세요.".into(),
        ),
        RefusalCode::TooManyRooms => (
            StatusCode::CONFLICT,
            format!("There can be no more than {} rooms.", limits.rooms).into(),
            format!("방은 {}개까지만 둘 수 있어요.", limits.rooms).into(),
        ),
        RefusalCode::StorageUnavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The server cannot save anything right now; nothing was sent. It will try again by itself.".into(),
            "지금은 서버가 저장할 수 없어서 보내지 못했어요. 잠시 뒤 자동으로 다시 시도해요.".into(),
        ),
        RefusalCode::UnknownLogin => (
            StatusCode::UNAUTHORIZED,
            "The token or login is unknown, or was revoked.".into(),
            "토큰이나 로그인이 없거나 이미 취소됐어요.".into(),
        ),
        RefusalCode::NotAllowed => (
            StatusCode::FORBIDDEN,
            "This token may not do that.".into(),
            "이 토큰으로는 할 수 없는 일이에요.".into(),
        ),
        RefusalCode::UnusableCursor => (
            StatusCode::CONFLICT,
            "This cursor cannot be read on from: it is of another database, or ahead of the log. Begin anew."
                .into(),
            "이 위치부터 이어 읽을 수 없어요. 기록이 바뀌었거나 아직 없는 위치예요. \
                처음부터 다시 읽어 주세요.".into(),
        ),
        RefusalCode::RoomsTooFast => (
            StatusCode::TOO_MANY_REQUESTS,
            "You have opened as many rooms as you may for now. Try again later.".into(),
            "지금은 방을 더 만들 수 없어요. 나중에 다시 해 주세요.".into(),
        ),
        RefusalCode::BadHeaders => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!(
            "A message has at most {} headers of {} bytes together, without control characters in a name, \
                and none of the server's own names.",
            Headers::MAX,
            Headers::MAX_BYTES
        ).into(),
            format!(
            "메시지 헤더는 {}개, 모두 합쳐 {}바이트까지예요. \
                이름에는 제어 문자나 서버가 쓰는 이름을 쓸 수 없어요.",
            Headers::MAX,
            Headers::MAX_BYTES
        ).into(),
        ),
        RefusalCode::Banned => (
            StatusCode::FORBIDDEN,
            "You are banned from this server.".into(),
            "이 서버를 이용할 수 없게 차단됐어요.".into(),
        ),
        RefusalCode::BadEmoji => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "A reaction is one emoji.".into(),
            "이모지 하나로만 반응할 수 있어요.".into(),
        ),
        RefusalCode::TooManyReactions => (
            StatusCode::CONFLICT,
            format!("A message has at most {} different emoji, and {} reactions.", Reactions::EMOJI, Reactions::MAX)
                .into(),
            format!("메시지 하나에는 이모지 {}가지, 반응 {}개까지 달 수 있어요.", Reactions::EMOJI, Reactions::MAX).into(),
        ),
        RefusalCode::Unknown => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "The server refused this.".into(),
            "서버가 요청을 받아들이지 않았어요.".into(),
        ),
    }
}
