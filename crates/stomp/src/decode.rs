//! Reading frames from bytes that come split anywhere.

use crate::escape::Rules;
use crate::frame::length;
use crate::{Command, DecodeError, Frame, Headers, Version};

/// No command is longer.
const COMMAND_BYTES: usize = 16;

/// Bounds of a frame. Each is an error at the byte that passes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most headers.
    pub headers: usize,
    /// Most bytes of one header's line, as it came, without its LF.
    pub line: usize,
    /// Most bytes of all header lines, as they came, without their LFs.
    pub head: usize,
    /// Most bytes of the body.
    pub body: usize,
}

/// Items found in the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<C> {
    /// A frame.
    Frame(Frame<C>),
    /// A line's end between frames: a sign of life, or a mere ornament behind a frame.
    HeartBeat,
}

/// Decoder of the frames of the side that sends `C`.
///
/// It holds one unfinished frame at most, so its memory is bounded by its [`Limits`].
#[derive(Debug)]
pub struct Decoder<C> {
    limits: Limits,
    version: Option<Version>,
    stage: Stage,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    /// The frame that is being read; `None` while its command is.
    frame: Option<Frame<C>>,
    /// Bytes of its header lines so far.
    head: usize,
    failed: Option<DecodeError>,
}

/// Position in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Between frames.
    Between,
    /// Between frames, behind a CR.
    AfterCr,
    Command,
    Headers,
    /// In a body of this length.
    Counted(usize),
    /// In a body that its NUL ends.
    ToNul,
}

/// Result of [`take`].
enum Taken {
    /// The end, this byte.
    End(u8),
    /// There is more to come.
    More,
    /// There is no room for more.
    Full,
}

impl<C: Command> Decoder<C> {
    /// A decoder for a connection whose version is not agreed on yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            version: None,
            stage: Stage::Between,
            line: Vec::new(),
            frame: None,
            head: 0,
            failed: None,
        }
    }

    /// From the next frame on, the rules of `version` hold. To be called between frames: when
    /// [`Decoder::next`] has just returned the frame that agreed on it.
    pub fn agree(&mut self, version: Version) {
        self.version = Some(version);
    }

    /// Reads on, and takes from the front of `input` what it reads. `None` if it has taken all, and needs more.
    ///
    /// # Errors
    /// Bytes that are no frame. The decoder reads nothing after that, and returns the same error for ever.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Item<C>>, DecodeError> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let result = self.read(input);
        self.failed = result.as_ref().err().copied();
        result
    }

    /// The header `receipt` of the frame that is being read, as far as it has come: an answer to what went wrong
    /// in it should report it.
    pub fn receipt(&self) -> Option<&str> {
        self.frame.as_ref()?.header("receipt")
    }

    /// Returns true inside a frame.
    pub fn is_inside(&self) -> bool {
        !matches!(self.stage, Stage::Between | Stage::AfterCr)
    }

    fn read(&mut self, input: &mut &[u8]) -> Result<Option<Item<C>>, DecodeError> {
        while let Some((first, rest)) = input.split_first() {
            match self.stage {
                // In any version, with or without its CR: no command begins with one.
                Stage::Between | Stage::AfterCr if *first == b'\n' => {
                    *input = rest;
                    self.stage = Stage::Between;
                    return Ok(Some(Item::HeartBeat));
                }
                Stage::Between if *first == b'\r' => {
                    *input = rest;
                    self.stage = Stage::AfterCr;
                }
                Stage::AfterCr => return Err(DecodeError::StrayCr),
                Stage::Between => self.stage = Stage::Command,
                Stage::Command => self.command(input)?,
                Stage::Headers => self.header(input)?,
                Stage::Counted(length) => {
                    if let Some(frame) = self.counted(length, input)? {
                        return Ok(Some(Item::Frame(frame)));
                    }
                }
                Stage::ToNul => {
                    if let Some(frame) = self.terminated(input)? {
                        return Ok(Some(Item::Frame(frame)));
                    }
                }
            }
        }
        Ok(None)
    }

    fn command(&mut self, input: &mut &[u8]) -> Result<(), DecodeError> {
        match take(input, &mut self.line, COMMAND_BYTES, |byte| matches!(byte, b'\n' | 0)) {
            Taken::More => return Ok(()),
            Taken::Full => return Err(DecodeError::UnknownCommand),
            Taken::End(0) => return Err(DecodeError::NulInHead),
            Taken::End(_) => {}
        }
        let line = std::mem::take(&mut self.line);
        let name = std::str::from_utf8(&line).map_err(|_| DecodeError::NotUtf8)?;
        // 1.0 and 1.1 end lines with LF alone.
        let crlf = !matches!(self.version, Some(Version::V10 | Version::V11));
        let name = name.strip_suffix('\r').filter(|_| crlf).unwrap_or(name);
        let command = C::parse(name, self.version).ok_or(DecodeError::UnknownCommand)?;
        self.frame = Some(Frame::new(command));
        self.head = 0;
        self.stage = Stage::Headers;
        Ok(())
    }

    fn header(&mut self, input: &mut &[u8]) -> Result<(), DecodeError> {
        let left = self.limits.head - self.head;
        let most = self.limits.line.min(left);
        match take(input, &mut self.line, most, |byte| matches!(byte, b'\n' | 0)) {
            Taken::More => return Ok(()),
            Taken::Full if self.limits.line <= left => return Err(DecodeError::LineTooLong),
            Taken::Full => return Err(DecodeError::HeadTooLong),
            Taken::End(0) => return Err(DecodeError::NulInHead),
            Taken::End(_) => {}
        }
        let line = std::mem::take(&mut self.line);
        self.head += line.len();
        let line = std::str::from_utf8(&line).map_err(|_| DecodeError::NotUtf8)?;
        // There is one: the command came before.
        let Some(frame) = &mut self.frame else { return Err(DecodeError::UnknownCommand) };
        let rules = Rules::of(frame.command, self.version);
        let line = line.strip_suffix('\r').filter(|_| rules.crlf).unwrap_or(line);
        if line.is_empty() {
            return self.body_begins();
        }
        if frame.headers.len() == self.limits.headers {
            return Err(DecodeError::TooManyHeaders);
        }
        if rules.crlf && line.contains('\r') {
            return Err(DecodeError::StrayCr);
        }
        let (name, value) = rules.split(line)?;
        frame.headers.push(name, value);
        Ok(())
    }

    /// The empty line came: what may follow?
    fn body_begins(&mut self) -> Result<(), DecodeError> {
        let Some(frame) = &mut self.frame else { return Err(DecodeError::UnknownCommand) };
        if frame.command.version_header().is_some_and(|name| frame.headers.get(name).is_none()) {
            frame.headers = trimmed(&frame.headers)?;
        }
        self.stage = match frame.headers.get("content-length").map(length) {
            None => Stage::ToNul,
            Some(None) => return Err(DecodeError::BadContentLength),
            Some(Some(length)) => Stage::Counted(length),
        };
        match self.stage {
            Stage::Counted(length) if length > self.body_limit() => Err(self.too_long()),
            _ => Ok(()),
        }
    }

    fn counted(&mut self, length: usize, input: &mut &[u8]) -> Result<Option<Frame<C>>, DecodeError> {
        let Some(frame) = &mut self.frame else { return Err(DecodeError::UnknownCommand) };
        match take(input, &mut frame.body, length, |_| false) {
            Taken::Full => {}
            Taken::More | Taken::End(_) => return Ok(None),
        }
        // `Full` says that there is a byte more.
        let (first, rest) = input.split_first().ok_or(DecodeError::NoNul)?;
        if *first != 0 {
            return Err(DecodeError::NoNul);
        }
        *input = rest;
        self.stage = Stage::Between;
        Ok(self.frame.take())
    }

    fn terminated(&mut self, input: &mut &[u8]) -> Result<Option<Frame<C>>, DecodeError> {
        let most = self.body_limit();
        let Some(frame) = &mut self.frame else { return Err(DecodeError::UnknownCommand) };
        match take(input, &mut frame.body, most, |byte| byte == 0) {
            Taken::More => return Ok(None),
            Taken::Full => return Err(self.too_long()),
            Taken::End(_) => {}
        }
        self.stage = Stage::Between;
        Ok(self.frame.take())
    }

    /// Most bytes of the body of the frame that is being read.
    fn body_limit(&self) -> usize {
        if self.may_have_body() { self.limits.body } else { 0 }
    }

    fn too_long(&self) -> DecodeError {
        if self.may_have_body() { DecodeError::BodyTooLong } else { DecodeError::UnexpectedBody }
    }

    /// 1.0 lets every frame have a body, and so do we; of the later versions only some. A frame that agrees on a version
    /// is of 1.0 if it names no other.
    fn may_have_body(&self) -> bool {
        let Some(frame) = &self.frame else { return false };
        let is_old = match frame.command.version_header() {
            None => self.version == Some(Version::V10),
            Some(name) => {
                let versions = frame.headers.get(name);
                versions.is_none_or(|versions| versions.split(',').all(|version| version.trim() == "1.0"))
            }
        };
        frame.command.has_body() || is_old
    }
}

/// Moves bytes from the front of `input` behind `held`, up to the first that ends it, which is taken and left
/// out. `held` gets at most `most` bytes; it is full when there are more. Looks at each byte once.
fn take(input: &mut &[u8], held: &mut Vec<u8>, most: usize, ends: impl Fn(u8) -> bool) -> Taken {
    let room = most - held.len();
    let end = input.iter().take(room.saturating_add(1)).position(|byte| ends(*byte));
    let (taken, rest) = input.split_at(end.unwrap_or(input.len().min(room)));
    held.extend(taken);
    match (end, rest.split_first()) {
        (Some(_), Some((end, rest))) => {
            *input = rest;
            Taken::End(*end)
        }
        (_, None) => {
            *input = rest;
            Taken::More
        }
        (None, Some(_)) => {
            *input = rest;
            Taken::Full
        }
    }
}

/// The headers as a client of 1.0 means them.
fn trimmed(headers: &Headers) -> Result<Headers, DecodeError> {
    let mut trimmed = Headers::default();
    for (name, value) in headers.iter() {
        let (name, value) = (name.trim_matches(' '), value.trim_matches(' '));
        if name.is_empty() {
            return Err(DecodeError::EmptyHeaderName);
        }
        trimmed.push(name.to_owned(), value.to_owned());
    }
    Ok(trimmed)
}
