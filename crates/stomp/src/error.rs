//! Errors of decoding and encoding.

use std::error::Error;
use std::fmt;

/// Reasons why a decoder cannot continue. Each is the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecodeError {
    /// The version has no such command.
    UnknownCommand,
    /// The command or a header is not UTF-8.
    NotUtf8,
    /// A NUL is before the empty line that ends the headers.
    NulInHead,
    /// A CR that does not belong to a line's end, where it must.
    StrayCr,
    /// A header line without a colon.
    NoColon,
    /// A header without a name.
    EmptyHeaderName,
    /// An escape that the version does not define.
    BadEscape,
    /// A header line has more bytes than [`Limits::line`](crate::Limits::line).
    LineTooLong,
    /// More headers than [`Limits::headers`](crate::Limits::headers).
    TooManyHeaders,
    /// All header lines together have more bytes than [`Limits::head`](crate::Limits::head).
    HeadTooLong,
    /// `content-length` is not a number.
    BadContentLength,
    /// The body has more bytes than [`Limits::body`](crate::Limits::body), or announces that it will.
    BodyTooLong,
    /// A body on a frame that has none.
    UnexpectedBody,
    /// The body is not followed by its NUL.
    NoNul,
}

impl DecodeError {
    /// A sentence for the other side.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownCommand => "unknown command",
            Self::NotUtf8 => "headers must be UTF-8",
            Self::NulInHead => "a NUL before the end of the headers",
            Self::StrayCr => "a carriage return that ends no line",
            Self::NoColon => "a header without a colon",
            Self::EmptyHeaderName => "a header without a name",
            Self::BadEscape => "an undefined escape in a header",
            Self::LineTooLong => "a header is too long",
            Self::TooManyHeaders => "too many headers",
            Self::HeadTooLong => "the headers are too long",
            Self::BadContentLength => "content-length is not a number",
            Self::BodyTooLong => "the body is too long",
            Self::UnexpectedBody => "this command has no body",
            Self::NoNul => "the body is not followed by NUL",
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Error for DecodeError {}

/// Reasons why a frame cannot be written by the rules of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EncodeError {
    /// The version does not have the command.
    UnknownCommand,
    /// A header without a name.
    EmptyHeaderName,
    /// A header holds what the version cannot carry: NUL in any; where nothing is escaped, a line's end in either
    /// part, a colon in the name, and in 1.0 a space at an end.
    HeaderText,
    /// `content-length` is not the body's length.
    BadContentLength,
    /// A body on a frame that has none.
    UnexpectedBody,
    /// A NUL in a body without `content-length`.
    NulInBody,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UnknownCommand => "the version does not have this command",
            Self::EmptyHeaderName => "a header without a name",
            Self::HeaderText => "a header holds what the version cannot say",
            Self::BadContentLength => "content-length is not the body's length",
            Self::UnexpectedBody => "this command has no body",
            Self::NulInBody => "a NUL in a body without content-length",
        })
    }
}

impl Error for EncodeError {}
