//! Each file once as brotli and once as gzip, as small as they get, beside the original.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::files;

/// Formats that are not compressed already.
const EXTENSIONS: [&str; 9] = ["css", "html", "ico", "js", "json", "svg", "txt", "wasm", "webmanifest"];

/// Compresses what gains from it, and prints the sizes of the wasm and of all.
pub(super) fn all(site: &Path) -> Result<String> {
    let (mut wasm, mut total) = (0, 0);
    for file in files(site)? {
        let smallest = compress(&file)?;
        total += smallest;
        if file.extension().is_some_and(|extension| extension == "wasm") {
            wasm += smallest;
        }
    }
    Ok(format!("wasm {} KB, all files {} KB in brotli", wasm.div_ceil(1_000), total.div_ceil(1_000)))
}

/// Writes `file.br` and `file.gz` where they are smaller, and gives the smallest size.
fn compress(file: &Path) -> Result<usize> {
    let bytes = fs::read(file)?;
    let compressible =
        file.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known));
    if !compressible {
        return Ok(bytes.len());
    }
    let mut smallest = bytes.len();
    for (extension, small) in [("br", brotli(&bytes)?), ("gz", gzip(&bytes)?)] {
        if small.len() < bytes.len() {
            fs::write(appended(file, extension), &small)?;
            smallest = smallest.min(small.len());
        }
    }
    Ok(smallest)
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let params = BrotliEncoderParams { quality: 11, lgwin: 24, size_hint: bytes.len(), ..Default::default() };
    let mut small = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut small, &params)?;
    Ok(small)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn appended(file: &Path, extension: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_gets_two_companions_and_a_picture_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.css"), "body { margin: 0 }".repeat(50)).unwrap();
        fs::write(folder.path().join("b.png"), [0; 900]).unwrap();
        fs::write(folder.path().join("tiny.txt"), "a").unwrap();
        all(folder.path()).unwrap();
        let names: Vec<_> =
            files(folder.path()).unwrap().iter().map(|file| file.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["a.css", "a.css.br", "a.css.gz", "b.png", "tiny.txt"]);
    }
}
