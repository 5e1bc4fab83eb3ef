//! Several writes that are made together or not at all.

use madang_protocol::{RoomId, UserId};
use madang_server::store::{Appended, ConsumerOffset, Newcomer, OffsetCommit, Rejected, StoreError};

use crate::stand::{Stand, post, seqs, today};

pub(crate) async fn several_writes_are_made_in_order(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let writes: Vec<_> = ["a", "b", "c"].map(|body| stand.write(&ann, &lobby, post(body))).into();
    let made = stand.store.append_all(writes.clone(), vec![]).await.unwrap().unwrap();
    assert_eq!(made.iter().map(|one| one.seq).collect::<Vec<_>>(), [2, 3, 4]);
    let again = stand.store.append_all(writes, vec![]).await.unwrap().unwrap();
    assert_eq!(again, made.into_iter().map(|one| Appended { repeat: true, ..one }).collect::<Vec<_>>());
    assert_eq!(seqs(&stand.sent()), [2, 3, 4], "a repeat sends nothing");
    assert_eq!(stand.store.append_all(vec![], vec![]).await, Ok(Ok(Vec::new())));
}

pub(crate) async fn one_refused_write_leaves_none_of_several(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let nowhere = "nowhere".parse().unwrap();
    let mut write = |room, body| stand.write(&ann, room, post(body));
    let (before, after) = (write(&lobby, "before"), write(&lobby, "after"));
    let refused = vec![write(&lobby, "1"), write(&nowhere, "2"), write(&lobby, "3")];
    let first = refused[0].clone();
    // All are queued before the first is looked at, so that they are likely to be one batch.
    let before = stand.store.append(before);
    let none = stand.store.append_all(refused, vec![]);
    let after = stand.store.append(after);
    assert_eq!(before.await.unwrap().seq, 2);
    assert_eq!(none.await, Ok(Err(Rejected { index: 1, error: StoreError::UnknownRoom })));
    assert_eq!(after.await.unwrap().seq, 3, "it took no seq");
    assert_eq!(stand.store.append(first).await.unwrap().seq, 4, "nor is it a repeat");
    assert_eq!(seqs(&stand.sent()), [2, 3, 4]);
    let stand = stand.reopened();
    assert_eq!(stand.log(&lobby).await.len(), 4);
}

pub(crate) async fn a_refused_transaction_leaves_no_newcomers_row(mut stand: Stand) {
    let (newcomer, lobby): (UserId, _) = ("dal".parse().unwrap(), stand.lobby.clone());
    let came = Newcomer { user: newcomer.clone(), token_hash: [9; 32], made_at: today(), arrived: 0 };
    let _here = stand.store.expect(came.clone());
    let nowhere = "nowhere".parse().unwrap();
    let mut write = |room, body| stand.write(&newcomer, room, post(body));
    let refused = vec![write(&lobby, "1"), write(&nowhere, "2")];
    let stands = vec![write(&lobby, "3"), write(&lobby, "4")];
    let none = stand.store.append_all(refused, vec![]).await;
    assert_eq!(none, Ok(Err(Rejected { index: 1, error: StoreError::UnknownRoom })));
    assert_eq!(stand.store.is_taken(&newcomer).await, Ok(false));
    let made = stand.store.append_all(stands, vec![]).await.unwrap().unwrap();
    assert_eq!(made.iter().map(|one| one.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(stand.store.is_taken(&newcomer).await, Ok(true));
}

pub(crate) async fn place_is_kept_only_with_its_transaction(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let place = |sent| ConsumerOffset { sent, open: vec![] };
    let keep = |sent, room: &RoomId| {
        let (reader, room, name) = (ann.clone(), room.clone(), "a".to_owned());
        vec![OffsetCommit { reader, room, name, offset: place(sent), at: 1 }]
    };
    let found = async |stand: &Stand| {
        stand.store.consumer_offset(ann.clone(), lobby.clone(), "a".into()).await.unwrap()
    };
    let nowhere = "nowhere".parse().unwrap();
    let mut write = |room, body| stand.write(&ann, room, post(body));
    let (one, two, three) = (write(&lobby, "1"), write(&nowhere, "2"), write(&lobby, "3"));
    assert!(stand.store.append_all(vec![one.clone(), two], keep(7, &lobby)).await.unwrap().is_err());
    assert_eq!(found(&stand).await, None);
    let none = stand.store.append_all(vec![one.clone()], keep(7, &nowhere)).await;
    assert_eq!(none, Ok(Err(Rejected { index: 1, error: StoreError::UnknownRoom })));
    assert_eq!(stand.log(&lobby).await.len(), 1, "nor is anything posted without its place");
    assert_eq!(stand.store.append_all(vec![one, three], keep(8, &lobby)).await.unwrap().unwrap().len(), 2);
    assert_eq!(stand.store.append_all(vec![], keep(9, &lobby)).await, Ok(Ok(vec![])));
    let stand = stand.reopened();
    assert_eq!((found(&stand).await, stand.log(&lobby).await.len()), (Some(place(9)), 3));
}
