//! Bytes of a CSV file on their way to the csv library, which reads every quoting somehow: what
//! is wrong with it is an error here, and each record's line is counted as an editor counts it.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};

/// What is wrong with the quoting, and in which line.
#[derive(Debug, Clone)]
pub struct Damage {
    pub line: usize,
    reason: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Damage {}

/// Where in a record the last byte was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No byte of the record has come.
    Record,
    /// Between a comma and a cell's first byte.
    Cell,
    /// Behind nothing but blanks of a cell.
    Blank,
    /// In a cell without quotes.
    Plain,
    /// Between quotes.
    Quoted,
    /// Behind a quote that ends the cell, or is the first of two.
    Closed,
}

/// Lets bytes through as they are until a quote is where none may be.
pub(super) struct Strict<R> {
    inner: R,
    state: State,
    /// The line of the next byte, from 1.
    line: usize,
    /// Where the record and its last quoted cell begin.
    record: usize,
    opened: usize,
    after_return: bool,
    /// The first lines of records that the csv library has not given yet.
    starts: VecDeque<usize>,
    /// Records of more than one line: how many, and the first one's line.
    pub long: usize,
    pub first_long: Option<usize>,
    is_long: bool,
    /// The line of the first record, where the bytes begin somewhere before it.
    first: Option<usize>,
    failed: Option<Damage>,
}

impl<R: Read> Strict<R> {
    /// Bytes whose first is the first of `line`.
    pub fn new(inner: R, line: usize) -> Self {
        Self {
            inner,
            state: State::Record,
            line,
            record: line,
            opened: line,
            after_return: false,
            starts: VecDeque::new(),
            long: 0,
            first_long: None,
            is_long: false,
            first: None,
            failed: None,
        }
    }

    /// Bytes that begin before a record of which the line is known: line ends may stand there.
    pub fn before(inner: R, line: usize) -> Self {
        Self { first: Some(line), ..Self::new(inner, line) }
    }

    /// The line of the next record that was let through.
    pub fn next_start(&mut self) -> Option<usize> {
        self.starts.pop_front()
    }

    fn begin_record(&mut self) {
        if let Some(line) = self.first.take() {
            self.line = line;
        }
        self.record = self.line;
        self.is_long = false;
        self.starts.push_back(self.line);
    }

    /// A line's end has come.
    fn end_line(&mut self) {
        self.line += 1;
        if self.state != State::Quoted {
            self.state = State::Record;
        } else if !std::mem::replace(&mut self.is_long, true) {
            self.long += 1;
            self.first_long.get_or_insert(self.record);
        }
    }

    /// Takes one byte; in words what is wrong with it.
    fn take(&mut self, byte: u8) -> Result<(), Damage> {
        let followed = std::mem::replace(&mut self.after_return, byte == b'\r');
        match byte {
            // The second half of a line's end.
            b'\n' if followed => return Ok(()),
            b'\n' | b'\r' => {
                self.end_line();
                return Ok(());
            }
            _ => {}
        }
        if self.state == State::Record {
            self.begin_record();
            self.state = State::Cell;
        }
        let broken = |line, reason: String| Err(Damage { line, reason });
        self.state = match (self.state, byte) {
            (State::Quoted, b'"') => State::Closed,
            (State::Quoted, _) | (State::Closed, b'"') => State::Quoted,
            (_, b',') => State::Cell,
            (State::Cell, b'"') => {
                self.opened = self.line;
                State::Quoted
            }
            (State::Cell | State::Blank, b' ') => State::Blank,
            (State::Blank, b'"') => {
                let reason = "a blank stands before a quote: a cell's quotes are its first and its \
                              last character";
                return broken(self.line, reason.to_owned());
            }
            (State::Closed, _) => {
                let opened = match self.opened == self.line {
                    true => String::new(),
                    false => format!(", opened in row {}", self.opened),
                };
                let reason = format!(
                    "text stands behind the closing quote of a cell{opened}: a quote within a \
                     quoted cell is written twice"
                );
                return broken(self.line, reason);
            }
            _ => State::Plain,
        };
        Ok(())
    }

    /// A whole block without quotes, of which only the lines count.
    fn skim(&mut self, block: &[u8]) {
        let mut at = 0;
        for end in memchr::memchr2_iter(b'\n', b'\r', block) {
            if end > at {
                if self.state == State::Record {
                    self.begin_record();
                }
                self.state = State::Plain;
                self.after_return = false;
            }
            let followed = std::mem::replace(&mut self.after_return, block[end] == b'\r');
            if !(followed && block[end] == b'\n') {
                self.end_line();
            }
            at = end + 1;
        }
        let rest = &block[at..];
        if rest.is_empty() {
            return;
        }
        self.after_return = false;
        if self.state == State::Record {
            self.begin_record();
            self.state = State::Cell;
        }
        let (cell, before) = match memchr::memrchr(b',', rest) {
            Some(comma) => (&rest[comma + 1..], State::Cell),
            None => (rest, self.state),
        };
        self.state = match before {
            _ if cell.is_empty() => before,
            State::Cell | State::Blank if cell.iter().all(|byte| *byte == b' ') => State::Blank,
            _ => State::Plain,
        };
    }
}

impl<R: Read> Read for Strict<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let failed = |broken: Damage| Err(io::Error::new(io::ErrorKind::InvalidData, broken));
        if let Some(broken) = &self.failed {
            return failed(broken.clone());
        }
        let count = self.inner.read(buffer)?;
        if count == 0 {
            if self.state == State::Quoted {
                let reason = "a quote is opened here and never closed".to_owned();
                return failed(Damage { line: self.opened, reason });
            }
            return Ok(0);
        }
        let block = &buffer[..count];
        if self.state != State::Quoted && self.state != State::Closed && !block.contains(&b'"') {
            self.skim(block);
            return Ok(count);
        }
        for (at, &byte) in block.iter().enumerate() {
            if let Err(broken) = self.take(byte) {
                self.failed = Some(broken.clone());
                // What stands before it is read first: it may be wrong in another way.
                return if at == 0 { failed(broken) } else { Ok(at) };
            }
        }
        Ok(count)
    }
}
