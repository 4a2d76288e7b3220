//! Lines in blocks: whatever has been read of a pipe when the next block is due, as much as a
//! block holds of a file.

use super::lines::{Cutter, Fault, Line};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;
use ttp_base::{Error, Result};

/// Lines of a block, and bytes of their text, at most (one line may have more). Sorted by length,
/// five hundred sentences of all lengths make batches with hardly any padding.
pub(super) const LINES: usize = 512;
const BYTES: usize = 256 << 10;
/// Bytes of one reading, as many as a pipe holds on Linux.
const READ: usize = 64 << 10;
/// How many readings' lines wait to be taken before reading stops.
const READINGS_AHEAD: usize = 4;

/// What comes next of an input.
pub(super) enum Next {
    /// One line or more.
    Block(Vec<Line>),
    /// Nothing that could be had without waiting.
    NotYet,
    /// The number of lines, those of white space too; or what ended the reading before its time.
    End(Result<usize, Fault>),
}

/// The lines that ended within one reading.
struct Reading {
    lines: Vec<Line>,
    end: Option<Result<usize, Fault>>,
}

/// An input that a thread of its own reads ahead, so far and no farther.
pub(super) struct Blocks {
    readings: Receiver<Reading>,
    lines: VecDeque<Line>,
    end: Option<Result<usize, Fault>>,
    may_wait: bool,
}

impl Blocks {
    /// Begins to read. The thread ends with the input, or at the first line that nobody takes:
    /// whoever drops this does not wait for it. `may_wait`: a terminal or a pipe, whose next line
    /// may be long in coming.
    pub fn read(input: impl Read + Send + 'static, may_wait: bool) -> Result<Self> {
        let (sender, readings) = sync_channel(READINGS_AHEAD);
        thread::Builder::new()
            .name("reading lines".to_owned())
            .spawn(move || read(input, &sender))
            .map_err(Error::library("starting a thread"))?;
        Ok(Self { readings, lines: VecDeque::new(), end: None, may_wait })
    }

    /// The next block: of a file a full one, else the lines that have come. Where none has, `wait`
    /// says whether to wait for one.
    pub fn next(&mut self, wait: bool) -> Next {
        if self.lines.is_empty() && self.end.is_none() && !self.receive(wait || !self.may_wait) {
            return Next::NotYet;
        }
        while !self.is_full() && self.end.is_none() && self.receive(!self.may_wait) {}
        let mut bytes = 0;
        let fits = |line: &&Line| {
            bytes += line.text.len();
            bytes <= BYTES
        };
        let count = self.lines.iter().take(LINES).take_while(fits).count().max(1);
        let block: Vec<Line> = self.lines.drain(..count.min(self.lines.len())).collect();
        match self.end.take_if(|_| block.is_empty()) {
            Some(end) => Next::End(end),
            None => Next::Block(block),
        }
    }

    fn is_full(&self) -> bool {
        let bytes = || self.lines.iter().map(|line| line.text.len()).sum::<usize>();
        self.lines.len() >= LINES || bytes() >= BYTES
    }

    /// Takes a reading's lines; false where there is none yet.
    fn receive(&mut self, wait: bool) -> bool {
        let reading = match wait {
            true => self.readings.recv().map_err(|_| TryRecvError::Disconnected),
            false => self.readings.try_recv(),
        };
        match reading {
            Ok(Reading { lines, end }) => {
                self.lines.extend(lines);
                self.end = end;
            }
            Err(TryRecvError::Empty) => return false,
            // The input's own `read` panicked, which no reader of the system's does.
            Err(TryRecvError::Disconnected) => {
                let number = self.lines.back().map_or(1, |line| line.number + 1);
                self.end = Some(Err(Fault { number, reason: "reading broke off".to_owned() }));
            }
        }
        true
    }
}

/// Reads to the end, or until the lines are wanted no more.
fn read(mut input: impl Read, readings: &SyncSender<Reading>) {
    let mut cutter = Cutter::default();
    let mut buffer = vec![0; READ];
    loop {
        let mut lines = Vec::new();
        let end = match input.read(&mut buffer) {
            Ok(0) => Some(cutter.finish(&mut lines)),
            Ok(count) => cutter.feed(&buffer[..count], &mut lines).err().map(Err),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Some(Err(cutter.fault(format!("cannot be read: {error}")))),
        };
        let is_last = end.is_some();
        if lines.is_empty() && !is_last {
            continue;
        }
        if readings.send(Reading { lines, end }).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    fn sizes_and_end(blocks: &mut Blocks) -> (Vec<usize>, Result<usize, Fault>) {
        let mut sizes = Vec::new();
        loop {
            match blocks.next(true) {
                Next::Block(lines) => sizes.push(lines.len()),
                Next::NotYet => thread::yield_now(),
                Next::End(end) => return (sizes, end),
            }
        }
    }

    fn file(text: String) -> Blocks {
        Blocks::read(io::Cursor::new(text.into_bytes()), false).unwrap()
    }

    #[test]
    fn blocks_of_a_file_are_full() {
        let (sizes, end) = sizes_and_end(&mut file("a sentence\n\n".repeat(2 * LINES + 7)));
        assert_eq!((sizes, end), (vec![LINES, LINES, 7], Ok(2 * (2 * LINES + 7))));
        // Lines of a third of a block's bytes, and one of more than all of them.
        let third = "a".repeat(BYTES / 3) + "\n";
        let text = third.repeat(4) + &"b".repeat(BYTES + 1) + "\n" + &third;
        assert_eq!(sizes_and_end(&mut file(text)).0, [3, 1, 1, 1]);
    }

    #[test]
    fn lines_of_a_pipe_come_as_soon_as_they_are_there() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut blocks = Blocks::read(reader, true).unwrap();
        assert!(matches!(blocks.next(false), Next::NotYet));
        writer.write_all(b"one\ntwo\nthr").unwrap();
        // All of a writing comes at once, but for the line that it does not end.
        assert!(matches!(blocks.next(true), Next::Block(lines) if lines.len() == 2));
        assert!(matches!(blocks.next(false), Next::NotYet));
        writer.write_all(b"ee").unwrap();
        drop(writer);
        let Next::Block(lines) = blocks.next(true) else { panic!("no block") };
        assert_eq!(lines, [Line { number: 3, text: "three".to_owned() }]);
        assert!(matches!(blocks.next(true), Next::End(Ok(3))));
    }

    #[test]
    fn lines_before_a_fault_come_first() {
        let (sizes, end) = sizes_and_end(&mut file("a\n".repeat(LINES + 2) + "b\n"));
        assert_eq!((sizes, end), (vec![LINES, 3], Ok(LINES + 3)));
        let bytes = [b"a\n".repeat(LINES + 2), b"\xff\nb\n".to_vec()].concat();
        let mut blocks = Blocks::read(io::Cursor::new(bytes), false).unwrap();
        let (sizes, end) = sizes_and_end(&mut blocks);
        assert_eq!(sizes, [LINES, 2]);
        assert_eq!(end.unwrap_err().number, LINES + 3);
    }

    /// Endless lines, and how many bytes of them were read.
    struct Endless(Arc<AtomicUsize>);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.fetch_add(buffer.len(), Ordering::SeqCst);
            buffer.fill(b'\n');
            buffer.iter_mut().step_by(2).for_each(|byte| *byte = b'a');
            Ok(buffer.len())
        }
    }

    #[test]
    fn reading_stops_until_lines_are_taken_and_ends_where_nobody_takes_them() {
        let read = Arc::new(AtomicUsize::new(0));
        let mut blocks = Blocks::read(Endless(read.clone()), true).unwrap();
        assert!(matches!(blocks.next(true), Next::Block(lines) if lines.len() == LINES));
        // One reading is taken, the next ones wait, and one more waits to be sent.
        let most = (READINGS_AHEAD + 2) * READ;
        let until = Instant::now() + Duration::from_secs(60);
        while read.load(Ordering::SeqCst) < most && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(50));
        assert_eq!(read.load(Ordering::SeqCst), most);
        drop(blocks);
        // Whoever reads holds the other half of the count.
        while Arc::strong_count(&read) > 1 && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(Arc::strong_count(&read), 1);
    }

    /// Breaks off after some lines.
    struct BrokenReader(bool);

    impl Read for BrokenReader {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("the disk is gone"));
            }
            buffer[..6].copy_from_slice(b"a\nb\nc\n");
            Ok(6)
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_line() {
        let mut blocks = Blocks::read(BrokenReader(false), true).unwrap();
        let (sizes, end) = sizes_and_end(&mut blocks);
        assert_eq!(sizes.iter().sum::<usize>(), 3);
        let fault = Fault { number: 4, reason: "cannot be read: the disk is gone".to_owned() };
        assert_eq!(end, Err(fault));
    }
}
