//! The linker's symbols in a compiled page, as the splitter has to find them.

/// Makes symbols of data that the file does not contain empty, in place. Older linkers, Debian's among them, leave out
/// the segment of data that begins as zeros and keep its symbols, which the splitter takes for broken. Nothing in
/// zeros refers to anything, which is all that it would look for.
///
/// Returns the number of such symbols; `None` if the file is cut off.
pub(super) fn empty_those_without_data(wasm: &mut [u8]) -> Option<usize> {
    const CUSTOM: u8 = 0;
    const DATA: u8 = 11;
    const SYMBOLS: u8 = 8;
    let (mut segments, mut linking) = (0, None);
    let mut at = Reader { wasm, at: 8 };
    while at.at < at.wasm.len() {
        let (id, length) = (at.byte()?, at.number()?);
        let end = at.at.checked_add(length)?;
        match id {
            DATA => segments = at.number()?,
            CUSTOM if at.name()? == b"linking" => linking = Some((at.at, end)),
            _ => {}
        }
        at.at = end;
    }
    let Some((begin, end)) = linking else { return Some(0) };
    let mut sizes = Vec::new();
    at.at = begin;
    at.number()?; // The version.
    while at.at < end {
        let (kind, length) = (at.byte()?, at.number()?);
        let next = at.at.checked_add(length)?;
        if kind == SYMBOLS {
            for _ in 0..at.number()? {
                sizes.extend(at.symbol(segments)?);
            }
        }
        at.at = next;
    }
    for size in &sizes {
        // As many digits as before, so that nothing moves.
        let (last, more) = wasm.get_mut(size.clone())?.split_last_mut()?;
        more.fill(0x80);
        *last = 0;
    }
    Some(sizes.len())
}

struct Reader<'w> {
    wasm: &'w [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.wasm.get(self.at).copied();
        self.at += 1;
        byte
    }

    /// An unsigned number in LEB128.
    fn number(&mut self) -> Option<usize> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let digit = self.byte()?;
            number |= usize::from(digit & 0x7f).checked_shl(shift)?;
            shift += 7;
            if digit & 0x80 == 0 {
                return Some(number);
            }
        }
    }

    fn name(&mut self) -> Option<&[u8]> {
        let length = self.number()?;
        let begin = self.at;
        self.at = begin.checked_add(length)?;
        self.wasm.get(begin..self.at)
    }

    /// Passes over a symbol. Returns where its size is, if it is one of data in a segment beyond the last.
    fn symbol(&mut self, segments: usize) -> Option<Option<std::ops::Range<usize>>> {
        const DATA: u8 = 1;
        const SECTION: u8 = 3;
        const UNDEFINED: usize = 0x10;
        const EXPLICIT_NAME: usize = 0x40;
        let (kind, flags) = (self.byte()?, self.number()?);
        let is_defined = flags & UNDEFINED == 0;
        match kind {
            DATA => {
                self.name()?;
                if is_defined {
                    let segment = self.number()?;
                    self.number()?; // The offset.
                    let begin = self.at;
                    self.number()?;
                    return Some((segment >= segments).then_some(begin..self.at));
                }
            }
            SECTION => _ = self.number()?,
            _ => {
                self.number()?; // The index.
                if is_defined || flags & EXPLICIT_NAME != 0 {
                    self.name()?;
                }
            }
        }
        Some(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_without_data_become_empty() {
        let data = [11, 4, 1, 0x41, 0, 0x0b];
        let present = [1, 0, 1, b'a', 0, 0, 4];
        let zeros = [1, 0, 1, b'b', 1, 8, 0x84, 0x01];
        let others = [0, 0, 7, 1, b'f', 2, 0x10, 3, 3, 2, 5, 1, 0x10, 1, b'u'];
        let table = [&[6][..], &others, &present, &zeros].concat();
        let symbols = [&[8, u8::try_from(table.len()).unwrap()][..], &table].concat();
        let linking = [&[7][..], b"linking", &[2], &symbols].concat();
        let custom = [&[0, u8::try_from(linking.len()).unwrap()][..], &linking].concat();
        let mut wasm = [&b"\0asm\x01\0\0\0"[..], &data, &custom].concat();
        let before = wasm.clone();
        assert_eq!(empty_those_without_data(&mut wasm), Some(1));
        assert_eq!(wasm.len(), before.len());
        assert_eq!(wasm.strip_suffix(&[0x80, 0]), before.strip_suffix(&[0x84, 1]));
        assert_eq!(empty_those_without_data(&mut wasm[..before.len() - 3].to_vec()), None);
    }
}
