//! Heart-beats: what each side offers, and what is agreed on.

use std::fmt;

/// The header `heart-beat` of one side. Milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeartBeat {
    /// Interval at which it can send something at least; 0 if it cannot.
    pub sends: u32,
    /// Interval at which it wants to receive something at least; 0 if it does not.
    pub wants: u32,
}

/// Heart-beats agreed between a client and a server, in milliseconds; `None` if nothing is promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beats {
    /// The client sends something at least this often.
    pub client: Option<u32>,
    /// The server sends something at least this often.
    pub server: Option<u32>,
}

impl HeartBeat {
    /// Reads `cx,cy`; `None` if it is something else. Without a header, a side offers and wants nothing.
    pub fn parse(header: &str) -> Option<Self> {
        let (sends, wants) = header.split_once(',')?;
        Some(Self { sends: number(sends)?, wants: number(wants)? })
    }

    /// Returns the agreement of a client that sends `self` and a server that sends `server`: of what one can and the
    /// other wants, the longer time, and nothing if one of them is 0.
    pub fn agree(self, server: Self) -> Beats {
        let both = |sends: u32, wants: u32| (sends > 0 && wants > 0).then(|| sends.max(wants));
        Beats { client: both(self.sends, server.wants), server: both(server.sends, self.wants) }
    }
}

impl fmt::Display for HeartBeat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{},{}", self.sends, self.wants)
    }
}

/// Digits alone: `parse` would take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
