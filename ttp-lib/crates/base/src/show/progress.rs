//! How far a long work has come, a line at a time: a notebook's output is
//! line-buffered, so nothing is drawn over.

use super::{harmless, print, terminal_safe};
use std::time::{Duration, Instant};

/// Prints at most one line in so many seconds: what, how far, how fast, how long yet.
///
/// ```
/// use ttp_base::show::Progress;
/// let mut progress = Progress::new("scoring", "sentences", 3);
/// for loss in [0.9, 0.5, 0.4] {
///     progress.step(1, || format!("loss {loss:.3}"));
/// }
/// progress.finish(); // scoring: 3 sentences in 0.1 ms, 26,000 sentences/s, loss 0.400
/// ```
#[derive(Debug)]
pub struct Progress {
    what: String,
    unit: String,
    total: usize,
    done: usize,
    every: Duration,
    started: Instant,
    last: Duration,
    extra: String,
}

impl Progress {
    /// Begins; `total` is how many of `unit` there are to do. A line every 5 seconds
    /// unless [`Progress::every`] says otherwise.
    pub fn new(what: impl Into<String>, unit: impl Into<String>, total: usize) -> Self {
        Self {
            what: shown(&what.into()),
            unit: shown(&unit.into()),
            total,
            done: 0,
            every: Duration::from_secs(5),
            started: Instant::now(),
            last: Duration::ZERO,
            extra: String::new(),
        }
    }

    /// The same with another time between two lines.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// So many more are done; `extra` says what else there is to say, and is asked
    /// only when a line is due or the work is done.
    pub fn step(&mut self, more: usize, extra: impl FnOnce() -> String) {
        if let Some(line) = self.step_at(self.started.elapsed(), more, extra) {
            print(&line);
        }
    }

    /// Prints the last line, with the time that all of it took.
    pub fn finish(self) {
        print(&self.last_line(self.started.elapsed()));
    }

    fn step_at(
        &mut self,
        elapsed: Duration,
        more: usize,
        extra: impl FnOnce() -> String,
    ) -> Option<String> {
        self.done += more;
        let due = elapsed >= self.last + self.every;
        if due || self.done >= self.total {
            self.extra = shown(&extra());
        }
        if !due || self.done >= self.total {
            return None;
        }
        self.last = elapsed;
        let (done, total) = (count(self.done as f64), count(self.total as f64));
        let share = 100.0 * self.done as f64 / self.total as f64;
        let head = format!("{}: {done}/{total} {} ({share:.0} %)", self.what, self.unit);
        let left = elapsed.mul_f64((self.total - self.done) as f64 / self.done.max(1) as f64);
        let left = (self.done > 0).then(|| format!("{} left", duration(left)));
        Some(joined([Some(head), self.rate(elapsed), self.extra(), left]))
    }

    fn last_line(&self, elapsed: Duration) -> String {
        let done = match self.done == self.total {
            true => count(self.done as f64),
            false => format!("{} of {}", count(self.done as f64), count(self.total as f64)),
        };
        let head = format!("{}: {done} {} in {}", self.what, self.unit, duration(elapsed));
        joined([Some(head), self.rate(elapsed), self.extra(), None])
    }

    fn rate(&self, elapsed: Duration) -> Option<String> {
        let seconds = elapsed.as_secs_f64();
        (seconds > 0.0).then(|| format!("{} {}/s", count(self.done as f64 / seconds), self.unit))
    }

    fn extra(&self) -> Option<String> {
        (!self.extra.is_empty()).then(|| self.extra.clone())
    }
}

fn shown(text: &str) -> String {
    terminal_safe(&harmless(text, 200))
}

fn joined(parts: [Option<String>; 4]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ") + "\n"
}

/// Whole from 10 on, one decimal below where there is something behind the point.
fn count(value: f64) -> String {
    if value < 10.0 && value.fract() != 0.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A time as one says it: `0.8 ms`, `350 ms`, `4.2 s`, `1 min 05 s`, `2 h 03 min`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    // The limits are where the rounded figure would spill over into the next unit.
    if seconds < 0.009_95 {
        format!("{:.1} ms", 1e3 * seconds)
    } else if seconds < 0.999_5 {
        format!("{:.0} ms", 1e3 * seconds)
    } else if seconds < 59.95 {
        format!("{seconds:.1} s")
    } else if seconds < 3_599.5 {
        let whole = seconds.round() as u64;
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        let minutes = (seconds / 60.0).round() as u64;
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_one_says_them() {
        for (milliseconds, expected) in [
            (0.0, "0.0 ms"),
            (0.8, "0.8 ms"),
            (9.96, "10 ms"),
            (350.0, "350 ms"),
            (999.6, "1.0 s"),
            (4_200.0, "4.2 s"),
            (59_960.0, "1 min 00 s"),
            (65_000.0, "1 min 05 s"),
            (3_599_600.0, "1 h 00 min"),
            (7_380_000.0, "2 h 03 min"),
        ] {
            assert_eq!(duration(Duration::from_secs_f64(milliseconds / 1e3)), expected);
        }
    }

    #[test]
    fn a_line_comes_when_it_is_due_and_not_before() {
        let mut progress = Progress::new("training", "sentences", 4_000);
        let at = Duration::from_secs;
        let loss = || "loss 0.512".to_owned();
        assert_eq!(progress.step_at(at(4), 500, || unreachable!("not due")), None);
        let line =
            "training: 1,000/4,000 sentences (25 %), 200 sentences/s, loss 0.512, 15.0 s left\n";
        assert_eq!(progress.step_at(at(5), 500, loss).as_deref(), Some(line));
        assert_eq!(progress.step_at(at(9), 1, || unreachable!("not due")), None);
        assert_eq!(progress.step_at(at(20), 2_999, loss), None, "the last line is finish's");
        let last = "training: 4,000 sentences in 20.0 s, 200 sentences/s, loss 0.512\n";
        assert_eq!(progress.last_line(at(20)), last);
    }

    #[test]
    fn nothing_done_or_more_than_all_is_no_reason_to_fail() {
        let mut none = Progress::new("a", "b", 10).every(Duration::ZERO);
        let line = none.step_at(Duration::from_secs(1), 0, String::new);
        assert_eq!(line.as_deref(), Some("a: 0/10 b (0 %), 0 b/s\n"));
        assert_eq!(none.last_line(Duration::ZERO), "a: 0 of 10 b in 0.0 ms\n");
        let mut over = Progress::new("a", "b", 0);
        assert_eq!(over.step_at(Duration::from_secs(9), 3, String::new), None);
    }

    #[test]
    fn what_it_says_is_safe_in_a_terminal() {
        let mut progress = Progress::new("a\u{1b}[2J", "b\n", 2).every(Duration::ZERO);
        let line = progress.step_at(Duration::from_secs(1), 1, || "EVCXR_END_CONTENT\r".into());
        let line = line.unwrap_or_default();
        assert_eq!(line.matches(char::is_control).collect::<Vec<_>>(), ["\n"]);
        assert!(!line.contains("EVCXR_"));
    }
}
