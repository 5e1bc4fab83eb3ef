//! One line when a step begins and one when it ends, the same on a terminal and in a log file.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Runs `work`, saying what it is before, and how long it took after.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    step_telling(name, || Ok((work()?, String::new())))
}

/// Like [`step`]; the work's second result is told behind the time that it took.
pub(crate) fn step_telling<T>(name: &str, work: impl FnOnce() -> Result<(T, String)>) -> Result<T> {
    println!("▸ {name} …");
    let start = Instant::now();
    let (value, told) = work()?;
    let told = if told.is_empty() { told } else { format!(": {told}") };
    println!("▸ {name} … done in {}{told}", human(start.elapsed()));
    Ok(value)
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
    fn times_are_said_as_a_person_would() {
        assert_eq!(human(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(human(Duration::from_secs(18)), "18 s");
        assert_eq!(human(Duration::from_secs(130)), "2 min 10 s");
    }
}
