//! Schedule of a person's day: a seed decides what they do and when, whatever the server does.

use std::time::Duration;

use fastrand::Rng;

/// One act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    /// Time since the day began.
    pub(crate) at: Duration,
    pub(crate) kind: Kind,
}

/// Kinds of acts; whoever does none of them reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Post,
    /// Asks for a page of history.
    Page,
    /// Closes the connection, comes back after so long, and goes on from the last entry.
    Leave(Duration),
}

/// One person in so many writes; all others only read.
const WRITES: usize = 5;

/// Acts a minute, on average.
const POSTS: f64 = 6.0;
const PAGES: f64 = 0.5;
const LEAVES: f64 = 0.5;

/// Longest absence, in seconds.
const AWAY: f64 = 8.0;

/// Returns the acts of this person, in order, each at a moment that does not depend on the one before (Poisson). The
/// last absence ends before the day.
pub(crate) fn of(seed: u64, person: usize, day: Duration) -> Vec<Act> {
    let mut rng = Rng::with_seed(seed ^ (person as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let posts = if person.is_multiple_of(WRITES) { POSTS } else { 0.0 };
    let all = posts + PAGES + LEAVES;
    let (mut at, mut acts) = (0.0, Vec::new());
    loop {
        at -= (1.0 - rng.f64()).ln() * 60.0 / all;
        let (dice, away) = (rng.f64() * all, rng.f64() * AWAY);
        let (kind, end) = match dice {
            dice if dice < posts => (Kind::Post, at),
            dice if dice < posts + PAGES => (Kind::Page, at),
            _ => (Kind::Leave(Duration::from_secs_f64(away)), at + away),
        };
        if at >= day.as_secs_f64() {
            return acts;
        }
        if end < day.as_secs_f64() {
            acts.push(Act { at: Duration::from_secs_f64(at), kind });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn count(acts: &[Act], kind: fn(Kind) -> bool) -> usize {
        acts.iter().filter(|act| kind(act.kind)).count()
    }

    #[test]
    fn same_seed_gives_same_day() {
        assert_eq!(of(7, 5, HOUR), of(7, 5, HOUR));
        assert_ne!(of(7, 5, HOUR), of(8, 5, HOUR));
        assert_ne!(of(7, 5, HOUR), of(7, 10, HOUR));
    }

    #[test]
    fn one_in_five_writes_at_its_rate() {
        for person in 0..20 {
            let acts = of(1, person, HOUR);
            let posts = count(&acts, |kind| kind == Kind::Post);
            if person % 5 == 0 {
                assert!((280..440).contains(&posts), "{person}: {posts}");
            } else {
                assert_eq!(posts, 0, "{person}");
            }
            assert!(count(&acts, |kind| matches!(kind, Kind::Leave(_))) > 0, "{person}");
        }
    }

    #[test]
    fn acts_are_in_order_and_end_in_time() {
        for person in 0..50 {
            let day = Duration::from_secs(60);
            let acts = of(3, person, day);
            assert!(acts.is_sorted_by_key(|act| act.at));
            for act in acts {
                let away = if let Kind::Leave(away) = act.kind { away } else { Duration::ZERO };
                assert!(act.at + away < day, "{act:?}");
            }
        }
    }
}
