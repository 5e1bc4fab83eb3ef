//! The shape of the page: a number by which `start.js` knows whether its nodes are those that the server sent.
//!
//! It covers which elements, texts and comments there are, and in which order; not what the texts and attributes
//! show, because hydration does not ask for that. It is not against forgery: whoever changes the page for its
//! reader may change this, too.

/// Text before the number, in the one element around the page.
const BEFORE: &str = "<div id=\"madang\" data-shape=\"";

/// Elements that have no end.
const VOID: [&str; 6] = ["br", "hr", "img", "input", "link", "meta"];

/// The document with the shape of its page written into it. A document without a page stays as it is.
#[must_use]
pub fn stamped(mut html: String) -> String {
    // No text and no attribute of the page has a bare `<`.
    let Some(at) = html.find(BEFORE).map(|at| at + BEFORE.len()) else { return html };
    let inner = html.get(at..).and_then(|rest| rest.split_once('>')).map(|(_, inner)| inner);
    let number = shape(inner.unwrap_or_default()).to_string();
    html.insert_str(at, &number);
    html
}

/// The shape of the children of an element that begins before `html`. As the browser's parser would see them: what
/// we render is well-formed, names its elements in small letters and closes them all.
fn shape(mut html: &str) -> i32 {
    let mut hash = Hash(0);
    let mut depth = 0_u32;
    while let Some(at) = html.find('<') {
        if at > 0 {
            hash.add("#");
        }
        html = html.get(at + 1..).unwrap_or_default();
        if let Some(rest) = html.strip_prefix('/') {
            if depth == 0 {
                break;
            }
            depth -= 1;
            hash.add("/");
            html = after(rest, ">");
        } else if let Some(rest) = html.strip_prefix("!--") {
            hash.add("!");
            html = after(rest, "-->");
        } else if html.starts_with('!') {
            hash.add("!");
            html = after(html, ">");
        } else {
            let name = html.split([' ', '>', '/']).next().unwrap_or_default();
            hash.add(name);
            html = after_tag(html);
            if VOID.contains(&name) {
                hash.add("/");
                continue;
            }
            depth += 1;
            if name == "textarea" {
                // Its first line end does not count.
                html = html.strip_prefix('\n').unwrap_or(html);
            }
        }
    }
    hash.0
}

/// Returns the rest behind a start tag, whose quoted values may contain `>`.
fn after_tag(html: &str) -> &str {
    let mut quoted = false;
    for (at, character) in html.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '>' if !quoted => return html.get(at + 1..).unwrap_or_default(),
            _ => {}
        }
    }
    ""
}

fn after<'a>(html: &'a str, end: &str) -> &'a str {
    html.split_once(end).map_or("", |(_, rest)| rest)
}

/// `h * 31 + c` over all characters, in 32 bits: what JavaScript computes as well.
struct Hash(i32);

impl Hash {
    fn add(&mut self, text: &str) {
        for unit in text.encode_utf16() {
            self.0 = self.0.wrapping_mul(31).wrapping_add(i32::from(unit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(text: &str) -> i32 {
        let mut hash = Hash(0);
        hash.add(text);
        hash.0
    }

    #[test]
    fn a_shape_is_nodes_in_their_order() {
        for (html, nodes) in [
            ("</div>", ""),
            ("a<!>b</div>after", "#!#"),
            ("<p class=\"a>b\">x<b>y</b></p></div>", "p#b#//"),
            ("<input type=\"text\" value=\"<\"><p></p></div>", "input/p/"),
            ("<textarea>\n</textarea><textarea>\na</textarea></div>", "textarea/textarea#/"),
            ("<!-- a > b -->&lt;</div>", "!#"),
            ("<svg viewBox=\"0 0 1 1\"><path d=\"M0\"></path></svg></div>", "svgpath//"),
        ] {
            assert_eq!(shape(html), hash(nodes), "{html}");
        }
    }

    #[test]
    fn a_change_of_nodes_changes_the_shape() {
        let sent = shape("<p>write to kim@mail.example today</p></div>");
        assert_eq!(sent, shape("<p class=\"x\">other words</p></div>"));
        for html in
            ["<p>write to <!>kim</p></div>", "<p></p></div>", "<p>a<a>b</a></p></div>", " <p>a</p></div>"]
        {
            assert_ne!(sent, shape(html), "{html}");
        }
    }

    #[test]
    fn element_around_page_holds_the_number() {
        let html = "<title>data-shape=\"\"</title><div id=\"madang\" data-shape=\"\"><p>a</p></div>";
        let number = shape("<p>a</p></div>");
        assert_eq!(
            stamped(html.to_owned()),
            html.replacen("madang\" data-shape=\"\"", &format!("madang\" data-shape=\"{number}\""), 1)
        );
        assert_eq!(stamped("<p>none</p>".to_owned()), "<p>none</p>");
    }
}
