//! The tables of docs/protocol.md match the code.

#![allow(clippy::unwrap_used, missing_docs)]

use madang_protocol::CloseCode;

#[test]
fn close_codes_come_back_as_documented() {
    let document = include_str!("../../../docs/protocol.md");
    let table = document.split("| code | | come back |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows: Vec<Vec<&str>> =
        table.lines().skip(2).map(|row| row.split('|').map(str::trim).collect()).collect();
    assert!(rows.len() > 15, "{rows:?}");
    for row in rows {
        let code = CloseCode(row[1].parse().unwrap());
        assert_eq!(row[3].starts_with("yes"), code.comes_back(), "{row:?}");
    }
}
