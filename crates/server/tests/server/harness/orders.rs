//! An owner's orders on the command line.

use std::path::Path;
use std::process::{Command, Stdio};

use tokio::task::spawn_blocking;

use super::within;

/// Output of a command.
#[derive(Debug)]
pub(crate) struct Ordered {
    pub(crate) done: bool,
    pub(crate) out: String,
    pub(crate) note: String,
}

/// Carries out `madang <words> --data <data>`.
pub(crate) async fn order(data: &Path, words: &[&str]) -> Ordered {
    let mut command = Command::new(env!("CARGO_BIN_EXE_madang"));
    command.args(words).arg("--data").arg(data).env_clear().current_dir("/").stdin(Stdio::null());
    let output = within("an order", spawn_blocking(move || command.output())).await.expect("a thread");
    let output = output.expect("the program starts");
    Ordered {
        done: output.status.success(),
        out: String::from_utf8(output.stdout).expect("text"),
        note: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A new bot's token, limited to these rooms; without any, to nothing.
pub(crate) async fn token(data: &Path, name: &str, rooms: &[&str]) -> String {
    let mut words = vec!["token", "create", "--name", name];
    rooms.iter().for_each(|room| words.extend(["--room", room]));
    let made = order(data, &words).await;
    assert!(made.done, "{made:?}");
    made.out.trim_end().to_owned()
}

/// The id of the bot of that name, as the list has it.
pub(crate) async fn token_id(data: &Path, name: &str) -> String {
    let listed = order(data, &["token", "list"]).await.out;
    let line = listed.lines().find(|line| line.ends_with(&format!("\t{name}"))).expect("a line for it");
    line.split('\t').next().expect("an id").to_owned()
}

/// Takes the token of the bot of that name away.
pub(crate) async fn revoke(data: &Path, name: &str) {
    let revoked = order(data, &["token", "revoke", &token_id(data, name).await]).await;
    assert!(revoked.done, "{revoked:?}");
}
