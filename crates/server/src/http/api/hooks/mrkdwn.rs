//! The text of chats that others made, as it is meant: links, mentions, dates and signs are spelled in it as codes
//! in pointed brackets. Everything else stays as it came.

use time::OffsetDateTime;

/// The text with its codes and its `&lt;` as their reader is to see them.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let (before, inside) = rest.split_at(open);
        plain.push_str(&signs(before));
        let code = inside.get(1..).and_then(|inside| inside.split_once('>'));
        match code
            .filter(|(code, _)| !code.contains('<'))
            .and_then(|(code, after)| Some((meant(code)?, after)))
        {
            Some((meant, after)) => {
                plain.push_str(&signs(&meant));
                rest = after;
            }
            None => {
                plain.push('<');
                rest = inside.get(1..).unwrap_or_default();
            }
        }
    }
    plain.push_str(&signs(rest));
    plain
}

/// As [`plain`], where links stand as `[words](url)` too.
pub(super) fn markdown(text: &str) -> String {
    let text = plain(text);
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, words, url, after)) = next_markdown_link(rest) {
        plain.push_str(before.strip_suffix('!').unwrap_or(before));
        plain.push_str(&linked(words, url));
        rest = after;
    }
    plain.push_str(rest);
    plain
}

fn next_markdown_link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let mut from = 0;
    loop {
        let middle = from + text.get(from..)?.find("](http")?;
        let (head, tail) = (text.get(..middle)?, text.get(middle + 2..)?);
        let (url, after) = tail.split_once(')')?;
        if let Some((before, words)) = head.rsplit_once('[')
            && !url.contains(char::is_whitespace)
            && before.len() >= from
        {
            return Some((before, words, url, after));
        }
        from = middle + 2;
    }
}

/// Words that lead somewhere.
pub(super) fn linked(words: &str, url: &str) -> String {
    match (words.trim(), url.trim()) {
        ("", url) => url.to_owned(),
        (words, "") => words.to_owned(),
        (words, url) if words.contains(url) => words.to_owned(),
        (words, url) => format!("{words} ({url})"),
    }
}

/// Signs that stand as entities. Each is read once: `&amp;lt;` is `&lt;`.
fn signs(text: &str) -> String {
    const SIGNS: [(&str, &str); 8] = [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&nbsp;", " "),
    ];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let (sign, length) = SIGNS
            .iter()
            .find_map(|(entity, sign)| from.starts_with(entity).then_some((*sign, entity.len())))
            .unwrap_or(("&", 1));
        out.push_str(sign);
        rest = from.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Returns the meaning of a code between pointed brackets; `None` if it is no code.
fn meant(code: &str) -> Option<String> {
    let (target, label) = code.split_once('|').map_or((code, ""), |(target, label)| (target, label.trim()));
    let label = Some(label).filter(|label| !label.is_empty());
    if let Some(command) = target.strip_prefix('!') {
        return command_meant(command, label);
    }
    if target.is_empty() || target.contains(char::is_whitespace) {
        return None;
    }
    if let Some(user) = target.strip_prefix('@') {
        let user = user.trim_start_matches(['!', '&']);
        return name(user).then(|| at(label.unwrap_or(user)));
    }
    if let Some(channel) = target.strip_prefix('#') {
        let shown = label.unwrap_or(channel);
        return name(channel).then(|| format!("#{}", shown.trim_start_matches('#')));
    }
    if let Some(unix) = target.strip_prefix("t:") {
        return utc(unix.split(':').next()?.parse().ok()?);
    }
    let emoji = target.strip_prefix('a').unwrap_or(target);
    if let Some((emoji, id)) = emoji.strip_prefix(':').and_then(|emoji| emoji.split_once(':')) {
        let known = name(emoji) && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        return known.then(|| format!(":{emoji}:"));
    }
    link_meant(target, label)
}

fn link_meant(target: &str, label: Option<&str>) -> Option<String> {
    let (scheme, rest) = target.split_once(':')?;
    let is_scheme = scheme.starts_with(|char: char| char.is_ascii_alphabetic())
        && scheme.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.'));
    if matches!(scheme, "mailto" | "tel" | "sms") && !rest.is_empty() {
        return Some(linked(label.unwrap_or_default(), rest));
    }
    (is_scheme && rest.starts_with("//")).then(|| linked(label.unwrap_or_default(), target))
}

/// Returns the group or the time that a command names.
fn command_meant(command: &str, label: Option<&str>) -> Option<String> {
    if let Some(date) = command.strip_prefix("date^") {
        let mut parts = date.splitn(3, '^');
        let (unix, format, link) = (parts.next()?, parts.next(), parts.next().unwrap_or_default());
        let shown = match label {
            Some(label) => label.to_owned(),
            None => date_meant(unix.trim().parse().ok()?, format.unwrap_or_default())?,
        };
        return Some(linked(&shown, link));
    }
    if let Some(group) = command.strip_prefix("subteam^") {
        return (name(group) || label.is_some()).then(|| at(label.unwrap_or(group)));
    }
    match (command, label) {
        (command, _) if command.contains(char::is_whitespace) => None,
        ("channel" | "here" | "everyone" | "group", label) => Some(at(label.unwrap_or(command))),
        (_, label) => label.map(str::to_owned),
    }
}

/// A moment in a sentence, whose places in braces all ask for a part of it.
fn date_meant(unix: i64, format: &str) -> Option<String> {
    let moment = utc(unix)?;
    let (Some(open), Some(close)) = (format.find('{'), format.rfind('}')) else { return Some(moment) };
    let (before, after) = (format.get(..open)?, format.get(close + 1..).unwrap_or_default());
    Some(format!("{before}{moment}{after}"))
}

/// A moment, to the minute. None for a number that is none.
pub(super) fn utc(unix: i64) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp(unix).ok()?;
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    Some(format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", at.hour(), at.minute()))
}

fn at(name: &str) -> String {
    format!("@{}", name.trim_start_matches('@'))
}

/// Returns true if this may be the name or the id of somebody.
fn name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_signs_are_as_they_are_meant() {
        for (sent, meant) in [
            ("see <https://x.example/a|the log>", "see the log (https://x.example/a)"),
            ("<https://x.example>", "https://x.example"),
            ("<https://x.example|https://x.example>", "https://x.example"),
            ("<https://x.example?a=1&amp;b=2|a &lt; b>", "a < b (https://x.example?a=1&b=2)"),
            ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
            ("&quot;it&#39;s&quot; &amp;lt; &copy; &", "\"it's\" &lt; &copy; &"),
            ("&lt;https://x.example|y&gt;", "<https://x.example|y>"),
            ("1 < 2 > 1", "1 < 2 > 1"),
            ("a <b <https://x.example|y>", "a <b y (https://x.example)"),
            ("<https://x.example", "<https://x.example"),
            ("<b>bold</b> <> <|x> <", "<b>bold</b> <> <|x> <"),
            ("<mailto:kim@x.example|kim@x.example>", "kim@x.example"),
            ("<mailto:kim@x.example|Kim>, <tel:+8221234567|call>", "Kim (kim@x.example), call (+8221234567)"),
            ("<ssh://db1|db1> <javascript:x|y>", "db1 (ssh://db1) <javascript:x|y>"),
        ] {
            assert_eq!(plain(sent), meant, "{sent}");
        }
    }

    #[test]
    fn mentions_are_names() {
        for (sent, meant) in [
            ("<!channel> <!here|here> <!everyone> <!here|@here>", "@channel @here @everyone @here"),
            ("<@U1|kim> <@U02ABC> <@W1|@lee>", "@kim @U02ABC @lee"),
            ("<#C1|ops> <#C02> <#C1|> <#C1|#ops>", "#ops #C02 #C1 #ops"),
            ("<!subteam^S1|@oncall> <!subteam^S1>", "@oncall @S1"),
            ("<!unknown|words> <!unknown> <!a b>", "words <!unknown> <!a b>"),
            ("<@!12> <@&34> <:fire:56> <a:run:78>", "@12 @34 :fire: :run:"),
            ("if a <@ b> then <# c>", "if a <@ b> then <# c>"),
            ("<@U1|김 철수>", "@김 철수"),
        ] {
            assert_eq!(plain(sent), meant, "{sent}");
        }
    }

    #[test]
    fn dates_are_their_words_or_universal_time() {
        for (sent, meant) in [
            ("<!date^1392734382^{date} at {time}|Feb 18, 2014>", "Feb 18, 2014"),
            ("<!date^1392734382^Posted {date_num} {time_secs}>!", "Posted 2014-02-18 14:39 UTC!"),
            ("<!date^1392734382^{date}^https://x.example/|then>", "then (https://x.example/)"),
            ("<!date^1392734382>", "2014-02-18 14:39 UTC"),
            ("<!date^never^{date}> <!date^x^y|z>", "<!date^never^{date}> z"),
            ("<t:1392734382:R>", "2014-02-18 14:39 UTC"),
        ] {
            assert_eq!(plain(sent), meant, "{sent}");
        }
        assert_eq!(utc(i64::MAX), None);
    }

    #[test]
    fn markdown_links_show_where_they_lead() {
        for (sent, meant) in [
            ("see [the log](https://x.example/a) now", "see the log (https://x.example/a) now"),
            ("![graph](https://x.example/g.png)", "graph (https://x.example/g.png)"),
            ("[ ] todo [a](b) [c](https://x y)", "[ ] todo [a](b) [c](https://x y)"),
            ("[a](https://x.example) [b](https://y.example)", "a (https://x.example) b (https://y.example)"),
        ] {
            assert_eq!(markdown(sent), meant, "{sent}");
        }
    }
}
