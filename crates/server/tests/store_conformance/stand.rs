//! A store in a folder of its own, people to write in it, and what it has sent to its listener.

use std::path::Path;
use std::sync::Arc;

use madang_protocol::{Cmid, Entry, EntryKind, Message, Operation, RoomId, Seq, UnixMs, UserId};
use madang_server::store::{Appended, Committed, PendingWrite, Store, StoreError, StoreOptions};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// More batches than any story here makes, so that nobody has to take them while the story goes on.
const STREAM: usize = 20_000;

pub(crate) struct Stand {
    pub(crate) store: Store,
    pub(crate) lobby: RoomId,
    /// Three people, without names.
    pub(crate) ann: UserId,
    pub(crate) bo: UserId,
    pub(crate) cho: UserId,
    stream: mpsc::Receiver<Vec<Committed>>,
    last_cmid: u128,
    folder: TempDir,
    options: StoreOptions,
}

impl Stand {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions::default();
        let (store, stream) = open(folder.path(), &options);
        let [ann, bo, cho] = ["ann", "bo", "cho"].map(|id| id.parse::<UserId>().unwrap());
        for (user, byte) in [(&ann, 1), (&bo, 2), (&cho, 3)] {
            store.add_guest(user.clone(), [byte; 32], today()).await.unwrap();
        }
        Self { store, lobby: RoomId::lobby(), ann, bo, cho, stream, last_cmid: 0, folder, options }
    }

    /// A store that keeps so few people in memory.
    pub(crate) async fn keeping(people: usize) -> Self {
        Self { options: StoreOptions { people, ..StoreOptions::default() }, ..Self::new().await }.reopened()
    }

    /// Ends the store and opens it again.
    pub(crate) fn reopened(self) -> Self {
        let Self { store, folder, options, .. } = self;
        drop(store);
        let (store, stream) = open(folder.path(), &options);
        Self { store, folder, stream, options, ..self }
    }

    /// Another store on a copy of what this one has on its disk now, which has nothing in memory from before.
    /// No write may be under way.
    pub(crate) fn copied(&self) -> (Store, TempDir) {
        let copy = tempfile::tempdir().unwrap();
        for name in ["madang.db", "madang.db-wal"] {
            std::fs::copy(self.folder.path().join(name), copy.path().join(name)).unwrap();
        }
        (open(copy.path(), &StoreOptions::default()).0, copy)
    }

    pub(crate) fn next_cmid(&mut self) -> Cmid {
        self.last_cmid += 1;
        Cmid(self.last_cmid)
    }

    /// A write with a cmid of its own.
    pub(crate) fn write(&mut self, by: &UserId, room: &RoomId, operation: Operation) -> Entry {
        operation.into_draft(room.clone(), by.clone(), self.next_cmid(), 5_000)
    }

    pub(crate) fn append(
        &mut self,
        by: &UserId,
        room: &RoomId,
        operation: Operation,
    ) -> PendingWrite<Appended> {
        let write = self.write(by, room, operation);
        self.store.append(write)
    }

    /// Posts to the lobby.
    pub(crate) async fn post(&mut self, by: &UserId, body: &str) -> Seq {
        let lobby = self.lobby.clone();
        self.append(by, &lobby, post(body)).await.unwrap().seq
    }

    /// Edits in the lobby.
    pub(crate) async fn edit(&mut self, by: &UserId, seq: Seq, body: &str) -> Result<Appended, StoreError> {
        let lobby = self.lobby.clone();
        self.append(by, &lobby, Operation::Edit { seq, body: body.into() }).await
    }

    /// Deletes in the lobby.
    pub(crate) async fn delete(&mut self, by: &UserId, seq: Seq) -> Result<Appended, StoreError> {
        let lobby = self.lobby.clone();
        self.append(by, &lobby, Operation::Delete { seq }).await
    }

    pub(crate) async fn open_room(&self, id: &str) -> RoomId {
        let room: RoomId = id.parse().unwrap();
        self.store.open_room(room.clone(), format!("The {id}"), self.ann.clone(), 2_000).await.unwrap();
        room
    }

    /// A room's whole log.
    pub(crate) async fn log(&self, room: &RoomId) -> Vec<Entry> {
        let log = self.store.entries_after(room.clone(), 0, usize::MAX).await.unwrap();
        log.into_iter().map(|committed| Arc::unwrap_or_clone(committed.entry)).collect()
    }

    /// All messages of the lobby.
    pub(crate) async fn messages(&self) -> Vec<Message> {
        self.store.snapshot(self.lobby.clone(), usize::MAX).await.unwrap().unwrap().messages
    }

    /// Returns entries that the store has sent since the last time, batch by batch.
    pub(crate) fn sent_batches(&mut self) -> Vec<Vec<Committed>> {
        std::iter::from_fn(|| self.stream.try_recv().ok()).collect()
    }

    /// Returns entries that the store has sent since the last time.
    pub(crate) fn sent(&mut self) -> Vec<Entry> {
        self.sent_batches()
            .into_iter()
            .flatten()
            .map(|committed| Arc::unwrap_or_clone(committed.entry))
            .collect()
    }
}

/// Guests of long ago who left no trace would be gone after reopening.
pub(crate) fn today() -> UnixMs {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as UnixMs
}

fn open(folder: &Path, options: &StoreOptions) -> (Store, mpsc::Receiver<Vec<Committed>>) {
    let (committed, stream) = mpsc::channel(STREAM);
    (Store::open(folder, options.clone(), committed).unwrap(), stream)
}

pub(crate) fn post(body: &str) -> Operation {
    Operation::post(body, None)
}

pub(crate) fn reply(body: &str, to: Seq) -> Operation {
    Operation::post(body, Some(to))
}

pub(crate) fn posted(body: &str) -> EntryKind {
    EntryKind::posted(body, None)
}

/// The seqs of some entries.
pub(crate) fn seqs(entries: &[Entry]) -> Vec<Seq> {
    entries.iter().map(|entry| entry.seq).collect()
}

/// Folds a log.
pub(crate) fn fold(log: &[Entry]) -> Vec<Message> {
    Message::fold(log)
}
