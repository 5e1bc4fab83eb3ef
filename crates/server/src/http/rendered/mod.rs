//! Pages, rendered once for all who see the same, within a budget of their own: whatever is asked for, most of the
//! processor is left for messages. Members, who have written before, do not wait behind those who only look.

mod lane;
mod template;

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::body::Body;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use leptos::nonce::use_nonce;
use leptos::prelude::{expect_context, provide_context};
use madang_client::PageData;
use madang_protocol::{Cmid, UserId};
use madang_web::{Assets, guest_name};
use prometheus_client::metrics::counter::Counter;

use crate::assets::versioned;
use crate::auth::secret;

use lane::Lane;
pub(super) use lane::Turn;
use template::{Mark, Template};

/// Bytes of rendered pages that are kept. The oldest is evicted first; it is rendered again when somebody asks.
const BYTES: usize = 16 * 1024 * 1024;

/// Maximum size of a rendered page, in bytes; no page comes near.
const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// Those who wait for a page: some tenths of a second of rendering. Beyond, they are asked to retry.
const WAITING: usize = 128;

/// Port at which `cargo leptos watch` announces each build: it sets both variables.
static RELOAD_PORT: LazyLock<Option<u16>> = LazyLock::new(|| {
    std::env::var_os("LEPTOS_WATCH")?;
    std::env::var("LEPTOS_RELOAD_PORT").ok()?.parse().ok()
});

/// The pages.
#[derive(Debug)]
pub(crate) struct Pages {
    mark: Option<Mark>,
    /// No page is shared by all once one could not be cut.
    shares: AtomicBool,
    hash: RandomState,
    table: Mutex<Table>,
    newcomers: Lane,
    members: Lane,
    rendered: Counter,
}

/// Pages by what they were rendered from.
#[derive(Debug, Default)]
struct Table {
    pages: HashMap<Key, Arc<Template>>,
    /// The oldest first.
    order: VecDeque<Key>,
    bytes: usize,
}

/// A keyed hash of all that a page shows, and its length.
type Key = (u64, usize);

impl Pages {
    /// None rendered yet.
    pub(crate) fn new(rendered: Counter) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (hash, table) = Default::default();
        Self {
            mark: mark(),
            shares: AtomicBool::new(true),
            hash,
            table,
            newcomers: Lane::new(cores / 4, WAITING, 3),
            members: Lane::new(cores / 2, WAITING, 1),
            rendered,
        }
    }

    /// Waits for a turn to make a page. `None` if the server has others to do.
    pub(super) async fn enter(&self, is_member: bool) -> Option<Turn> {
        if is_member { self.members.enter().await } else { self.newcomers.enter().await }
    }

    /// Waits before somebody is refused who asks too often, unless too many do.
    pub(super) async fn slow_down(&self) {
        self.newcomers.slow_down().await;
    }

    /// The page of `data`.
    pub(super) async fn page(&self, data: PageData) -> Response {
        let (Some(mark), Some(you)) = (&self.mark, data.you.clone()) else { return self.render(data).await };
        let (cmid, locale) = (data.cmid, data.locale);
        let own = PageData { cmid: mark.cmid, ..data };
        let neutral = neutral(&own, mark).filter(|_| self.shares.load(Ordering::Relaxed));
        let (neutral, is_for_all) = match neutral {
            Some((data, key)) => ((data, key), true),
            None => {
                let key = serde_json::to_string(&own).unwrap_or_default();
                ((own, key), false)
            }
        };
        let (data, text) = neutral;
        let key = (self.hash.hash_one(&text), text.len());
        let template = match self.kept(&key) {
            Some(template) => template,
            None => {
                let rendered = Rendered::of(self.render(data.clone()).await).await;
                let Some(Rendered { html, nonce }) = rendered else { return broken() };
                let shared = is_for_all.then(|| Template::for_all(&html, &nonce, mark, locale));
                match shared {
                    Some(Some(template)) => self.keep(key, template),
                    // The page shows the person in a way that is new here.
                    Some(None) => {
                        tracing::warn!("pages are rendered for each newcomer");
                        self.shares.store(false, Ordering::Relaxed);
                        return self.render(PageData { you: Some(you), cmid, ..data }).await;
                    }
                    None => self.keep(key, Template::for_one(&html, &nonce, mark, locale)),
                }
            }
        };
        let Some(nonce) = fresh_nonce() else { return broken() };
        answer(template.filled(&you.id, cmid, &nonce), &nonce)
    }

    async fn render(&self, data: PageData) -> Response {
        self.rendered.inc();
        render(data).await
    }

    fn kept(&self, key: &Key) -> Option<Arc<Template>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).pages.get(key).cloned()
    }

    fn keep(&self, key: Key, template: Template) -> Arc<Template> {
        let template = Arc::new(template);
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.bytes += template.bytes();
        match table.pages.insert(key, Arc::clone(&template)) {
            Some(old) => table.bytes -= old.bytes(),
            None => table.order.push_back(key),
        }
        while table.bytes > BYTES {
            let Some(oldest) = table.order.pop_front() else { break };
            table.bytes -= table.pages.remove(&oldest).map_or(0, |page| page.bytes());
        }
        template
    }
}

/// The same page for everybody without a name who is not on it, and its key.
fn neutral(own: &PageData, mark: &Mark) -> Option<(PageData, String)> {
    let you = own.you.as_ref().filter(|you| you.name.is_empty())?;
    let mut data = own.clone();
    data.you = Some(madang_protocol::Person::new(mark.user.clone(), ""));
    let text = serde_json::to_string(&data).ok()?;
    // Their messages, their presence: theirs alone. Somebody's text with the stand-in could not be told apart from it.
    let guest = guest_name(&mark.user, data.locale);
    let alone = !text.contains(you.id.as_str())
        && text.matches(mark.user.as_str()).count() == 1
        && !text.contains(&guest);
    alone.then_some((data, text))
}

/// None if the system gives no random numbers.
fn mark() -> Option<Mark> {
    let user: UserId = secret::random_id().ok()?.parse().ok()?;
    let cmid = Cmid((u128::from(getrandom::u64().ok()?) << 64) | u128::from(getrandom::u64().ok()?));
    Some(Mark { user, cmid })
}

fn fresh_nonce() -> Option<String> {
    secret::random_hex().ok()
}

/// Output of leptos, taken apart.
struct Rendered {
    html: String,
    nonce: String,
}

impl Rendered {
    async fn of(response: Response) -> Option<Self> {
        let policy = response.headers().get(CONTENT_SECURITY_POLICY)?.to_str().ok()?;
        let nonce = policy.split_once("'nonce-")?.1.split_once('\'')?.0.to_owned();
        let bytes = axum::body::to_bytes(response.into_body(), PAGE_BYTES).await.ok()?;
        Some(Self { html: String::from_utf8(bytes.into()).ok()?, nonce })
    }
}

fn answer(html: String, nonce: &str) -> Response {
    let mut response = ([(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    policy(nonce).map(|policy| response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy));
    response
}

fn broken() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be made.\n").into_response()
}

async fn render(data: PageData) -> Response {
    let context = move || {
        provide_context(data.clone());
        provide_context(Assets {
            style: versioned("/pkg/madang.css"),
            script: versioned("/pkg/madang.js"),
            wasm: versioned("/pkg/madang.wasm"),
            reload_port: *RELOAD_PORT,
        });
        if let Some(policy) = use_nonce().and_then(|nonce| policy(&nonce)) {
            expect_context::<leptos_axum::ResponseOptions>().insert_header(CONTENT_SECURITY_POLICY, policy);
        }
    };
    let render = leptos_axum::render_app_async_with_context(context, madang_web::document);
    stamped(render(Request::new(Body::empty())).await.into_response()).await
}

/// The page with its shape, by which the browser sees whether anything was changed on the way. Parts that differ from
/// person to person are no part of that.
async fn stamped(page: Response) -> Response {
    let (head, body) = page.into_parts();
    let bytes = axum::body::to_bytes(body, PAGE_BYTES).await.unwrap_or_default();
    let html = String::from_utf8_lossy(&bytes).into_owned();
    Response::from_parts(head, Body::from(madang_web::stamped(html)))
}

/// Nothing comes from elsewhere; scripts are the page's own, by their nonce.
fn policy(nonce: &str) -> Option<HeaderValue> {
    let reload = RELOAD_PORT.map(|port| format!(" ws://*:{port}")).unwrap_or_default();
    HeaderValue::try_from(format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'{reload}; manifest-src 'self'; worker-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn data(locale: &str) -> PageData {
        let limits = madang_protocol::Limits::default();
        serde_json::from_value(json!({
            "you": {"id": "9d4ll92p7q3k", "name": ""},
            "epoch": "e1",
            "snapshot": {"room": "lobby", "title": "Lobby", "head": 1, "messages": []},
            "people": [],
            "rooms": [],
            "limits": limits,
            "heartbeat_ms": 25_000,
            "locale": locale,
            "theme": "auto",
            "cmid": "0123456789abcdef0123456789abcdef",
        }))
        .unwrap()
    }

    /// The page's HTML, but for its nonce.
    async fn html(response: Response) -> String {
        let Rendered { html, nonce } = Rendered::of(response).await.unwrap();
        html.replace(&nonce, "nonce")
    }

    #[tokio::test]
    async fn shared_page_equals_their_own() {
        let _ = any_spawner::Executor::init_tokio();
        for locale in ["en", "ko"] {
            let alone = html(render(data(locale)).await).await;
            for tag in ["q7x4", "rfor", "html", "clas", "room", "data", "uest"] {
                let user = format!("mark0000{tag}").parse().unwrap();
                let mark = Some(Mark { user, cmid: Cmid(7) });
                let pages = Pages { mark, ..Pages::new(Counter::default()) };
                let shared = html(pages.page(data(locale)).await).await;
                assert!(shared == alone, "{locale} {tag}");
                assert!(pages.shares.load(Ordering::Relaxed), "{locale} {tag}");
            }
        }
    }
}
