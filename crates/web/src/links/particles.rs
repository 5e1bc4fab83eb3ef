//! Korean particles and endings behind a noun, in the order in which they follow each other.

/// First: what the noun is to the sentence.
const CASES: [&str; 23] = [
    "에게서",
    "한테서",
    "으로서",
    "으로써",
    "에서",
    "에게",
    "한테",
    "께서",
    "으로",
    "로서",
    "로써",
    "하고",
    "이랑",
    "처럼",
    "보다",
    "만큼",
    "대로",
    "같이",
    "에",
    "로",
    "과",
    "와",
    "랑",
];

/// Then, several at most: how far it goes.
const BOUNDS: [&str; 8] = ["까지", "부터", "밖에", "조차", "마저", "마다", "뿐", "만"];

/// Last, behind a noun or a bound.
const ENDS: [&str; 26] = [
    "이라도",
    "으로는",
    "으로도",
    "으로의",
    "라도",
    "이나",
    "이야",
    "으로",
    "로는",
    "로도",
    "로의",
    "은",
    "는",
    "도",
    "이",
    "가",
    "을",
    "를",
    "의",
    "나",
    "야",
    "로",
    "요",
    "께",
    "란",
    "이란",
];

/// Last, behind a case.
const ENDS_OF_CASES: [&str; 9] = ["이라도", "라도", "이나", "는", "도", "의", "나", "야", "요"];

/// Endings that make a sentence of the noun, or quote it.
const SENTENCES: [&str; 30] = [
    "이라고",
    "라고",
    "이라는",
    "라는",
    "이라면",
    "라면",
    "이라서",
    "라서",
    "이라니",
    "라니",
    "이에요",
    "예요",
    "이예요",
    "입니다",
    "입니까",
    "인데",
    "인데요",
    "인가",
    "인가요",
    "이지만",
    "지만",
    "이고",
    "이며",
    "이다",
    "이었어요",
    "였어요",
    "이죠",
    "이네요",
    "네요",
    "임",
];

/// Words of these syllables that also name something, as a path's last part may.
const NOUNS: [&str; 19] = [
    "이란", "이나", "에도", "만나", "보다", "하고", "이야", "라면", "대로", "이", "나", "만", "요", "야",
    "란", "랑", "은", "도", "과",
];

/// Particles taken from a Korean word only where they cannot be a part of it, as far as one can tell without a
/// dictionary.
const STRONG: [&str; 9] = ["에서", "에게", "한테", "으로", "까지", "부터", "이라고", "이라는", "입니다"];

/// Returns `link` without particles at its end; what is before `from` (its host) stays.
///
/// Where something else than Hangul stands before them, all that is Hangul must be particles. Behind a slash deep in a
/// path, a word that also names something stays. A Korean word keeps what could be a part of it, and its object's
/// particle goes if the syllable before it asks for just that one.
pub(super) fn without_particles(link: &str, from: usize) -> &str {
    let word = link.trim_end_matches(is_hangul);
    let (before, run) =
        (word.get(from..).unwrap_or_default(), link.get(word.len().max(from)..).unwrap_or_default());
    if run.is_empty() {
        return link;
    }
    let is_noun = before.ends_with('/') && before.len() > 1 && NOUNS.contains(&run);
    // Half a syllable before them would be joined by their first.
    let joined = word
        .chars()
        .next_back()
        .is_some_and(|c| matches!(c, '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97c}'));
    if joined || is_noun {
        return link;
    }
    if are_particles(run) {
        return word;
    }
    let starts = run.char_indices().map(|(at, _)| at).skip(2);
    let cut = starts.into_iter().find(|at| {
        let (noun, particles) = (run.get(..*at).unwrap_or_default(), run.get(*at..).unwrap_or_default());
        let strong = STRONG.iter().any(|strong| particles.starts_with(strong)) && are_particles(particles);
        strong && fits(noun, particles) || (particles == object(noun))
    });
    cut.and_then(|at| link.get(..word.len() + at)).unwrap_or(link)
}

fn is_hangul(c: char) -> bool {
    matches!(c, '가'..='힣')
}

/// Returns true if `run` is a row of particles as they follow each other, and nothing else.
fn are_particles(run: &str) -> bool {
    SENTENCES.contains(&run)
        || after_bounds(run, &ENDS)
        || CASES.iter().filter_map(|case| run.strip_prefix(case)).any(|rest| {
            rest.is_empty()
                || ENDS_OF_CASES.contains(&rest)
                || SENTENCES.contains(&rest)
                || starts_bound(rest)
        })
}

fn starts_bound(rest: &str) -> bool {
    BOUNDS.iter().any(|bound| rest.starts_with(bound)) && after_bounds(rest, &ENDS)
}

fn after_bounds(run: &str, ends: &[&str]) -> bool {
    run.is_empty()
        || ends.contains(&run)
        || BOUNDS
            .iter()
            .filter_map(|bound| run.strip_prefix(bound))
            .any(|rest| after_bounds(rest, ends) || SENTENCES.contains(&rest) || CASES.contains(&rest))
}

/// Returns true if particles that depend on the syllable before them are the ones it asks for.
fn fits(noun: &str, particles: &str) -> bool {
    !(particles.starts_with("으로") || particles.starts_with("이라")) || final_consonant(noun)
}

/// The particle that marks `noun` as an object.
fn object(noun: &str) -> &'static str {
    if final_consonant(noun) { "을" } else { "를" }
}

fn final_consonant(noun: &str) -> bool {
    noun.chars().next_back().is_some_and(|c| (u32::from(c).wrapping_sub(0xac00)) % 28 != 0)
}
