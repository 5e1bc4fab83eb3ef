//! Token of a newcomer, signed by this server. So it needs no row, and names the same person whenever it comes back;
//! once they act, its hash is their login's like any other.

use hmac::{Hmac, Mac};
use madang_protocol::{UnixMs, UserId};
use sha2::Sha256;

use super::secret::{hash, hex};
use crate::store::Newcomer;

/// Prefix of such a token: its form, so that another one can follow.
const FORM: &str = "n1";

/// A token that was made so long ago is nobody's: 400 days, as long as browsers keep a cookie. Milliseconds.
const LASTS: UnixMs = 400 * 24 * 60 * 60 * 1000;

/// A clock may be this much behind the one that made the token. Milliseconds.
const AHEAD: UnixMs = 24 * 60 * 60 * 1000;

/// Makes the token of a newcomer of now, when `turn` is the newest message's. `secret` is random: a reader of the
/// database, and so the key, cannot make the token of somebody who is there.
pub(crate) fn token(key: &[u8], user: &UserId, now: UnixMs, turn: i64, secret: &str) -> String {
    let payload = format!("{FORM}.{user}.{now}.{turn}.{secret}");
    let signature = signed(key, &payload);
    format!("{payload}.{signature}")
}

/// Returns the newcomer whose token this is; `None` if it is no such token, not of this server, changed, or too old.
pub(crate) fn read(key: &[u8], token: &str, now: UnixMs, turn: i64) -> Option<Newcomer> {
    let (payload, signature) = token.rsplit_once('.')?;
    let mut parts = payload.split('.');
    let (form, user, made_at, arrived) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let _secret = parts.next()?;
    if form != FORM || parts.next().is_some() || !is_signed(key, payload, signature) {
        return None;
    }
    let made_at: UnixMs = made_at.parse().ok()?;
    if made_at > now + AHEAD || made_at < now - LASTS {
        return None;
    }
    // A database that was put back has had fewer messages.
    let arrived = arrived.parse::<i64>().ok()?.clamp(0, turn);
    Some(Newcomer { user: user.parse().ok()?, token_hash: hash(token), made_at, arrived })
}

fn signed(key: &[u8], payload: &str) -> String {
    hex(&mac(key, payload).map(|mac| mac.finalize().into_bytes()).unwrap_or_default())
}

/// In constant time, and in one way of writing it.
fn is_signed(key: &[u8], payload: &str, signature: &str) -> bool {
    let is_plain = signature.len() == 64 && signature.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let bytes: Option<Vec<u8>> = signature
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    let (Some(bytes), Some(mac)) = (bytes.filter(|_| is_plain), mac(key, payload)) else { return false };
    mac.verify_slice(&bytes).is_ok()
}

/// The key is hashed before it is used, so any length of it will do.
fn mac(key: &[u8], payload: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(b"madang newcomer\0");
    mac.update(payload.as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = 1_800_000_000_000;

    #[test]
    fn token_names_its_newcomer() {
        let user: UserId = "abcdefghijkl".parse().unwrap();
        let token = token(b"key", &user, NOW, 7, "abcd");
        let newcomer = read(b"key", &token, NOW + 1, 9).unwrap();
        let expected = Newcomer { user, token_hash: hash(&token), made_at: NOW, arrived: 7 };
        assert_eq!(newcomer, expected);
        assert_eq!(read(b"key", &token, NOW, 3).unwrap().arrived, 3, "the log was put back");
        assert!(read(b"another", &token, NOW, 9).is_none());
        assert!(read(b"key", &token, NOW + LASTS + 1, 9).is_none(), "too old");
        assert!(read(b"key", &token, NOW - AHEAD - 1, 9).is_none(), "of the future");
    }

    #[test]
    fn changed_token_is_invalid() {
        let token = token(b"key", &"abcdefghijkl".parse().unwrap(), NOW, 7, "abcd");
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] ^= 1;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            assert!(read(b"key", &changed, NOW, 9).is_none(), "{changed}");
            assert!(read(b"key", &token[..at], NOW, 9).is_none());
        }
        let shouted = token.to_uppercase();
        for odd in ["", ".", "....", "n1....", &shouted, &format!("{token}00"), &format!("{token}.0")] {
            assert!(read(b"key", odd, NOW, 9).is_none(), "{odd}");
        }
    }
}
