//! An echo, byte for byte, that conformance tests of WebSockets talk to: all of a connection but its protocol. Never in
//! what ships.

use tungstenite::protocol::frame::coding::Data;

use super::WebSocketTransport;
use crate::connection::close;
use crate::connection::transport::{End, Incoming, Transport};

impl WebSocketTransport {
    /// Sends back each message as it came, until the connection ends.
    pub(crate) async fn echo(mut self) {
        let end = loop {
            let echoed = match self.next().await {
                Ok(incoming) => self.send_back(incoming).await,
                Err(end) => Err(end),
            };
            if let Err(end) = echoed {
                break end;
            }
        };
        match end {
            End::Close(code) => close::close(&mut self, code).await,
            End::Gone => close::answer(&mut self).await,
        }
    }

    async fn send_back(&mut self, incoming: Incoming) -> Result<(), End> {
        match incoming {
            Incoming::Text(text) => self.text(text.as_str().into()),
            Incoming::Binary(bytes) => self.add_message(Data::Binary, &[&bytes]),
            Incoming::Life => {}
        }
        self.flush().await
    }
}
