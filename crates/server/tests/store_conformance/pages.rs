//! Snapshots and pages, at their edges above all.

use madang_protocol::Seq;
use madang_server::store::{PageAt, PageRead};

use crate::stand::Stand;

/// The lobby with messages at the seqs 2, 3, 4, 6, 7 (5 is an edit), by two people.
async fn five_messages(mut stand: Stand) -> Stand {
    let (ann, bo) = (stand.ann.clone(), stand.bo.clone());
    for (author, body) in [(&ann, "two"), (&bo, "three"), (&ann, "four")] {
        stand.post(author, body).await;
    }
    stand.edit(&ann, 2, "two!").await.unwrap();
    for body in ["six", "seven"] {
        stand.post(&bo, body).await;
    }
    stand
}

async fn page(stand: &Stand, at: PageAt, limit: usize) -> PageRead {
    stand.store.page(stand.lobby.clone(), at, limit).await.unwrap().unwrap()
}

/// The seqs of a page, and whether there is more on its two sides.
async fn shape(stand: &Stand, at: PageAt, limit: usize) -> (Vec<Seq>, bool, bool) {
    let page = page(stand, at, limit).await;
    (page.messages.iter().map(|message| message.seq).collect(), page.before, page.after)
}

pub(crate) async fn snapshot_holds_newest_messages_at_head(stand: Stand) {
    let stand = five_messages(stand).await;
    let state = stand.store.snapshot(stand.lobby.clone(), 2).await.unwrap().unwrap();
    assert_eq!((state.title.as_str(), state.head, state.before), ("Lobby", 7, true));
    assert_eq!(state.messages.iter().map(|message| message.seq).collect::<Vec<_>>(), [6, 7]);
    assert_eq!(state.people.iter().map(|person| &person.id).collect::<Vec<_>>(), [&stand.bo]);
    for limit in [5, 6, usize::MAX] {
        let state = stand.store.snapshot(stand.lobby.clone(), limit).await.unwrap().unwrap();
        assert_eq!((state.messages.len(), state.before, state.people.len()), (5, false, 2), "limit {limit}");
    }
    let empty = stand.store.snapshot(stand.lobby.clone(), 0).await.unwrap().unwrap();
    assert_eq!((empty.messages.len(), empty.before), (0, true));
}

pub(crate) async fn a_page_before_is_the_nearest_older_messages(stand: Stand) {
    let stand = five_messages(stand).await;
    let before = async |seq, limit| shape(&stand, PageAt::Before(seq), limit).await;
    assert_eq!(before(6, 2).await, (vec![3, 4], true, true));
    assert_eq!(before(4, 2).await, (vec![2, 3], false, true), "nothing is before the first message");
    assert_eq!(before(5, 10).await, (vec![2, 3, 4], false, true), "from an entry that is no message");
    assert_eq!(before(8, 10).await, (vec![2, 3, 4, 6, 7], false, false), "from behind the head");
    for seq in [0, 1, 2] {
        assert_eq!(before(seq, 10).await, (vec![], false, true), "nothing before {seq}");
    }
}

pub(crate) async fn a_page_after_is_the_nearest_newer_messages(stand: Stand) {
    let stand = five_messages(stand).await;
    let after = async |seq, limit| shape(&stand, PageAt::After(seq), limit).await;
    assert_eq!(after(0, 2).await, (vec![2, 3], false, true));
    assert_eq!(after(3, 2).await, (vec![4, 6], true, true));
    assert_eq!(after(4, 2).await, (vec![6, 7], true, false), "the head ends it");
    for seq in [7, 8] {
        assert_eq!(after(seq, 10).await, (vec![], true, false), "nothing after {seq}");
    }
}

pub(crate) async fn page_around_fills_up_from_longer_side(stand: Stand) {
    let stand = five_messages(stand).await;
    let around = async |seq, limit| shape(&stand, PageAt::Around(seq), limit).await;
    assert_eq!(around(4, 3).await, (vec![3, 4, 6], true, true));
    assert_eq!(around(4, 2).await, (vec![3, 4], true, true));
    assert_eq!(around(4, 1).await, (vec![4], true, true), "the message itself comes first");
    assert_eq!(around(2, 4).await, (vec![2, 3, 4, 6], false, true), "nothing older: more newer ones");
    assert_eq!(around(7, 4).await, (vec![3, 4, 6, 7], true, false), "nothing newer: more older ones");
    assert_eq!(around(5, 2).await, (vec![4, 6], true, true), "around an entry that is no message");
    assert_eq!(around(1, 10).await, (vec![2, 3, 4, 6, 7], false, false));
}

pub(crate) async fn a_page_reflects_edits_up_to_its_head(stand: Stand) {
    let stand = five_messages(stand).await;
    let page = page(&stand, PageAt::Before(3), 10).await;
    assert_eq!(page.head, 7);
    assert_eq!(page.messages[0].body.as_deref(), Some("two!"));
    assert_eq!(page.people.len(), 1, "its author comes with it");
}

pub(crate) async fn invented_seq_reads_as_end_of_log(stand: Stand) {
    let stand = five_messages(stand).await;
    stand.open_room("garden").await;
    for seq in [1 << 40, u64::MAX] {
        assert_eq!(shape(&stand, PageAt::Before(seq), 2).await, (vec![6, 7], true, false));
        assert_eq!(shape(&stand, PageAt::After(seq), 2).await, (vec![], true, false));
        assert_eq!(shape(&stand, PageAt::Around(seq), 2).await, (vec![6, 7], true, false));
    }
}

pub(crate) async fn an_unknown_room_has_no_page(stand: Stand) {
    let nowhere: madang_protocol::RoomId = "nowhere".parse().unwrap();
    assert_eq!(stand.store.page(nowhere.clone(), PageAt::Before(9), 9).await.unwrap(), None);
    assert_eq!(stand.store.snapshot(nowhere, 9).await.unwrap(), None);
    let empty = page(&stand, PageAt::Around(1), 9).await;
    assert_eq!(
        (empty.messages.len(), empty.before, empty.after),
        (0, false, false),
        "a room without messages"
    );
}
