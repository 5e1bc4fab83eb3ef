//! Firefox and WebKit, for the tests in other engines than Chromium's.

use anyhow::Result;

use super::apt;
use crate::command::which;
use crate::project::Project;
use crate::step::step;

/// Programs to run, and Debian's package of each.
const PROGRAMS: [(&str, &str); 4] = [
    ("firefox-esr", "firefox-esr"),
    ("WebKitWebDriver", "webkit2gtk-driver"),
    ("xvfb-run", "xvfb"),
    ("xauth", "xauth"),
];

/// The command that gets them by hand.
pub(crate) const BY_HAND: &str = "apt-get install firefox-esr webkit2gtk-driver xvfb xauth";

/// True if both can be driven.
pub(crate) fn are_there() -> bool {
    PROGRAMS.iter().all(|(program, _)| which(program).is_some())
}

/// Gets what is missing.
pub(crate) fn ensure(project: &Project) -> Result<()> {
    if are_there() {
        return Ok(());
    }
    step("Firefox and WebKit", || apt::install(project, &PROGRAMS.map(|(_, package)| package)))
}
