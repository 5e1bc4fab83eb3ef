//! The browser's database: texts under keys, in stores.
//!
//! Requests begin in the order in which they were made, at once if the database is open, and the browser executes those
//! for one store in the order in which they were begun: a write that was saved and then forgotten stays forgotten.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use idb::event::{DatabaseEvent, StoreEvent};
use idb::request::{GetAllStoreRequest, OpenDatabaseRequest};
use idb::{Database as Connection, Error, Factory, KeyRange, ObjectStoreParams, Query, Request};
use idb::{Transaction, TransactionMode};
use wasm_bindgen::JsValue;

const NAME: &str = "madang";
/// Counts up when the stores change.
const VERSION: u32 = 1;

/// A folder of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    Outbox,
    Drafts,
}

impl Store {
    const ALL: [Self; 2] = [Self::Outbox, Self::Drafts];

    fn name(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Drafts => "drafts",
        }
    }
}

type Then<T> = Rc<dyn Fn(T)>;

#[derive(Clone)]
enum Task {
    /// Keeps a text; without one, forgets what was kept under the key. `kept`: once it is safe.
    Put { store: Store, key: String, text: Option<String>, kept: Option<Then<()>> },
    /// Gives every text whose key lies between two, both included.
    Read { store: Store, keys: [String; 2], then: Then<Vec<String>> },
}

/// The database, and what waits for it; clones share it.
#[derive(Clone, Default)]
pub(super) struct Database {
    inner: Rc<Inner>,
}

#[derive(Default)]
struct Inner {
    connection: RefCell<Option<Connection>>,
    opening: RefCell<Option<OpenDatabaseRequest>>,
    /// Requests that wait for the database to open. Bounded by the number of keys: a newer text takes the place of one
    /// that still waits.
    waiting: RefCell<VecDeque<Task>>,
    /// Reads under way, whose results are awaited, by number.
    reading: RefCell<Vec<(u32, GetAllStoreRequest)>>,
    bringing: RefCell<Vec<Transaction>>,
    begun: Cell<u32>,
}

impl Database {
    /// Keeps `text` under `key`; without one, forgets what was kept there.
    pub(super) fn put(&self, store: Store, key: String, text: Option<String>) {
        self.inner.waiting.borrow_mut().retain(|task| match task {
            Task::Put { store: same_store, key: same_key, kept: None, .. } => {
                (*same_store, same_key) != (store, &key)
            }
            _ => true,
        });
        self.ask(Task::Put { store, key, text, kept: None });
    }

    /// Keeps `text` under `key`, and calls `kept` once it is safe.
    pub(super) fn bring(&self, store: Store, key: String, text: String, kept: impl Fn() + 'static) {
        self.ask(Task::Put { store, key, text: Some(text), kept: Some(Rc::new(move |()| kept())) });
    }

    /// Gives every text from the first to the last key to `then`; no text, where the browser keeps nothing.
    pub(super) fn read(&self, store: Store, keys: [String; 2], then: impl Fn(Vec<String>) + 'static) {
        self.ask(Task::Read { store, keys, then: Rc::new(then) });
    }

    fn ask(&self, task: Task) {
        if self.inner.connection.borrow().is_some() {
            if self.inner.begin(&task).is_ok() {
                return;
            }
            // Browsers close a database that they take for idle, or to make room: it is opened again.
            self.inner.connection.take();
        }
        self.inner.waiting.borrow_mut().push_back(task);
        self.open();
    }

    fn open(&self) {
        if self.inner.opening.borrow().is_some() {
            return;
        }
        let request = self.request();
        match request {
            Ok(request) => drop(self.inner.opening.replace(Some(request))),
            Err(_) => self.inner.opened(None),
        }
    }

    fn request(&self) -> Result<OpenDatabaseRequest, Error> {
        let mut request = Factory::new()?.open(NAME, Some(VERSION))?;
        request.on_upgrade_needed(|event| {
            if let Ok(connection) = event.database() {
                for store in Store::ALL {
                    // A failure here fails the opening, too.
                    let _ = connection.create_object_store(store.name(), ObjectStoreParams::new());
                }
            }
        });
        let inner = self.inner.clone();
        request.on_success(move |event| inner.opened(event.database().ok()));
        let inner = self.inner.clone();
        request.on_error(move |_| inner.opened(None));
        Ok(request)
    }
}

impl Inner {
    /// The database is open, or will not be. Waiting requests are begun, or given up.
    fn opened(self: &Rc<Self>, mut connection: Option<Connection>) {
        self.opening.take();
        match &mut connection {
            Some(connection) => {
                // A newer page in another tab waits for this one to let go.
                let inner = Rc::downgrade(self);
                connection.on_version_change(move |_| {
                    if let Some(old) = inner.upgrade().and_then(|inner| inner.connection.take()) {
                        old.close();
                    }
                });
            }
            None => web_sys::console::warn_1(&"this browser keeps nothing over a reload".into()),
        }
        self.connection.replace(connection);
        for task in self.waiting.take() {
            if let (Err(_), Task::Read { then, .. }) = (self.begin(&task), &task) {
                then(Vec::new());
            }
        }
    }

    fn begin(self: &Rc<Self>, task: &Task) -> Result<(), Error> {
        let connection = self.connection.borrow();
        let connection = connection.as_ref().ok_or(Error::EventTargetNotFound)?;
        match task {
            Task::Put { store, key, text, kept } => {
                let mut change = connection.transaction(&[store.name()], TransactionMode::ReadWrite)?;
                let folder = change.object_store(store.name())?;
                let key = JsValue::from_str(key);
                match text {
                    Some(text) => drop(folder.put(&JsValue::from_str(text), Some(&key))?),
                    None => drop(folder.delete(Query::Key(key))?),
                }
                let kept = kept.clone();
                let heard = kept.is_some();
                if let Some(kept) = kept {
                    change.on_complete(move |_| kept(()));
                }
                // The browser would wait for this page's next turn, which a crash may forestall.
                let change = change.commit()?;
                if heard {
                    self.bringing.borrow_mut().push(change);
                }
            }
            Task::Read { store, keys: [first, last], then } => {
                let look = connection.transaction(&[store.name()], TransactionMode::ReadOnly)?;
                let keys = KeyRange::bound(&first.into(), &last.into(), None, None)?;
                let mut request = look.object_store(store.name())?.get_all(Some(keys.into()), None)?;
                let number = self.begun.get().wrapping_add(1);
                self.begun.set(number);
                let (inner, found) = (self.clone(), then.clone());
                request.on_success(move |event| {
                    let values = event.result().unwrap_or_default();
                    inner.end(number);
                    found(values.iter().filter_map(JsValue::as_string).collect());
                });
                let (inner, found) = (self.clone(), then.clone());
                request.on_error(move |_| {
                    inner.end(number);
                    found(Vec::new());
                });
                self.reading.borrow_mut().push((number, request));
            }
        }
        Ok(())
    }

    fn end(&self, number: u32) {
        self.reading.borrow_mut().retain(|(other, _)| *other != number);
    }
}
