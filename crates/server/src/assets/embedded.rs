//! The site inside the program, put there by the build script.

use bytes::Bytes;

use super::{Asset, Encoding};

/// One file of the site with its compressed forms.
struct File {
    path: &'static str,
    version: &'static str,
    identity: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

// `static FILES: &[File]`, sorted by path.
include!(concat!(env!("OUT_DIR"), "/site.rs"));

pub(super) fn paths() -> Vec<String> {
    FILES.iter().map(|file| file.path.to_owned()).collect()
}

pub(super) fn get(path: &str, accepted: &[Encoding]) -> Option<Asset> {
    let file = find(path)?;
    accepted.iter().find_map(|encoding| {
        let bytes = match encoding {
            Encoding::Brotli => file.brotli?,
            Encoding::Gzip => file.gzip?,
            Encoding::Identity => file.identity,
        };
        Some(Asset {
            version: file.version.to_owned(),
            encoding: *encoding,
            bytes: Bytes::from_static(bytes),
        })
    })
}

pub(super) fn version(path: &str) -> Option<String> {
    find(path).map(|file| file.version.to_owned())
}

fn find(path: &str) -> Option<&'static File> {
    let index = FILES.binary_search_by_key(&path, |file| file.path).ok()?;
    FILES.get(index)
}
