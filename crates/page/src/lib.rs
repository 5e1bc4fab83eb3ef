//! The page as a browser loads it: all that `madang-web` exports to JavaScript, as one wasm file.
//!
//! A crate of its own, because the server needs `madang-web` as a Rust library, and a crate that is made into both is
//! not optimised as a whole: the wasm was 9 KB larger over the wire.

pub use madang_web::*;
