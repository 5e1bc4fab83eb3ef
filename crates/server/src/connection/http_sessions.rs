//! The sessions over HTTP, by the token in their address. There are never more than connections are admitted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::http_session::{HttpSession, LoginKey};

/// The table; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct HttpSessions(Arc<Mutex<HashMap<Token, Arc<HttpSession>>>>);

/// A session's token: 128 random bits, 32 hexadecimal digits in an address.
type Token = u128;

/// A session's place in the table. Dropping it takes the session out.
#[derive(Debug)]
pub(crate) struct Listed {
    token: Token,
    http_sessions: HttpSessions,
}

/// Reasons why there is no session of a token for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotFound {
    Unknown,
    OfAnotherLogin,
}

impl HttpSessions {
    /// Lists an HTTP session under a new token. None if the system gives no random numbers.
    pub(crate) fn list(&self, http_session: Arc<HttpSession>) -> Option<Listed> {
        let mut token = [0; 16];
        getrandom::fill(&mut token).ok()?;
        let token = Token::from_be_bytes(token);
        self.table().insert(token, http_session);
        Some(Listed { token, http_sessions: self.clone() })
    }

    /// The session of a token, if one of these logins opened it.
    pub(crate) fn find(&self, token: &str, logins: &[LoginKey]) -> Result<Arc<HttpSession>, NotFound> {
        let http_session = parse(token).and_then(|token| self.table().get(&token).cloned());
        let http_session = http_session.ok_or(NotFound::Unknown)?;
        if logins.iter().any(|login| http_session.is_of(*login)) {
            Ok(http_session)
        } else {
            Err(NotFound::OfAnotherLogin)
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Token, Arc<HttpSession>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    /// The token as it stands in addresses.
    pub(crate) fn token(&self) -> String {
        format!("{:032x}", self.token)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.http_sessions.table().remove(&self.token);
    }
}

fn parse(token: &str) -> Option<Token> {
    let digits = token.len() == 32 && token.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    digits.then(|| Token::from_str_radix(token, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_32_lower_case_digits_are_a_token() {
        assert_eq!(parse("0000000000000000000000000000000a"), Some(10));
        for wrong in ["", "a", "+000000000000000000000000000000a", "0000000000000000000000000000000A"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
