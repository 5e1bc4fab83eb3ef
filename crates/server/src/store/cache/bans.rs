//! Bans. All of them are kept: to ask costs nothing.

use std::collections::HashMap;

use madang_protocol::{UnixMs, UserId};

use super::super::Ban;
use crate::network::Network;

/// The table. The store bounds how many there are.
#[derive(Default)]
pub(super) struct Bans {
    people: HashMap<UserId, UnixMs>,
    networks: HashMap<Network, UnixMs>,
}

impl Bans {
    pub(super) fn insert(&mut self, ban: Ban, at: UnixMs) {
        match ban {
            Ban::Person(user) => self.people.insert(user, at),
            Ban::Network(network) => self.networks.insert(network, at),
        };
    }

    pub(super) fn remove(&mut self, ban: &Ban) {
        match ban {
            Ban::Person(user) => self.people.remove(user),
            Ban::Network(network) => self.networks.remove(network),
        };
    }

    pub(super) fn has_person(&self, user: &UserId) -> bool {
        !self.people.is_empty() && self.people.contains_key(user)
    }

    pub(super) fn has_network(&self, network: Network) -> bool {
        !self.networks.is_empty() && self.networks.contains_key(&network)
    }

    /// All, the oldest first.
    pub(super) fn all(&self) -> Vec<(Ban, UnixMs)> {
        let people = self.people.iter().map(|(user, at)| (Ban::Person(user.clone()), *at));
        let networks = self.networks.iter().map(|(network, at)| (Ban::Network(*network), *at));
        let mut all: Vec<_> = people.chain(networks).collect();
        all.sort_by_key(|(ban, at)| (*at, ban.subject()));
        all
    }
}
