//! English.

use madang_protocol::RefusalCode;

use super::{Day, Strings, named};

const MONTHS: [&str; 13] = [
    "",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(super) static EN: Strings = Strings {
    skip_to_composer: "Skip to writing a message",
    description: "Madang: a courtyard to meet and talk in.",
    rooms: "Rooms",
    unread: |count| match count {
        1 => "1 unread message".to_owned(),
        1000.. => format!("{count} or more unread messages"),
        _ => format!("{count} unread messages"),
    },
    open_room: "Open a room",
    room_title: "Name of the room",
    room_title_example: "Weekend hikes",
    open: "Open",
    close: "Close",
    cancel: "Cancel",
    lobby: "Lobby",
    here: "Here now",
    here_count: |count| format!("{count} here"),
    more_people: |count| format!("and {count} more"),
    nobody: "Nobody else is here right now.",
    you: "you",
    guest: |tag| format!("Guest {tag}"),
    keeper: "Madang",
    alike: "Somebody else’s name looks the same. This is the end of this one’s id.",
    bot: "bot",
    bot_title: "A program, not a person",
    typing: |names| match names {
        [] => String::new(),
        [one] => format!("{one} is typing…"),
        [one, two] => format!("{one} and {two} are typing…"),
        _ => "Several people are typing…".to_owned(),
    },
    messages: |room| format!("Messages in {room}"),
    today: "Today",
    yesterday: "Yesterday",
    day: |Day { year, month, day, weekday, this_year }| {
        let (weekday, month) = (named(&WEEKDAYS, weekday), named(&MONTHS, month));
        if this_year {
            format!("{weekday}, {month} {day}")
        } else {
            format!("{weekday}, {month} {day}, {year}")
        }
    },
    new: "New",
    older: "Earlier messages",
    newer: "Later messages",
    loading: "Loading…",
    beginning: "This is where it all began.",
    empty_title: "The courtyard is quiet",
    empty_text: "Nobody has spoken here yet. Say the first word, and the gate stands open.",
    gone_title: "There is no such room",
    gone_text: "The link may be mistyped, the room closed, or of another Madang.",
    closed: "This room was closed. What was said can still be read here until you leave.",
    to_lobby: "Go to the lobby",
    latest: "Jump to the latest",
    fresh: |count| if count == 1 { "1 new message".to_owned() } else { format!("{count} new messages") },
    edited: "edited",
    show_all: "Show all",
    show_less: "Show less",
    deleted: "This message was deleted.",
    pending: "Sending…",
    failed: "Not sent.",
    retry: "Try again",
    discard: "Discard",
    actions: "Actions for this message",
    react: "Add a reaction",
    more_emoji: "More emoji",
    reply: "Reply",
    edit: "Edit",
    copy_link: "Copy link",
    link_copied: "Link copied",
    part_missing: "This did not load. Reload the page to use it; what you wrote stays.",
    delete: "Delete",
    delete_question: "Delete this message?",
    delete_text: "Its text is gone for everyone, and cannot be brought back.",
    replying_to: |name| format!("Replying to {name}"),
    reply_unknown: "an earlier message",
    edit_label: "Edit the message",
    edit_hint: "Esc to cancel, Enter to save",
    save: "Save",
    composer: |room| format!("Message to {room}"),
    placeholder: "Write a message",
    send: "Send",
    chars_left: |left| match left {
        1 => "1 character left".to_owned(),
        0.. => format!("{left} characters left"),
        -1 => "1 character too many".to_owned(),
        _ => format!("{} characters too many", -left),
    },
    newcomer: |name| format!("Welcome! You are here as {name}. Write right away, or choose a name first."),
    choose_name: "Choose a name",
    settings: "Settings",
    nickname: "Nickname",
    nickname_hint: "What others call you here. Up to 40 characters.",
    saved: "Saved",
    language: "Language",
    theme: "Appearance",
    automatic: "Automatic",
    light: "Light",
    dark: "Dark",
    enter: "The Enter key",
    enter_sends: "Sends",
    enter_breaks: "New line",
    enter_hint: "Automatic: sends, but makes a new line on touch screens. Ctrl+Enter always sends, Shift+Enter never.",
    apply: "Apply",
    connecting: "Connecting…",
    offline: "You are offline. Go on writing: it is kept, and sent as soon as you are back.",
    lost: "The connection is gone. Go on writing: it is kept, and sent as soon as it is back.",
    ended: "The server closed this connection.",
    banned: "You are banned here. What you were writing is kept.",
    over_limit: "Too many connections come from your network. Please close some tabs.",
    retry_in: |seconds| {
        if seconds == 1 {
            "Next try in 1 second.".to_owned()
        } else {
            format!("Next try in {seconds} seconds.")
        }
    },
    retry_now: "Try now",
    waiting: |count| {
        if count == 1 {
            "1 message is waiting to be sent.".to_owned()
        } else {
            format!("{count} messages are waiting to be sent.")
        }
    },
    unreachable: "The server could not be reached. Please try again.",
    dismiss: "Dismiss",
    refused: |code| match code {
        // It sends no headers.
        RefusalCode::BadFrame | RefusalCode::UnknownType | RefusalCode::BadHeaders => {
            "The server did not understand this page. Please reload it."
        }
        RefusalCode::UnknownRoom => "There is no such room.",
        RefusalCode::UnknownMessage => "This message is not there any more.",
        RefusalCode::NotYours => "Only its author may change a message.",
        RefusalCode::Empty => "There is nothing in it yet.",
        RefusalCode::TooLong => "That is too long.",
        RefusalCode::NameReserved => "That name is the server’s own, or a guest’s. Choose another.",
        RefusalCode::TooFast => "That was a lot at once. Please wait a moment.",
        RefusalCode::TooManyRooms => "You follow as many rooms as one page may.",
        RefusalCode::StorageUnavailable => {
            "The server cannot save messages right now. Please try again in a while."
        }
        RefusalCode::UnknownLogin => "This login is no longer valid. Please reload the page.",
        RefusalCode::NotAllowed => "You may not do this.",
        RefusalCode::UnusableCursor => "The server's log is another one now. Please reload the page.",
        RefusalCode::RoomsTooFast => "You cannot open another room yet.",
        RefusalCode::Banned => "You are banned here.",
        RefusalCode::TooManyReactions => "This message has as many reactions as it may have.",
        // The server has a sentence; the page offers no other emoji.
        RefusalCode::BadEmoji | RefusalCode::Unknown => "",
    },
};
