//! Edits, deletes, replies, redaction.

use madang_protocol::{EntryKind, Headers, Operation, RoomId};
use madang_server::store::StoreError;

use crate::stand::{Stand, fold, post, reply};

pub(crate) async fn edit_replaces_text_and_keeps_place(mut stand: Stand) {
    let ann = stand.ann.clone();
    let first = stand.post(&ann, "frist").await;
    stand.post(&ann, "second").await;
    let edit = stand.edit(&ann, first, "first").await.unwrap();
    assert_eq!(edit.seq, 4, "an edit is an entry of its own");
    let messages = stand.messages().await;
    assert_eq!(messages.iter().map(|message| message.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(messages[0].body.as_deref(), Some("first"));
    let log = stand.log(&stand.lobby).await;
    assert_eq!(messages[0].edited_at, Some(log[3].at));
    assert_eq!(messages, fold(&log));
}

pub(crate) async fn delete_redacts_text_in_projection_and_log(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let kept = stand.post(&ann, "kept").await;
    let secret = stand.post(&ann, "secret one").await;
    stand.edit(&ann, secret, "secret two").await.unwrap();
    stand.edit(&ann, kept, "kept, edited").await.unwrap();
    stand.edit(&ann, secret, "secret three").await.unwrap();
    stand.delete(&ann, secret).await.unwrap();

    let log = stand.log(&lobby).await;
    assert!(!format!("{log:?}").contains("secret"), "{log:?}");
    assert_eq!(log[2].what, EntryKind::posted(String::new(), None));
    assert_eq!(log[3].what, EntryKind::Edited { seq: secret, body: String::new() });
    assert_eq!(
        log[4].what,
        EntryKind::Edited { seq: kept, body: "kept, edited".into() },
        "others keep theirs"
    );
    assert_eq!(log[6].what, EntryKind::Deleted { seq: secret });

    let messages = stand.messages().await;
    assert!(messages[1].is_deleted());
    assert_eq!(messages[0].body.as_deref(), Some("kept, edited"));
    assert_eq!(messages, fold(&log), "a replay of the redacted log ends in the same state");
}

pub(crate) async fn deleted_message_cannot_be_edited_or_deleted(mut stand: Stand) {
    let ann = stand.ann.clone();
    let seq = stand.post(&ann, "gone").await;
    stand.delete(&ann, seq).await.unwrap();
    assert_eq!(stand.edit(&ann, seq, "back").await, Err(StoreError::UnknownMessage));
    assert_eq!(stand.delete(&ann, seq).await, Err(StoreError::UnknownMessage));
}

pub(crate) async fn only_the_author_may_edit_or_delete(mut stand: Stand) {
    let (ann, bo) = (stand.ann.clone(), stand.bo.clone());
    let seq = stand.post(&ann, "ann's").await;
    assert_eq!(stand.edit(&bo, seq, "bo's").await, Err(StoreError::NotYours));
    assert_eq!(stand.delete(&bo, seq).await, Err(StoreError::NotYours));
    assert_eq!(stand.messages().await[0].body.as_deref(), Some("ann's"));
}

pub(crate) async fn edit_with_used_cmid_is_a_repeat(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let mut write = stand.write(&ann, &lobby, post("posted"));
    stand.store.append(write.clone()).await.unwrap();
    write.what = EntryKind::Edited { seq: 2, body: "edited".into() };
    let repeat = stand.store.append(write.clone()).await.unwrap();
    assert_eq!((repeat.seq, repeat.repeat), (2, true));
    assert_eq!(stand.messages().await[0].body.as_deref(), Some("posted"));

    stand.delete(&ann, 2).await.unwrap();
    assert!(stand.store.append(write).await.unwrap().repeat, "also when it would be refused by now");
}

pub(crate) async fn other_entries_cannot_be_edited_deleted_or_answered(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let garden: RoomId = stand.open_room("garden").await;
    let message = stand.post(&ann, "a message").await;
    let edit = stand.edit(&ann, message, "an edit").await.unwrap().seq;
    for seq in [0, 1, edit, 99, 1 << 40, u64::MAX] {
        assert_eq!(stand.edit(&ann, seq, "?").await, Err(StoreError::UnknownMessage), "edit {seq}");
        assert_eq!(stand.delete(&ann, seq).await, Err(StoreError::UnknownMessage), "delete {seq}");
        let answer = stand.append(&ann, &lobby, reply("?", seq)).await;
        assert_eq!(answer, Err(StoreError::UnknownMessage), "reply to {seq}");
    }
    let answer = stand.append(&ann, &garden, reply("?", message)).await;
    assert_eq!(answer, Err(StoreError::UnknownMessage), "a message of another room");
    assert_eq!(stand.log(&lobby).await.len(), 3);
}

pub(crate) async fn a_deleted_message_may_be_answered(mut stand: Stand) {
    let (ann, bo, lobby) = (stand.ann.clone(), stand.bo.clone(), stand.lobby.clone());
    let seq = stand.post(&ann, "gone").await;
    stand.delete(&ann, seq).await.unwrap();
    stand.append(&bo, &lobby, reply("what was it?", seq)).await.unwrap();
    assert_eq!(stand.messages().await[1].reply_to, Some(seq));
}

pub(crate) async fn any_text_comes_back_as_it_went_in(mut stand: Stand) {
    let ann = stand.ann.clone();
    let long = "긴 글 ".repeat(3_000);
    for body in ["'; DROP TABLE entries; --", "nul \0 inside", "안녕하세요 👩‍👩‍👧", "a\r\nb", long.as_str()]
    {
        let seq = stand.post(&ann, body).await;
        assert_eq!(stand.messages().await.last().unwrap().body.as_deref(), Some(body));
        stand.edit(&ann, seq, &format!("{body}!")).await.unwrap();
        assert_eq!(stand.messages().await.last().unwrap().body.as_deref(), Some(format!("{body}!").as_str()));
    }
}

pub(crate) async fn headers_survive_edits_and_reopening_until_delete(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    let headers: Headers = [("content-type", "text/csv"), ("a:b", "1\n2\\\"가")].into_iter().collect();
    let operation = Operation::Post { body: "a,b".into(), reply_to: None, headers: headers.clone() };
    let seq = stand.append(&ann, &lobby, operation).await.unwrap().seq;
    stand.edit(&ann, seq, "c,d").await.unwrap();
    let sent = stand.sent();
    let mut stand = stand.reopened();
    let log = stand.log(&lobby).await;
    assert_eq!(sent, log[1..], "what is told at once is what is read later");
    assert!(matches!(&log[1].what, EntryKind::Posted { headers: kept, .. } if *kept == headers), "{log:?}");
    let messages = stand.messages().await;
    assert_eq!((&messages[0].headers, &messages), (&headers, &fold(&log)));
    stand.delete(&ann, seq).await.unwrap();
    assert!(stand.messages().await[0].headers.is_empty());
    let stand = stand.reopened();
    assert!(!format!("{:?}", (stand.log(&lobby).await, stand.messages().await)).contains("csv"));
}
