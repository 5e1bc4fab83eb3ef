//! The peer's Close frame, seen as its bytes pass: tungstenite does not report a code that it does not know, and reads
//! nothing of a frame that is malformed.

/// Follows the heads of frames (RFC 6455, 5.2), and reads the code of a Close.
#[derive(Debug, Default)]
pub(super) struct CloseFrame {
    /// Bytes read of the present frame's head: at most 2 bytes, 8 of length, 4 of mask.
    head: [u8; 14],
    filled: usize,
    /// So many bytes of the present frame's payload are to come; the head is whole then.
    payload: u64,
    /// Bytes read of a Close's code.
    code: [u8; 2],
    read: usize,
    began: bool,
    /// A message has begun whose last fragment is still to come.
    in_message: bool,
}

impl CloseFrame {
    const OPCODE: u8 = 8;

    /// Returns true once a Close began, be it malformed.
    pub(super) fn began(&self) -> bool {
        self.began
    }

    /// Returns true if all that passed is whole: frames, and the messages that they are fragments of, without a Close.
    pub(super) fn is_between_messages(&self) -> bool {
        self.filled == 0 && self.payload == 0 && !self.began && !self.in_message
    }

    /// Returns the code of the Close, once both its bytes were read.
    pub(super) fn code(&self) -> Option<u16> {
        (self.read == 2).then(|| u16::from_be_bytes(self.code))
    }

    /// Follows bytes as they were received. Nothing counts after a Close.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.began && self.payload > 0 && self.read < 2 {
                self.read_code(byte);
                bytes = rest;
            } else if self.began && self.is_whole() {
                return;
            } else if self.payload > 0 {
                let passed = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
                self.payload -= passed as u64;
                bytes = bytes.split_at(passed).1;
                self.begin_next();
            } else {
                self.read_head(byte);
                bytes = rest;
            }
        }
    }

    fn read_head(&mut self, byte: u8) {
        if let Some(place) = self.head.get_mut(self.filled) {
            *place = byte;
        }
        self.filled += 1;
        if self.is_whole() {
            self.payload = self.length();
            self.began |= self.opcode() == Self::OPCODE;
            // Control frames stand between fragments.
            if self.opcode() < Self::OPCODE {
                self.in_message = !self.is_final();
            }
            self.begin_next();
        }
    }

    /// A frame without a payload, or whose payload has passed, is over.
    fn begin_next(&mut self) {
        if self.payload == 0 && !self.began {
            self.filled = 0;
        }
    }

    fn read_code(&mut self, byte: u8) {
        let mask = if self.is_masked() { self.mask() } else { [0; 4] };
        if let (Some(place), Some(mask)) = (self.code.get_mut(self.read), mask.get(self.read)) {
            *place = byte ^ mask;
        }
        self.read += 1;
        self.payload -= 1;
    }

    fn is_final(&self) -> bool {
        self.head.first().is_some_and(|first| first & 0x80 != 0)
    }

    fn opcode(&self) -> u8 {
        self.head.first().copied().unwrap_or_default() & 0x0f
    }

    fn second(&self) -> u8 {
        self.head.get(1).copied().unwrap_or_default()
    }

    fn is_masked(&self) -> bool {
        self.second() & 0x80 != 0
    }

    /// Bytes of the length beyond the second one.
    fn length_bytes(&self) -> usize {
        match self.second() & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    fn is_whole(&self) -> bool {
        let mask = if self.is_masked() { 4 } else { 0 };
        self.filled >= 2 && self.filled >= 2 + self.length_bytes() + mask
    }

    fn length(&self) -> u64 {
        match self.length_bytes() {
            0 => (self.second() & 0x7f).into(),
            count => {
                let bytes = self.head.get(2..2 + count).unwrap_or_default();
                bytes.iter().fold(0, |length, byte| length << 8 | u64::from(*byte))
            }
        }
    }

    fn mask(&self) -> [u8; 4] {
        let begin = 2 + self.length_bytes();
        self.head.get(begin..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes: &[u8]) -> (bool, Option<u16>) {
        let mut whole = CloseFrame::default();
        whole.follow(bytes);
        let mut single = CloseFrame::default();
        bytes.iter().for_each(|byte| single.follow(&[*byte]));
        assert_eq!((whole.began(), whole.code()), (single.began(), single.code()));
        (whole.began(), whole.code())
    }

    #[test]
    fn close_code_is_read_behind_any_frames() {
        let text = |length: usize| match length {
            0..126 => [&[0x81, 0x80 | length as u8, 1, 2, 3, 4][..], &vec![0x88; length]].concat(),
            126..0x1_0000 => {
                [&[0x81, 0xfe], &(length as u16).to_be_bytes()[..], &[1, 2, 3, 4], &vec![0x88; length]]
                    .concat()
            }
            _ => [&[0x81, 0xff], &(length as u64).to_be_bytes()[..], &[1, 2, 3, 4], &vec![0x88; length]]
                .concat(),
        };
        let close = [0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xf6 ^ 2];
        for length in [0, 1, 125, 126, 300, 70_000] {
            assert_eq!(seen(&text(length)), (false, None), "{length}");
            assert_eq!(seen(&[text(length), close.to_vec()].concat()), (true, Some(1014)), "{length}");
        }
        assert_eq!(
            seen(&[close.to_vec(), vec![0x88, 0x82, 0, 0, 0, 0, 3, 0xe8]].concat()),
            (true, Some(1014))
        );
    }

    #[test]
    fn whole_messages_end_with_their_last_fragment() {
        let mut passed = CloseFrame::default();
        let frames: [(&[u8], bool); 6] = [
            (&[0x01, 0x81, 0, 0, 0, 0, b'a'], false),
            (&[0x89, 0x80, 0, 0, 0, 0], false),
            (&[0x00, 0x80, 0, 0, 0, 0], false),
            (&[0x80, 0x81, 0, 0, 0, 0, b'a'], true),
            (&[0x8a, 0x80, 0, 0, 0, 0], true),
            (&[0x88, 0x80, 0, 0, 0, 0], false),
        ];
        assert!(passed.is_between_messages());
        for (frame, is_between) in frames {
            let (last, rest) = frame.split_last().unwrap();
            rest.iter().for_each(|byte| {
                passed.follow(&[*byte]);
                assert!(!passed.is_between_messages());
            });
            passed.follow(&[*last]);
            assert_eq!(passed.is_between_messages(), is_between, "{frame:x?}");
        }
    }

    #[test]
    fn malformed_close_is_a_close_without_a_code() {
        assert_eq!(seen(&[0x88, 0x81, 0, 0, 0, 0, 0x61]), (true, None));
        assert_eq!(seen(&[0x88, 0x80, 0, 0, 0, 0]), (true, None));
        assert_eq!(seen(&[0x88, 0x02, 3, 0xe8]), (true, Some(1000)), "unmasked");
    }
}
