//! Routes: the target of a connection, and its login.

use std::net::SocketAddr;

use anyhow::Result;
use hyper::HeaderMap;
use hyper::header;

/// Target of a connection, and its login.
#[derive(Clone, Debug)]
pub(in crate::chaos) struct Route {
    /// The client's number: its line.
    pub(in crate::chaos) client: usize,
    /// The proxy.
    pub(in crate::chaos) address: SocketAddr,
    /// The cookie, once there is one.
    pub(in crate::chaos) login: Option<String>,
}

impl Route {
    /// Returns the headers that a page of the server would send along.
    pub(in crate::chaos) fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, format!("http://{}", self.address).try_into()?);
        if let Some(login) = &self.login {
            headers.insert(header::COOKIE, login.try_into()?);
        }
        Ok(headers)
    }
}

/// The value of the login's cookie that an answer sets.
pub(in crate::chaos) fn login_of(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .filter_map(|cookie| cookie.split(';').next())
        .find(|c| c.starts_with("madang_login_"))
        .map(str::to_owned)
}
