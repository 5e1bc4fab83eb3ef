//! Options of what an address may cause.

use clap::Args;

use crate::budgets::{Allowance, HOUR_SECONDS, Rates};

/// Bytes that an address may write or read at once, in seconds of its rate.
const BYTES_AT_ONCE: u64 = 16;

/// People at full speed that an address has the rate of, where none is named.
const PEOPLE: u32 = 10;

/// Connections at full speed that an address has the rate of, where none is named.
const CONNECTIONS: u32 = 10;

/// Frames that an address may send at once, in seconds of its rate.
const FRAMES_AT_ONCE: u64 = 4;

/// New rooms that an address gets back in an hour.
const ROOMS_AN_HOUR: u64 = 3;

/// Limits for all who come from one address together: one of IPv4, or a /64 of IPv6. In each, 0 means no limit. Those
/// that are not named have none either where a person has none (`--post-rate 0`).
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_line_help = false)]
pub struct Address {
    /// Posts, edits and deletes from one address and second, in the long run; ten times as much at once. Ten people's
    /// where it is not named.
    #[arg(long, env = "MADANG_ADDRESS_POST_RATE", value_name = "N")]
    pub address_post_rate: Option<u32>,

    /// KiB that one address may have written to the disk in a second, in the long run; 16 times as much at once. 64
    /// where it is not named.
    #[arg(long, env = "MADANG_ADDRESS_KIB", value_name = "KIB")]
    pub address_kib: Option<u32>,

    /// MiB that one address may have written to the disk in an hour, and at once as much. 64 where it is not named.
    #[arg(long, env = "MADANG_ADDRESS_HOUR_MIB", value_name = "MIB")]
    pub address_hour_mib: Option<u32>,

    /// KiB of history, snapshots and pages that one address may read in a second, in the long run; 16 times as much at
    /// once. 2048 where it is not named.
    #[arg(long, env = "MADANG_ADDRESS_READ_KIB", value_name = "KIB")]
    pub address_read_kib: Option<u32>,

    /// Frames from one address and second, in the long run; four times as many at once. Beyond, they are read later.
    /// Ten connections' where it is not named.
    #[arg(long, env = "MADANG_ADDRESS_FRAME_RATE", value_name = "N")]
    pub address_frame_rate: Option<u32>,

    /// New people from one address at once, and then in an hour. 200 where it is not named.
    #[arg(long, env = "MADANG_NEWCOMERS_PER_ADDRESS", value_name = "N")]
    pub newcomers_per_address: Option<u32>,

    /// TCP connections from one address that have not asked for anything yet; beyond, the oldest of them is closed. 128
    /// where it is not named. This and the next two have no limit where there may be any number of connections
    /// (`--connections-per-address 0`).
    #[arg(long, env = "MADANG_SILENT_PER_ADDRESS", value_name = "N")]
    pub silent_per_address: Option<u32>,

    /// TCP connections from one address on which HTTP is spoken, before and after the first request. 512 where it is not
    /// named.
    #[arg(long, env = "MADANG_TCP_PER_ADDRESS", value_name = "N")]
    pub tcp_per_address: Option<u32>,

    /// Requests from one address that are being answered. Polls and event streams count as connections. 128 where it is
    /// not named.
    #[arg(long, env = "MADANG_REQUESTS_PER_ADDRESS", value_name = "N")]
    pub requests_per_address: Option<u32>,

    /// Rooms that one address may open at once; then three an hour. 10 where it is not named.
    #[arg(long, env = "MADANG_ROOMS_PER_ADDRESS", value_name = "N")]
    pub rooms_per_address: Option<u32>,

    /// Rooms that a new person may open at once; then one an hour. 3 where it is not named.
    #[arg(long, env = "MADANG_ROOMS_PER_PERSON", value_name = "N")]
    pub rooms_per_person: Option<u32>,
}

impl Address {
    /// Returns how many connections may have asked for nothing, beside so many conversations.
    pub fn silent(self, connections: u32) -> usize {
        usize::try_from(beside(connections, self.silent_per_address, 128)).unwrap_or(usize::MAX)
    }

    /// Returns how many TCP connections may be for HTTP, beside so many conversations.
    pub fn tcp(self, connections: u32) -> u32 {
        beside(connections, self.tcp_per_address, 512)
    }

    /// Returns how many requests may be under way, beside so many conversations.
    pub fn requests(self, connections: u32) -> u32 {
        beside(connections, self.requests_per_address, 128)
    }

    /// The budgets, beside a person's rate of posts and a connection's of frames.
    pub fn rates(self, post_rate: u32, frame_rate: u32) -> Rates {
        let beside = |rate: u32, named: Option<u32>, otherwise: u32| {
            let unnamed = if rate == 0 { 0 } else { otherwise };
            Some(u64::from(named.unwrap_or(unnamed))).filter(|amount| *amount > 0)
        };
        let or = |named, otherwise| beside(post_rate, named, otherwise);
        let hourly = |amount: u64| Allowance { burst: amount, per_hour: amount };
        let posts = or(self.address_post_rate, post_rate.saturating_mul(PEOPLE));
        let bytes = or(self.address_kib, 64).map(|kib| kib * 1024);
        let reads = beside(frame_rate, self.address_read_kib, 2_048).map(|kib| kib * 1024);
        let frames = beside(frame_rate, self.address_frame_rate, frame_rate.saturating_mul(CONNECTIONS));
        Rates {
            posts: posts.map(|n| Allowance { burst: n * 10, per_hour: n * HOUR_SECONDS }),
            bytes: bytes.map(|n| Allowance { burst: n * BYTES_AT_ONCE, per_hour: n * HOUR_SECONDS }),
            more_bytes: or(self.address_hour_mib, 64).map(|mib| hourly(mib * 1024 * 1024)),
            reads: reads.map(|n| Allowance { burst: n * BYTES_AT_ONCE, per_hour: n * HOUR_SECONDS }),
            frames: frames.map(|n| Allowance { burst: n * FRAMES_AT_ONCE, per_hour: n * HOUR_SECONDS }),
            newcomers: or(self.newcomers_per_address, 200).map(hourly),
            rooms: or(self.rooms_per_address, 10)
                .map(|burst| Allowance { burst, per_hour: ROOMS_AN_HOUR.min(burst) }),
            own_rooms: or(self.rooms_per_person, 3).map(|burst| Allowance { burst, per_hour: 1 }),
        }
    }
}

/// Returns the limit, or `otherwise` if it is not named; no limit if there is none of connections.
fn beside(connections: u32, named: Option<u32>, otherwise: u32) -> u32 {
    named.unwrap_or(if connections == 0 { 0 } else { otherwise })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unnamed_bounds_go_with_the_limit_of_connections() {
        let usual = Address::default();
        assert_eq!((usual.silent(256), usual.tcp(256), usual.requests(256)), (128, 512, 128));
        assert_eq!((usual.silent(0), usual.tcp(0), usual.requests(0)), (0, 0, 0));
        let named = Address { tcp_per_address: Some(7), ..usual };
        assert_eq!((named.tcp(0), named.tcp(256)), (7, 7));
    }

    #[test]
    fn unnamed_budgets_go_with_the_persons_limit() {
        let usual = Address::default().rates(10, 100);
        assert_eq!(usual.reads, Some(Allowance { burst: 32 << 20, per_hour: (2 << 20) * 3_600 }));
        assert_eq!(usual.frames, Some(Allowance { burst: 4_000, per_hour: 1_000 * 3_600 }));
        assert_eq!(usual.posts, Some(Allowance { burst: 1_000, per_hour: 100 * 3_600 }));
        assert_eq!(usual.bytes, Some(Allowance { burst: 1 << 20, per_hour: 65_536 * 3_600 }));
        assert_eq!(usual.own_rooms, Some(Allowance { burst: 3, per_hour: 1 }));
        let lifted = Address::default().rates(0, 0);
        assert!(lifted.reads.is_none() && lifted.frames.is_none());
        assert!(lifted.posts.is_none() && lifted.bytes.is_none() && lifted.more_bytes.is_none());
        assert!(lifted.newcomers.is_none() && lifted.rooms.is_none() && lifted.own_rooms.is_none());
        let named = Address { rooms_per_address: Some(5), ..Address::default() }.rates(0, 0);
        assert_eq!(named.rooms, Some(Allowance { burst: 5, per_hour: 3 }));
        let none = Address { rooms_per_address: Some(0), ..Address::default() }.rates(10, 100);
        assert!(none.rooms.is_none());
    }
}
