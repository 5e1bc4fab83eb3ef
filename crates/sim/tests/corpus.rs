//! Every input that a fuzzer found worth keeping, and each that once broke something, is played again.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

fn replay(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut played = 0;
    for input in std::fs::read_dir(folder).unwrap() {
        property(&std::fs::read(input.unwrap().path()).unwrap());
        played += 1;
    }
    assert!(played > 0, "no inputs for {target}");
}

#[test]
fn frames_are_read_and_written() {
    replay("frame", madang_sim::fuzz::frame);
}

#[test]
fn sessions_take_anything() {
    replay("session", madang_sim::fuzz::session);
}

#[test]
fn cursors_may_be_any() {
    replay("cursor", madang_sim::fuzz::cursor);
}

#[test]
fn clients_take_anything() {
    replay("client", madang_sim::fuzz::client);
}

#[test]
fn stomp_may_be_any_bytes_split_anywhere() {
    replay("stomp", madang_sim::fuzz::stomp);
}
