//! Compression of answers: pages and history in brotli or gzip, what is live (event streams, polls) in gzip piece by piece.
//!
//! A piece is compressed by itself, as a message of a WebSocket is, by the compressor that its thread has: it leaves at
//! once, and an answer keeps its checksum alone between two pieces.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use flate2::Crc;
use hyper::body::{Body as HttpBody, Frame};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate, SizeAbove};

use crate::deflate::{LAST_BLOCK, LEAST, append};

/// Head of a gzip file: DEFLATE, no name, no time, of an unknown system (RFC 1952, 2.3).
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Compresses whole answers, other than images and short ones. Its encoders are made for each of them.
pub(super) fn of_answers() -> CompressionLayer<impl Predicate> {
    let least = SizeAbove::new(u16::try_from(LEAST).unwrap_or(u16::MAX));
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(DefaultPredicate::new().and(least))
}

/// Compresses event streams, and other answers that are not short, for those who take gzip.
pub(super) async fn by_pieces(request: Request, next: Next) -> Response {
    let takes_gzip = takes_gzip(request.headers());
    let mut response = next.run(request).await;
    let is_long = response.body().size_hint().exact().is_some_and(|length| length >= LEAST as u64);
    let is_coded = response.headers().contains_key(CONTENT_ENCODING);
    if !takes_gzip || is_coded || !(is_long || is_event_stream(response.headers())) {
        return response;
    }
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    response.map(|body| Body::new(Gzip { body, sum: Crc::new(), at: At::Head }))
}

/// Returns true for an answer that may have no end.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// Reads `Accept-Encoding` (RFC 9110, 12.5.3): a weight of 0 is a refusal, and `*` stands for what is not named.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    let mut by_star = false;
    for coding in values.flat_map(|value| value.split(',')) {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let (name, is_taken) = (name.trim(), !has_no_weight(parameters));
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            return is_taken;
        }
        by_star |= name == "*" && is_taken;
    }
    by_star
}

/// Returns true for `q=0`, with any zeros behind its point.
fn has_no_weight(parameters: &str) -> bool {
    let weight = parameters.trim().strip_prefix(['q', 'Q']).and_then(|rest| rest.trim().strip_prefix('='));
    weight.and_then(|weight| weight.trim().parse::<f32>().ok()).is_some_and(|weight| weight <= 0.0)
}

/// A body as a gzip file that is written as it comes.
struct Gzip {
    body: Body,
    sum: Crc,
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Head,
    Pieces,
    End,
}

impl Gzip {
    fn piece(&mut self, text: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(HEAD.len() + text.len());
        if self.at == At::Head {
            out.extend(HEAD);
            self.at = At::Pieces;
        }
        self.sum.update(text);
        append(text, &mut out);
        out.into()
    }

    /// The last block, the checksum, and the length modulo 2^32.
    fn end(&mut self) -> Bytes {
        let mut out = if self.at == At::Head { HEAD.to_vec() } else { Vec::new() };
        self.at = At::End;
        out.extend(LAST_BLOCK);
        out.extend(self.sum.sum().to_le_bytes());
        out.extend(self.sum.amount().to_le_bytes());
        out.into()
    }
}

impl HttpBody for Gzip {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let gzip = self.get_mut();
        if gzip.at == At::End {
            return Poll::Ready(None);
        }
        let frame = match ready!(Pin::new(&mut gzip.body).poll_frame(context)) {
            Some(Ok(frame)) => Ok(frame.map_data(|text| gzip.piece(&text))),
            Some(Err(error)) => Err(error),
            None => Ok(Frame::data(gzip.end())),
        };
        Poll::Ready(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io::Read;

    use axum::body::to_bytes;
    use flate2::read::GzDecoder;
    use futures_util::stream;

    use super::*;

    fn taken(value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
        takes_gzip(&headers)
    }

    #[test]
    fn gzip_is_taken_unless_it_weighs_nothing() {
        assert!(!takes_gzip(&HeaderMap::new()));
        for value in
            ["gzip", "br, GZIP", "deflate,x-gzip", "gzip;q=0.1", "*", "br;q=1, *;q=0.5", "gzip, *;q=0"]
        {
            assert!(taken(value), "{value}");
        }
        for value in ["", "br", "gzip;q=0", "gzip; q=0.000, *", "identity", "*;q=0", "gzipped"] {
            assert!(!taken(value), "{value}");
        }
    }

    async fn gzipped(pieces: &[&str]) -> Vec<u8> {
        let pieces: Vec<Result<String, Infallible>> =
            pieces.iter().map(|piece| Ok((*piece).to_owned())).collect();
        let body = Body::from_stream(stream::iter(pieces));
        let gzip = Gzip { body, sum: Crc::new(), at: At::Head };
        to_bytes(Body::new(gzip), usize::MAX).await.unwrap().to_vec()
    }

    fn inflated(file: &[u8]) -> String {
        let mut text = String::new();
        GzDecoder::new(file).read_to_string(&mut text).unwrap();
        text
    }

    #[tokio::test]
    async fn any_pieces_make_one_file() {
        let long = "마당에서 다시 만나요. ".repeat(3_000);
        for pieces in [&[][..], &[""], &["short"], &["a", &long, "", "b", &long[..2_999]]] {
            assert_eq!(inflated(&gzipped(pieces).await), pieces.concat());
        }
    }

    #[tokio::test]
    async fn each_piece_is_readable_at_once() {
        let mut gzip = Gzip { body: Body::empty(), sum: Crc::new(), at: At::Head };
        let mut file = Vec::new();
        let text = "data: {}\n\n".repeat(100);
        for n in 1..4 {
            file.extend(gzip.piece(text.as_bytes()));
            let mut read = vec![0; n * text.len()];
            GzDecoder::new(&file[..]).read_exact(&mut read).unwrap();
        }
        assert!(file.len() < text.len(), "{} bytes", file.len());
    }
}
