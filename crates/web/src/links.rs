//! Finds the links in a message. The rest stays exactly as it was typed.
//!
//! Only `http://` and `https://` become links: a scheme that can run code never leaves this file.

/// A stretch of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// As typed.
    Text(&'a str),
    /// An absolute address, as typed; it is its own text.
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
        if link.is_empty() || before.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric()) {
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

const SCHEMES: [&str; 2] = ["http://", "https://"];

/// Where the next thing that looks like `http(s)://` starts, in bytes.
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
    let Some(scheme) = scheme_length(text) else { return "" };
    let end = text.char_indices().skip(scheme).find(|(_, c)| ends_link(*c)).map_or(text.len(), |(at, _)| at);
    let whole = text.get(..end).unwrap_or_default();
    let host_end = whole
        .char_indices()
        .skip(scheme)
        .find(|(_, c)| matches!(c, '/' | '?' | '#'))
        .map_or(whole.len(), |(at, _)| at);
    let link = match whole.get(scheme..host_end) {
        // Hangul ends a host: a particle follows a bare host far more often than a Korean domain has one
        // without a dot behind it.
        Some(host) => {
            match host.find(is_hangul).filter(|at| !host.get(*at..).unwrap_or_default().contains('.')) {
                Some(at) => whole.get(..scheme + at).unwrap_or_default(),
                None => without_particle(trim_end(whole)),
            }
        }
        None => return "",
    };
    let link = trim_end(link);
    match link.get(scheme..).and_then(|host| host.chars().next()) {
        Some(first) if first.is_alphanumeric() || first == '[' => link,
        _ => "",
    }
}

fn ends_link(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '<' | '>' | '"' | '`' | '{' | '}' | '|' | '\\' | '^')
        || matches!(
            c,
            '“' | '”'
                | '‘'
                | '’'
                | '「'
                | '」'
                | '『'
                | '』'
                | '《'
                | '》'
                | '〈'
                | '〉'
                | '【'
                | '】'
                | '，'
                | '。'
                | '、'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{3131}'..='\u{318e}' | '\u{1100}'..='\u{11ff}')
}

/// What Korean glues to a noun, longest first. Only these are cut from a path's end, and only when what stands
/// before them is not Hangul too: an address may well end in a Korean word.
const PARTICLES: [&str; 34] = [
    "에서는",
    "에서도",
    "으로는",
    "이라는",
    "이에요",
    "입니다",
    "인데요",
    "이라고",
    "에서",
    "에는",
    "에도",
    "에게",
    "으로",
    "까지",
    "부터",
    "처럼",
    "보다",
    "하고",
    "라는",
    "라고",
    "예요",
    "인데",
    "이랑",
    "랑",
    "을",
    "를",
    "이",
    "가",
    "은",
    "는",
    "에",
    "의",
    "로",
    "와",
];

fn without_particle(link: &str) -> &str {
    PARTICLES
        .iter()
        .filter_map(|particle| link.strip_suffix(particle))
        .find(|before| {
            before.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | ')'))
        })
        .unwrap_or(link)
}

/// Without the punctuation that ends the sentence around a link, and closing brackets that it did not open.
fn trim_end(mut link: &str) -> &str {
    while let Some(last) = link.chars().next_back() {
        let surplus = match last {
            '.' | ',' | ':' | ';' | '!' | '?' | '\'' | '*' | '_' | '~' | '…' => true,
            ')' => link.matches(')').count() > link.matches('(').count(),
            ']' => link.matches(']').count() > link.matches('[').count(),
            _ => false,
        };
        if !surplus {
            break;
        }
        link = link.get(..link.len() - last.len_utf8()).unwrap_or_default();
    }
    link
}

#[cfg(test)]
mod tests {
    use super::Piece::{Link, Text};
    use super::*;

    fn links(body: &str) -> Vec<&str> {
        pieces(body)
            .into_iter()
            .filter_map(|piece| if let Link(link) = piece { Some(link) } else { None })
            .collect()
    }

    #[test]
    fn text_without_a_link_is_one_piece() {
        assert_eq!(pieces("안녕 http 세상\nhttps: //"), [Text("안녕 http 세상\nhttps: //")]);
        assert_eq!(pieces(""), []);
    }

    #[test]
    fn a_link_stands_between_its_texts() {
        assert_eq!(pieces("see https://a.kr/b ok"), [Text("see "), Link("https://a.kr/b"), Text(" ok")]);
        assert_eq!(
            pieces("https://a.kr\nhttp://b.kr"),
            [Link("https://a.kr"), Text("\n"), Link("http://b.kr")]
        );
    }

    #[test]
    fn only_http_and_https_become_links() {
        for body in [
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://a.kr",
            "xhttps://a.kr",
            "https://",
            "http://?q",
        ] {
            assert_eq!(links(body), Vec::<&str>::new(), "{body}");
        }
        assert_eq!(links("HTTPS://A.kr"), ["HTTPS://A.kr"]);
    }

    #[test]
    fn the_sentence_around_a_link_stays_outside() {
        for (body, link) in [
            ("(https://a.kr/b)", "https://a.kr/b"),
            ("https://a.kr/b.", "https://a.kr/b"),
            ("https://a.kr/b?!…", "https://a.kr/b"),
            ("<https://a.kr/b>", "https://a.kr/b"),
            ("\"https://a.kr\", said", "https://a.kr"),
            ("https://ko.wikipedia.org/wiki/A_(b)", "https://ko.wikipedia.org/wiki/A_(b)"),
            ("https://a.kr/b?c=d&e=f#g", "https://a.kr/b?c=d&e=f#g"),
            ("https://a.kr:8080/", "https://a.kr:8080/"),
            ("http://[::1]:3000/r/lobby", "http://[::1]:3000/r/lobby"),
        ] {
            assert_eq!(links(body), [link], "{body}");
        }
    }

    #[test]
    fn korean_particles_stay_outside_and_korean_words_inside() {
        for (body, link) in [
            ("https://a.kr에서 봐요", "https://a.kr"),
            ("https://a.kr/b를 보세요", "https://a.kr/b"),
            ("https://a.kr/b에서는 안 돼요", "https://a.kr/b"),
            ("https://a.kr/b입니다.", "https://a.kr/b"),
            ("「https://a.kr/b」", "https://a.kr/b"),
            ("https://ko.wikipedia.org/wiki/마당", "https://ko.wikipedia.org/wiki/마당"),
            ("https://ko.wikipedia.org/wiki/한국어의", "https://ko.wikipedia.org/wiki/한국어의"),
            ("https://한글.kr/길", "https://한글.kr/길"),
            ("https://한국.한국 좋아요", "https://한국.한국"),
        ] {
            assert_eq!(links(body), [link], "{body}");
        }
    }

    #[test]
    fn joined_pieces_are_the_body_again() {
        for body in
            ["a https://b.kr를 https://", "hhttp://http://x.kr)", "http://a.http://b", "끝 https://a.kr…"]
        {
            let joined: String = pieces(body)
                .iter()
                .map(|piece| match piece {
                    Text(text) | Link(text) => *text,
                })
                .collect();
            assert_eq!(joined, body);
        }
    }

    #[test]
    fn direction_controls_end_a_link() {
        assert_eq!(links("https://a.kr/\u{202e}gpj.exe"), ["https://a.kr/"]);
    }
}
