//! The site's files: wasm, JavaScript, styles, icons.
//!
//! With the feature `embed` they are in the program, otherwise in the folder LEPTOS_SITE_ROOT. Either way each
//! was compressed once, when the site was built; here the best form that the browser takes is only picked.

// Its tests run either way.
#[cfg(any(test, not(feature = "embed")))]
#[cfg_attr(feature = "embed", allow(dead_code))]
mod disk;
#[cfg(feature = "embed")]
mod embedded;

#[cfg(not(feature = "embed"))]
use disk as source;
#[cfg(feature = "embed")]
use embedded as source;

use axum::Router;
use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Response, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::get as on_get;
use bytes::Bytes;

/// A year: the longest that caches are asked to keep anything.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Folders below this path are named after the page that their files belong to: a file there never changes.
const PARTS: &str = "/pkg/parts/";

/// One file in one form.
pub(crate) struct Asset {
    /// Changes with the file's content.
    pub(crate) version: String,
    pub(crate) encoding: Encoding,
    pub(crate) bytes: Bytes,
}

/// The forms that a file may have, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

/// Serves each file of the site under its own path.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let at_root = source::paths().into_iter().filter(|path| !path.starts_with("pkg/"));
    at_root.fold(Router::new().route("/pkg/{*path}", on_get(serve)), |router, path| {
        router.route(&format!("/{path}"), on_get(serve))
    })
}

/// The file at this path of the site (`/pkg/madang.css`), in the best form that `accept_encoding` allows.
pub(crate) fn get(path: &str, accept_encoding: Option<&str>) -> Option<Asset> {
    let accepted = accepted(accept_encoding.unwrap_or_default());
    source::get(path.strip_prefix('/')?, &accepted)
}

/// The path with its version, which may be cached for ever: `/pkg/madang.css?v=1f3a…`.
pub(crate) fn versioned(path: &str) -> String {
    match path.strip_prefix('/').and_then(source::version) {
        Some(version) => format!("{path}?v={version}"),
        None => path.to_owned(),
    }
}

async fn serve(uri: Uri, headers: HeaderMap) -> Response<Body> {
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match get(uri.path(), header(header::ACCEPT_ENCODING)) {
        Some(asset) => answer(uri.path(), uri.query(), header(header::IF_NONE_MATCH), asset),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(path: &str, query: Option<&str>, if_none_match: Option<&str>, asset: Asset) -> Response<Body> {
    // Strong tags differ between the forms of one file.
    let etag = format!("\"{}{}\"", asset.version, asset.encoding.suffix());
    let asked = query.and_then(|query| query.split('&').find_map(|part| part.strip_prefix("v=")));
    let is_fixed = asked == Some(asset.version.as_str()) || path.starts_with(PARTS);
    let cache = if is_fixed { FOREVER } else { "no-cache" };
    let known = if_none_match.is_some_and(|tags| knows(tags, &etag));
    let common = [
        (header::ETAG, etag),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::VARY, "accept-encoding".to_owned()),
    ];
    if known {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let content = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type(path))),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    let mut response = (common, content, asset.bytes).into_response();
    if let Some(name) = asset.encoding.name() {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}

/// RFC 9110 13.1.2: a weak comparison.
fn knows(tags: &str, etag: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("ico") => "image/x-icon",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("webmanifest") => "application/manifest+json",
        Some("webp") => "image/webp",
        _ => "application/octet-stream",
    }
}

/// The forms that an Accept-Encoding header allows, best first. A file as it is always counts as allowed: that
/// serves a client better than the 406 which `identity;q=0` would ask for.
fn accepted(header: &str) -> Vec<Encoding> {
    let allows = |name: &str| {
        let mut any = false;
        for part in header.split(',') {
            let mut words = part.split(';').map(str::trim);
            let coding = words.next().unwrap_or_default();
            let refused = words
                .filter_map(|word| word.strip_prefix("q="))
                .any(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0));
            if coding.eq_ignore_ascii_case(name) {
                return !refused;
            }
            any |= coding == "*" && !refused;
        }
        any
    };
    let forms = [Encoding::Brotli, Encoding::Gzip, Encoding::Identity];
    forms.into_iter().filter(|form| form.name().is_none_or(allows)).collect()
}

impl Encoding {
    /// Returns its name in Content-Encoding.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// Returns the suffix of its file behind the name of the original.
    fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
            Self::Identity => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset() -> Asset {
        Asset { version: "abc".to_owned(), encoding: Encoding::Brotli, bytes: Bytes::from_static(b"small") }
    }

    fn header(response: &Response<Body>, name: header::HeaderName) -> &str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn the_best_form_that_is_allowed_is_picked() {
        use Encoding::{Brotli, Gzip, Identity};
        assert_eq!(accepted("gzip, deflate, br, zstd"), [Brotli, Gzip, Identity]);
        assert_eq!(accepted("br;q=0, GZIP;q=0.5"), [Gzip, Identity]);
        assert_eq!(accepted("*"), [Brotli, Gzip, Identity]);
        assert_eq!(accepted("*, br; q=0.0"), [Gzip, Identity]);
        assert_eq!(accepted(""), [Identity]);
    }

    #[test]
    fn versioned_file_is_cacheable_for_ever() {
        let by_version = answer("/pkg/madang.wasm", Some("v=abc"), None, asset());
        assert_eq!(header(&by_version, header::CACHE_CONTROL), FOREVER);
        assert_eq!(header(&by_version, header::CONTENT_TYPE), "application/wasm");
        assert_eq!(header(&by_version, header::CONTENT_ENCODING), "br");
        assert_eq!(header(&by_version, header::VARY), "accept-encoding");
        let part = answer("/pkg/parts/1f3a/panels.wasm", None, None, asset());
        assert_eq!(header(&part, header::CACHE_CONTROL), FOREVER);
        for query in [None, Some("v=old"), Some("w=abc")] {
            let other = answer("/pkg/madang.wasm", query, None, asset());
            assert_eq!(header(&other, header::CACHE_CONTROL), "no-cache");
        }
    }

    #[test]
    fn cached_file_is_not_sent_again() {
        for tags in ["\"abc.br\"", "\"x\", W/\"abc.br\"", "*"] {
            assert_eq!(
                answer("/a.css", None, Some(tags), asset()).status(),
                StatusCode::NOT_MODIFIED,
                "{tags}"
            );
        }
        let other_form = answer("/a.css", None, Some("\"abc\""), asset());
        assert_eq!(other_form.status(), StatusCode::OK);
        assert_eq!(header(&other_form, header::ETAG), "\"abc.br\"");
    }
}
