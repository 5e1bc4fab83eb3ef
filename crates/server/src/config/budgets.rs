//! Options of what an address may cause.

use clap::Args;

use crate::budgets::{Allowance, HOUR_SECONDS, Terms};

/// Bytes onto the disk that an address may cause at once, in seconds of its rate.
const BYTES_AT_ONCE: u64 = 16;

/// People at full speed that an address has the rate of, where none is named.
const PEOPLE: u32 = 10;

/// New rooms that an address gets back in an hour.
const ROOMS_AN_HOUR: u64 = 3;

/// What all who come from one address may do together: one of IPv4, or a /64 of IPv6. In each, 0 means no limit. Those
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

    /// People who may come anew from one address at once, and then in an hour. 200 where it is not named.
    #[arg(long, env = "MADANG_NEWCOMERS_PER_ADDRESS", value_name = "N")]
    pub newcomers_per_address: Option<u32>,

    /// Rooms that one address may open at once; then three an hour. 10 where it is not named.
    #[arg(long, env = "MADANG_ROOMS_PER_ADDRESS", value_name = "N")]
    pub rooms_per_address: Option<u32>,

    /// Rooms that a new person may open at once; then one an hour. 3 where it is not named.
    #[arg(long, env = "MADANG_ROOMS_PER_PERSON", value_name = "N")]
    pub rooms_per_person: Option<u32>,
}

impl Address {
    /// The budgets, beside a person's rate of posts.
    pub fn terms(self, post_rate: u32) -> Terms {
        let or = |named: Option<u32>, otherwise: u32| {
            let unnamed = if post_rate == 0 { 0 } else { otherwise };
            Some(u64::from(named.unwrap_or(unnamed))).filter(|amount| *amount > 0)
        };
        let hourly = |amount: u64| Allowance { burst: amount, per_hour: amount };
        let posts = or(self.address_post_rate, post_rate.saturating_mul(PEOPLE));
        let bytes = or(self.address_kib, 64).map(|kib| kib * 1024);
        Terms {
            posts: posts.map(|n| Allowance { burst: n * 10, per_hour: n * HOUR_SECONDS }),
            bytes: bytes.map(|n| Allowance { burst: n * BYTES_AT_ONCE, per_hour: n * HOUR_SECONDS }),
            more_bytes: or(self.address_hour_mib, 64).map(|mib| hourly(mib * 1024 * 1024)),
            newcomers: or(self.newcomers_per_address, 200).map(hourly),
            rooms: or(self.rooms_per_address, 10)
                .map(|burst| Allowance { burst, per_hour: ROOMS_AN_HOUR.min(burst) }),
            own_rooms: or(self.rooms_per_person, 3).map(|burst| Allowance { burst, per_hour: 1 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unnamed_budgets_go_with_the_persons_limit() {
        let usual = Address::default().terms(10);
        assert_eq!(usual.posts, Some(Allowance { burst: 1_000, per_hour: 100 * 3_600 }));
        assert_eq!(usual.bytes, Some(Allowance { burst: 1 << 20, per_hour: 65_536 * 3_600 }));
        assert_eq!(usual.own_rooms, Some(Allowance { burst: 3, per_hour: 1 }));
        let lifted = Address::default().terms(0);
        assert!(lifted.posts.is_none() && lifted.bytes.is_none() && lifted.more_bytes.is_none());
        assert!(lifted.newcomers.is_none() && lifted.rooms.is_none() && lifted.own_rooms.is_none());
        let named = Address { rooms_per_address: Some(5), ..Address::default() }.terms(0);
        assert_eq!(named.rooms, Some(Allowance { burst: 5, per_hour: 3 }));
        let none = Address { rooms_per_address: Some(0), ..Address::default() }.terms(10);
        assert!(none.rooms.is_none());
    }
}
