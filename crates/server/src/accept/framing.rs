//! Framing of requests: where each one of a connection begins and ends, held to the letter of RFC 9112 before HTTP is
//! parsed.
//!
//! hyper reads some heads that two readers can understand differently: a line that ends with a bare LF, or a length
//! beside chunks. Behind a proxy that reads them the other way, one request smuggles another in (RFC 9112, 11.2). Such
//! bytes are replaced here by NUL, which no head and no chunk may hold, so that hyper itself answers 400 and closes.

use std::str;

use super::head::{self, names_websocket};

/// Maximum bytes of a line that is looked at; hyper takes no head that is as long.
const LINE_BYTES: usize = head::BYTES;

/// Follows the bytes of one connection.
#[derive(Debug, Default)]
pub(super) struct Framing {
    at: At,
    /// The line that is being read, without its end; holds nothing between requests.
    line: Vec<u8>,
    head: Head,
}

/// The part of a request that the next byte belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Head,
    /// So many bytes of a body are left.
    Body(u64),
    ChunkSize,
    /// So many bytes of a chunk are left.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    /// Not ours to read: another protocol may follow, or the request is refused and the connection ends.
    Unread,
    /// Nothing that follows may be understood.
    Broken,
}

/// Facts about what follows a head, from its lines.
#[derive(Debug, Default)]
struct Head {
    began: bool,
    length: Option<u64>,
    chunked: bool,
    other_coding: bool,
    upgrade: bool,
}

impl Framing {
    /// Follows `bytes`, and makes those unreadable that break the rules.
    pub(super) fn follow(&mut self, bytes: &mut [u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && self.at != At::Unread {
            let taken = match self.at {
                At::Body(left) => self.skip(left, rest.len(), At::Body, At::Head),
                At::Chunk(left) => self.skip(left, rest.len(), At::Chunk, At::ChunkEnd),
                At::Broken => {
                    rest.fill(0);
                    rest.len()
                }
                _ => self.line(rest),
            };
            rest = rest.split_at_mut(taken.min(rest.len())).1;
        }
    }

    /// Passes over what is left of a body or a chunk. Returns how many bytes that were.
    fn skip(&mut self, left: u64, there: usize, more: fn(u64) -> At, after: At) -> usize {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(there);
        self.at = match left - taken as u64 {
            0 => after,
            left => more(left),
        };
        taken
    }

    /// Reads up to the end of a line, or all there is. Returns how many bytes that were; 0 if the line breaks a rule.
    fn line(&mut self, bytes: &mut [u8]) -> usize {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (part, _) = bytes.split_at(end.unwrap_or(bytes.len()));
        if self.line.len() + part.len() > LINE_BYTES {
            self.line = Vec::new();
            self.at = At::Unread;
            return bytes.len();
        }
        self.line.extend_from_slice(part);
        let Some(end) = end else {
            // A CR is the last byte of a line, and only there.
            let inner = self.line.split_last().map_or(&[][..], |(_, inner)| inner);
            if inner.contains(&b'\r') {
                self.at = At::Broken;
                return 0;
            }
            return bytes.len();
        };
        let line = std::mem::take(&mut self.line);
        let next = line.strip_suffix(b"\r").filter(|line| !line.contains(&b'\r'));
        self.at = next.and_then(|line| self.after(line)).unwrap_or(At::Broken);
        if self.at == At::Broken {
            // The line's end alone: what stands before it may have been passed on already.
            bytes.split_at_mut(end).1.fill(0);
            return bytes.len();
        }
        end + 1
    }

    /// Returns what follows a whole line, or nothing if the line may not be.
    fn after(&mut self, line: &[u8]) -> Option<At> {
        match self.at {
            At::Head if !line.is_empty() => {
                if std::mem::replace(&mut self.head.began, true) {
                    self.head.header(line)?
                }
                Some(At::Head)
            }
            // Empty lines before a request are passed over (RFC 9112, 2.2).
            At::Head if !self.head.began => Some(At::Head),
            At::Head => std::mem::take(&mut self.head).body(),
            At::ChunkSize => match chunk_size(line)? {
                0 => Some(At::Trailers),
                size => Some(At::Chunk(size)),
            },
            At::ChunkEnd => line.is_empty().then_some(At::ChunkSize),
            At::Trailers => Some(if line.is_empty() { At::Head } else { At::Trailers }),
            other => Some(other),
        }
    }
}

impl Head {
    /// Notes a header about the body. `None` for two lengths that differ, or one that is not a number.
    fn header(&mut self, line: &[u8]) -> Option<()> {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = decimal(value)?;
            if self.length.replace(length).is_some_and(|before| before != length) {
                return None;
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let again = self.chunked || self.other_coding;
            self.chunked = value.eq_ignore_ascii_case(b"chunked") && !again;
            self.other_coding = !self.chunked;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.upgrade |= names_websocket(value);
        }
        Some(())
    }

    /// Returns where the body begins; nothing, if it has a length and chunks.
    fn body(self) -> Option<At> {
        match self.length {
            Some(_) if self.chunked || self.other_coding => None,
            // Answered with an error that closes the connection, or with another protocol.
            _ if self.other_coding || self.upgrade => Some(At::Unread),
            _ if self.chunked => Some(At::ChunkSize),
            None | Some(0) => Some(At::Head),
            Some(length) => Some(At::Body(length)),
        }
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let end = line.iter().position(|byte| *byte == b';').unwrap_or(line.len());
    let digits = line.get(..end)?.trim_ascii_end();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    u64::from_str_radix(str::from_utf8(digits).ok().filter(|_| is_number)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what hyper gets to read, whole and byte by byte; both must agree on whether it is readable.
    fn passes(text: &str) -> bool {
        let mut whole = text.as_bytes().to_vec();
        Framing::default().follow(&mut whole);
        let mut framing = Framing::default();
        let single: Vec<u8> = text
            .bytes()
            .map(|byte| {
                let mut one = [byte];
                framing.follow(&mut one);
                one[0]
            })
            .collect();
        let is_same = whole == text.as_bytes();
        assert_eq!(is_same, single == text.as_bytes(), "{text:?}");
        assert!(is_same || (whole.contains(&0) && single.contains(&0)));
        is_same
    }

    #[test]
    fn well_formed_requests_pass_unchanged() {
        for text in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na\nb\n\rGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 2\r\nContent-Length: 2\r\n\r\nabGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\na\nb\r\n0\r\nT: v\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\n\n\0any bytes",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n\nany",
        ] {
            assert!(passes(text), "{text:?}");
        }
    }

    #[test]
    fn ambiguous_requests_become_unreadable() {
        for text in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 3\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\na\nb\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: v\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\naGET / HTTP/1.1\n\r\n",
        ] {
            assert!(!passes(text), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_kept_between_requests() {
        let mut framing = Framing::default();
        framing.follow(&mut b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec());
        assert_eq!((framing.at, framing.line.capacity()), (At::Head, 0));
    }
}
