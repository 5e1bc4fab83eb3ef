//! Places that programs keep.

use madang_server::store::{ConsumerOffset, OFFSETS_MAX, StoreError};

use crate::stand::Stand;

pub(crate) async fn last_kept_place_survives_reopening(stand: Stand) {
    let (ann, bo, lobby) = (stand.ann.clone(), stand.bo.clone(), stand.lobby.clone());
    let place = |sent, open: &[u64]| ConsumerOffset { sent, open: open.to_vec() };
    let found = async |stand: &Stand, who, name: &str| {
        stand.store.consumer_offset(who, stand.lobby.clone(), name.into()).await.unwrap()
    };
    assert_eq!(found(&stand, ann.clone(), "a").await, None);
    for (name, kept) in [("a", place(7, &[3, 5])), ("a", place(1 << 40, &[9])), ("b", place(2, &[]))] {
        stand.store.commit_offset(ann.clone(), lobby.clone(), name.into(), kept, 1).await.unwrap();
    }
    let stand = stand.reopened();
    assert_eq!(found(&stand, ann.clone(), "a").await, Some(place(1 << 40, &[9])));
    assert_eq!(found(&stand, ann, "b").await, Some(place(2, &[])));
    assert_eq!(found(&stand, bo, "a").await, None, "another person's is another place");
}

pub(crate) async fn a_place_needs_its_room_and_its_reader(stand: Stand) {
    let keep = |who, room| stand.store.commit_offset(who, room, "a".into(), ConsumerOffset::default(), 1);
    let (nowhere, nobody) = ("nowhere".parse().unwrap(), "nobody".parse().unwrap());
    assert_eq!(keep(stand.ann.clone(), nowhere).await, Err(StoreError::UnknownRoom));
    assert_eq!(keep(nobody, stand.lobby.clone()).await, Err(StoreError::UnknownUser));
}

pub(crate) async fn place_moved_longest_ago_is_evicted(stand: Stand) {
    let (ann, bo, lobby) = (stand.ann.clone(), stand.bo.clone(), stand.lobby.clone());
    let keep = |who, name: String, at| {
        stand.store.commit_offset(who, lobby.clone(), name, ConsumerOffset::default(), at)
    };
    keep(bo.clone(), "0".into(), 0).await.unwrap();
    for n in 0..OFFSETS_MAX {
        keep(ann.clone(), n.to_string(), n.into()).await.unwrap();
    }
    keep(ann.clone(), "0".into(), 9_999).await.unwrap();
    keep(ann.clone(), "new".into(), 9_999).await.unwrap();
    let there = async |who, name: &str| {
        stand.store.consumer_offset(who, lobby.clone(), name.into()).await.unwrap().is_some()
    };
    assert!(there(ann.clone(), "0").await && there(ann.clone(), "new").await);
    assert!(!there(ann, "1").await, "the oldest move");
    assert!(there(bo, "0").await, "others keep theirs");
}

pub(crate) async fn a_place_is_found_before_it_is_durable(stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    for sent in 1..200 {
        let place = ConsumerOffset { sent, open: vec![] };
        let kept = stand.store.commit_offset(ann.clone(), lobby.clone(), "a".into(), place.clone(), 1);
        assert_eq!(
            stand.store.consumer_offset(ann.clone(), lobby.clone(), "a".into()).await,
            Ok(Some(place))
        );
        kept.await.unwrap();
    }
}
