//! The name of a host in a link: where it ends, and whether it can be shown as it was typed.

/// Korean top-level domains.
const KOREAN: [&str; 4] = ["한국", "삼성", "닷컴", "닷넷"];

/// Length of the part before path, query and fragment, in bytes.
pub(super) fn authority_length(rest: &str) -> usize {
    rest.find(['/', '?', '#']).unwrap_or(rest.len())
}

/// Length of `authority` without what another script's sentence glues to a complete name (`a.kr에서`, `a.jpを`).
pub(super) fn length(authority: &str) -> usize {
    let from = authority.rfind('@').map_or(0, |at| at + 1);
    let host = authority.get(from..).unwrap_or_default();
    let mut before = None;
    for (at, c) in host.char_indices() {
        if c.is_alphanumeric()
            && !c.is_ascii()
            && before.is_some_and(|before: char| before.is_ascii_alphanumeric() || before == ']')
        {
            let (name, rest) = (host.get(..at).unwrap_or_default(), host.get(at..).unwrap_or_default());
            if !goes_on(name, rest) {
                return from + at;
            }
        }
        before = Some(c);
    }
    let last = host.rfind('.').map_or("", |at| host.get(at + 1..).unwrap_or_default());
    let glued = KOREAN.iter().find_map(|domain| last.strip_prefix(domain)).map_or(0, str::len);
    authority.len() - glued
}

/// Returns true if `name` is no complete host yet, and `rest` makes it one.
fn goes_on(name: &str, rest: &str) -> bool {
    let tail = rest.rsplit('.').next().unwrap_or_default();
    let ascii_end = rest.contains('.') && tail.bytes().take_while(u8::is_ascii_alphanumeric).count() > 1;
    let korean_end = rest.contains('.') && KOREAN.iter().any(|domain| tail.starts_with(domain));
    !name.contains([':', ']']) && (ascii_end || korean_end)
}

/// Returns true if a host can be shown as it was typed: in ASCII, or with all letters beyond ASCII of one kind, so that
/// none can pass for another kind's. Latin letters and those of East Asia may stand beside ASCII's; the others look too
/// much like it.
pub(super) fn is_plain(host: &str) -> bool {
    if host.is_ascii() {
        return true;
    }
    let beyond = || host.chars().filter(|c| !c.is_ascii());
    if beyond().all(is_latin) {
        return true;
    }
    let unmixed = |label: &str| label.is_ascii() || !label.contains(|c: char| c.is_ascii_alphabetic());
    if beyond().all(is_east_asian) {
        return host.split('.').all(unmixed);
    }
    let block = |c: char| u32::from(c) >> 8;
    let first = beyond().next().map(block);
    let one_block = beyond().all(|c| Some(block(c)) == first && c.is_alphanumeric());
    let name = host.split(':').next().unwrap_or_default();
    one_block && !name.contains(|c: char| c.is_ascii_alphabetic())
}

fn is_latin(c: char) -> bool {
    matches!(c, 'ß'..='ö' | 'ø'..='ſ' | 'ạ'..='ỹ')
}

fn is_east_asian(c: char) -> bool {
    matches!(c, '가'..='힣' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー' | '々' | '㐀'..='䶿' | '一'..='鿿')
}
