//! One line when a step begins and one when it ends, the same on a terminal and in a log file; and a table of all.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

/// Runs `work`, saying what it is before, and how long it took after.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    step_telling(name, || Ok((work()?, String::new())))
}

/// Like [`step`]; the work's second result is printed behind the time that it took.
pub(crate) fn step_telling<T>(name: &str, work: impl FnOnce() -> Result<(T, String)>) -> Result<T> {
    println!("▸ {name} …");
    let start = Instant::now();
    let place = begin(name);
    let outcome = work();
    let time = start.elapsed();
    end(place, if outcome.is_ok() { Outcome::Done } else { Outcome::Failed }, time);
    match outcome {
        Ok((value, told)) => {
            let told = if told.is_empty() { told } else { format!(": {told}") };
            println!("▸ {name} … done in {}{told}", human(time));
            Ok(value)
        }
        Err(error) => {
            println!("▸ {name} … failed after {}", human(time));
            Err(error)
        }
    }
}

/// All steps so far in the order in which they began, with their times; a step within another stands further in.
/// Steps may have run at the same time, so that their sum may be more than `whole`.
pub(crate) fn table(whole: Duration) -> String {
    render(&steps(), whole)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Running,
    Done,
    Failed,
}

struct Step {
    name: String,
    /// Number of steps that it is part of.
    depth: usize,
    outcome: Outcome,
    time: Duration,
}

/// One entry for each step of this process, some dozens.
static STEPS: Mutex<Vec<Step>> = Mutex::new(Vec::new());

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

fn steps() -> MutexGuard<'static, Vec<Step>> {
    STEPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a step that begins, and gives its place in the list.
fn begin(name: &str) -> usize {
    let depth = DEPTH.replace(DEPTH.get() + 1);
    let mut steps = steps();
    steps.push(Step { name: name.to_owned(), depth, outcome: Outcome::Running, time: Duration::ZERO });
    steps.len() - 1
}

fn end(place: usize, outcome: Outcome, time: Duration) {
    DEPTH.set(DEPTH.get().saturating_sub(1));
    if let Some(step) = steps().get_mut(place) {
        step.outcome = outcome;
        step.time = time;
    }
}

fn render(steps: &[Step], whole: Duration) -> String {
    let named = |step: &Step| {
        let mark = if step.outcome == Outcome::Failed { '✗' } else { ' ' };
        format!("{mark} {}{}", "  ".repeat(step.depth), step.name)
    };
    let last = "  in all".to_owned();
    let width = steps.iter().map(named).chain([last.clone()]).map(|name| name.chars().count()).max();
    let line = |name: String, time: &str| {
        let gap = width.unwrap_or_default() - name.chars().count();
        format!("{name}{} {time:>13}\n", " ".repeat(gap))
    };
    let time = |step: &Step| match step.outcome {
        Outcome::Running => "not finished".to_owned(),
        Outcome::Done | Outcome::Failed => human(step.time),
    };
    let mut table: String = steps.iter().map(|step| line(named(step), &time(step))).collect();
    table.push_str(&line(last, &human(whole)));
    table
}

fn human(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        seconds @ 10..120 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_readably() {
        assert_eq!(human(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(human(Duration::from_secs(18)), "18 s");
        assert_eq!(human(Duration::from_secs(130)), "2 min 10 s");
    }

    #[test]
    fn the_table_marks_the_step_that_failed() {
        let step = |name: &str, depth, outcome, seconds| Step {
            name: name.to_owned(),
            depth,
            outcome,
            time: Duration::from_secs(seconds),
        };
        let steps = [
            step("wasm target", 0, Outcome::Done, 53),
            step("Debian's compiler", 1, Outcome::Done, 18),
            step("lints", 0, Outcome::Failed, 130),
            step("page", 0, Outcome::Running, 0),
        ];
        let expected = [
            "  wasm target                  53 s",
            "    Debian's compiler          18 s",
            "✗ lints                  2 min 10 s",
            "  page                 not finished",
            "  in all                 3 min 20 s",
        ];
        assert_eq!(render(&steps, Duration::from_secs(200)).lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_failed_step_is_in_the_table() {
        let failed: Result<()> = step("a step that fails here", || {
            step("a part of it", || Ok(()))?;
            anyhow::bail!("no")
        });
        assert!(failed.is_err());
        let table = table(Duration::ZERO);
        assert!(table.lines().any(|line| line.starts_with("✗ a step that fails here")), "{table}");
        assert!(table.lines().any(|line| line.starts_with("    a part of it")), "{table}");
    }
}
