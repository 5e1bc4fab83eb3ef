//! The site in a folder, for `cargo leptos watch` and for development: each request reads the file anew.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use super::{Asset, Encoding};

/// cargo-leptos and xtask name the folder of the site.
static SITE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::var_os("LEPTOS_SITE_ROOT").unwrap_or_else(|| "target/site".into()).into());

/// Returns the files that were in the folder when the program started; more is found under `/pkg/` only.
pub(super) fn paths() -> Vec<String> {
    let mut found = Vec::new();
    walk(&SITE, "", &mut found);
    found
}

pub(super) fn get(path: &str, accepted: &[Encoding]) -> Option<Asset> {
    get_from(&SITE, path, accepted)
}

pub(super) fn version(path: &str) -> Option<String> {
    fs::metadata(SITE.join(checked(path)?)).ok().map(|known| version_of(&known))
}

fn get_from(site: &Path, path: &str, accepted: &[Encoding]) -> Option<Asset> {
    let file = site.join(checked(path)?);
    let original = fs::metadata(&file).ok().filter(Metadata::is_file)?;
    accepted.iter().find_map(|encoding| {
        let mut name = file.clone().into_os_string();
        name.push(encoding.suffix());
        let known = fs::metadata(&name).ok()?;
        // cargo-leptos writes the original anew and leaves a compressed form from before beside it.
        if known.modified().ok()? < original.modified().ok()? {
            return None;
        }
        Some(Asset {
            version: version_of(&original),
            encoding: *encoding,
            bytes: fs::read(&name).ok()?.into(),
        })
    })
}

/// Time and length: cheaper than the content's hash, and here the file changes at each build.
fn version_of(known: &Metadata) -> String {
    let modified =
        known.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    format!("{:x}-{:x}", modified.as_micros(), known.len())
}

/// The path, if it cannot lead out of the folder nor to a hidden file.
fn checked(path: &str) -> Option<&str> {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':']);
    path.split('/').all(plain).then_some(path)
}

fn walk(site: &Path, folder: &str, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(site.join(folder)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if entry.path().is_dir() {
            walk(site, &path, found);
        } else if checked(&path).is_some() && !path.ends_with(".br") && !path.ends_with(".gz") {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_file_is_served_unless_outdated() {
        let site = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(site.path().join(name), text).unwrap();
        write("a.css", "original");
        write("a.css.br", "compressed");
        let accepted = [Encoding::Brotli, Encoding::Gzip, Encoding::Identity];
        assert_eq!(get_from(site.path(), "a.css", &accepted).unwrap().bytes, "compressed");

        let late = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
        fs::File::options().write(true).open(site.path().join("a.css")).unwrap().set_modified(late).unwrap();
        let rewritten = get_from(site.path(), "a.css", &accepted).unwrap();
        assert_eq!((rewritten.encoding, rewritten.bytes.as_ref()), (Encoding::Identity, &b"original"[..]));
    }

    #[test]
    fn nothing_outside_the_site_is_served() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), "x").unwrap();
        fs::create_dir(folder.path().join("site")).unwrap();
        fs::write(folder.path().join("site/.stamp"), "x").unwrap();
        for path in ["../secret", "a/../../secret", ".stamp", "", "/etc/passwd", "."] {
            assert!(get_from(&folder.path().join("site"), path, &[Encoding::Identity]).is_none(), "{path}");
        }
    }
}
