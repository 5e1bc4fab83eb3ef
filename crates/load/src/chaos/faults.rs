//! Faults, planned by the seed: one train of trouble for the lines, one for the server.

use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, sleep_until};

use super::Counts;
use super::network::{Flow, Line};
use super::server::Server;

/// Troubles the lines until `end`, and leaves all of them calm.
pub(super) async fn lines(lines: Vec<Rc<Line>>, mut rng: Rng, end: Instant) -> Counts {
    let mut faults = Counts::new();
    while pause(&mut rng, 200..2_500, end).await {
        // Now one line, now half of them, now all.
        let share = *[0.01, 0.1, 0.5, 1.0].get(rng.usize(0..4)).unwrap_or(&1.0);
        let struck: Vec<_> = lines.iter().filter(|_| rng.f64() < share).cloned().collect();
        let lasts =
            Duration::from_millis(rng.u64(300..12_000)).min(end.saturating_duration_since(Instant::now()));
        let trouble = Trouble::any(&mut rng);
        for line in &struck {
            trouble.begin(line);
            *faults.entry(trouble.name()).or_default() += 1;
        }
        spawn_local(async move {
            sleep(lasts).await;
            struck.iter().for_each(|line| trouble.end(line));
        });
    }
    lines.iter().for_each(|line| line.calm());
    faults
}

/// Faults of a line.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Closed,
    Reset,
    Stalled,
    Slow(u32),
    BlockedUpgrades,
    BufferedAnswers,
}

impl Trouble {
    fn any(rng: &mut Rng) -> Self {
        match rng.u32(0..100) {
            0..25 => Self::Closed,
            25..45 => Self::Reset,
            45..65 => Self::Stalled,
            65..80 => Self::Slow(rng.u32(500..20_000)),
            80..92 => Self::BlockedUpgrades,
            _ => Self::BufferedAnswers,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Stalled => "stalled",
            Self::Slow(_) => "slow",
            Self::BlockedUpgrades => "upgrades blocked",
            Self::BufferedAnswers => "answers buffered",
        }
    }

    fn begin(self, line: &Line) {
        match self {
            Self::Closed => line.cut(false),
            Self::Reset => line.cut(true),
            Self::Stalled => line.flow(Flow::Stalled),
            Self::Slow(rate) => line.flow(Flow::Slow(rate)),
            Self::BlockedUpgrades => {
                line.block_upgrades(true);
                line.cut(false);
            }
            Self::BufferedAnswers => line.buffer_answers(true),
        }
    }

    fn end(self, line: &Line) {
        match self {
            Self::Closed | Self::Reset => {}
            Self::Stalled | Self::Slow(_) => line.flow(Flow::Free),
            Self::BlockedUpgrades => line.block_upgrades(false),
            Self::BufferedAnswers => line.buffer_answers(false),
        }
    }
}
/// Troubles the server until `end`, and leaves it running.
///
/// # Errors
/// If it does what was not asked of it: ends by itself, does not start, does not end.
pub(super) async fn server(server: &mut Server, mut rng: Rng, end: Instant) -> Result<Counts> {
    let mut faults = Counts::new();
    while pause(&mut rng, 2_000..9_000, end).await {
        let down = Duration::from_millis(rng.u64(0..2_500));
        let name = match rng.u32(0..100) {
            0..45 => {
                server.kill().await?;
                sleep(down).await;
                server.restart().await?;
                "server killed"
            }
            45..70 => {
                server.freeze(true)?;
                sleep(down * 3).await;
                server.freeze(false)?;
                "server frozen"
            }
            _ => {
                let took = server.drain().await?;
                eprintln!("the server was asked to end, and did in {:.1} s", took.as_secs_f64());
                sleep(down).await;
                server.restart().await?;
                "server drained"
            }
        };
        *faults.entry(name).or_default() += 1;
    }
    Ok(faults)
}

/// Waits for a while within `millis`; false if `end` comes first.
async fn pause(rng: &mut Rng, millis: std::ops::Range<u64>, end: Instant) -> bool {
    let next = Instant::now() + Duration::from_millis(rng.u64(millis));
    sleep_until(next.min(end)).await;
    next < end
}
