//! The text of headers, by version.

use crate::{Command, DecodeError, EncodeError, Version};

/// Escaping in the headers of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Escapes beside the backslash's own; `None` if the version escapes nothing.
    escapes: Option<&'static [(char, char)]>,
    /// Lines may end with CR LF, so that a CR elsewhere is an error.
    pub(crate) crlf: bool,
    /// Spaces around names and values mean nothing.
    pub(crate) padding: bool,
}

const V11: &[(char, char)] = &[('n', '\n'), ('c', ':'), ('\\', '\\')];
const V12: &[(char, char)] = &[('n', '\n'), ('c', ':'), ('\\', '\\'), ('r', '\r')];

impl Rules {
    /// The rules for a frame of `command`. Frames that agree on a version are the same in all, and so is
    /// what comes before there is one.
    pub(crate) fn of(command: impl Command, version: Option<Version>) -> Self {
        let agreed = version.filter(|_| command.version_header().is_none());
        match agreed {
            None => Self { escapes: None, crlf: true, padding: false },
            // 1.0 does not say; its clients write `login: me`. 1.1 forbids to pad and to trim.
            Some(Version::V10) => Self { escapes: None, crlf: false, padding: true },
            Some(Version::V11) => Self { escapes: Some(V11), crlf: false, padding: false },
            Some(Version::V12) => Self { escapes: Some(V12), crlf: true, padding: false },
        }
    }

    /// A header's two parts from its line.
    ///
    /// A colon in the value should have been escaped; it is taken as it is, because it can mean nothing else.
    pub(crate) fn split(self, line: &str) -> Result<(String, String), DecodeError> {
        let (name, value) = line.split_once(':').ok_or(DecodeError::NoColon)?;
        let (name, value) =
            if self.padding { (name.trim_matches(' '), value.trim_matches(' ')) } else { (name, value) };
        if name.is_empty() {
            return Err(DecodeError::EmptyHeaderName);
        }
        Ok((self.unescape(name)?, self.unescape(value)?))
    }

    fn unescape(self, text: &str) -> Result<String, DecodeError> {
        let Some(escapes) = self.escapes.filter(|_| text.contains('\\')) else { return Ok(text.to_owned()) };
        let mut plain = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                plain.push(c);
                continue;
            }
            let escape = chars.next();
            let meant = escapes.iter().find(|(letter, _)| Some(*letter) == escape);
            plain.push(meant.ok_or(DecodeError::BadEscape)?.1);
        }
        Ok(plain)
    }

    /// Writes one part of a header.
    pub(crate) fn escape(self, text: &str, is_name: bool, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let Some(escapes) = self.escapes else {
            let forbidden = |c| matches!(c, '\n' | '\0') || (c == ':' && is_name) || (c == '\r' && self.crlf);
            let padded = self.padding && (text.starts_with(' ') || text.ends_with(' '));
            if padded || text.contains(forbidden) {
                return Err(EncodeError::HeaderText);
            }
            out.extend(text.as_bytes());
            return Ok(());
        };
        let mut rest = text;
        while let Some(at) = rest.find(|c| c == '\0' || escapes.iter().any(|(_, meant)| *meant == c)) {
            let (plain, tail) = rest.split_at(at);
            let mut chars = tail.chars();
            let meant = chars.next();
            let escape = escapes.iter().find(|(_, it)| Some(*it) == meant).ok_or(EncodeError::HeaderText)?;
            out.extend(plain.as_bytes());
            out.extend([b'\\', escape.0 as u8]);
            rest = chars.as_str();
        }
        out.extend(rest.as_bytes());
        Ok(())
    }
}
