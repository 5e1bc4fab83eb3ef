//! Some hundred stories as a test; `cargo xtask sim` plays as many as one likes.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use madang_sim::{Counts, play, scenes, shrink, tell};

/// Stories of the short run.
const SEEDS: u64 = 160;

/// Seeds of stories that found something once: a change, and an entry, of the new epoch on rows of the old one; a room
/// that was closed while a queue was dropped; one that was closed, looked at, and open again in a backup; a marker that a
/// leading tab moved and never sent, seen by a tab that counts, and by one that waits for its first state.
const FOUND: [u64; 6] = [1_795_869_688, 1_000_076, 779, 1_795_915_024, 6_868, 1_795_919_987];

/// Plays the short run on two threads.
fn short_run() -> Counts {
    let half = |first: u64| {
        move || {
            let mut sum = Counts::default();
            let found = FOUND.into_iter().filter(|_| first == 0);
            for seed in (first..SEEDS).step_by(2).chain(found) {
                match tell(seed) {
                    Ok(tally) => sum += tally,
                    Err(broken) => {
                        let story = shrink(seed);
                        panic!("{broken}\n{}", story.map_or_else(String::new, |story| story.to_string()))
                    }
                }
            }
            sum
        }
    };
    let other = std::thread::spawn(half(1));
    let mut sum = half(0)();
    sum += other.join().unwrap();
    sum
}

#[test]
fn no_fault_breaks_a_promise() {
    let sum = short_run();
    println!("{sum}");
    for (what, count) in [
        ("repeats", sum.repeats),
        ("half-open connections", sum.half_open),
        ("overflows", sum.overflows),
        ("crashes with a batch under way", sum.torn),
        ("restores", sum.restores),
        ("entries lost by a restore", sum.lost),
        ("disk errors", sum.disk_errors),
        ("broker faults", sum.broker),
        ("frames lost", sum.frames_lost),
        ("reloads", sum.reloads),
        ("pages ahead of the stream", sum.ahead),
        ("reactions of several people with one emoji", sum.joined),
        ("writes that change nothing", sum.idle_writes),
        ("connections without WebSocket", sum.fallbacks),
    ] {
        assert!(count > 0, "no {what}: the stories test less than they should");
    }
}

#[test]
fn the_same_seed_is_the_same_story() {
    for seed in 0..20 {
        let story = scenes(seed);
        let [first, again] = [0, 1].map(|_| play(seed, &story, true));
        assert_eq!(first.fingerprint, again.fingerprint, "seed {seed}");
        assert_eq!(first.trace, again.trace, "seed {seed}");
        assert_eq!(first.tally, again.tally, "seed {seed}");
    }
}
