//! The table of rights: what each kind of account may do, and where. Nothing else decides that.

use madang_protocol::{Operation, UserId};

use Action::*;
use Reach::{Everywhere, Nowhere, Scope};

/// Kind of somebody's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody with a login and nothing else, as everybody who came here.
    Guest,
    /// A program with a token of its own, or a webhook.
    Bot,
}

/// Something that somebody may ask to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read a room: its title, messages, history and entries, live and later.
    Read,
    /// Post a message, or answer one.
    Post,
    /// Edit a message of one's own.
    EditOwn,
    /// Delete a message of one's own.
    DeleteOwn,
    /// React to a message, or take that back.
    React,
    /// Keep what one has read of a room.
    MarkRead,
    /// Be seen typing, or present.
    BeSeen,
    /// See the list of rooms.
    ListRooms,
    /// Open a room.
    OpenRoom,
    /// Give oneself a name.
    SetName,
}

/// Rooms in which an action is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In every room, and on the server.
    Everywhere,
    /// In the rooms of the bot's token, and on the server only if it is for all rooms.
    Scope,
    /// Never.
    Nowhere,
}

impl Action {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 10] =
        [Read, Post, EditOwn, DeleteOwn, React, MarkRead, BeSeen, ListRooms, OpenRoom, SetName];

    /// The action that a write is.
    pub fn of(operation: &Operation) -> Self {
        match operation {
            Operation::Post { .. } => Post,
            Operation::Edit { .. } => EditOwn,
            Operation::Delete { .. } => DeleteOwn,
            Operation::React { .. } | Operation::Unreact { .. } => React,
        }
    }

    /// As the document has it.
    fn words(self) -> &'static str {
        match self {
            Read => "read a room: title, messages, history, entries",
            Post => "post a message, or answer one",
            EditOwn => "edit a message of one's own",
            DeleteOwn => "delete a message of one's own",
            React => "react to a message, or take that back",
            MarkRead => "keep what one has read",
            BeSeen => "be seen typing, or present",
            ListRooms => "see which rooms there are",
            OpenRoom => "open a room",
            SetName => "give oneself a name",
        }
    }
}

/// The table.
pub const fn reach(kind: Kind, action: Action) -> Reach {
    match (kind, action) {
        (Kind::Guest, _) => Everywhere,
        // A bot is called what its owner calls it.
        (Kind::Bot, SetName) => Nowhere,
        (Kind::Bot, Read | Post | EditOwn | DeleteOwn | React | MarkRead | BeSeen | ListRooms | OpenRoom) => {
            Scope
        }
    }
}

/// Returns true if this person may change the message of this author: nobody's but their own.
pub fn may_change(person: &UserId, author: &UserId) -> bool {
    person == author
}

/// The table as Markdown, for `docs/rights.md`.
pub fn document() -> String {
    let cell = |kind, action| match (reach(kind, action), action) {
        (Everywhere, _) => "yes",
        (Scope, ListRooms) => "those of its token",
        (Scope, OpenRoom) => "if its token is for all rooms",
        (Scope, _) => "in the rooms of its token",
        (Nowhere, _) => "no",
    };
    let row = |action: Action| {
        format!("| {} | {} | {} |\n", action.words(), cell(Kind::Guest, action), cell(Kind::Bot, action))
    };
    let rows: String = Action::ALL.into_iter().map(row).collect();
    format!(
        "# Who may do what\n\n\
         Made from the table in the program (`crates/server/src/access/rights.rs`), which every way in asks: the page and its forms, \
         `madang.v1`, plain\nlines, STOMP, the HTTP API and webhooks.\n\n\
         | | guest | bot |\n|:--|:--|:--|\n{rows}\n\
         A room outside of a bot's token does not exist for it: it is answered as any room that there is not (`unknown_room`). \
         Whoever is banned, by\nperson or by address, may do nothing (`banned`), and a bot whose token was revoked is nobody \
         (`unknown_login`). Anything else that the table\ndoes not allow is `not_allowed`, and another's message `not_yours`.\n\n\
         What an owner does (close and rename rooms, delete anybody's message, ban, make and revoke bots) is done on the \
         command line, by whoever\nmay read the data folder; see [hosting.md](hosting.md).\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rights.md");
        let (found, made) = (std::fs::read_to_string(path).unwrap_or_default(), document());
        if found != made && std::env::var_os("UPDATE_DOCUMENTS").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        assert_eq!(found, made, "UPDATE_DOCUMENTS=1 writes docs/rights.md anew");
    }

    #[test]
    fn bots_never_reach_further_than_guests() {
        for action in Action::ALL {
            assert_eq!(reach(Kind::Guest, action), Everywhere, "{action:?}");
            assert_ne!(reach(Kind::Bot, action), Everywhere, "{action:?}");
        }
    }
}
