//! Refusals of a request: problem details of RFC 9457, with a code that never changes its meaning.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use madang_client::Locale;
use madang_protocol::{Limits, RefusalCode};
use serde::Serialize;
use utoipa::openapi::schema::{Object, Schema, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response as Documented, ResponseBuilder};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use crate::refusal::Refusal;
use crate::state::App;

/// The media type.
const PROBLEM: &str = "application/problem+json";

/// Refusal of a request (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Address of the code's description.
    #[schema(format = "uri-reference", example = "/api#unknown_room")]
    r#type: String,
    /// The status in words.
    #[schema(example = "Not Found")]
    title: &'static str,
    /// The status.
    #[schema(minimum = 400, maximum = 599, example = 404)]
    status: u16,
    /// A sentence for people.
    #[schema(example = "There is no such room.")]
    detail: String,
    /// For programs.
    code: Code,
    /// The same request may succeed after so many milliseconds; without it, it will not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    retry_after_ms: Option<u32>,
}

/// The reason of a refusal: one of the requests' own, or one that all protocols have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Code {
    /// The request is not of the form that is described: a header, the query, or the body, which is no JSON.
    BadRequest,
    /// The body is JSON, and not of the form that is described.
    BadBody,
    /// Neither a token nor a login was in the request.
    LoginRequired,
    /// A login counts on this server's own pages alone.
    Origin,
    /// There is nothing at this address.
    NotFound,
    /// The address does not know this method; `Allow` names those it knows.
    MethodNotAllowed,
    /// The request was not received, or could not be answered, in time.
    Timeout,
    /// The body is larger than a frame may be.
    TooBig,
    /// The body is of a type that is not taken here.
    UnsupportedMediaType,
    /// There are too many connections or requests from this address.
    OverLimit,
    /// The server is stopping.
    Unavailable,
    /// The server has a fault.
    Fault,
    /// A refusal of every protocol.
    #[serde(untagged)]
    Refused(RefusalCode),
}

impl Code {
    /// Every code that a request may be refused with.
    const ALL: [Self; 25] = [
        Self::BadRequest,
        Self::BadBody,
        Self::LoginRequired,
        Self::Origin,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Timeout,
        Self::TooBig,
        Self::UnsupportedMediaType,
        Self::OverLimit,
        Self::Unavailable,
        Self::Fault,
        Self::Refused(RefusalCode::UnknownLogin),
        Self::Refused(RefusalCode::NotAllowed),
        Self::Refused(RefusalCode::UnknownRoom),
        Self::Refused(RefusalCode::UnknownMessage),
        Self::Refused(RefusalCode::UnusableCursor),
        Self::Refused(RefusalCode::Empty),
        Self::Refused(RefusalCode::TooLong),
        Self::Refused(RefusalCode::BadHeaders),
        Self::Refused(RefusalCode::TooFast),
        Self::Refused(RefusalCode::Banned),
        Self::Refused(RefusalCode::BadEmoji),
        Self::Refused(RefusalCode::TooManyReactions),
        Self::Refused(RefusalCode::StorageUnavailable),
    ];
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let codes = Object::builder().schema_type(Type::String).enum_values(Some(Self::ALL.map(name)));
        codes.description(Some("The reason of a refusal.")).build().into()
    }
}

impl ToSchema for Code {}

/// A request that is refused.
#[derive(Debug)]
pub(super) struct Refused {
    code: Code,
    detail: Option<String>,
    retry_after_ms: Option<u32>,
}

impl Refused {
    /// Refused with the code's own sentence.
    pub(super) fn of(code: Code) -> Self {
        Self { code, detail: None, retry_after_ms: None }
    }

    /// Refuses with a more precise sentence.
    pub(super) fn because(code: Code, detail: impl ToString) -> Self {
        Self { detail: Some(detail.to_string()), ..Self::of(code) }
    }

    /// Returns the code.
    pub(super) fn code(&self) -> Code {
        self.code
    }

    /// The sentence for people.
    pub(super) fn sentence(&self) -> Cow<'_, str> {
        self.detail.as_deref().map_or_else(|| meaning(self.code).1, Cow::Borrowed)
    }

    /// A refusal of the rooms, counted.
    pub(super) fn by_rooms(app: &App, refusal: &Refusal) -> Self {
        app.metrics.refused(refusal.code);
        let code = match refusal.code {
            // What is said of a frame would puzzle who sent none.
            RefusalCode::BadFrame | RefusalCode::UnknownType => return Self::of(Code::BadRequest),
            RefusalCode::Unknown => return Self::of(Code::Fault),
            RefusalCode::RoomsTooFast => RefusalCode::TooFast,
            RefusalCode::NotYours | RefusalCode::NameReserved | RefusalCode::TooManyRooms => {
                RefusalCode::NotAllowed
            }
            code => code,
        };
        let detail = refusal.sentence(Locale::En, app.rooms.limits());
        let retry_after_ms = refusal.retry_after_ms;
        Self { code: Code::Refused(code), detail: Some(detail), retry_after_ms }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, sentence) = meaning(self.code);
        let name = name(self.code);
        let problem = Problem {
            r#type: format!("/api#{name}"),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.detail.unwrap_or_else(|| sentence.into_owned()),
            code: self.code,
            retry_after_ms: self.retry_after_ms,
        };
        let text = serde_json::to_string(&problem).unwrap_or_default();
        let mut response = (status, [(CONTENT_TYPE, PROBLEM)], text).into_response();
        let headers = response.headers_mut();
        if let Some(ms) = self.retry_after_ms {
            headers.insert(RETRY_AFTER, ms.div_ceil(1000).into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Gives every refusal from below, from a router or a time limit, the same form.
pub(super) async fn into_problem(response: Response) -> Response {
    let status = response.status();
    let is_told = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM);
    if is_told || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let code = match status {
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::REQUEST_TIMEOUT => Code::Timeout,
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooBig,
        status if status.is_client_error() => Code::BadRequest,
        _ => Code::Fault,
    };
    let allow = response.headers().get(ALLOW).cloned();
    let mut problem = Refused::of(code).into_response();
    if let Some(allow) = allow {
        problem.headers_mut().insert(ALLOW, allow);
    }
    problem.map(Body::new)
}

/// The code's name on the wire.
pub(super) fn name(code: Code) -> String {
    let json = serde_json::to_string(&code).unwrap_or_default();
    json.trim_matches('"').to_owned()
}

fn meaning(code: Code) -> (StatusCode, Cow<'static, str>) {
    let (status, sentence) = match code {
        Code::BadRequest => (StatusCode::BAD_REQUEST, "The request is not of the form that is described."),
        Code::BadBody => (StatusCode::UNPROCESSABLE_ENTITY, "The body is not of the form that is described."),
        Code::LoginRequired => (StatusCode::UNAUTHORIZED, "A token or a login must come with the request."),
        Code::Origin => {
            (StatusCode::FORBIDDEN, "This page may not use this server: see the option --origin.")
        }
        Code::NotFound => (StatusCode::NOT_FOUND, "There is nothing at this address."),
        Code::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "The address does not know this method."),
        Code::Timeout => (StatusCode::REQUEST_TIMEOUT, "The request did not come in time."),
        Code::TooBig => (StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than a frame may be."),
        Code::UnsupportedMediaType => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is of a type that is not taken here.")
        }
        Code::OverLimit => {
            (StatusCode::TOO_MANY_REQUESTS, "There are too many connections from this address.")
        }
        Code::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, "The server is stopping; come back in a moment.")
        }
        Code::Fault => (StatusCode::INTERNAL_SERVER_ERROR, "The server has a fault."),
        Code::Refused(code) => {
            let refusal = Refusal::from(code);
            return (refusal.status(), refusal.sentence(Locale::En, &Limits::default()).into());
        }
    };
    (status, sentence.into())
}

/// Refusals that every request may get.
pub(super) struct Refusals;

/// Refusals of requests that read from a cursor.
pub(super) struct ReadRefusals;

/// Refusals of requests that post.
pub(super) struct WriteRefusals;

/// Refusals of requests that post to a webhook.
pub(super) struct HookRefusals;

type Responses = BTreeMap<String, RefOr<Documented>>;

impl IntoResponses for Refusals {
    fn responses() -> Responses {
        refusals(&[401, 403, 408, 503])
    }
}

impl IntoResponses for ReadRefusals {
    fn responses() -> Responses {
        refusals(&[400, 401, 403, 404, 408, 409, 429, 503])
    }
}

impl IntoResponses for WriteRefusals {
    fn responses() -> Responses {
        refusals(&[400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503])
    }
}

impl IntoResponses for HookRefusals {
    fn responses() -> Responses {
        refusals(&[400, 404, 408, 413, 415, 422, 429, 503])
    }
}

fn refusals(statuses: &[u16]) -> Responses {
    let documented = statuses.iter().map(|status| {
        let title = StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new().description(title.unwrap_or_default());
        (status.to_string(), RefOr::T(response.content(PROBLEM, content).build()))
    });
    documented.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_statuses_are_the_servers_own() {
        let document = include_str!("../../../../../docs/api.md");
        let internal = |code: &Code| *code != Code::Fault;
        for code in Code::ALL.into_iter().filter(internal) {
            let (status, name) = (meaning(code).0.as_str().to_owned(), format!("`{}`", name(code)));
            let mut rows = document.lines().filter(|line| line.starts_with("| ") && line.contains(&name));
            assert!(
                rows.any(|row| row.split('|').nth(1).is_some_and(|cell| cell.contains(&status))),
                "{name}"
            );
        }
    }
}
