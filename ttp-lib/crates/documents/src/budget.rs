//! What one document may take: time, and bytes of unpacked text.

use crate::Limits;
use std::io::Read;
use std::time::{Duration, Instant};

/// A reader's result; the reason is a line, to which the file's name is added.
pub(crate) type Outcome<T> = Result<T, String>;

/// Bytes that a block costs beside its text: a page of empty tags must not fill the memory.
const BLOCK: usize = 24;

/// What is left of a document's [`Limits`].
pub(crate) struct Budget {
    deadline: Option<Instant>,
    seconds: u64,
    left: usize,
    text: usize,
    /// Most pages.
    pub(crate) pages: usize,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        let deadline = Instant::now().checked_add(Duration::from_secs(limits.seconds));
        Self {
            deadline,
            seconds: limits.seconds,
            left: limits.text,
            text: limits.text,
            pages: limits.pages,
        }
    }

    /// Refuses a document that takes too long.
    pub(crate) fn check(&self) -> Outcome<()> {
        match self.deadline {
            Some(deadline) if Instant::now() > deadline => {
                Err(format!("takes longer than {} seconds to read", self.seconds))
            }
            _ => Ok(()),
        }
    }

    /// Takes `bytes` of unpacked text.
    pub(crate) fn spend(&mut self, bytes: usize) -> Outcome<()> {
        self.check()?;
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self.too_much()),
        }
    }

    /// Takes what blocks cost beside their text.
    pub(crate) fn spend_blocks(&mut self, count: usize) -> Outcome<()> {
        if count == 0 { self.check() } else { self.spend(count.saturating_mul(BLOCK)) }
    }

    fn too_much(&self) -> String {
        format!("unpacks to more than {} bytes", self.text)
    }

    /// Reads all of `reader`, at most what is left. Where it breaks off with an error, that error
    /// comes with what was read before.
    pub(crate) fn unpack(
        &mut self,
        reader: impl Read,
    ) -> Outcome<(Vec<u8>, Option<std::io::Error>)> {
        let most = self.left;
        let mut reader = reader.take(most as u64 + 1);
        let (mut out, mut piece) = (Vec::new(), vec![0_u8; 64 << 10]);
        let broken = loop {
            self.check()?;
            match reader.read(&mut piece) {
                Ok(0) => break None,
                Ok(length) => out.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
            if out.len() > most {
                return Err(self.too_much());
            }
        };
        self.spend(out.len())?;
        Ok((out, broken))
    }
}
