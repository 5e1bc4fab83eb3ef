//! A host's name in ASCII, as browsers write it: by the browser, and on the server by what follows the same standard.

/// `name` in ASCII (punycode); `None` if it is no host's name.
#[cfg(feature = "ssr")]
pub(crate) fn ascii(name: &str) -> Option<String> {
    url::Url::parse(&format!("https://{name}/")).ok()?.host_str().map(str::to_owned)
}

/// `name` in ASCII (punycode); `None` if it is no host's name.
#[cfg(not(feature = "ssr"))]
pub(crate) fn ascii(name: &str) -> Option<String> {
    web_sys::Url::new(&format!("https://{name}/")).ok().map(|url| url.hostname())
}
