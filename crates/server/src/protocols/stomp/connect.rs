//! CONNECT: which version is spoken, who it is, and how often each side gives a sign of life.

use std::time::Duration;

use madang_protocol::{Person, RefusalCode};
use madang_stomp::{Beats, ClientCommand, Frame, HeartBeat, ServerCommand, Version};

use super::error::Reason;
use crate::access::{Action, Actor};
use crate::auth::{self, login};
use crate::network::Network;
use crate::protocols::names::{is_called, shown_name};
use crate::refusal::Refusal;
use crate::state::App;
use crate::store::Expected;

/// The server can give a sign of life this often. Milliseconds.
const BEATS: u32 = 1_000;

/// Login in textbooks for clients that have nobody to sign in as.
const GUEST: &str = "guest";

/// Result of the negotiation.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) version: Version,
    pub(super) beats: Beats,
    pub(super) you: Person,
    /// The person may come back as the same one: by a token, or a login's cookie.
    pub(super) returns: bool,
    /// Held until the session has its own share.
    pub(super) _expected: Option<Expected>,
}

/// Agrees with the client. `spoken` is the subprotocol's version, `known` the person of the upgrade.
pub(super) async fn agree(
    app: &App,
    frame: &Frame<ClientCommand>,
    spoken: Option<Version>,
    known: Option<Person>,
    from: Network,
) -> Result<Agreed, Reason> {
    let version = version(frame, spoken)?;
    let beats = match frame.header("heart-beat").filter(|_| version > Version::V10) {
        Some(header) => HeartBeat::parse(header).ok_or(Reason::Bad("heart-beat"))?.agree(offer(app)),
        None => Beats::default(),
    };
    let (known, newcomer) = match known {
        Some(known) => (Some(known), None),
        None => (None, Some(login::guest(app).map_err(|refusal| refused(app, &refusal))?)),
    };
    let (guest, _expected) = newcomer.unzip();
    let (you, returns) = person(app, frame, known, guest, from).await?;
    Ok(Agreed { version, beats, you, returns, _expected: _expected.flatten() })
}

impl Agreed {
    /// Returns the CONNECTED frame.
    pub(super) fn connected(&self, app: &App) -> Frame<ServerCommand> {
        let frame = Frame::new(ServerCommand::Connected)
            .with("version", self.version.as_str())
            .with("session", format!("{:08x}", app.random()))
            .with("server", concat!("madang/", env!("CARGO_PKG_VERSION")))
            .with("user", self.you.id.as_str())
            .with("user-name", shown_name(&self.you))
            .with("epoch", app.rooms.epoch().as_str());
        if self.version == Version::V10 { frame } else { frame.with("heart-beat", offer(app).to_string()) }
    }

    /// The times of [`Beats`].
    pub(super) fn promises(&self) -> (Option<Duration>, Option<Duration>) {
        let time = |ms: Option<u32>| ms.map(|ms| Duration::from_millis(ms.into()));
        (time(self.beats.server), time(self.beats.client))
    }
}

fn offer(app: &App) -> HeartBeat {
    let heartbeat = app.config.heartbeat().as_millis();
    HeartBeat { sends: BEATS, wants: u32::try_from(heartbeat).unwrap_or(u32::MAX) }
}

/// The newest version that both know; the subprotocol's, if there is one, and CONNECT must know that too.
fn version(frame: &Frame<ClientCommand>, spoken: Option<Version>) -> Result<Version, Reason> {
    let mut accepted = Version::accepted(frame.header("accept-version"));
    accepted.find(|version| spoken.is_none_or(|spoken| spoken == *version)).ok_or(Reason::Version)
}

/// Returns the person, and whether they can come back.
async fn person(
    app: &App,
    frame: &Frame<ClientCommand>,
    known: Option<Person>,
    guest: Option<Person>,
    from: Network,
) -> Result<(Person, bool), Reason> {
    let said = |name| frame.header(name).filter(|text: &&str| !text.is_empty());
    let (login, passcode) = (said("login"), said("passcode"));
    let textbook = login == Some(GUEST) && passcode.is_none_or(|passcode| passcode == GUEST);
    if let Some(passcode) = passcode.filter(|_| !textbook) {
        let bot = auth::by_token(app, passcode).ok_or(Reason::Login)?;
        let named = login.is_none_or(|login| login == bot.name || login == bot.id.as_str());
        return if named { Ok((bot, true)) } else { Err(Reason::Login) };
    }
    let login = login.filter(|_| !textbook);
    let returns = known.is_some();
    let you = known.or(guest).ok_or(Reason::Login)?;
    match login.filter(|login| !is_called(&you, login) && *login != you.id.as_str()) {
        None => Ok((you, returns)),
        Some(login) => {
            let actor = Actor::new(you.id.clone(), from);
            let renamed = async {
                let grant = app.rooms.access().allow_on_server(&actor, Action::SetName)?;
                app.rooms.rename(&grant, login, app.now()).await
            };
            renamed.await.map(|you| (you, returns)).map_err(|refusal| match refusal.code {
                RefusalCode::NotAllowed => Reason::Login,
                _ => refused(app, &refusal),
            })
        }
    }
}

/// Before there is a session, and a language.
fn refused(app: &App, refusal: &Refusal) -> Reason {
    let sentence = refusal.sentence(madang_client::Locale::En, app.rooms.limits());
    app.metrics.refused(refusal.code);
    Reason::Refused { code: refusal.code, sentence, retry_after_ms: refusal.retry_after_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_newest_common_or_the_subprotocols() {
        let agreed = |accepts: Option<&str>, spoken| {
            let frame = Frame::new(ClientCommand::Connect);
            let frame = accepts.map_or(frame.clone(), |accepts| frame.with("accept-version", accepts));
            version(&frame, spoken).ok()
        };
        let (v10, v11, v12) = (Some(Version::V10), Some(Version::V11), Some(Version::V12));
        for (accepts, spoken, version) in [
            (None, None, v10),
            (Some("1.0,1.1,1.2"), None, v12),
            (Some("1.0,1.1,1.2"), v11, v11),
            (Some("1.0,1.1,1.2"), v10, v10),
            (Some("1.1"), v12, None),
            (None, v12, None),
            (None, v10, v10),
            (Some("2.0"), None, None),
        ] {
            assert_eq!(agreed(accepts, spoken), version, "{accepts:?} on {spoken:?}");
        }
    }
}
