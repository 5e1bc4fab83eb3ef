//! A Chromium for the browser tests, and a font that has Korean.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{apt, node};
use crate::command::{cmd, which};
use crate::project::Project;
use crate::step::step;

const ON_PATH: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const ON_MACOS: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/// The browser that the tests drive.
pub(crate) enum Browser {
    /// This program.
    Program(PathBuf),
    /// The one that Playwright downloaded for itself.
    Playwrights,
}

/// The browser, if there is one; MADANG_CHROMIUM names another than the usual.
pub(crate) fn present() -> Option<Browser> {
    let named = std::env::var_os("MADANG_CHROMIUM").map(PathBuf::from);
    let installed = || ON_PATH.iter().find_map(|name| which(name));
    let on_macos = || Some(PathBuf::from(ON_MACOS)).filter(|file| file.is_file());
    if let Some(program) = named.or_else(installed).or_else(on_macos) {
        return Some(Browser::Program(program));
    }
    playwrights_folder().filter(|folder| has_chromium(folder)).map(|_| Browser::Playwrights)
}

/// True if some font can show Korean. Asked only where fontconfig can answer.
pub(crate) fn has_korean_font() -> bool {
    match cmd("fc-list").args([":lang=ko", "family"]).ask() {
        Some(families) => !families.is_empty(),
        None => !cfg!(target_os = "linux"),
    }
}

/// Gets a browser and, on Debian, a Korean font.
pub(crate) fn ensure(project: &Project) -> Result<Browser> {
    if let Some(browser) = present() {
        if !has_korean_font() && apt::may_install() {
            step("Korean font", || apt::install(project, &["fonts-noto-cjk"]))?;
        }
        return Ok(browser);
    }
    step("Chromium", || {
        // Ubuntu's package of that name is a snap, which no container can run.
        if is_debian() && apt::may_install() {
            apt::install(project, &["chromium", "fonts-noto-cjk"])?;
        } else {
            node::ensure_packages(project)?;
            let log = project.log("playwright-install");
            let download = cmd("npx").args(["playwright", "install", "chromium"]);
            if download.within(&project.root.join("end2end")).quiet(&log).is_err() {
                bail!("There is no Chromium: install `chromium`, or name one in MADANG_CHROMIUM.");
            }
        }
        match present() {
            Some(browser) => Ok(browser),
            None => bail!("Chromium was installed, but is not on PATH: name it in MADANG_CHROMIUM."),
        }
    })
}

fn is_debian() -> bool {
    fs::read_to_string("/etc/os-release").is_ok_and(|text| text.lines().any(|line| line == "ID=debian"))
}

/// Returns the folder where Playwright keeps the browsers it downloads.
fn playwrights_folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("PLAYWRIGHT_BROWSERS_PATH") {
        return Some(folder.into());
    }
    let home = PathBuf::from(std::env::var_os("HOME")?);
    Some(home.join(if cfg!(target_os = "macos") {
        "Library/Caches/ms-playwright"
    } else {
        ".cache/ms-playwright"
    }))
}

fn has_chromium(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("chromium"))
    })
}
