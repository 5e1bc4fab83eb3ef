//! Scripts of a client: most lines are frames, some are nonsense.

use madang_server::store::manual::Fault;

use super::stage::{Kept, Stage};

/// Lines of a script that are played; the rest is left out.
const LINES: usize = 64;

thread_local! {
    static KEPT: Kept = Kept::new(3);
}

/// Plays a script. A line is what the first person sends; one that begins with `>` is the second's. `+` lets the
/// writer commit, `-` lets it fail, `!` kills the server, `~` drops the first person's queue.
///
/// # Panics
/// If a session dies, sends what is not so, or does not send all.
pub fn session(bytes: &[u8]) {
    let Ok(script) = std::str::from_utf8(bytes) else { return };
    let mut stage = KEPT.with(Stage::on);
    for line in script.lines().take(LINES) {
        match (line, line.strip_prefix('>')) {
            ("+", _) => stage.commit(Fault::None),
            ("-", _) => stage.commit(Fault::Fails(0)),
            ("!", _) => stage.crash(),
            ("~", _) => stage.overflow(0),
            (_, Some(text)) => send(&mut stage, 1, text),
            (text, None) => send(&mut stage, 0, text),
        }
    }
    stage.commit(Fault::None);
    stage.commit(Fault::None);
    stage.all_was_said();
}

/// A session that was closed for what it sent begins anew with the next line, whatever that is.
fn send(stage: &mut Stage, who: usize, text: &str) {
    if stage.is_there(who) { stage.say(who, text) } else { stage.begin(who, text) }
}
