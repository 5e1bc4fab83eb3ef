//! Errors that end a STOMP connection, and the ERROR frame of each.

use std::borrow::Cow;

use madang_protocol::{CloseCode, RefusalCode};
use madang_stomp::{DecodeError, Frame, ServerCommand, Version};

use crate::encoded::Encoded;
use crate::refusal;

/// Something that ends a connection, and the receipt that the frame at fault had asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) reason: Reason,
    pub(super) receipt: Option<String>,
}

/// Cause of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// Bytes that are no frame.
    Unreadable(DecodeError),
    /// A frame before CONNECT.
    NotConnected,
    /// A second CONNECT.
    Connected,
    /// No version that both sides know, or another one than the subprotocol's.
    Version,
    /// A passcode that is no token, or a login that is somebody else's.
    Login,
    /// A header that must be there.
    Missing(&'static str),
    /// A header with an unknown value.
    Bad(&'static str),
    /// No `/topic/<room>`, or `/app/<room>` where one only listens.
    Destination,
    /// A body that is not text.
    Content,
    /// A subscription that there is not, is already, or is one too many.
    Subscription(&'static str),
    /// A message that was never sent under this subscription.
    Ack,
    /// A transaction that there is not, is already, or is too large.
    Transaction(&'static str),
    /// A cursor that is not of this log.
    Cursor,
    /// The request was refused.
    Refused { code: RefusalCode, sentence: String, retry_after_ms: Option<u32> },
    /// The server ends the connection.
    Closed { code: CloseCode, retry_after_ms: u32 },
}

impl Reason {
    pub(super) fn with(self, receipt: Option<String>) -> Wrong {
        Wrong { reason: self, receipt }
    }

    /// As in the header `code`, in labels and logs.
    pub(super) fn code(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Unreadable(_) => "unreadable",
            Self::NotConnected => "not_connected",
            Self::Connected => "connected",
            Self::Version => "version",
            Self::Login => "login",
            Self::Missing(_) | Self::Bad(_) => "header",
            Self::Destination => "destination",
            Self::Content => "content",
            Self::Subscription(_) => "subscription",
            Self::Ack => "ack",
            Self::Transaction(_) => "transaction",
            Self::Cursor => "cursor",
            Self::Closed { code, .. } => closed_code(*code),
            Self::Refused { code, .. } => return Cow::Owned(refusal::name(*code)),
        })
    }

    /// The sentence for people.
    fn sentence(&self) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Self::Unreadable(error) => error.as_str(),
            Self::NotConnected => "the first frame is CONNECT or STOMP",
            Self::Connected => "the session has begun already",
            Self::Version => "no version in common; see the header version",
            Self::Login => "the passcode is no token of this server, or the login is not its bot's name",
            Self::Missing(header) => return Cow::Owned(format!("the header {header} is missing")),
            Self::Bad(header) => return Cow::Owned(format!("the header {header} cannot be understood")),
            Self::Destination => "the destination is /topic/<room>, or for SEND also /app/<room>",
            Self::Content => "a message is UTF-8 text",
            Self::Subscription(what) | Self::Transaction(what) => what,
            Self::Ack => "no such message was sent under this subscription",
            Self::Cursor => "the cursor in `after` is not one of this room's log; subscribe without it",
            Self::Refused { sentence, .. } => sentence,
            Self::Closed { code, .. } => closed_sentence(*code),
        })
    }

    fn retry_after_ms(&self) -> Option<u32> {
        match self {
            Self::Refused { retry_after_ms, .. } => *retry_after_ms,
            Self::Closed { retry_after_ms, .. } => Some(*retry_after_ms).filter(|ms| *ms > 0),
            _ => None,
        }
    }
}

impl Wrong {
    /// Returns the ERROR frame.
    pub(super) fn error(&self, version: Version) -> Encoded {
        let receipt = self.receipt.as_deref().map(|receipt| ("receipt-id", receipt));
        self.written(version, receipt)
            // A receipt that cannot be said in this version is better left out than everything else.
            .or_else(|| self.written(version, None))
            .unwrap_or_default()
    }

    fn written(&self, version: Version, receipt: Option<(&str, &str)>) -> Option<Encoded> {
        let sentence = self.reason.sentence();
        let mut frame = Frame::new(ServerCommand::Error)
            .with("message", sentence.as_ref())
            .with("code", self.reason.code())
            .with("content-type", "text/plain");
        if self.reason == Reason::Version {
            frame = frame.with("version", "1.2,1.1,1.0");
        }
        if let Some(after) = self.reason.retry_after_ms() {
            frame = frame.with("retry-after-ms", after.to_string());
        }
        if let Some((name, receipt)) = receipt {
            frame = frame.with(name, receipt);
        }
        super::messages::text(&frame.with_body(sentence.as_bytes()), version)
    }
}

fn closed_code(code: CloseCode) -> &'static str {
    match code {
        CloseCode::NO_HELLO => "no_connect",
        CloseCode::NO_PONG => "silent",
        CloseCode::STALLED => "stalled",
        CloseCode::TOO_FAST => "too_fast",
        CloseCode::TOO_BIG => "too_big",
        CloseCode::NOT_UTF8 => "unreadable",
        CloseCode::OVER_LIMIT => "over_limit",
        CloseCode::LOGIN_GONE => "login_gone",
        CloseCode::BANNED => "banned",
        CloseCode::RESTART | CloseCode::MOVING => "restart",
        _ => "closed",
    }
}

fn closed_sentence(code: CloseCode) -> &'static str {
    match code {
        CloseCode::NO_HELLO => "no CONNECT came in time",
        CloseCode::NO_PONG => "nothing was heard for too long",
        CloseCode::STALLED => "what was sent is not being read",
        CloseCode::TOO_FAST => "too many frames",
        CloseCode::TOO_BIG => "the message is larger than may be",
        CloseCode::NOT_UTF8 => "text is UTF-8",
        CloseCode::OVER_LIMIT => "too many connections from this address",
        CloseCode::LOGIN_GONE => "the login is gone",
        CloseCode::BANNED => "banned",
        CloseCode::RESTART | CloseCode::MOVING => "the server restarts; connect again",
        _ => "the connection ends",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_names_cause_and_answers_receipt() {
        let wrong = Reason::Missing("destination").with(Some("a:1".into()));
        assert_eq!(
            wrong.error(Version::V12).as_str(),
            "ERROR\nmessage:the header destination is missing\ncode:header\ncontent-type:text/plain\n\
             receipt-id:a\\c1\ncontent-length:33\n\nthe header destination is missing\0"
        );
        assert!(wrong.error(Version::V10).contains("receipt-id:a:1\n"));
        let evil = Reason::Ack.with(Some("x\ny".into()));
        assert!(evil.error(Version::V12).contains("receipt-id:x\\ny\n"));
        assert!(!evil.error(Version::V10).contains("receipt-id"), "1.0 cannot say it");
    }

    #[test]
    fn refusal_names_retry_time_and_known_versions() {
        let sentence = "Too much at once. Wait a moment.".to_owned();
        let refused = Reason::Refused { code: RefusalCode::TooFast, sentence, retry_after_ms: Some(90) };
        let error = refused.with(None).error(Version::V11);
        assert!(error.contains("\ncode:too_fast\n") && error.contains("\nretry-after-ms:90\n"), "{error}");
        assert!(Reason::Version.with(None).error(Version::V10).contains("\nversion:1.2,1.1,1.0\n"));
        let closed = Reason::Closed { code: CloseCode::RESTART, retry_after_ms: 0 };
        assert!(!closed.with(None).error(Version::V12).contains("retry-after-ms"));
    }
}
