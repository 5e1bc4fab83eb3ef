//! Finds the links in a message. The rest stays exactly as it was typed.
//!
//! Only `http://` and `https://` become links: a scheme that can run code never leaves this file. A link ends where a
//! reader sees its end: `end` knows punctuation and brackets, `particles` what Korean glues to a noun, `host` where a
//! host's name ends and whether it can be shown as it was typed.

mod ascii;
mod end;
mod host;
mod particles;

pub(crate) use ascii::ascii;

/// A stretch of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// As typed.
    Text(&'a str),
    /// An absolute address, as typed; what of it is shown, and led to, is the result of [`shown`].
    Link(&'a str),
}

/// `body` cut into text and links, in order; joined, the pieces are `body` again.
pub(crate) fn pieces(body: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = body;
    let mut searched = 0;
    while let Some(at) = rest.get(searched..).and_then(find_scheme).map(|at| at + searched) {
        let (before, candidate) = rest.split_at(at);
        let link = link_at(candidate);
        let in_word = before.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric());
        // Text right behind a link begins anew.
        let behind_link = before.is_empty() && !found.is_empty();
        if link.is_empty() || (in_word && !behind_link) {
            searched = at + "http".len();
            continue;
        }
        if !before.is_empty() {
            found.push(Piece::Text(before));
        }
        found.push(Piece::Link(link));
        rest = candidate.strip_prefix(link).unwrap_or_default();
        searched = 0;
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest));
    }
    found
}

/// Returns the text and target of a link: without a user in front of the host, who could pass for a host, and with the
/// host in `ascii` where its letters could pass for others. `None` if the browser would not go there.
pub(crate) fn shown(link: &str, ascii: impl FnOnce(&str) -> Option<String>) -> Option<String> {
    let scheme = scheme_length(link)?;
    let (start, rest) = link.split_at_checked(scheme)?;
    let (authority, path) = rest.split_at_checked(host::authority_length(rest))?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host::is_plain(host) {
        return Some(format!("{start}{host}{path}"));
    }
    let (name, port) = host.split_at_checked(host.find(':').unwrap_or(host.len()))?;
    Some(format!("{start}{}{port}{path}", ascii(name)?))
}

const SCHEMES: [&str; 2] = ["http://", "https://"];

/// Returns the start of the next thing that looks like `http(s)://`, in bytes.
fn find_scheme(text: &str) -> Option<usize> {
    text.char_indices()
        .filter(|(_, c)| matches!(c, 'h' | 'H'))
        .map(|(at, _)| at)
        .find(|at| text.get(*at..).is_some_and(|rest| scheme_length(rest).is_some()))
}

fn scheme_length(text: &str) -> Option<usize> {
    SCHEMES
        .iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
        .map(|scheme| scheme.len())
}

/// The link that `text` starts with; empty if what follows the scheme is no host.
fn link_at(text: &str) -> &str {
    let Some((start, rest)) = scheme_length(text).and_then(|at| text.split_at_checked(at)) else { return "" };
    let rest = rest.get(..next_link(rest)).unwrap_or_default();
    let whole = rest.get(..end::hard(rest)).unwrap_or_default();
    let host_end = host::length(whole.get(..host::authority_length(whole)).unwrap_or_default());
    let link = match whole.get(host_end..).and_then(|path| path.chars().next()) {
        Some('/' | '?' | '#') => end::soft(whole, host_end),
        _ => end::soft(whole.get(..host_end).unwrap_or_default(), 0),
    };
    match link.chars().next() {
        Some(first) if first.is_alphanumeric() || first == '[' => {
            text.get(..start.len() + link.len()).unwrap_or_default()
        }
        _ => "",
    }
}

/// Returns the start of a second link. In a query's value, and behind a path as archives have it, it belongs to the
/// first.
fn next_link(rest: &str) -> usize {
    let mut searched = 0;
    while let Some(at) = rest.get(searched..).and_then(find_scheme).map(|at| at + searched) {
        let before = rest.get(..at).unwrap_or_default();
        let path = before.get(host::authority_length(before)..).unwrap_or_default();
        let inside = before.ends_with('=') || (before.ends_with('/') && path.len() > 1);
        if !inside {
            return at;
        }
        searched = at + "http".len();
    }
    rest.len()
}

#[cfg(test)]
mod tests;
