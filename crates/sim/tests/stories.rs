//! Some hundred stories as a test; `cargo xtask sim` plays as many as one likes.
#![allow(clippy::unwrap_used, missing_docs)]

use madang_sim::{Options, Tally, play, scenes, shrink, tell};

#[test]
fn whatever_goes_wrong_no_promise_is_broken() {
    let mut sum = Tally::default();
    for seed in 0..300 {
        match tell(seed) {
            Ok(tally) => sum += tally,
            Err(broken) => {
                panic!("{broken}\n{}", shrink(seed).map_or_else(String::new, |story| story.to_string()))
            }
        }
    }
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
        ("connections without WebSocket", sum.fallbacks),
    ] {
        assert!(count > 0, "no {what}: the stories test less than they should");
    }
}

#[test]
fn the_same_seed_is_the_same_story() {
    for seed in 0..20 {
        let story = scenes(seed);
        let [first, again] = [0, 1].map(|_| play(seed, &story, Options { trace: true }));
        assert_eq!(first.fingerprint, again.fingerprint, "seed {seed}");
        assert_eq!(first.trace, again.trace, "seed {seed}");
        assert_eq!(first.tally, again.tally, "seed {seed}");
    }
}
