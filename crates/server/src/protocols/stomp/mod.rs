//! The protocol of STOMP 1.0, 1.1 and 1.2, over WebSocket and TCP.
//!
//! A refusal ends the connection, as STOMP asks: with an ERROR, after the receipts of all that was written before.
//! Frames behind the one at fault are not looked at, so nothing is posted without an answer.

mod command;
mod connect;
mod error;
mod handler;
mod messages;
mod receipts;
mod subscriptions;
mod transactions;
mod unacked;

use std::collections::VecDeque;
use std::time::Duration;

use madang_protocol::{CloseCode, UnixMs};
use madang_stomp::{ClientCommand, Decoder, Frame, Item, Limits, Version};

use super::{ClientProtocol, Context, Handshake};
use crate::connection::heartbeat::Heartbeat;
use crate::connection::scheduler::Scheduler;
use crate::connection::transport::{End, Incoming, Transport};
use crate::encoded::Encoded;
use crate::session::{MAX_PENDING, Outgoing, Session};
use crate::state::App;

use connect::Agreed;
use error::{Reason, Wrong};
use messages::EncodingContext;
use receipts::{Receipt, Receipts};
use subscriptions::Subscriptions;
use transactions::{Committing, Transactions};

/// Most headers of a frame.
const HEADERS: usize = 64;

/// Most bytes of a header's line, and of all lines of a frame.
const LINE_BYTES: usize = 8 * 1024;
const HEAD_BYTES: usize = 16 * 1024;

/// The protocol.
pub(crate) struct Stomp {
    app: App,
    /// The version of the subprotocol.
    spoken: Option<Version>,
    decoder: Decoder<ClientCommand>,
    encoding_context: EncodingContext,
    /// Heart-beats that each side has promised: the server's, and the client's.
    promises: (Option<Duration>, Option<Duration>),
    /// The transport has no pings of its own.
    bare: bool,
    /// The person can come back as the same one.
    returns: bool,
    subscriptions: Subscriptions,
    transactions: Transactions,
    /// As many as there are writes under way at most.
    committing: VecDeque<Committing>,
    receipts: Receipts,
    ending: Option<Ending>,
    now: UnixMs,
}

/// Input of the client is ignored. Its earlier requests are finished first.
#[derive(Debug)]
enum Ending {
    /// It sent DISCONNECT, with this receipt.
    Left(Option<String>),
    /// This was wrong.
    Wrong(Wrong),
}

impl Stomp {
    /// The protocol for a client that offered this version, if it did.
    pub(crate) fn new(app: App, spoken: Option<Version>) -> Self {
        // Its text alone has a limit of its own, in characters.
        let body = match app.config.max_frame {
            0 => usize::MAX,
            bytes => bytes as usize,
        };
        let encoding_context =
            EncodingContext { version: Version::V10, cursors: app.rooms.cursors().clone() };
        let limits = Limits { headers: HEADERS, line: LINE_BYTES, head: HEAD_BYTES, body };
        let (promises, bare, returns, subscriptions, transactions, committing, receipts, ending, now) =
            Default::default();
        Self {
            app,
            spoken,
            decoder: Decoder::new(limits),
            encoding_context,
            promises,
            bare,
            returns,
            subscriptions,
            transactions,
            committing,
            receipts,
            ending,
            now,
        }
    }

    /// Takes the frames in `input`, as far as the client may still send.
    async fn read(
        &mut self,
        mut input: &[u8],
        mut counted: bool,
        context: Context<'_, impl Transport>,
    ) -> Result<(), End> {
        let Context { session, transport, out, now } = context;
        self.now = now;
        while self.ending.is_none() {
            let item = match self.decoder.next(&mut input) {
                Ok(Some(item)) => item,
                Ok(None) => break,
                Err(error) => {
                    self.fail(Reason::Unreadable(error).with(self.decoder.receipt().map(str::to_owned)));
                    break;
                }
            };
            // The loop has counted a message of a WebSocket, and what else is in it counts as much.
            if !std::mem::take(&mut counted) {
                session.admit(now).map_err(End::Close)?;
            }
            if let Item::Frame(frame) = item {
                self.frame(frame, session).await;
            }
            self.settle(session, transport)?;
            // A part of the input that asks for much waits here for its answers, so that no more are under way
            // than the loop allows.
            while session.pending() >= MAX_PENDING {
                session.settled(out).await;
                for outgoing in out.drain(..) {
                    self.encode(outgoing, session, transport)?;
                }
            }
        }
        self.settle(session, transport)
    }

    /// Gives what can be given by now, and ends when all is.
    fn settle(&mut self, session: &mut Session, transport: &mut impl Transport) -> Result<(), End> {
        self.subscriptions.keep(session, self.now);
        self.give(session, transport)
    }

    fn give(&mut self, session: &Session, transport: &mut impl Transport) -> Result<(), End> {
        while let Some(receipt) = self.receipts.next() {
            transport.text(messages::receipt(&receipt, self.encoding_context.version));
        }
        match &self.ending {
            Some(Ending::Wrong(_)) if self.receipts.are_answered() => Err(End::Close(CloseCode::STOMP_ERROR)),
            Some(Ending::Left(receipt)) if session.pending() == 0 && self.subscriptions.are_kept() => {
                if let Some(id) = receipt {
                    let receipt = Receipt { id: id.clone(), begins: None };
                    transport.text(messages::receipt(&receipt, self.encoding_context.version));
                }
                Err(End::Close(CloseCode::NORMAL))
            }
            _ => Ok(()),
        }
    }

    /// Sends the error to the client, once. Later errors are its consequence.
    fn fail(&mut self, wrong: Wrong) {
        if matches!(self.ending, Some(Ending::Wrong(_))) {
            return;
        }
        tracing::info!(code = &*wrong.reason.code(), "a STOMP client is told what was wrong");
        self.end(wrong);
    }

    fn end(&mut self, wrong: Wrong) {
        self.app.metrics.stomp_error(&wrong.reason.code());
        self.ending = Some(Ending::Wrong(wrong));
    }

    /// Waits for CONNECT, and agrees.
    async fn agree(
        &mut self,
        handshake: &mut Handshake<'_, impl Transport, impl Scheduler>,
    ) -> Result<(Agreed, Incoming, usize), End> {
        loop {
            let incoming = handshake.next().await?;
            let bytes = bytes(&incoming);
            let mut input = bytes;
            loop {
                let wrong = match self.decoder.next(&mut input) {
                    Ok(None) => break,
                    Ok(Some(Item::HeartBeat)) => continue,
                    Ok(Some(Item::Frame(frame))) if is_connect(&frame) => {
                        let known = handshake.peer.you.clone();
                        let from = handshake.peer.address.into();
                        match connect::agree(&self.app, &frame, self.spoken, known, from).await {
                            Ok(agreed) => {
                                let read = bytes.len() - input.len();
                                return Ok((agreed, incoming, read));
                            }
                            Err(reason) => reason.with(frame.header("receipt").map(str::to_owned)),
                        }
                    }
                    Ok(Some(Item::Frame(frame))) => {
                        Reason::NotConnected.with(frame.header("receipt").map(str::to_owned))
                    }
                    Err(error) => Reason::Unreadable(error).with(None),
                };
                self.fail(wrong);
                return Err(End::Close(CloseCode::STOMP_ERROR));
            }
        }
    }
}

impl ClientProtocol for Stomp {
    const NAME: &'static str = "stomp";

    async fn open(
        &mut self,
        mut handshake: Handshake<'_, impl Transport, impl Scheduler>,
    ) -> Result<(Session, Vec<Outgoing>), End> {
        self.bare = handshake.transport.is_stream();
        let (agreed, incoming, read) = self.agree(&mut handshake).await?;
        let connected = agreed.connected(&self.app);
        (self.encoding_context.version, self.promises, self.returns) =
            (agreed.version, agreed.promises(), agreed.returns);
        self.decoder.agree(self.encoding_context.version);
        let mut session = handshake.session(agreed.you);
        handshake
            .transport
            .text(messages::text(&connected, self.encoding_context.version).unwrap_or_default());
        let mut out = Vec::new();
        let context = Context {
            session: &mut session,
            transport: &mut *handshake.transport,
            out: &mut out,
            now: self.app.now(),
        };
        // Bytes behind CONNECT; the loop has not counted them.
        self.read(bytes(&incoming).get(read..).unwrap_or_default(), false, context).await?;
        Ok((session, out))
    }

    async fn on_incoming(
        &mut self,
        incoming: Incoming,
        context: Context<'_, impl Transport>,
    ) -> Result<(), End> {
        let counted = !context.transport.is_stream();
        self.read(bytes(&incoming), counted, context).await
    }

    fn encode(
        &mut self,
        outgoing: Outgoing,
        session: &mut Session,
        transport: &mut impl Transport,
    ) -> Result<(), End> {
        match outgoing {
            Outgoing::Entry(entry) => {
                self.subscriptions.deliver(&entry, &self.encoding_context, transport);
                if !self.returns {
                    return Ok(());
                }
            }
            Outgoing::Frame(frame) => self.answered(*frame, session),
            Outgoing::OffsetCommitted { number, version, refusal: None } => {
                self.subscriptions.kept(number, version);
                self.receipts.kept(number, version);
            }
            Outgoing::OffsetCommitted { number, refusal: Some(refusal), .. } => {
                // It is tried again with the next change, unless somebody waits for it.
                self.subscriptions.not_kept(number);
                let receipt = self.receipts.lost(number);
                if receipt.is_some() || self.ending.is_some() {
                    self.fail(handler::refused(session, &refusal).with(receipt));
                }
                return self.give(session, transport);
            }
            Outgoing::Shared(_) => return Ok(()),
        }
        self.settle(session, transport)
    }

    fn heartbeat(&self, every: Duration) -> Heartbeat {
        let (server, client) = self.promises;
        Heartbeat::new((!self.bare).then_some(every)).sending(server).expecting(client)
    }

    fn keepalive(&mut self, transport: &mut impl Transport) {
        transport.text(Encoded::from("\n"));
    }

    fn on_end(&mut self, session: &mut Session) {
        self.subscriptions.keep_all(session, self.app.now());
    }

    fn on_close(&mut self, code: CloseCode, retry_after_ms: u32, transport: &mut impl Transport) {
        if code == CloseCode::NORMAL {
            return;
        }
        if !matches!(self.ending, Some(Ending::Wrong(_))) {
            // The loop has said so in the log.
            self.end(Reason::Closed { code, retry_after_ms }.with(None));
        }
        if let Some(Ending::Wrong(wrong)) = &self.ending {
            transport.text(wrong.error(self.encoding_context.version));
        }
    }
}

fn bytes(heard: &Incoming) -> &[u8] {
    match heard {
        Incoming::Text(text) => text.as_bytes(),
        Incoming::Binary(bytes) => bytes,
        Incoming::Life => &[],
    }
}

fn is_connect(frame: &Frame<ClientCommand>) -> bool {
    matches!(frame.command, ClientCommand::Connect | ClientCommand::Stomp)
}
