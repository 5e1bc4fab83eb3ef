//! Rules for the head of a request, before anything is decided by it (RFC 9112, 3.2 and 6; RFC 6455, 4.2.1). A head
//! that two readers could understand differently stopped in [`super::framing`] already.

use axum::http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use axum::http::uri::Authority;
use axum::http::{Method, Request, StatusCode, Version};

use crate::http::host;
use crate::state::App;

/// Largest head of a request. Bytes.
pub(super) const BYTES: usize = 16 * 1024;

/// Maximum bytes of any body, whatever the route: a length beyond it is not waited for.
const BODY_BYTES: u64 = 32 * 1024 * 1024;

/// Findings about a head, as an extension of its request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The reason to refuse it.
    pub(crate) fault: Option<Fault>,
    /// True if what follows the head was not followed: the connection ends with the answer, unless it is switched.
    pub(crate) is_last: bool,
}

/// Reasons to refuse a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No `Host`, more than one, or one that is neither a name nor an address.
    Host,
    /// `chunked` more than once.
    Coding,
    /// A transfer coding that is not known here.
    UnknownCoding,
    /// A body that no route takes.
    TooLarge,
    /// A name that is not this server's, where another site's page could be behind it.
    UnknownHost,
}

impl Fault {
    /// The status and the sentence of its answer.
    pub(crate) fn status_and_text(self) -> (StatusCode, &'static str) {
        match self {
            Self::Host => {
                (StatusCode::BAD_REQUEST, "A request names its Host, once, as a name or an address.\n")
            }
            Self::Coding => (StatusCode::BAD_REQUEST, "A body is chunked once.\n"),
            Self::UnknownCoding => {
                (StatusCode::NOT_IMPLEMENTED, "The only transfer coding here is chunked.\n")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Nothing here takes as large a body.\n"),
            Self::UnknownHost => (
                StatusCode::MISDIRECTED_REQUEST,
                "This server does not answer to that name. If it is its own, start it with --host NAME.\n",
            ),
        }
    }
}

/// Reads the head. Makes `Host` what the request is for, and takes out an `Upgrade` that may not be one.
pub(super) fn check<B>(request: &mut Request<B>) -> Head {
    let is_last = asks_for_websocket(request.headers());
    if request.version() != Version::HTTP_11 || request.method() != Method::GET {
        // RFC 9110, 7.8: elsewhere it means nothing; and only a GET opens a WebSocket.
        request.headers_mut().remove(UPGRADE);
    }
    let fault = host(request).or_else(|| coding(request.headers())).or_else(|| length(request));
    Head { fault, is_last }
}

/// Returns true if a header asks for a WebSocket, be it in vain.
fn asks_for_websocket(headers: &HeaderMap) -> bool {
    headers.get_all(UPGRADE).iter().any(|value| names_websocket(value.as_bytes()))
}

/// Returns true if the value of an `Upgrade` has a WebSocket in it.
pub(super) fn names_websocket(value: &[u8]) -> bool {
    value.windows(9).any(|word| word.eq_ignore_ascii_case(b"websocket"))
}

fn host<B>(request: &mut Request<B>) -> Option<Fault> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let is_plain = first.is_some_and(|host| host.to_str().is_ok_and(host::is_plain));
    let target = request.uri().authority().map(Authority::as_str);
    let is_http2 = request.version() == Version::HTTP_2;
    let may_be_missing = match request.version() {
        Version::HTTP_2 => target.is_some(),
        version => version < Version::HTTP_11,
    };
    if second.is_some() || !(is_plain || (first.is_none() && may_be_missing)) {
        return Some(Fault::Host);
    }
    let target = target?;
    // RFC 9113, 8.3.1: in HTTP/2 both are the same; RFC 9112, 3.2.2: before, the target's own host goes before the header.
    let differs = first.is_some_and(|host| !host.as_bytes().eq_ignore_ascii_case(target.as_bytes()));
    if is_http2 && differs {
        return Some(Fault::Host);
    }
    match HeaderValue::from_str(target).ok().filter(|_| host::is_plain(target)) {
        Some(target) => {
            request.headers_mut().insert(HOST, target);
            None
        }
        None => Some(Fault::Host),
    }
}

/// Holds `Host` against the names that are this server's, and logs once which one is not.
pub(super) fn unknown_host(headers: &HeaderMap, app: &App) -> Option<Fault> {
    let host = headers.get(HOST)?.to_str().unwrap_or_default();
    if host::is_ours(host, &app.config.hosts) {
        return None;
    }
    app.metrics.rejected("host");
    let host: String = host.chars().take(100).collect();
    if app.told.is_first(&host) {
        tracing::warn!(
            host,
            "a request for another name is refused; if it is this server's, add it with --host, or name the proxy with --trusted-proxy"
        );
    }
    Some(Fault::UnknownHost)
}

fn coding(headers: &HeaderMap) -> Option<Fault> {
    let values = headers.get_all(TRANSFER_ENCODING).iter().map(|value| value.to_str().unwrap_or_default());
    let codings: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    if codings.iter().any(|coding| !coding.eq_ignore_ascii_case("chunked")) {
        return Some(Fault::UnknownCoding);
    }
    (codings.len() > 1).then_some(Fault::Coding)
}

fn length<B>(request: &Request<B>) -> Option<Fault> {
    let path = request.uri().path();
    // These look at the length themselves before they read, and refuse in their own form.
    if ["/rt", "/api", "/hooks"].iter().any(|place| path.starts_with(place)) {
        return None;
    }
    let length =
        request.headers().get(CONTENT_LENGTH)?.to_str().ok().and_then(|length| length.parse::<u64>().ok());
    length.is_none_or(|length| length > BODY_BYTES).then_some(Fault::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(method: &str, version: Version, target: &str, lines: &[(&str, &str)]) -> (Head, Request<()>) {
        let mut request = Request::builder().method(method).version(version).uri(target);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        (check(&mut request), request)
    }

    fn fault(lines: &[(&str, &str)]) -> Option<Fault> {
        checked("POST", Version::HTTP_11, "/", lines).0.fault
    }

    #[test]
    fn host_missing_doubled_or_malformed_is_refused() {
        assert_eq!(fault(&[("host", "a.example:1")]), None);
        for lines in [
            &[][..],
            &[("host", "a"), ("host", "a")],
            &[("host", "")],
            &[("host", "a b")],
            &[("host", "a/b")],
            &[("host", "u@a")],
            &[("host", "a,b")],
        ] {
            assert_eq!(fault(lines), Some(Fault::Host), "{lines:?}");
        }
        assert_eq!(checked("GET", Version::HTTP_10, "/", &[]).0.fault, None, "HTTP/1.0 has no Host");
    }

    #[test]
    fn absolute_target_decides_the_host() {
        let host = |target| {
            let (head, request) = checked("GET", Version::HTTP_11, target, &[("host", "a")]);
            head.fault.ok_or_else(|| request.headers()[HOST].to_str().unwrap().to_owned()).err().ok_or(head)
        };
        assert_eq!(host("http://evil.example/x").unwrap(), "evil.example");
        assert!(host("http://u@evil.example/x").is_err());
    }

    #[test]
    fn body_needs_one_chunked_coding_or_length() {
        for (lines, wanted) in [
            (&[("transfer-encoding", "chunked")][..], None),
            (&[("transfer-encoding", "gzip, chunked")], Some(Fault::UnknownCoding)),
            (&[("transfer-encoding", "identity")], Some(Fault::UnknownCoding)),
            (&[("transfer-encoding", "")], Some(Fault::UnknownCoding)),
            (&[("transfer-encoding", "chunked, chunked")], Some(Fault::Coding)),
            (&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], Some(Fault::Coding)),
            (&[("content-length", "1000")], None),
            (&[("content-length", "9000000000000000000")], Some(Fault::TooLarge)),
        ] {
            let lines: Vec<_> = [("host", "a")].iter().chain(lines).copied().collect();
            assert_eq!(fault(&lines), wanted, "{lines:?}");
        }
    }

    #[test]
    fn upgrade_needs_get_and_http_1_1() {
        let lines = [("host", "a"), ("upgrade", "WebSocket")];
        for (method, version, kept) in [
            ("GET", Version::HTTP_11, true),
            ("GET", Version::HTTP_10, false),
            ("HEAD", Version::HTTP_11, false),
            ("POST", Version::HTTP_11, false),
        ] {
            let (head, request) = checked(method, version, "/ws", &lines);
            assert_eq!((head.is_last, request.headers().contains_key(UPGRADE)), (true, kept), "{method}");
        }
        assert!(!checked("GET", Version::HTTP_11, "/", &[("host", "a"), ("upgrade", "h2c")]).0.is_last);
    }
}
