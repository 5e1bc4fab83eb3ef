//! Writing frames.

use crate::escape::Rules;
use crate::frame::length;
use crate::{Command, EncodeError, Frame, Version};

/// Adds the frame to `out`, by the rules of `version`. A frame that cannot be written leaves `out` as it was.
///
/// # Errors
/// Frames that the version cannot carry. No header is added, changed or left out: a body that holds a NUL needs its
/// `content-length`, as [`Frame::with_body`] gives it.
pub fn encode<C: Command>(frame: &Frame<C>, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let before = out.len();
    let written = write(frame, version, out);
    if written.is_err() {
        out.truncate(before);
    }
    written
}

fn write<C: Command>(frame: &Frame<C>, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let command = frame.command;
    if command.since() > version {
        return Err(EncodeError::UnknownCommand);
    }
    let bodiless = !command.has_body() && (version > Version::V10 || command.version_header().is_some());
    if bodiless && !frame.body.is_empty() {
        return Err(EncodeError::UnexpectedBody);
    }
    match frame.header("content-length") {
        Some(said) if length(said) != Some(frame.body.len()) => return Err(EncodeError::BadContentLength),
        None if frame.body.contains(&0) => return Err(EncodeError::NulInBody),
        _ => {}
    }
    let mut rules = Rules::of(command, Some(version));
    // A frame that agrees on a version without naming one is of 1.0.
    rules.padding |= command.version_header().is_some_and(|name| frame.header(name).is_none());
    out.extend(command.as_str().as_bytes());
    out.push(b'\n');
    for (name, value) in frame.headers.iter() {
        write_line(rules, name, value, out)?;
    }
    out.push(b'\n');
    out.extend(&frame.body);
    out.push(0);
    Ok(())
}

/// Adds one header line of an ordinary frame (neither CONNECT nor CONNECTED) to `out`, its end included: for
/// frames that are put together from parts that are kept.
///
/// # Errors
/// As [`encode`]; `out` may then hold a part of the line.
pub fn write_header(name: &str, value: &str, version: Version, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    write_line(Rules::of(crate::ServerCommand::Message, Some(version)), name, value, out)
}

fn write_line(rules: Rules, name: &str, value: &str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    if name.is_empty() {
        return Err(EncodeError::EmptyHeaderName);
    }
    rules.escape(name, true, out)?;
    out.push(b':');
    rules.escape(value, false, out)?;
    out.push(b'\n');
    Ok(())
}
