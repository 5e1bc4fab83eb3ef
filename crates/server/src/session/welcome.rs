//! The beginning of a session, `hello` and `welcome`, and the names of people that a client has not met.

use madang_client::Locale;
use madang_protocol::{
    CloseCode, Epoch, Person, ResumePoint, RoomId, RoomInfo, Seq, ServerFrame, UnixMs, UserId,
};

use super::{Outgoing, Session};
use crate::access::Action;
use crate::encoded::PersonFrame;
use crate::refusal::Refusal;

/// Hello of a client: where it was, and how it wants to be spoken to.
#[derive(Clone, Debug, Default)]
pub struct Hello {
    /// Its cursors.
    pub resume: Vec<ResumePoint>,
    /// The epoch that they are of.
    pub epoch: Option<Epoch>,
    /// The language of refusals, as a tag.
    pub locale: Option<String>,
}

impl Session {
    /// Answers `hello`: `out` gets the `welcome`, and what the rooms of its cursors begin with.
    ///
    /// # Errors
    /// The close code for a store that cannot be read.
    pub async fn welcome(
        &mut self,
        hello: Hello,
        now: UnixMs,
        out: &mut Vec<Outgoing>,
    ) -> Result<(), CloseCode> {
        let Hello { resume, epoch, locale } = hello;
        self.locale = locale.as_deref().and_then(Locale::from_tag).unwrap_or_default();
        let listed = self.list().await.map_err(|_| CloseCode::MOVING)?;
        let welcome = ServerFrame::Welcome {
            you: self.you.clone(),
            epoch: self.rooms.epoch().clone(),
            rooms: listed,
            limits: self.rooms.limits().clone(),
            heartbeat_ms: self.heartbeat_ms,
        };
        out.push(welcome.into());
        let same_epoch = epoch.as_ref() == Some(self.rooms.epoch());
        let mut cursors = Vec::new();
        for point in resume {
            let after = same_epoch.then_some(point.seq);
            if self.watch(point.room.clone(), after, now, out).await {
                cursors.push((point.room, point.seq));
            }
        }
        self.meet_again(&cursors, out);
        Ok(())
    }

    /// The rooms as the session's person sees them.
    pub(super) fn list(
        &self,
    ) -> impl Future<Output = Result<Vec<RoomInfo>, Refusal>> + Send + 'static + use<> {
        let grant = self.rooms.access().allow_on_server(&self.actor, Action::ListRooms);
        let rooms = self.rooms.clone();
        async move { rooms.list(&grant?).await }
    }

    /// Tells a client with these cursors who was renamed since it had them. From here on every rename concerns it:
    /// which names it kept from before is its own secret.
    pub(super) fn meet_again(&mut self, cursors: &[(RoomId, Seq)], out: &mut Vec<Outgoing>) {
        if !cursors.is_empty() {
            self.resumed = true;
            let renamed = self.rooms.renamed_since(cursors);
            self.introduce(&renamed, out);
        }
    }

    /// Names people that this client has not met.
    pub(super) fn introduce(&mut self, people: &[Person], out: &mut Vec<Outgoing>) {
        let strangers = people.iter().filter(|person| self.meet(&person.id));
        let strangers: Vec<Person> = strangers.cloned().collect();
        if !strangers.is_empty() {
            out.push(ServerFrame::People { people: strangers }.into());
        }
    }

    pub(super) fn introduce_encoded(&mut self, person: &PersonFrame, out: &mut Vec<Outgoing>) {
        if self.meet(&person.person.id) {
            out.push(Outgoing::Shared(person.json().clone()));
        }
    }

    /// Returns true if the client has not had the name of this person; from here on it has.
    fn meet(&mut self, id: &UserId) -> bool {
        let is_stranger = !self.knows(id);
        if is_stranger {
            self.known.insert(id.clone());
        }
        is_stranger
    }

    pub(super) fn knows(&self, id: &UserId) -> bool {
        *id == self.you.id || self.known.contains(id)
    }
}
