//! Address that work is done for: that of its connection or request. Work that many ask for at once is shared between
//! addresses by it, so that one that asks a thousand times waits for itself.

use std::net::IpAddr;

use tokio::task::futures::TaskLocalFuture;

use crate::network::Network;

tokio::task_local! {
    static ASKER: Network;
}

/// Does `work` for a peer at this address. No `async fn`, which would keep room for `work` twice, in every connection.
pub(crate) fn on_behalf_of<F: Future>(address: IpAddr, work: F) -> TaskLocalFuture<Network, F> {
    ASKER.scope(address.into(), work)
}

/// Returns the address that the present task works for; `None` for the server itself, for all.
pub(crate) fn present() -> Option<Network> {
    ASKER.try_with(|asker| *asker).ok()
}
