//! The versions, and how one is agreed on.

use std::fmt;

/// A version of STOMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 1.0: nothing is escaped.
    V10,
    /// 1.1: `\n`, `\c` and `\\` in headers, heart-beats, NACK.
    V11,
    /// 1.2: also `\r`, and lines may end with CR LF.
    V12,
}

impl Version {
    /// All of them, the oldest first.
    pub const ALL: [Self; 3] = [Self::V10, Self::V11, Self::V12];

    /// Returns its name in the headers `version` and `accept-version`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V10 => "1.0",
            Self::V11 => "1.1",
            Self::V12 => "1.2",
        }
    }

    /// Returns its WebSocket subprotocol.
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::V10 => "v10.stomp",
            Self::V11 => "v11.stomp",
            Self::V12 => "v12.stomp",
        }
    }

    /// Returns the version of a WebSocket subprotocol.
    pub fn of_subprotocol(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.subprotocol() == name)
    }

    /// The versions that an `accept-version` header names, the newest first. A CONNECT without that header is one
    /// of 1.0. Versions that are not known are passed over.
    pub fn accepted(header: Option<&str>) -> impl Iterator<Item = Self> {
        let header = header.unwrap_or("1.0");
        let names = move |version: &Self| header.split(',').any(|name| name.trim() == version.as_str());
        Self::ALL.into_iter().rev().filter(names)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
