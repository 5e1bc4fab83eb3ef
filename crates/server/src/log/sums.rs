//! Repeats: the same line is written once in a window, and then summed; of one cause so many lines are written.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Maximum number of different lines of one cause in a window; further ones are summed together.
const LINES: usize = 10;

/// A line without its time.
#[derive(Debug)]
pub(super) struct Line {
    /// All of it.
    pub(super) text: String,
    /// Its beginning, up to its values.
    pub(super) cause: String,
}

/// Lines written in each cause's window. Causes are places in the program, so there are not many.
#[derive(Debug)]
pub(super) struct Sums<C> {
    window: Duration,
    windows: Mutex<HashMap<C, Window>>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    cause: String,
    lines: Vec<(String, u64)>,
    others: u64,
}

impl Window {
    fn lines(self) -> impl Iterator<Item = String> {
        let lines = self.lines.into_iter().filter(|(_, more)| *more > 0);
        let lines = lines.map(|(line, more)| format!("{line}, and {more} more"));
        let cause = self.cause;
        let others = (self.others > 0).then(|| format!("{cause}, and {} more of other values", self.others));
        lines.chain(others)
    }
}

impl<C: Eq + Hash> Sums<C> {
    /// Sums over this time; a window of zero writes each line.
    pub(super) fn new(window: Duration) -> Self {
        Self { window, windows: Mutex::default() }
    }

    /// Takes a line of a cause. Returns what is to be written now.
    pub(super) fn take(&self, cause: C, line: Line, now: Instant) -> Vec<String> {
        if self.window.is_zero() {
            return vec![line.text];
        }
        let mut windows = self.lock();
        let over = windows.remove(&cause);
        let (mut written, mut window) = match over {
            Some(window) if now.duration_since(window.began) < self.window => (Vec::new(), window),
            over => {
                let window = Window { began: now, cause: line.cause, lines: Vec::new(), others: 0 };
                (over.into_iter().flat_map(Window::lines).collect(), window)
            }
        };
        let may_write = window.lines.len() < LINES;
        match window.lines.iter_mut().find(|(known, _)| *known == line.text) {
            Some((_, more)) => *more += 1,
            None if may_write => {
                written.push(line.text.clone());
                window.lines.push((line.text, 0));
            }
            None => window.others += 1,
        }
        windows.insert(cause, window);
        written
    }

    /// Ends the windows that are over. Returns their sums.
    pub(super) fn due(&self, now: Instant) -> Vec<String> {
        let is_over = |window: &Window| now.duration_since(window.began) >= self.window;
        self.lock().extract_if(|_, window| is_over(window)).flat_map(|(_, window)| window.lines()).collect()
    }

    /// Ends all windows. Returns their sums.
    pub(super) fn all(&self) -> Vec<String> {
        self.lock().drain().flat_map(|(_, window)| window.lines()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<C, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(sums: &Sums<u8>, value: &str, now: Instant) -> Vec<String> {
        let line = Line { text: format!("refused {value}"), cause: "refused".into() };
        sums.take(0, line, now)
    }

    #[test]
    fn a_repeat_is_summed_until_its_window_ends() {
        let (sums, now) = (Sums::new(Duration::from_secs(10)), Instant::now());
        assert_eq!(take(&sums, "a", now), ["refused a"]);
        for _ in 0..999 {
            assert!(take(&sums, "a", now + Duration::from_secs(9)).is_empty());
        }
        assert!(sums.due(now + Duration::from_secs(9)).is_empty());
        assert_eq!(sums.due(now + Duration::from_secs(10)), ["refused a, and 999 more"]);
        assert!(sums.due(now + Duration::from_secs(30)).is_empty(), "a sum is told once");
    }

    #[test]
    fn line_after_window_writes_the_sum_first() {
        let (sums, now) = (Sums::new(Duration::from_secs(10)), Instant::now());
        take(&sums, "a", now);
        take(&sums, "a", now);
        assert_eq!(take(&sums, "a", now + Duration::from_secs(10)), ["refused a, and 1 more", "refused a"]);
    }

    #[test]
    fn other_values_of_one_cause_are_summed_together() {
        let (sums, now) = (Sums::new(Duration::from_secs(10)), Instant::now());
        let written = (0..1_000).flat_map(|n| take(&sums, &n.to_string(), now)).count();
        assert_eq!(written, LINES);
        assert_eq!(sums.all(), ["refused, and 990 more of other values"]);
    }

    #[test]
    fn without_a_window_each_line_is_written() {
        let (sums, now) = (Sums::new(Duration::ZERO), Instant::now());
        assert_eq!((0..50).flat_map(|_| take(&sums, "a", now)).count(), 50);
        assert!(sums.all().is_empty());
    }
}
