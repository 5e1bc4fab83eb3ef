//! The API's description in OpenAPI, put together from the routes themselves.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, License, OpenApi, OpenApiBuilder};
use utoipa::{PartialSchema, ToSchema};

use crate::state::App;

use super::page;
use super::problem::{Code, Problem};

/// Text of the document before its paths.
const ABOUT: &str = "Programs post and read here as people do, in the same rooms. A program signs in with a token: \
    `Authorization: Bearer <token>`; `madang token create` makes one. Every refusal is a problem (RFC 9457) with a `code`.";

/// The pages of the API do not change while the server runs. They load nothing but the site's styles.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

/// One document of all routes.
pub(super) fn whole(parts: [OpenApi; 2]) -> OpenApi {
    let mut components = Components::new();
    components.schemas.insert(Problem::name().into(), Problem::schema());
    components.schemas.insert(Code::name().into(), Code::schema());
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A bot's token")).build();
    components.add_security_scheme("token", SecurityScheme::Http(token));
    let login = ApiKeyValue::with_description(
        "madang_login",
        "A person's login, from this server's own pages; its name ends with an underscore and the server's id",
    );
    components.add_security_scheme("login", SecurityScheme::ApiKey(ApiKey::Cookie(login)));
    let mut licence = License::new("MIT OR Apache-2.0");
    licence.identifier = Some("MIT OR Apache-2.0".into());
    let info = InfoBuilder::new()
        .title("Madang")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(licence))
        .build();
    let mut document = OpenApiBuilder::new().info(info).components(Some(components)).build();
    for part in parts {
        document.merge(part);
    }
    document
}

/// The document, and the page to read it.
pub(super) fn router(document: OpenApi) -> Router<App> {
    let value = serde_json::to_value(&document).unwrap_or_default();
    let json = Bytes::from(serde_json::to_string_pretty(&value).unwrap_or_default());
    let html: Arc<str> = page::html(&value).into();
    let json_head = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    let html_head: [(HeaderName, &str); 3] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
    ];
    Router::new()
        .route("/api/openapi.json", get(async move || (json_head, json).into_response()))
        .route("/api", get(async move || (html_head, html.to_string()).into_response()))
}
