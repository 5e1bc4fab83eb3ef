//! The whole document, as the server sends it.

use std::sync::LazyLock;

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use madang_client::{Model, PageData};
use madang_protocol::RoomId;

use crate::components::App;
use crate::strings::{strings, tab_title};

/// Script that starts the page in the browser, without its comments.
static START: LazyLock<String> = LazyLock::new(|| {
    let lines = include_str!("start.js").lines().map(str::trim);
    lines.filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n")
});

/// Paths of the page's files on this server, absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    /// The styles.
    pub style: String,
    /// The wasm's JavaScript.
    pub script: String,
    /// The wasm.
    pub wasm: String,
    /// Port at which `cargo leptos watch` announces each build, while it runs this server.
    pub reload_port: Option<u16>,
}

impl Default for Assets {
    fn default() -> Self {
        Self {
            style: "/pkg/madang.css".to_owned(),
            script: "/pkg/madang.js".to_owned(),
            wasm: "/pkg/madang.wasm".to_owned(),
            reload_port: None,
        }
    }
}

/// The document. Its context holds the [`PageData`], and [`Assets`] if they are elsewhere than usual.
pub fn document() -> impl IntoView {
    let data = use_context::<PageData>();
    let Assets { style, script, wasm, reload_port } = use_context().unwrap_or_default();
    let locale = data.as_ref().map(|data| data.locale).unwrap_or_default();
    let theme = data.as_ref().map(|data| data.theme).unwrap_or_default();
    let t = strings(locale);
    let room = data.map(|data| t.room(&data.snapshot.room, &data.snapshot.title)).unwrap_or_default();
    // Without it nothing is lost: the page is complete as it is.
    let start = format!("const script={script:?},wasm={wasm:?};{}", START.as_str());
    view! {
        <!DOCTYPE html>
        <html lang=locale.as_str() data-theme=theme.as_str()>
            <head>
                <meta charset="utf-8" />
                <meta
                    name="viewport"
                    content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"
                />
                // A number in a message is no telephone number because a browser thinks so.
                <meta name="format-detection" content="telephone=no, date=no, address=no, email=no" />
                <title>{tab_title(&room)}</title>
                <meta name="description" content=t.description />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f3eee4" />
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#121618" />
                <link rel="stylesheet" href=style />
                // It is painted once, whole: what comes last, the composer, would push the rest up.
                <link rel="expect" href="#madang" blocking="render" />
                <link rel="modulepreload" href=script.clone() />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="apple-touch-icon" href="/icon-192.png" />
                <link rel="manifest" href="/manifest.webmanifest" />
                <script type="module" nonce=use_nonce()>
                    {start}
                </script>
                {reload_port.map(reload)}
            </head>
            <body>
                // Elements that others put into the body do not come between.
                <div id="madang" data-shape="">
                    <App fresh=lobby />
                </div>
            </body>
        </html>
    }
}

/// The script that takes a new style, or loads the page again, once `cargo leptos watch` has built it.
fn reload(port: u16) -> impl IntoView {
    let options = LeptosOptions::builder().output_name("madang").reload_port(port.into()).build();
    view! { <AutoReload options /> }
}

fn lobby() -> Model {
    Model::new(RoomId::lobby(), Default::default(), Default::default())
}
