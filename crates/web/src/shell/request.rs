//! The few things that are asked over HTTP, because they belong to the login: the name, rooms, settings.

use gloo_net::http::Request;
use js_sys::encode_uri_component;
use madang_client::{Event, Notice};
use madang_protocol::{Person, RefusalCode, RoomId, RoomInfo, json, text};
use web_sys::{RequestRedirect, ResponseType};

use super::Shell;

/// Reasons why a request to the server brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// The server was not reached.
    Unreachable,
    /// The server refused, with its reason; or it would, and was not asked.
    Refused(Notice),
}

impl From<RefusalCode> for RequestError {
    fn from(code: RefusalCode) -> Self {
        Self::Refused(Notice { code, message: String::new() })
    }
}

impl From<gloo_net::Error> for RequestError {
    fn from(_: gloo_net::Error) -> Self {
        Self::Unreachable
    }
}

/// Chooses a nickname: `POST /me`. The model learns it at once.
///
/// # Errors
/// The name is not one, the server refused, or was not reached.
pub(crate) async fn choose_name(shell: &Shell, typed: &str) -> Result<(), RequestError> {
    let name = text::one_line(typed, text::NAME_CHARS)?;
    post("/me", &[("name", &name)]).await?;
    if let Some(id) = shell.with(|model| model.you().map(|you| you.id.clone())) {
        shell.dispatch(Event::Renamed { you: Person::new(id, name) });
    }
    Ok(())
}

/// Opens a room: `POST /rooms`. The model learns of it at once; go there with [`Event::OpenRoom`].
///
/// # Errors
/// The title is not one, the server refused, or was not reached.
pub(crate) async fn open_room(shell: &Shell, typed: &str) -> Result<RoomId, RequestError> {
    let title = text::one_line(typed, text::TITLE_CHARS)?;
    let answer = post("/rooms", &[("title", &title)]).await?;
    let info: RoomInfo = json::read(&answer).map_err(|_| RefusalCode::Unknown)?;
    let room = info.room.clone();
    shell.dispatch(Event::RoomMade { info });
    Ok(room)
}

/// Keeps a choice of the settings' form for a year: `POST /settings`.
///
/// # Errors
/// The server refused, or was not reached.
pub(crate) async fn save_setting(name: &str, value: &str) -> Result<(), RequestError> {
    post("/settings", &[(name, value)]).await?;
    Ok(())
}

/// Posts a form as the plain page would; gives the body of the answer.
async fn post(path: &str, fields: &[(&str, &str)]) -> Result<String, RequestError> {
    let field = |(name, value): &(&str, &str)| format!("{name}={}", encode_uri_component(value));
    let form = fields.iter().map(field).collect::<Vec<_>>().join("&");
    let request = Request::post(path)
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        // Where a form leads to is of no interest here; that it leads there is a success.
        .redirect(RequestRedirect::Manual)
        .body(form)?;
    let response = request.send().await?;
    let text = response.text().await?;
    if response.ok() || response.type_() == ResponseType::Opaqueredirect {
        return Ok(text);
    }
    let notice: Option<Notice> = json::read(&text).ok();
    Err(notice.map_or_else(|| RefusalCode::Unknown.into(), RequestError::Refused))
}
