//! Coming back while others talk: the moment between the replay and the live stream, many times over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use madang_protocol::Seq;
use tokio::task::JoinSet;

use crate::harness::{Client, Server, UNLIMITED, lobby, random, seqs};

/// People who post until they are stopped.
struct Crowd {
    stop: Arc<AtomicBool>,
    talking: JoinSet<Seq>,
}

impl Crowd {
    async fn of(size: usize, server: &Server) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut talking = JoinSet::new();
        for _ in 0..size {
            let mut writer = Client::join(server, "writer").await;
            let stop = stop.clone();
            talking.spawn(async move {
                let mut last = 0;
                while !stop.load(Ordering::Relaxed) {
                    last = writer.say("…").await;
                }
                last
            });
        }
        Self { stop, talking }
    }

    /// Silence; answers the newest seq.
    async fn hush(self) -> Seq {
        self.stop.store(true, Ordering::Relaxed);
        self.talking.join_all().await.into_iter().max().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resuming_among_eight_writers_yields_entries_once() {
    let server = Server::with(&UNLIMITED);
    let mut reader = Client::join(&server, "reader").await;
    reader.watch_now(&lobby()).await;
    let crowd = Crowd::of(8, &server).await;
    let mut cursor = reader.next_entry(&lobby()).await.seq;
    for round in 0..60 {
        // Sometimes a new connection, sometimes a new watch; sometimes at the cursor, sometimes further back.
        let from = cursor - random(cursor.min(300));
        let attached = if round % 2 == 0 {
            reader = Client::resume(&server, &reader, &[(&lobby(), from)]).await;
            reader.attached(&lobby()).await
        } else {
            let mut again = Client::join_as(&server, "reader", &reader.cookie).await;
            let attached = again.watch(&lobby(), Some(from)).await;
            reader = again;
            attached
        };
        assert!(attached.snapshot.is_none(), "round {round} from {from}");
        let mut all = attached.entries;
        assert_eq!(
            all.last().map_or(from, |entry| entry.seq),
            attached.head,
            "live is where the replay ends"
        );
        for _ in 0..3 {
            all.push(reader.next_entry(&lobby()).await);
        }
        let expected: Vec<_> = (from + 1..).take(all.len()).collect();
        assert_eq!(seqs(&all), expected, "round {round} from {from}");
        cursor = *expected.last().unwrap();
    }
    let last = crowd.hush().await;
    assert_eq!(reader.entries_up_to(&lobby(), last).await.last().unwrap().seq, last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshot_among_eight_writers_continues_without_gap() {
    let server = Server::with(&UNLIMITED);
    let crowd = Crowd::of(8, &server).await;
    for round in 0..40 {
        let mut reader = Client::join(&server, "reader").await;
        let attached = reader.watch(&lobby(), None).await;
        let head = attached.snapshot.expect("a snapshot").head;
        let mut all = attached.entries;
        for _ in 0..5 {
            all.push(reader.next_entry(&lobby()).await);
        }
        let expected: Vec<_> = (head + 1..).take(all.len()).collect();
        assert_eq!(seqs(&all), expected, "round {round} after the snapshot at {head}");
    }
    crowd.hush().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_clients_get_entries_in_one_order() {
    let server = Server::with(&UNLIMITED);
    let mut readers = Vec::new();
    for _ in 0..4 {
        let mut reader = Client::join(&server, "reader").await;
        reader.watch_now(&lobby()).await;
        readers.push(reader);
    }
    let crowd = Crowd::of(4, &server).await;
    readers[0].entries_up_to(&lobby(), 200).await;
    let last = crowd.hush().await;
    readers[0].watch(&lobby(), Some(1)).await;
    let mut histories = Vec::new();
    for reader in &mut readers[1..] {
        histories.push(reader.entries_up_to(&lobby(), last).await);
    }
    assert_eq!(histories[0][0].seq, 2);
    assert!(histories.iter().all(|history| *history == histories[0]), "readers saw different rooms");
}
