//! Messages between a page and its carriers.

use madang_client::Conn;
use madang_protocol::ClientFrame;
use tokio::sync::mpsc;

use crate::chaos::checker::Broken;

/// Report of a carrier.
#[derive(Debug)]
pub(super) enum News {
    /// Frames can be sent.
    Opened,
    /// A frame, as it came.
    Frame(String),
    /// It is over, with this code.
    Closed(u16),
    /// A login was set.
    Login(String),
    /// The token of a session over plain HTTP.
    Session(String),
    /// The numbers of the frames do not fit.
    Wrong(Broken, String),
}

/// News, with the connection's number.
pub(super) type Mailbox = mpsc::Sender<(Conn, News)>;

/// News that wait until the person has time for them; then the carrier waits, and stops reading.
pub(super) const WAITING: usize = 64;

/// Order of a page to a carrier.
#[derive(Debug)]
pub(super) enum Order {
    Send(ClientFrame),
    SignOfLife,
    Close,
}

/// Its orders, as the carrier takes them.
pub(super) type Orders = mpsc::UnboundedReceiver<Order>;

/// "No close frame came", of RFC 6455.
pub(super) const ABNORMAL: u16 = 1006;
