//! Redirect after a form was taken.

/// A path on this server to go back to, whatever the form named. Browsers leave out tabs and line breaks of an address,
/// so that a tab could hide a second slash.
pub(super) fn back_to(back: &str) -> &str {
    let ours = back.starts_with('/')
        && !back.starts_with("//")
        && !back.contains(|c: char| c == '\\' || c.is_control());
    if ours { back } else { "/r/lobby" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_never_leaves_this_server() {
        assert_eq!(back_to("/r/lobby/7"), "/r/lobby/7");
        for elsewhere in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/a\r\nb",
            "/\t/evil.example",
            "/r\0",
        ] {
            assert_eq!(back_to(elsewhere), "/r/lobby", "{elsewhere:?}");
        }
    }
}
