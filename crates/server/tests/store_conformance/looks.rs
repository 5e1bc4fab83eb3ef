//! Looks of a name: that somebody else's looks the same, that it is a program's, and its initial.

use madang_protocol::{Person, UserId};
use madang_server::store::Renamed;

use super::bots::bot;
use crate::stand::Stand;

async fn rename(stand: &Stand, user: &UserId, name: &str) -> Renamed {
    stand.store.rename(user.clone(), name.into(), 7).await.unwrap()
}

fn alike(user: &UserId, name: &str) -> Person {
    Person { alike: true, ..Person::new(user.clone(), name) }
}

/// The authors of the lobby's messages, as each kind of read has them.
async fn authors(stand: &Stand) -> Vec<Person> {
    let state = stand.store.snapshot(stand.lobby.clone(), 10).await.unwrap().unwrap();
    let stored = stand.store.snapshot(stand.lobby.clone(), 1_000).await.unwrap().unwrap();
    assert_eq!(state.people, stored.people, "memory and disk");
    for committed in stand.store.entries_after(stand.lobby.clone(), 1, 10).await.unwrap() {
        assert!(state.people.contains(&committed.author.person), "{committed:?}");
    }
    state.people
}

pub(crate) async fn alike_names_are_marked(mut stand: Stand) {
    let (ann, bo, cho) = (stand.ann.clone(), stand.bo.clone(), stand.cho.clone());
    for user in [&ann, &bo] {
        stand.post(user, "hello").await;
    }
    authors(&stand).await;
    let first = rename(&stand, &ann, "Kim").await;
    assert_eq!(first, Renamed { person: Person::new(ann.clone(), "Kim"), others: Vec::new() });
    let second = rename(&stand, &bo, "Кim").await;
    assert_eq!(second, Renamed { person: alike(&bo, "Кim"), others: vec![alike(&ann, "Kim")] });
    assert_eq!(authors(&stand).await, [alike(&ann, "Kim"), alike(&bo, "Кim")]);
    let third = rename(&stand, &cho, "KIM").await;
    assert_eq!(third, Renamed { person: alike(&cho, "KIM"), others: Vec::new() });

    let mut stand = stand.reopened();
    assert_eq!(authors(&stand).await, [alike(&ann, "Kim"), alike(&bo, "Кim")]);
    assert_eq!(stand.store.login([1; 32]).await.unwrap(), Some(alike(&ann, "Kim")));
    assert_eq!(rename(&stand, &cho, "kim").await.person, alike(&cho, "kim"), "one look for another spelling");
    assert_eq!(rename(&stand, &cho, "Cho").await.others, [], "two are left");
    assert_eq!(rename(&stand, &bo, "Bo").await.others, [Person::new(ann.clone(), "Kim")], "one is left");
    stand.post(&ann, "alone").await;
    assert_eq!(authors(&stand).await, [Person::new(ann.clone(), "Kim"), Person::new(bo.clone(), "Bo")]);
    let told: Vec<_> = stand.store.renamed_since(7).into_iter().map(|person| person.id).collect();
    assert_eq!(told, [bo, ann, cho], "those with whom it is shown are among the renamed");
}

pub(crate) async fn a_bots_name_may_look_like_a_persons(mut stand: Stand) {
    let ann = stand.ann.clone();
    rename(&stand, &ann, "the robo").await;
    let (made, others) = stand.store.add_bot(bot("robo", None), [8; 32]).await.unwrap();
    assert_eq!((made.person.bot, made.person.alike), (true, true));
    assert_eq!(others, [alike(&ann, "the robo")]);
    stand.post(&"robo".parse().unwrap(), "beep").await;
    assert_eq!(authors(&stand).await, [made.person]);
    rename(&stand, &ann, "Ann").await;
    let robo = stand.store.bot(&"robo".parse().unwrap()).unwrap();
    assert_eq!((robo.person.bot, robo.person.alike), (true, false));
    let authors = authors(&stand.reopened()).await;
    assert_eq!((authors.len(), &authors[0]), (1, &robo.person));
}

pub(crate) async fn an_initial_is_kept_with_its_name(mut stand: Stand) {
    let ann = stand.ann.clone();
    assert_eq!(rename(&stand, &ann, "👨‍👩‍👧 Kim").await.person.initial, "👨‍👩‍👧");
    stand.post(&ann, "hello").await;
    assert_eq!(authors(&stand).await[0].initial, "👨‍👩‍👧");
    assert_eq!(rename(&stand, &ann, "Kim").await.person.initial, "");
    assert_eq!(authors(&stand.reopened()).await[0].initial, "");
}
