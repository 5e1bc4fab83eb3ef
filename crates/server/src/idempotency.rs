//! Idempotency keys that programs give to their writes. A key becomes a cmid, by which the store's writer recognises
//! the repeat of a write (`store/append`).

use madang_protocol::Cmid;
use sha2::{Digest, Sha256};

use crate::clock;

/// The cmid that a key of a program's own choice stands for: itself, if the key is a cmid's text; else the first
/// 128 bits of its SHA-256. Two keys of one person never meet by chance.
pub fn cmid(key: &str) -> Cmid {
    key.parse().unwrap_or_else(|_| {
        let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let first = hash.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte));
        Cmid(first)
    })
}

/// A cmid for a write that its client did not name: nobody can repeat it.
pub fn fresh() -> Cmid {
    let mut bytes = [0; 16];
    // Without randomness this process could not have made a login either.
    let _ = getrandom::fill(&mut bytes);
    Cmid::new(clock::wall(), u128::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cmid_key_is_kept_others_are_hashed() {
        let text = "000102030405060708090a0b0c0d0e0f";
        assert_eq!(cmid(text).to_string(), text);
        assert_eq!(cmid("order-1"), cmid("order-1"));
        assert_ne!(cmid("order-1"), cmid("order-2"));
        // sha256("") begins with e3b0c442.
        assert_eq!(cmid("").0 >> 96, 0xe3b0_c442);
    }

    #[test]
    fn fresh_ones_differ_and_follow_the_clock() {
        let (one, other) = (fresh(), fresh());
        assert_ne!(one, other);
        assert!(other.0 >> 80 >= one.0 >> 80);
    }
}
