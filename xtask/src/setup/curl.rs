//! curl, which the tests of the HTTP protocol and one of the examples run.

use anyhow::{Result, bail};

use super::apt;
use crate::command::which;
use crate::project::Project;
use crate::step::step;

/// True if curl is there.
pub(crate) fn is_there() -> bool {
    which("curl").is_some()
}

/// Gets curl.
pub(crate) fn ensure(project: &Project) -> Result<()> {
    if is_there() {
        return Ok(());
    }
    if !apt::may_install() {
        bail!("The tests need curl: install `curl` with your package manager.");
    }
    step("curl", || apt::install(project, &["curl"]))
}
