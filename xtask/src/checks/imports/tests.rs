use super::super::source::Source;
use super::check;

/// The findings in a crate of these files. Without a root file among them, one is made that has all of them.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let source = |(name, text): &(&str, &str)| Source {
        path: format!("crates/x/src/{name}.rs"),
        text: (*text).to_owned(),
    };
    let mut sources: Vec<Source> = files.iter().map(source).collect();
    if !files.iter().any(|(name, _)| *name == "lib") {
        let modules = files.iter().filter(|(name, _)| !name.contains('/'));
        sources
            .push(source(&("lib", &modules.map(|(name, _)| format!("mod {name};\n")).collect::<String>())));
    }
    check(&sources).into_iter().map(|finding| finding.place.replace("crates/x/src/", "")).collect()
}

#[test]
fn cycle_of_two_is_named_with_lines() {
    let files = [("a", "\nuse crate::b::B;\npub struct A;"), ("b", "pub struct B;\n\n\nuse super::a::A;")];
    assert_eq!(found(&files), ["a.rs:2 -> b.rs:4 -> a.rs"]);
}

#[test]
fn imports_that_point_down_pass() {
    let files = [
        ("a", "use crate::b::B; use crate::c::C;"),
        ("b", "use crate::c::C; pub struct B;"),
        ("c", "pub struct C;"),
    ];
    assert!(found(&files).is_empty());
}

#[test]
fn shortest_way_round_is_named() {
    let files = [
        ("a", "use crate::b::B; pub struct A;"),
        ("b", "use crate::c::C; pub struct B;"),
        ("c", "use crate::a::A;\nuse crate::d::D; pub struct C;"),
        ("d", "use crate::c::C; pub struct D;"),
    ];
    assert_eq!(found(&files), ["c.rs:2 -> d.rs:1 -> c.rs"]);
}

#[test]
fn path_without_use_is_an_import() {
    let files = [
        ("a", "pub fn a() { crate::b::b() }"),
        ("b", "use super::a;\npub fn b() { view! { <p>{a::a()}</p> } }"),
    ];
    assert_eq!(found(&files), ["a.rs:1 -> b.rs:2 -> a.rs"]);
}

#[test]
fn parent_and_child_may_import_each_other() {
    let files = [
        ("a", "mod b; mod c; use b::B; pub struct A;"),
        ("a/b", "use super::{A, c::C}; pub struct B;"),
        ("a/c", "use super::A; pub struct C;"),
    ];
    assert!(found(&files).is_empty());
}

#[test]
fn siblings_below_one_parent_may_not() {
    let files = [
        ("a", "mod b; mod c;"),
        ("a/b", "use super::c::C; pub struct B;"),
        ("a/c", "use super::b::B; pub struct C;"),
    ];
    assert_eq!(found(&files), ["a/b.rs:1 -> a/c.rs:1 -> a/b.rs"]);
}

#[test]
fn cycle_that_leaves_the_parent_is_found() {
    let files = [
        ("a", "mod b; use b::B; pub struct A;"),
        ("a/b", "use crate::c::C; pub struct B;"),
        ("c", "use crate::a::A; pub struct C;"),
    ];
    assert_eq!(found(&files), ["a/b.rs:1 -> c.rs:1 -> a.rs:1 -> a/b.rs"]);
}

#[test]
fn root_may_use_what_uses_it() {
    assert!(found(&[("lib", "mod a; fn x() { a::a() }"), ("a", "pub fn a() { crate::x() }")]).is_empty());
}

#[test]
fn comments_strings_and_unit_tests_are_no_imports() {
    let files = [
        ("a", "use crate::b::B; pub struct A;"),
        (
            "b",
            "//! [crate::a::A]\n/* use crate::a::A; */\npub struct B; // use crate::a::A;\n\
             const X: &str = \"use crate::a::A;\"; const Y: &str = r#\"crate::a::A\"#;\n\
             #[cfg(test)] use crate::a::A;\n\
             #[cfg(test)]\nmod tests { use crate::a::A; }\n\
             fn f<'a>(_: &'a str) -> char { 'a' }",
        ),
    ];
    assert!(found(&files).is_empty());
}

#[test]
fn code_after_a_unit_test_still_counts() {
    let files = [
        ("a", "use crate::b::B; pub struct A;"),
        ("b", "#[cfg(test)]\nmod tests {}\nuse crate::a::A; pub struct B;"),
    ];
    assert_eq!(found(&files), ["a.rs:1 -> b.rs:3 -> a.rs"]);
}

#[test]
fn reexport_leads_to_the_file_that_defines() {
    let facade = "mod deep; mod up; pub use deep::{Deep as Renamed}; pub(crate) use up::Up;";
    let files = [
        ("a", facade),
        ("a/deep", "pub struct Deep;"),
        ("a/up", "use crate::b::B; pub struct Up;"),
        ("b", "use crate::a::Renamed; pub struct B;"),
    ];
    // Through the facade alone, a and b would import each other; the files below it do not.
    assert!(found(&files).is_empty());
    let files = [files[0], files[1], files[2], ("b", "use crate::a::{Renamed, Up}; pub struct B;")];
    assert_eq!(found(&files), ["a/up.rs:1 -> b.rs:1 -> a/up.rs"]);
}

#[test]
fn reexport_that_is_also_used_counts() {
    let files = [
        ("a", "mod b; pub use b::B; pub struct A(B);"),
        ("a/b", "use crate::c::C; pub struct B;"),
        ("c", "use crate::a::A; pub struct C;"),
    ];
    assert_eq!(found(&files), ["a/b.rs:1 -> c.rs:1 -> a.rs:1 -> a/b.rs"]);
}

#[test]
fn names_through_a_glob_are_followed() {
    let files = [
        ("a", "use crate::b::*; pub struct A(B);"),
        ("b", "pub struct B; pub struct Unused; use crate::a::A;"),
        ("c", "use crate::d::*; pub struct C;"),
        ("d", "use crate::c::C; pub struct D;"),
    ];
    assert_eq!(found(&files), ["a.rs:1 -> b.rs:1 -> a.rs"]);
}

#[test]
fn macro_made_item_belongs_to_its_file() {
    let files = [
        ("a", "make! { pub struct A }\nuse crate::b::{self, C};"),
        ("b", "use std::collections::BTreeMap as C; fn b() { super::a::A::new() }"),
    ];
    // `b::C` is another crate's, and a module that nothing is taken from is no import.
    assert!(found(&files).is_empty());
}

#[test]
fn tests_and_programs_are_read_too() {
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let cycle = |folder: &str, root: &str| {
        check(&[
            source(&format!("{folder}/{root}"), "mod a; mod b;"),
            source(&format!("{folder}/a.rs"), "use crate::b::B;"),
            source(&format!("{folder}/b/mod.rs"), "use crate::a::A;"),
        ])
    };
    for (folder, root) in [("x/src", "main.rs"), ("x/tests", "one.rs"), ("x/tests/many", "main.rs")] {
        assert!(!cycle(folder, root).is_empty(), "{folder}/{root}");
    }
}

#[test]
fn import_of_a_higher_layer_is_named() {
    let table = "## The server's layers\nx\n```\nserve     starts\nroom      rules\n          of rooms\nhub  room/rate   leaves\n```\n";
    let file = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let server = |name: &str, text: &str| file(&format!("crates/server/src/{name}.rs"), text);
    let sources = [
        file("ARCHITECTURE.md", table),
        server("lib", "mod serve; mod room; mod hub; mod lost;"),
        server("serve", "use crate::room::Room; use crate::room::rate::Rate; pub struct Serve;"),
        server("room", "pub mod rate; use crate::hub::Hub;\nuse crate::serve::Serve; pub struct Room;"),
        server("room/rate", "use crate::hub::Hub; pub struct Rate;"),
        server("hub", "use crate::room::rate::Rate;\nuse crate::lost::Lost; pub struct Hub;"),
        server("lost", "pub struct Lost;"),
    ];
    let findings = check(&sources);
    let named = |place: &str, reason: &str| {
        let of =
            |finding: &&super::Finding| finding.place.ends_with(place) && finding.reason.contains(reason);
        findings.iter().filter(of).count()
    };
    assert_eq!(named("room.rs:2", "serve is in a higher layer than room"), 1, "up");
    assert_eq!(named("hub.rs:2", "in no layer"), 1, "nowhere");
    let is_layer = |finding: &&super::Finding| finding.reason.contains("layer");
    assert_eq!(findings.iter().filter(is_layer).count(), 2, "down, and beside");
}
