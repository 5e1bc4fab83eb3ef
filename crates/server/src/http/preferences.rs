//! Language, colours and keys: as the browser wants them, unless the person chose otherwise.

use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, SET_COOKIE};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use cookie::{Cookie, SameSite};
use madang_client::{Enter, Locale, Theme};
use serde::Deserialize;

use crate::accept::forwarded::is_secure;
use crate::state::App;

use super::back::back_to;
use crate::auth::login::cookie;

const LOCALE_COOKIE: &str = "madang_locale";
const THEME_COOKIE: &str = "madang_theme";
const ENTER_COOKIE: &str = "madang_enter";

/// The language of the answer.
pub(super) fn locale(headers: &HeaderMap) -> Locale {
    let accepted =
        || headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).and_then(first_of_ours);
    chosen_locale(headers).or_else(accepted).unwrap_or_default()
}

/// The language that the person chose, if they did.
pub(super) fn chosen_locale(headers: &HeaderMap) -> Option<Locale> {
    cookie(headers, LOCALE_COOKIE).and_then(|value| Locale::from_tag(&value))
}

/// The colours of the page.
pub(super) fn theme(headers: &HeaderMap) -> Theme {
    cookie(headers, THEME_COOKIE).and_then(|value| Theme::from_value(&value)).unwrap_or_default()
}

/// Returns the meaning of Enter.
pub(super) fn enter(headers: &HeaderMap) -> Enter {
    cookie(headers, ENTER_COOKIE).and_then(|value| Enter::from_value(&value)).unwrap_or_default()
}

/// The best language of ours that a list such as `fr, ko-KR;q=0.9, en;q=0.8` names.
fn first_of_ours(accept: &str) -> Option<Locale> {
    let mut best = None;
    for item in accept.split(',') {
        let (tag, quality) = item.split_once(";q=").unwrap_or((item, "1"));
        let quality: f32 = quality.trim().parse().unwrap_or(0.0);
        if let Some(locale) = Locale::from_tag(tag)
            && best.is_none_or(|(_, other)| quality > other)
        {
            best = Some((locale, quality));
        }
    }
    best.filter(|(_, quality)| *quality > 0.0).map(|(locale, _)| locale)
}

/// The settings form.
#[derive(Debug, Deserialize)]
pub(super) struct Settings {
    locale: Option<String>,
    theme: Option<String>,
    enter: Option<String>,
    #[serde(default)]
    back: String,
}

/// Remembers the form's choice for a year; `auto` forgets it.
pub(super) async fn set(
    State(app): State<App>,
    headers: HeaderMap,
    Form(settings): Form<Settings>,
) -> Response {
    let secure = app.config.secure_cookies || is_secure(&headers);
    let mut cookies = Vec::new();
    if let Some(value) = settings.locale {
        cookies.push(preference(secure, LOCALE_COOKIE, Locale::from_tag(&value).map(Locale::as_str)));
    }
    if let Some(value) = settings.theme {
        let theme = Theme::from_value(&value).filter(|theme| *theme != Theme::Auto);
        cookies.push(preference(secure, THEME_COOKIE, theme.map(Theme::as_str)));
    }
    if let Some(value) = settings.enter {
        let enter = Enter::from_value(&value).filter(|enter| *enter != Enter::Auto);
        cookies.push(preference(secure, ENTER_COOKIE, enter.map(Enter::as_str)));
    }
    let cookies: Vec<_> = cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)).collect();
    (AppendHeaders(cookies), Redirect::to(back_to(&settings.back))).into_response()
}

fn preference(secure: bool, name: &'static str, value: Option<&'static str>) -> String {
    let lasts =
        if value.is_some() { cookie::time::Duration::days(365) } else { cookie::time::Duration::ZERO };
    Cookie::build((name, value.unwrap_or_default()))
        .same_site(SameSite::Lax)
        .secure(secure)
        .path("/")
        .max_age(lasts)
        .build()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_language_of_ours_wins() {
        assert_eq!(first_of_ours("ko-KR,ko;q=0.9,en-US;q=0.8"), Some(Locale::Ko));
        assert_eq!(first_of_ours("fr-FR,en;q=0.3,ko;q=0.5"), Some(Locale::Ko));
        assert_eq!(first_of_ours("en;q=0"), None);
        assert_eq!(first_of_ours("한국어;q=x"), None);
    }

    #[test]
    fn a_choice_beats_the_browser() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, "en".parse().unwrap());
        headers.insert(axum::http::header::COOKIE, "madang_locale=ko".parse().unwrap());
        assert_eq!(locale(&headers), Locale::Ko);
    }
}
