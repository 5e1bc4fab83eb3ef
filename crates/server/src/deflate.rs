//! Messages compressed by themselves (RFC 7692, 7.2): none refers to the one before, so that one form serves all
//! receivers, and a connection keeps nothing between two messages.
//!
//! Bound: a compressor and a decompressor for each thread that ever needed one, 355 KiB together; the runtime has as
//! many such threads as the machine has cores.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use prometheus_client::metrics::counter::Counter;

/// Bytes from which on a text is compressed. A shorter one is in one packet either way, and saves a few dozen bytes.
pub(crate) const LEAST: usize = 200;

/// Level of compression. Those above cost twice as much, for a tenth of what is saved.
const LEVEL: u32 = 3;

/// The largest window of DEFLATE, which the compressor has. Base-2 logarithm of bytes.
pub(crate) const WINDOW_BITS: u8 = 15;

/// The end of each flushed message, which is not sent.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// An empty last block: it is read as one only behind whole blocks.
pub(crate) const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xff, 0xff];

/// Maximum blocks of a message that are marked as the last one. After each the decompressor begins anew, which costs as
/// much as reading thousands of bytes.
const LAST_BLOCKS: usize = 8;

/// Maximum bytes of an inflated message where messages have no limit.
const INFLATED_BYTES: usize = 16 * 1024 * 1024;

/// First allocation for an inflated message. Bytes.
const FIRST_BYTES: usize = 1024;

thread_local! {
    static COMPRESSOR: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(LEVEL), false));
    static DECOMPRESSOR: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Agreement with a peer: its messages, and those to it, may be compressed, each by itself.
#[derive(Clone, Debug)]
pub(crate) struct Deflate {
    /// Base-2 logarithm of the window that the peer has: 8 to 15.
    window_bits: u8,
    compressed: Counter,
}

impl Deflate {
    /// Takes the base-2 logarithm of the window that the peer has, and counts in `compressed`.
    pub(crate) fn new(window_bits: u8, compressed: Counter) -> Self {
        Self { window_bits, compressed }
    }

    /// Counts one text that was compressed.
    pub(crate) fn count(&self) {
        self.compressed.inc();
    }

    /// Returns true if the peer's window is as large as ours, or this text is no longer than it: no reference in a
    /// text goes back further than to its begin.
    pub(crate) fn fits(&self, length: usize) -> bool {
        self.window_bits >= WINDOW_BITS || length <= 1 << self.window_bits
    }
}

/// Reasons why a message cannot be inflated.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotInflated {
    /// Not whole blocks of DEFLATE.
    Broken,
    /// More bytes than a message may have.
    TooLong,
}

/// Compresses a text; `None` if it is short, or would not become shorter.
pub(crate) fn deflate(text: &[u8]) -> Option<Box<[u8]>> {
    if text.len() < LEAST {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.reset();
        compressor.compress_vec(text, &mut out, FlushCompress::Sync).ok()?;
        // Room that is used up may hide that there is more to come.
        (compressor.total_in() == text.len() as u64 && out.len() < out.capacity()).then_some(())
    })?;
    out.strip_suffix(&TAIL).map(Into::into)
}

/// Adds `text` to a compressed message as it is, in stored blocks. Compressed blocks may follow.
pub(crate) fn store(text: &[u8], out: &mut Vec<u8>) {
    for block in text.chunks(usize::from(u16::MAX)) {
        // A chunk has no more.
        let length = block.len() as u16;
        out.push(0);
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
}

/// Adds `text` in blocks that end with a whole byte, compressed where that is shorter. More blocks may follow.
pub(crate) fn append(text: &[u8], out: &mut Vec<u8>) {
    match deflate(text) {
        Some(blocks) => {
            out.extend(&blocks);
            out.extend(TAIL);
        }
        None => store(text, out),
    }
}

/// Returns the bytes that [`store`] adds.
pub(crate) fn stored_bytes(length: usize) -> usize {
    length + 5 * length.div_ceil(usize::from(u16::MAX))
}

/// Inflates a whole message of at most `max` bytes. No more is ever made of it, whatever it holds.
///
/// # Errors
/// Not DEFLATE, or too long.
pub(crate) fn inflate(message: &[u8], max: Option<usize>) -> Result<Vec<u8>, NotInflated> {
    if message.is_empty() {
        return Ok(Vec::new());
    }
    DECOMPRESSOR.with_borrow_mut(|decompressor| {
        decompressor.reset(false);
        let mut inflating =
            Inflating { decompressor, out: Vec::new(), max: max.unwrap_or(INFLATED_BYTES), lasts: 0 };
        let mut is_last = inflating.feed(message)?;
        // Some end with a last block, and without the empty one behind it.
        if !is_last {
            inflating.feed(&TAIL)?;
            is_last = inflating.feed(&LAST_BLOCK)?;
        }
        if is_last { Ok(inflating.out) } else { Err(NotInflated::Broken) }
    })
}

/// One message while it is inflated.
struct Inflating<'a> {
    decompressor: &'a mut Decompress,
    out: Vec<u8>,
    max: usize,
    /// Blocks that were marked as the last one.
    lasts: usize,
}

impl Inflating<'_> {
    /// Inflates a part of it. Returns true if that ended with a last block.
    fn feed(&mut self, mut part: &[u8]) -> Result<bool, NotInflated> {
        loop {
            self.make_room();
            let (read, written) = (self.decompressor.total_in(), self.out.len());
            let result = self.decompressor.decompress_vec(part, &mut self.out, FlushDecompress::None);
            let status = result.map_err(|_| NotInflated::Broken)?;
            if self.out.len() > self.max {
                return Err(NotInflated::TooLong);
            }
            let read = usize::try_from(self.decompressor.total_in() - read).unwrap_or(usize::MAX);
            part = part.get(read..).unwrap_or_default();
            let is_last = status == Status::StreamEnd;
            if is_last {
                self.begin_anew()?;
            }
            // Room that is used up may hide that there is more to come.
            if part.is_empty() && (is_last || self.out.len() < self.out.capacity()) {
                return Ok(is_last);
            }
            if !is_last && read == 0 && written == self.out.len() {
                return Err(NotInflated::Broken);
            }
        }
    }

    /// Makes room for more, up to one byte over the limit, which shows that there is too much.
    fn make_room(&mut self) {
        let length = self.out.len();
        if length == self.out.capacity() {
            let room = length.max(FIRST_BYTES).min((self.max + 1).saturating_sub(length));
            self.out.reserve_exact(room);
        }
    }

    fn begin_anew(&mut self) -> Result<(), NotInflated> {
        self.lasts += 1;
        self.decompressor.reset(false);
        if self.lasts > LAST_BLOCKS { Err(NotInflated::Broken) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
