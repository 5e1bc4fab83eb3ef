//! For whom something is done: the address whose connection or request asks. What many ask for at once is shared
//! between addresses by it, so that who asks a thousand times waits for themselves.

use std::net::IpAddr;

use crate::network::Network;

tokio::task_local! {
    static ASKER: Network;
}

/// Does `work` for a peer at this address.
pub(crate) async fn on_behalf_of<T>(address: IpAddr, work: impl Future<Output = T>) -> T {
    ASKER.scope(address.into(), work).await
}

/// Whom the present task works for; none: the server itself, for all.
pub(crate) fn present() -> Option<Network> {
    ASKER.try_with(|asker| *asker).ok()
}
