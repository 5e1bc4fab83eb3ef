//! Several writes that are made together or not at all.

use madang_server::store::{Appended, Rejected, StoreError};

use crate::stand::{Stand, post, seqs};

pub(crate) async fn several_writes_are_made_in_order(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let writes: Vec<_> = ["a", "b", "c"].map(|body| stand.write(&ann, &lobby, post(body))).into();
    let made = stand.store.append_all(writes.clone()).await.unwrap().unwrap();
    assert_eq!(made.iter().map(|one| one.seq).collect::<Vec<_>>(), [2, 3, 4]);
    let again = stand.store.append_all(writes).await.unwrap().unwrap();
    assert_eq!(again, made.into_iter().map(|one| Appended { repeat: true, ..one }).collect::<Vec<_>>());
    assert_eq!(seqs(&stand.sent()), [2, 3, 4], "a repeat sends nothing");
    assert_eq!(stand.store.append_all(Vec::new()).await, Ok(Ok(Vec::new())));
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
    let none = stand.store.append_all(refused);
    let after = stand.store.append(after);
    assert_eq!(before.await.unwrap().seq, 2);
    assert_eq!(none.await, Ok(Err(Rejected { index: 1, error: StoreError::UnknownRoom })));
    assert_eq!(after.await.unwrap().seq, 3, "it took no seq");
    assert_eq!(stand.store.append(first).await.unwrap().seq, 4, "nor is it a repeat");
    assert_eq!(seqs(&stand.sent()), [2, 3, 4]);
    let stand = stand.reopened();
    assert_eq!(stand.log(&lobby).await.len(), 4);
}
