//! Bytes, as they are read, cut into numbered lines of text.

/// The most bytes that a line may have. The models read 512 tokens, about 2,500 bytes of English,
/// and cut off the rest: a line four hundred times as long is no sentence, but a file that has
/// its lines elsewhere or none at all. It is refused after so many bytes, however long it is.
pub const LONGEST_LINE: usize = 1 << 20;

/// A line that holds more than white space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number as an editor counts, from 1, empty lines among them.
    pub number: usize,
    /// Without the white space around it.
    pub text: String,
}

/// Why a line cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub number: usize,
    pub reason: String,
}

/// Cuts bytes that come in pieces of any size. It holds the beginning of one line at most.
#[derive(Default)]
pub(super) struct Cutter {
    /// The line whose end has not come yet.
    begun: Vec<u8>,
    /// How many lines have ended.
    ended: usize,
}

impl Cutter {
    /// Adds the lines that end within these bytes, but for empty ones.
    pub fn feed(&mut self, mut bytes: &[u8], lines: &mut Vec<Line>) -> Result<(), Fault> {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let line = &bytes[..end];
            bytes = &bytes[end + 1..];
            self.continue_with(line)?;
            self.end_line(lines)?;
        }
        self.continue_with(bytes)
    }

    /// Adds the last line where nothing ends it; the number of lines in all.
    pub fn finish(&mut self, lines: &mut Vec<Line>) -> Result<usize, Fault> {
        if !self.begun.is_empty() {
            self.end_line(lines)?;
        }
        Ok(self.ended)
    }

    /// Something is wrong with the line that is being read.
    pub fn fault(&self, reason: String) -> Fault {
        Fault { number: self.ended + 1, reason }
    }

    fn continue_with(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.begun.len() + bytes.len() > LONGEST_LINE {
            let reason = format!("longer than {LONGEST_LINE} bytes; one sentence a line is wanted");
            return Err(self.fault(reason));
        }
        self.begun.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, lines: &mut Vec<Line>) -> Result<(), Fault> {
        let text = self.text_of(&self.begun).map_err(|reason| self.fault(reason))?;
        self.ended += 1;
        if !text.is_empty() {
            lines.push(Line { number: self.ended, text: text.to_owned() });
        }
        self.begun.clear();
        Ok(())
    }

    fn text_of<'b>(&self, bytes: &'b [u8]) -> Result<&'b str, String> {
        let is_first = self.ended == 0;
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            if is_first && (bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])) {
                "not UTF-8 but, by its first two bytes, UTF-16".to_owned()
            } else if error.error_len().is_none() {
                "not UTF-8: it ends within a character".to_owned()
            } else {
                format!("not UTF-8: its byte {} is {:#04x}", at + 1, bytes[at])
            }
        })?;
        // Some editors begin a file with a byte order mark, which is no part of its text.
        let text = if is_first { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        Ok(text.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Cut = (Vec<(usize, String)>, Result<usize, Fault>);

    fn cut(pieces: &[&[u8]]) -> Cut {
        let (mut cutter, mut lines) = (Cutter::default(), Vec::new());
        let fed = pieces.iter().try_for_each(|piece| cutter.feed(piece, &mut lines));
        let end = fed.and_then(|()| cutter.finish(&mut lines));
        (lines.into_iter().map(|line| (line.number, line.text)).collect(), end)
    }

    fn numbered(lines: &[(usize, &str)]) -> Vec<(usize, String)> {
        lines.iter().map(|&(number, text)| (number, text.to_owned())).collect()
    }

    #[test]
    fn lines_are_the_same_in_pieces_of_any_size() {
        let text = "\u{feff}eins\r\n\n \t\r\nzwei \u{feff}ä\0\n\u{a0}drei".as_bytes();
        let expected = numbered(&[(1, "eins"), (4, "zwei \u{feff}ä\0"), (5, "drei")]);
        for size in 1..=text.len() {
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(cut(&pieces), (expected.clone(), Ok(5)), "pieces of {size} bytes");
        }
    }

    #[test]
    fn an_end_of_line_at_the_end_begins_no_line() {
        assert_eq!(cut(&[]), (Vec::new(), Ok(0)));
        assert_eq!(cut(&[b"\n\n"]), (Vec::new(), Ok(2)));
        assert_eq!(cut(&[b"a\n"]), (numbered(&[(1, "a")]), Ok(1)));
    }

    #[test]
    fn what_is_not_utf_8_is_told_by_its_line_and_byte() {
        let fault = |number, reason: &str| Err(Fault { number, reason: reason.to_owned() });
        for (bytes, read, end) in [
            (&b"a\n\nb\xe9c\nd"[..], &[(1, "a")][..], fault(3, "not UTF-8: its byte 2 is 0xe9")),
            (b"a\nb\xc3", &[(1, "a")], fault(2, "not UTF-8: it ends within a character")),
            (b"\xff\xfea\0", &[], fault(1, "not UTF-8 but, by its first two bytes, UTF-16")),
            (b"a\n\xff\xfe", &[(1, "a")], fault(2, "not UTF-8: its byte 1 is 0xff")),
        ] {
            assert_eq!(cut(&[bytes]), (numbered(read), end));
        }
    }

    #[test]
    fn a_line_may_be_so_long_and_no_longer() {
        let longest = vec![b'a'; LONGEST_LINE];
        let (lines, end) = cut(&[b"first\n", &longest, b"\n"]);
        assert_eq!((lines.len(), end), (2, Ok(2)));
        // With its end and without.
        for last in [&b"a\n"[..], b"a"] {
            let (lines, end) = cut(&[b"first\n", &longest, last]);
            assert_eq!(lines, numbered(&[(1, "first")]));
            let fault = end.err().map(|fault| (fault.number, fault.reason));
            let reason = "longer than 1048576 bytes; one sentence a line is wanted";
            assert_eq!(fault, Some((2, reason.to_owned())));
        }
    }

    #[test]
    fn of_a_line_without_end_no_more_is_held() {
        let (mut cutter, mut lines) = (Cutter::default(), Vec::new());
        let piece = vec![b'a'; 1 << 16];
        let fed = (0..1000).position(|_| cutter.feed(&piece, &mut lines).is_err());
        assert_eq!(fed, Some(LONGEST_LINE / piece.len()));
        assert!(cutter.begun.capacity() <= 2 * LONGEST_LINE, "{}", cutter.begun.capacity());
    }
}
