//! A rendered page with holes where it shows who looks at it, so that it is rendered once for many.

use std::sync::Arc;

use madang_client::Locale;
use madang_protocol::{Cmid, UserId};
use madang_web::{guest_name, hue};

/// Stand-in for the person while rendering, wherever people's pages differ: random, so that nobody's text holds it.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) user: UserId,
    pub(super) cmid: Cmid,
}

/// The page.
#[derive(Debug)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    locale: Locale,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Arc<str>),
    Nonce,
    Cmid,
    /// The person's id.
    User,
    /// The name that a guest has for want of a nickname. It ends with the id's last letters, which by themselves could
    /// stand in any word of the page.
    Guest,
    /// The colour of their avatar.
    Hue,
    /// The avatar's letter.
    Initial,
}

/// Place where the page shows who one is: the avatar of the button that opens the settings.
const YOU: &str = r#"class="you"><span data-hue=""#;

impl Template {
    /// Cuts the page that was rendered for `mark`, for everyone. `None` if it shows the person where this does not
    /// know.
    pub(super) fn for_all(html: &str, nonce: &str, mark: &Mark, locale: Locale) -> Option<Self> {
        let (before, rest) = html.split_once(YOU)?;
        let rest = rest.strip_prefix(&hue(&mark.user).to_string())?.strip_prefix('"')?;
        // Its other attributes are the same for everyone.
        let (attributes, rest) = rest.split_once('>')?;
        let rest = rest.strip_prefix(&initial(&mark.user)).filter(|rest| rest.starts_with('<'))?;
        let avatar = format!("\"{attributes}>");
        if rest.contains(YOU) {
            return None;
        }
        let text = |text: &str| Piece::Text(text.into());
        let mut pieces = vec![text(before), text(YOU), Piece::Hue, text(&avatar), Piece::Initial, text(rest)];
        let guest = guest_name(&mark.user, locale);
        for (needle, hole) in
            [(mark.user.as_str(), Piece::User), (nonce, Piece::Nonce), (&guest, Piece::Guest)]
        {
            pieces = cut(pieces, needle, &hole);
        }
        Some(Self { pieces: cut(pieces, &mark.cmid.to_string(), &Piece::Cmid), locale })
    }

    /// Cuts what was rendered for one person.
    pub(super) fn for_one(html: &str, nonce: &str, mark: &Mark, locale: Locale) -> Self {
        let pieces = cut(vec![Piece::Text(html.into())], nonce, &Piece::Nonce);
        Self { pieces: cut(pieces, &mark.cmid.to_string(), &Piece::Cmid), locale }
    }

    /// Bytes of its text.
    pub(super) fn bytes(&self) -> usize {
        let text = |piece: &Piece| if let Piece::Text(text) = piece { text.len() } else { 0 };
        self.pieces.iter().map(text).sum()
    }

    /// The page for somebody.
    pub(super) fn filled(&self, user: &UserId, cmid: Cmid, nonce: &str) -> String {
        let mut html = String::with_capacity(self.bytes() + 1_024);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => html.push_str(text),
                Piece::Nonce => html.push_str(nonce),
                Piece::Cmid => html.push_str(&cmid.to_string()),
                Piece::User => html.push_str(user.as_str()),
                Piece::Guest => html.push_str(&guest_name(user, self.locale)),
                Piece::Hue => html.push_str(&hue(user).to_string()),
                Piece::Initial => html.push_str(&initial(user)),
            }
        }
        html
    }
}

/// Returns the letter in the avatar of somebody without a name.
fn initial(user: &UserId) -> String {
    user.as_str().chars().next_back().map(|last| last.to_uppercase().collect()).unwrap_or_default()
}

fn cut(pieces: Vec<Piece>, needle: &str, hole: &Piece) -> Vec<Piece> {
    let mut cut = Vec::new();
    for piece in pieces {
        let Piece::Text(text) = &piece else {
            cut.push(piece);
            continue;
        };
        for (number, part) in text.split(needle).enumerate() {
            if number > 0 {
                cut.push(hole.clone());
            }
            cut.push(Piece::Text(part.into()));
        }
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(user: &str, nonce: &str, cmid: Cmid) -> String {
        let user: UserId = user.parse().unwrap();
        format!(
            r#"<script nonce="{nonce}"><button class="you"><span data-hue="{}" aria-hidden="true" class="avatar">{}</span>Guest {}</button>{{"id":"{user}"}}<input value="{cmid}">"#,
            hue(&user),
            initial(&user),
            user.tag(),
        )
    }

    fn mark(user: &str) -> Mark {
        Mark { user: user.parse().unwrap(), cmid: Cmid(7) }
    }

    #[test]
    fn filled_template_is_that_persons_page() {
        // Some tags are also part of a word that stands on every page.
        for tag in ["xq7z", "scri", "span", "uest", "guid"] {
            let marked = page(&format!("mark0000{tag}"), "n0", Cmid(7));
            let mark = mark(&format!("mark0000{tag}"));
            let template = Template::for_all(&marked, "n0", &mark, Locale::En).unwrap();
            for user in ["abcdefghijkl", "9d4ll92p7q3k", "a"] {
                let filled = template.filled(&user.parse().unwrap(), Cmid(8), "n1");
                assert_eq!(filled, page(user, "n1", Cmid(8)));
            }
        }
    }

    #[test]
    fn page_showing_person_elsewhere_is_not_shared() {
        let mark = mark("mark0000xq7z");
        assert!(Template::for_all("<p>another page</p>", "n0", &mark, Locale::En).is_none());
        let twice = page("mark0000xq7z", "n0", Cmid(7)).repeat(2);
        assert!(Template::for_all(&twice, "n0", &mark, Locale::En).is_none());
    }
}
