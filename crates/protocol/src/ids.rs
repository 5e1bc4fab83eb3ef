//! Identifiers. All are opaque to clients; each is checked once, when it is read.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A string that is not an identifier of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdError(&'static str);

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for IdError {}

/// Longest room, user or epoch id, in bytes.
const ID_BYTES: usize = 64;

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= ID_BYTES
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident, $problem:literal) => {
        $(#[$doc])*
        ///
        /// 1 to 64 of `a-z`, `0-9`, `-` and `_`. Clones share the text.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as it stands on the wire and in links.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                if is_id(text) { Ok(Self(text.into())) } else { Err(IdError($problem)) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(input)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

string_id!(
    /// A room, as in the link `/r/<room>`.
    RoomId,
    "a room id is 1 to 64 of a-z, 0-9, '-' and '_'"
);
string_id!(
    /// A person.
    UserId,
    "a user id is 1 to 64 of a-z, 0-9, '-' and '_'"
);
string_id!(
    /// The life of one database: made with it, changed by a restore from a backup. A cursor means something
    /// only under the epoch it was given out in.
    Epoch,
    "an epoch is 1 to 64 of a-z, 0-9, '-' and '_'"
);

impl RoomId {
    /// The room that always exists.
    pub fn lobby() -> Self {
        Self(crate::LOBBY.into())
    }
}

impl UserId {
    /// The author of what the server itself writes.
    pub fn system() -> Self {
        Self(crate::SYSTEM_USER.into())
    }

    /// Returns the last four characters, by which people without a name, or with names that look the same, are told apart.
    pub fn tag(&self) -> &str {
        let id = self.as_str();
        id.get(id.len().saturating_sub(4)..).unwrap_or(id)
    }
}

/// The position of an entry in its room's log: 1, 2, 3 … without a gap. 0 stands before the first entry.
pub type Seq = u64;

/// A moment: milliseconds since 1970-01-01T00:00:00Z, by the server's clock.
pub type UnixMs = i64;

/// Client message id: a 128-bit number that a client gives to each write, so that a repeat is recognised, for ever. Any
/// that it never used before will do; [`Cmid::new`] makes the best. 32 hexadecimal digits on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cmid(pub u128);

impl Cmid {
    /// A UUID of version 7 (RFC 9562) of a moment and random bits: those of one moment stand beside each other in the
    /// store's index, which is then written to in one place.
    pub fn new(at: UnixMs, random: u128) -> Self {
        const TIME: u32 = 80;
        const MARKS: u128 = 0b1111 << 76 | 0b11 << 62;
        const VERSION_AND_VARIANT: u128 = 7 << 76 | 0b10 << 62;
        let low = ((1 << TIME) - 1) & !MARKS;
        Self(u128::from(at.cast_unsigned()) << TIME | VERSION_AND_VARIANT | random & low)
    }
}

impl fmt::Display for Cmid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Cmid {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        match u128::from_str_radix(text, 16) {
            Ok(number) if hex => Ok(Self(number)),
            _ => Err(IdError("a cmid is 32 hexadecimal digits")),
        }
    }
}

impl Serialize for Cmid {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cmid {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(input)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_cmids_are_uuids_ordered_by_time() {
        let (earlier, later) = (Cmid::new(1_700_000_000_000, u128::MAX), Cmid::new(1_700_000_000_001, 0));
        assert!(earlier < later);
        assert_eq!(later.to_string(), "018bcfe5680170008000000000000000");
        assert_eq!(earlier.to_string(), "018bcfe568007fffbfffffffffffffff");
        assert_eq!(Cmid::new(-1, 0).to_string().len(), 32, "a clock before 1970");
    }
}
