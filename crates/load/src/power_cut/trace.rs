//! System calls of the server on its files and sockets, read from strace's output.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// The calls to record.
pub(super) const CALLS: &str = "trace=openat,pwrite64,write,ftruncate,fsync,fdatasync,unlink,unlinkat,rename,renameat,\
     renameat2,sendto,writev,sendmsg";

/// Longest text that is recorded whole. Bytes.
pub(super) const LONGEST: &str = "4194304";

/// A call, in the order in which calls began; a sync has an end of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Opened {
        path: PathBuf,
        created: bool,
        emptied: bool,
    },
    Wrote {
        path: PathBuf,
        offset: u64,
        bytes: Vec<u8>,
    },
    Cut {
        path: PathBuf,
        length: u64,
    },
    Removed(PathBuf),
    Renamed {
        from: PathBuf,
        to: PathBuf,
    },
    /// A sync of a file or a folder: what was written before it will last once it has ended.
    SyncBegan {
        by: u32,
        path: PathBuf,
    },
    SyncEnded {
        by: u32,
    },
    /// To a socket.
    Sent(Vec<u8>),
}

/// Reads strace's output.
///
/// # Errors
/// A call that the model does not know on a file in `folder`.
pub(super) fn read(lines: impl BufRead, folder: &str) -> Result<Vec<Call>> {
    let mut calls = Vec::new();
    let mut unfinished: HashMap<u32, String> = HashMap::new();
    for line in lines.lines() {
        let line = line?;
        let Some((by, call)) = line.split_once(' ') else { continue };
        let by: u32 = by.parse().with_context(|| format!("no process: {}", shortened(&line)))?;
        let call = call.trim_start();
        if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
            calls.extend(parsed(by, begun, None, folder)?);
            unfinished.insert(by, begun.to_owned());
        } else if call.starts_with("<... ") {
            let Some(begun) = unfinished.remove(&by) else { continue };
            if is_sync(&begun) {
                calls.push(Call::SyncEnded { by });
            }
        } else if let Some((begun, result)) = call.rsplit_once(") = ") {
            if result.starts_with('-') {
                continue;
            }
            calls.extend(parsed(by, begun, Some(result), folder)?);
            if is_sync(begun) {
                calls.push(Call::SyncEnded { by });
            }
        }
    }
    Ok(calls)
}

fn is_sync(call: &str) -> bool {
    call.starts_with("fsync(") || call.starts_with("fdatasync(")
}

/// Returns what begins with a call, as far as it was written: its name, and its arguments without the closing bracket.
fn parsed(by: u32, call: &str, result: Option<&str>, folder: &str) -> Result<Option<Call>> {
    let (name, arguments) = call.split_once('(').with_context(|| format!("no call: {}", shortened(call)))?;
    let texts = texts(arguments);
    let target = described(arguments).unwrap_or_default();
    let numbers: Vec<u64> = arguments.rsplit(", ").map_while(|number| number.parse().ok()).collect();
    let of_file = target.starts_with(folder);
    let named = || texts.last().map(|path| PathBuf::from(String::from_utf8_lossy(path).into_owned()));
    let call = match name {
        "openat" => {
            let path = named().with_context(|| format!("no path: {}", shortened(call)))?;
            let (created, emptied) = (arguments.contains("O_CREAT"), arguments.contains("O_TRUNC"));
            path.starts_with(folder).then_some(Call::Opened { path, created, emptied })
        }
        "pwrite64" if of_file => {
            let (Some(bytes), [offset, ..]) = (texts.into_iter().next(), &numbers[..]) else {
                bail!("not a write: {}", shortened(call));
            };
            let taken = result.and_then(|taken| taken.parse().ok()).unwrap_or(bytes.len());
            let bytes = bytes.get(..taken).unwrap_or_default().to_vec();
            Some(Call::Wrote { path: target.into(), offset: *offset, bytes })
        }
        "ftruncate" if of_file => {
            let length = numbers.first().with_context(|| format!("no length: {}", shortened(call)))?;
            Some(Call::Cut { path: target.into(), length: *length })
        }
        "fsync" | "fdatasync" if of_file => Some(Call::SyncBegan { by, path: target.into() }),
        "fsync" | "fdatasync" => Some(Call::SyncBegan { by, path: PathBuf::new() }),
        "unlink" | "unlinkat" => named().filter(|path| path.starts_with(folder)).map(Call::Removed),
        "write" | "writev" if of_file => bail!("not modelled: {}", shortened(call)),
        "rename" | "renameat" | "renameat2" => {
            let mut paths =
                texts.iter().map(|path| PathBuf::from(String::from_utf8_lossy(path).into_owned()));
            match (paths.next(), paths.next()) {
                (Some(from), Some(to)) if to.starts_with(folder) => Some(Call::Renamed { from, to }),
                _ => None,
            }
        }
        "sendto" | "writev" | "sendmsg" | "write" => Some(Call::Sent(texts.concat())),
        _ => None,
    };
    Ok(call)
}

/// Returns what the first file descriptor leads to.
fn described(arguments: &str) -> Option<String> {
    let (number, rest) = arguments.split_once('<')?;
    number.parse::<u32>().ok()?;
    Some(String::from_utf8_lossy(&bytes(rest.split_once('>')?.0)).into_owned())
}

/// Returns the texts in quotes.
fn texts(arguments: &str) -> Vec<Vec<u8>> {
    arguments.split('"').skip(1).step_by(2).map(bytes).collect()
}

/// Reads `\x61\x62`.
fn bytes(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).filter_map(|digits| u8::from_str_radix(digits.get(..2)?, 16).ok()).collect()
}

fn shortened(line: &str) -> String {
    line.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: &str = "/d";

    fn hex(text: &str) -> String {
        text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
    }

    fn calls(lines: &str) -> Result<Vec<Call>> {
        read(lines.as_bytes(), FOLDER)
    }

    #[test]
    fn calls_are_events_in_their_order() {
        let (db, data, sent) = (hex("/d/a.db"), hex("abc"), hex("done"));
        let lines = format!(
            "7 openat(AT_FDCWD<{0}>, \"{db}\", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3<{db}>\n\
             7 pwrite64(3<{db}>, \"{data}\", 3, 4096) = 2\n\
             7 fdatasync(3<{db}> <unfinished ...>\n\
             8 sendto(9<{1}>, \"{sent}\", 4, MSG_NOSIGNAL, NULL, 0) = 4\n\
             7 <... fdatasync resumed>)          = 0\n\
             7 ftruncate(3<{db}>, 5) = 0\n\
             7 pwrite64(3<{db}>, \"{data}\", 3, 0) = -1 ENOSPC (No space left on device)\n\
             7 unlink(\"{db}\") = 0\n\
             7 +++ killed by SIGKILL +++\n",
            hex("/"),
            hex("socket:[1]"),
        );
        let path = PathBuf::from("/d/a.db");
        let wanted = [
            Call::Opened { path: path.clone(), created: true, emptied: false },
            Call::Wrote { path: path.clone(), offset: 4096, bytes: b"ab".to_vec() },
            Call::SyncBegan { by: 7, path: path.clone() },
            Call::Sent(b"done".to_vec()),
            Call::SyncEnded { by: 7 },
            Call::Cut { path: path.clone(), length: 5 },
            Call::Removed(path),
        ];
        assert_eq!(calls(&lines).unwrap(), wanted);
    }

    #[test]
    fn unknown_call_on_a_file_is_an_error() {
        let line = |path| format!("7 write(3<{}>, \"{}\", 1) = 1\n", hex(path), hex("a"));
        assert!(calls(&line("/d/a")).is_err());
        assert_eq!(calls(&line("/e/a")).unwrap(), [Call::Sent(b"a".to_vec())]);
    }
}
