//! How far a file has come.

use std::fmt;
use std::time::{Duration, Instant};
use ttp_base::show;

/// How far the file that is being fetched has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The file's name in the repository.
    pub file: String,
    /// Bytes on disk, with those of an earlier, broken off fetch.
    pub done: u64,
    /// Bytes in all, where the hub says so.
    pub total: Option<u64>,
    /// Bytes a second since this request began.
    pub bytes_per_second: f64,
}

impl Progress {
    /// Seconds until the file is whole, at the rate so far; `None` if that cannot be said.
    pub fn seconds_left(&self) -> Option<f64> {
        let left = self.total?.saturating_sub(self.done) as f64;
        (self.bytes_per_second > 0.0).then(|| left / self.bytes_per_second)
    }

    /// Whether all of the file is there.
    pub fn is_complete(&self) -> bool {
        self.total.is_some_and(|total| self.done >= total)
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = |bytes: f64| bytes / 1e6;
        write!(f, "{}  {:.1}", self.file, megabytes(self.done as f64))?;
        if let Some(total) = self.total {
            let share = 100.0 * self.done as f64 / total.max(1) as f64;
            write!(f, "/{:.1} MB ({share:.0} %)", megabytes(total as f64))?;
        } else {
            write!(f, " MB")?;
        }
        write!(f, "  {:.1} MB/s", megabytes(self.bytes_per_second))?;
        match self.seconds_left() {
            // A century is longer than anybody waits, and no `Duration` is endless.
            Some(left) if !self.is_complete() && left < 3.2e9 => {
                write!(f, "  {} left", show::duration(Duration::from_secs_f64(left)))
            }
            _ => Ok(()),
        }
    }
}

/// A `progress` for [`super::Hub::fetch`] that prints a line about every `seconds`, and
/// one for each file that has come whole.
pub fn print_every(seconds: f64) -> impl FnMut(&Progress) {
    let mut last = Instant::now();
    move |progress| {
        if progress.is_complete() || last.elapsed().as_secs_f64() >= seconds {
            show::print(&format!("{progress}\n"));
            last = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long_yet() {
        let mut progress = Progress {
            file: "model.safetensors".to_owned(),
            done: 108_960_000,
            total: Some(435_840_000),
            bytes_per_second: 32_688_000.0,
        };
        let line = "model.safetensors  109.0/435.8 MB (25 %)  32.7 MB/s  10.0 s left";
        assert_eq!(progress.to_string(), line);
        progress.bytes_per_second = 0.0;
        assert_eq!(progress.to_string(), "model.safetensors  109.0/435.8 MB (25 %)  0.0 MB/s");
        progress.bytes_per_second = 1e-300;
        assert_eq!(progress.to_string(), "model.safetensors  109.0/435.8 MB (25 %)  0.0 MB/s");
        progress.total = None;
        assert!(!progress.is_complete());
        assert_eq!(progress.to_string(), "model.safetensors  109.0 MB  0.0 MB/s");
        progress.total = Some(progress.done);
        assert!(progress.is_complete());
        assert!(!progress.to_string().contains("left"));
    }
}
