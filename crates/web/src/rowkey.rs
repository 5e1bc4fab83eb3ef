//! A row's key as an attribute, so that one listener can serve all rows.

use madang_client::RowKey;
use madang_protocol::Cmid;

/// `m7` or `o00…07`; empty for dividers, which have no actions.
pub(crate) fn text(key: RowKey) -> String {
    match key {
        RowKey::Message(seq) => format!("m{seq}"),
        RowKey::Own(cmid) => format!("o{cmid}"),
        RowKey::Day(_) | RowKey::New => String::new(),
    }
}

/// The key that [`text`] wrote.
pub(crate) fn parse(text: &str) -> Option<RowKey> {
    if let Some(seq) = text.strip_prefix('m') {
        return seq.parse().ok().map(RowKey::Message);
    }
    text.strip_prefix('o')?.parse::<Cmid>().ok().map(RowKey::Own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_the_way_through_the_page() {
        for key in [RowKey::Message(7), RowKey::Own(Cmid(7)), RowKey::Own(Cmid(u128::MAX))] {
            assert_eq!(parse(&text(key)), Some(key));
        }
        assert_eq!(parse(&text(RowKey::New)), None);
        assert_eq!(parse("mx"), None);
    }
}
