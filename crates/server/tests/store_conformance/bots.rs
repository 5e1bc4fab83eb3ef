//! Bots: programs with a token of their own.

use madang_protocol::{Person, RoomId, UserId};
use madang_server::store::{Bot, BotKind, StoreError, Target};

use crate::stand::{Stand, post};

pub(crate) fn bot(id: &str, rooms: Option<&[&str]>) -> Bot {
    Bot {
        person: Person { bot: true, ..Person::new(id.parse().unwrap(), format!("The {id}")) },
        kind: BotKind::Token,
        rooms: rooms.map(|rooms| rooms.iter().map(|room| room.parse().unwrap()).collect()),
        target: None,
        made_at: 7_000,
        revoked_at: None,
    }
}

fn user(id: &str) -> UserId {
    id.parse().unwrap()
}

pub(crate) async fn bot_is_found_by_token_hash_after_reopening(stand: Stand) {
    let (made, _) = stand.store.add_bot(bot("robo", None), [8; 32]).await.unwrap();
    assert_eq!(made, bot("robo", None));
    let stand = {
        assert_eq!(stand.store.bot_by_token(&[8; 32]).as_deref(), Some(&made));
        stand.reopened()
    };
    assert_eq!(stand.store.bot_by_token(&[8; 32]).as_deref(), Some(&made));
    assert_eq!(stand.store.bot(&user("robo")).as_deref(), Some(&made));
    assert_eq!(stand.store.bot_by_token(&[9; 32]), None);
    assert_eq!(stand.store.bot_by_token(&[1; 32]), None, "ann's login is no token");
    assert_eq!(stand.store.login([8; 32]).await.unwrap(), None, "a token is no login");
    assert_eq!(stand.store.bot(&stand.ann), None);
}

pub(crate) async fn a_bot_writes_under_its_name(mut stand: Stand) {
    stand.store.add_bot(bot("robo", None), [8; 32]).await.unwrap();
    let seq = stand.post(&user("robo"), "beep").await;
    let log = stand.store.entries_after(stand.lobby.clone(), seq - 1, 1).await.unwrap();
    assert_eq!(log[0].author.person, bot("robo", None).person);
    stand.store.rename(user("robo"), "Robo".into(), 1).await.unwrap();
    assert_eq!(stand.store.bot_by_token(&[8; 32]).unwrap().person.name, "Robo");
    let stand = stand.reopened();
    assert_eq!(stand.store.bot_by_token(&[8; 32]).unwrap().person.name, "Robo");
}

pub(crate) async fn a_bot_is_limited_to_rooms_that_exist(stand: Stand) {
    let garden = stand.open_room("garden").await;
    let nowhere = stand.store.add_bot(bot("lost", Some(&["lobby", "nowhere"])), [8; 32]).await;
    assert_eq!(nowhere, Err(StoreError::UnknownRoom));
    assert_eq!(stand.store.bot(&user("lost")), None, "a refused bot leaves nothing");

    let named = bot("robo", Some(&["lobby", "garden", "lobby"]));
    let (made, _) = stand.store.add_bot(named, [8; 32]).await.unwrap();
    assert_eq!(made.rooms, Some(vec![garden.clone(), stand.lobby.clone()]), "each once, in order");
    let attic = stand.open_room("attic").await;
    let reaches = |stand: &Stand, room: &RoomId| stand.store.bot(&user("robo")).unwrap().reaches(room);
    assert!(reaches(&stand, &garden) && !reaches(&stand, &attic));
    let stand = stand.reopened();
    assert!(reaches(&stand, &garden) && !reaches(&stand, &attic));
}

pub(crate) async fn revoked_token_stays_invalid(mut stand: Stand) {
    stand.store.add_bot(bot("robo", None), [8; 32]).await.unwrap();
    stand.store.add_bot(bot("other", None), [9; 32]).await.unwrap();
    let seq = stand.post(&user("robo"), "beep").await;
    let revoked = stand.store.revoke_bot(user("robo"), 9_000).await.unwrap();
    assert_eq!(revoked.revoked_at, Some(9_000));
    let again = stand.store.revoke_bot(user("robo"), 9_999).await.unwrap();
    assert_eq!(again.revoked_at, Some(9_000), "it was revoked when it was");
    for _ in 0..2 {
        assert_eq!(stand.store.bot_by_token(&[8; 32]), None);
        assert_eq!(stand.store.bot(&user("robo")).as_deref(), Some(&revoked));
        assert!(stand.store.bot_by_token(&[9; 32]).is_some(), "others stay");
        stand = stand.reopened();
    }
    let log = stand.store.entries_after(stand.lobby.clone(), seq - 1, 1).await.unwrap();
    assert_eq!(log[0].author.person.name, "The robo", "what it wrote stays");
    assert_eq!(stand.store.revoke_bot(stand.ann.clone(), 1).await, Err(StoreError::UnknownUser));
    let taken = stand.store.add_bot(bot("third", None), [8; 32]).await;
    assert_eq!(taken, Err(StoreError::Taken), "a token never comes back");
}

pub(crate) async fn new_bot_has_nothing_unread(mut stand: Stand) {
    let (ann, lobby) = (stand.ann.clone(), stand.lobby.clone());
    stand.append(&ann, &lobby, post("before")).await.unwrap();
    stand.store.add_bot(bot("robo", None), [8; 32]).await.unwrap();
    for _ in 0..2 {
        let listed = stand.store.rooms(Some(user("robo")), 10).await.unwrap();
        assert_eq!((listed[0].read, listed[0].unread), (2, 0));
        stand = stand.reopened();
    }
}

pub(crate) async fn bots_are_listed_newest_first(stand: Stand) {
    for (at, id) in [(3, "a"), (1, "b"), (2, "c")] {
        let bot = Bot { made_at: at, ..bot(id, None) };
        stand.store.add_bot(bot, [u8::try_from(at).unwrap() + 10; 32]).await.unwrap();
    }
    let ids: Vec<_> = stand.store.bots().iter().map(|bot| bot.person.id.to_string()).collect();
    assert_eq!(ids, ["a", "c", "b"]);
    let taken = stand.store.add_bot(bot("ann", None), [8; 32]).await;
    assert_eq!(taken, Err(StoreError::Taken));
}

pub(crate) async fn webhook_target_survives_reopening_until_its_key_goes(mut stand: Stand) {
    let target = Target { url: "https://x.example/hook".into(), key: "mds_key".into() };
    assert!(!format!("{target:?}").contains("mds_key"), "it is not told by accident");
    let hook = Bot { kind: BotKind::Outgoing, target: Some(target), ..bot("hook", Some(&["lobby"])) };
    let (made, _) = stand.store.add_bot(hook.clone(), [8; 32]).await.unwrap();
    assert_eq!(made, hook);
    let ann = stand.ann.clone();
    let seq = stand.post(&ann, "one").await;
    stand.store.mark_read(user("hook"), stand.lobby.clone(), seq).await.unwrap();
    let stand = stand.reopened();
    assert_eq!(stand.store.bot(&user("hook")).as_deref(), Some(&hook));
    let rooms = stand.store.rooms(Some(user("hook")), 10).await.unwrap();
    assert_eq!(rooms[0].read, seq, "its cursor is durable");
    let revoked = stand.store.revoke_bot(user("hook"), 9).await.unwrap();
    assert_eq!((revoked.target.clone(), revoked.revoked_at), (None, Some(9)));
    assert_eq!(stand.store.bot(&user("hook")).as_deref(), Some(&revoked));
    let stand = stand.reopened();
    assert_eq!(stand.store.bot(&user("hook")).as_deref(), Some(&revoked));
}
