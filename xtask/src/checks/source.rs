//! Sources that a style rule reads, and its findings.

/// A file of the checkout, as the rules see it.
pub(super) struct Source {
    /// From the checkout's root, with `/` on every system.
    pub(super) path: String,
    pub(super) text: String,
}

/// One place where a rule is broken.
pub(super) struct Finding {
    /// The file, with the line if there is one.
    pub(super) place: String,
    /// Broken rule, and why it matters.
    pub(super) reason: String,
}

impl Source {
    pub(super) fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension))
    }

    /// Lines of code with their numbers; a line that is only a comment may name what is forbidden.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}
