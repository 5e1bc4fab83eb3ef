//! Secrets and ids: made at random, and known by their hash.

use sha2::{Digest, Sha256};

use crate::store::BotKind;

/// Prefix of the key of an outgoing webhook.
const KEY: &str = "mds_";

/// Prefix of the secret of an incoming webhook.
const HOOK: &str = "mdh_";

/// Prefix of a program's token, so that people and scanners recognise one that leaks.
const TOKEN: &str = "mdg_";

/// Only the hash is stored: a reader of the database cannot sign in with it. The token is random, so no salt and
/// no slow hash are needed.
pub(crate) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// A new token for a bot of this kind.
pub(crate) fn fresh_token(kind: BotKind) -> Result<String, getrandom::Error> {
    let prefix = match kind {
        BotKind::Token => TOKEN,
        BotKind::Hook => HOOK,
        BotKind::Outgoing => KEY,
    };
    Ok(format!("{prefix}{}", random_hex()?))
}

/// 256 random bits, in hexadecimal.
pub(crate) fn random_hex() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Returns bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    text
}

/// A new id of 12 characters, 62 random bits: what a person, a room or a bot made today is called.
pub(crate) fn random_id() -> Result<String, getrandom::Error> {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = getrandom::u64()?;
    let mut id = String::with_capacity(12);
    for _ in 0..12 {
        let letter = ALPHABET.get(usize::try_from(random % 36).unwrap_or_default());
        id.push(letter.copied().map_or('a', char::from));
        random /= 36;
    }
    Ok(id)
}
