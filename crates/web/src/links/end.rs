//! End of a link: before what stands in no address, and before the punctuation of the sentence around it.

use super::particles::without_particles;

/// The first place that no link goes beyond, in bytes: white space, other scripts' punctuation, a bracket of the
/// sentence around it.
pub(super) fn hard(rest: &str) -> usize {
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut before = None;
    let mut end = rest.len();
    for (at, c) in rest.char_indices() {
        if let Some(closing) = closing(c) {
            if c.is_ascii() || before.is_some_and(is_word) {
                open.push((closing, at));
            } else {
                end = at;
                break;
            }
        } else if is_closing(c) {
            if open.last().is_none_or(|(closing, _)| *closing != c) {
                end = at;
                break;
            }
            open.pop();
        } else if never(c) {
            end = at;
            break;
        }
        before = Some(c);
    }
    // A bracket that was opened and is not closed belongs to the sentence; an IPv6 address begins with its bracket.
    open.first().map_or(end, |(_, at)| if *at == 0 { end } else { *at })
}

/// `whole` without the sentence's punctuation and particles at its end; what is before `from` stays.
pub(super) fn soft(whole: &str, from: usize) -> &str {
    let mut link = whole;
    loop {
        let shorter = without_particles(trimmed(link), from);
        if shorter.len() == link.len() {
            return link;
        }
        link = shorter;
    }
}

fn trimmed(link: &str) -> &str {
    link.trim_end_matches(['.', ',', ':', ';', '!', '?', '\'', '*', '_', '~', '·', '・', '-', '–', '—', '@'])
}

/// Letters beyond ASCII, behind which a full-width bracket may belong to a title.
fn is_word(c: char) -> bool {
    !c.is_ascii() && c.is_alphanumeric()
}

fn closing(c: char) -> Option<char> {
    Some(match c {
        '(' => ')',
        '[' => ']',
        '（' => '）',
        '［' => '］',
        '｛' => '｝',
        '「' => '」',
        '『' => '』',
        '《' => '》',
        '〈' => '〉',
        '【' => '】',
        '〔' => '〕',
        _ => return None,
    })
}

fn is_closing(c: char) -> bool {
    matches!(c, ')' | ']' | '）' | '］' | '｝' | '」' | '』' | '》' | '〉' | '】' | '〕')
}

/// Characters that no address that a reader sees goes on behind: space, controls, quotation marks, stops and other
/// punctuation of all scripts, and the single letters of Korean laughter.
fn never(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '<' | '>' | '"' | '`' | '{' | '}' | '|' | '\\' | '^')
        // Latin quotation marks and inverted marks.
        || matches!(c, '¡' | '«' | '»' | '¿')
        // General punctuation without its dashes, joiners and the like.
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '‘'..='‧' | '\u{202a}'..='⁀' | '⁂'..='⁞' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        // Armenian, Hebrew, Arabic, Syriac, Indic, Thai, Tibetan, Burmese, Georgian, Ethiopic, Khmer, Mongolian.
        || matches!(c, '՚'..='՟' | '։' | '׃' | '،' | '؛' | '؞' | '؟' | '٪'..='٭' | '۔' | '܀'..='܍' | '।' | '॥' | '๚' | '๛')
        || matches!(c, '།'..='༒' | '၊' | '။' | '჻' | '፡'..='፨' | '។'..='៖' | '᠀'..='᠅' | '᠈' | '᠉')
        // Ornamental marks, CJK punctuation, vertical and small forms, full-width forms.
        || matches!(c, '❛'..='❠' | '\u{3000}'..='〃' | '〖'..='〟' | '\u{fe10}'..='\u{fe19}' | '\u{fe30}'..='\u{fe6b}')
        || matches!(c, '！'..='／' | '：'..='＠' | '＼' | '＾'..='｀' | '｜' | '～'..='､')
        || matches!(c, 'ㄱ'..='ㅣ')
}
