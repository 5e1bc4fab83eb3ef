//! Choice of an upgraded connection's protocol: the first of the offered subprotocols that is known here, on any path;
//! without an offer, the protocol that the path stands for.

use axum::http::HeaderMap;
use axum::http::header::SEC_WEBSOCKET_PROTOCOL;
use madang_protocol::SUBPROTOCOL;
use madang_stomp::Version;

use super::Protocol;
use super::handshake::items;

/// The subprotocols that are known here.
pub(super) const KNOWN: [&str; 4] = [SUBPROTOCOL, "v12.stomp", "v11.stomp", "v10.stomp"];

/// None of the offered subprotocols is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown;

/// Returns the protocol, and the subprotocol to answer with, if some were offered.
pub(super) fn choose(
    headers: &HeaderMap,
    by_path: Protocol,
) -> Result<(Protocol, Option<&'static str>), Unknown> {
    let mut offers = items(headers, SEC_WEBSOCKET_PROTOCOL).peekable();
    if offers.peek().is_none() {
        return Ok((by_path, None));
    }
    let known = offers.find_map(|offer| KNOWN.into_iter().find(|known| *known == offer)).ok_or(Unknown)?;
    Ok((spoken(known), Some(known)))
}

fn spoken(known: &'static str) -> Protocol {
    Version::of_subprotocol(known).map_or(Protocol::Madang, |version| Protocol::Stomp(Some(version)))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn chosen(offers: &[&'static str]) -> Option<Option<&'static str>> {
        let mut headers = HeaderMap::new();
        for offer in offers {
            headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(offer));
        }
        choose(&headers, Protocol::Madang).ok().map(|(_, subprotocol)| subprotocol)
    }

    #[test]
    fn first_known_offer_in_clients_order_is_taken() {
        assert_eq!(chosen(&["chat", "x , madang.v1"]), Some(Some(SUBPROTOCOL)));
        assert_eq!(chosen(&["v13.stomp, v11.stomp, v12.stomp"]), Some(Some("v11.stomp")));
        assert_eq!(chosen(&["v10.stomp", "madang.v1"]), Some(Some("v10.stomp")));
    }

    #[test]
    fn each_known_offer_is_accepted() {
        for known in KNOWN {
            let speaks = spoken(known);
            match Version::of_subprotocol(known) {
                Some(version) => assert!(matches!(speaks, Protocol::Stomp(Some(of)) if of == version)),
                None => assert!(matches!(speaks, Protocol::Madang)),
            }
        }
    }

    #[test]
    fn unknown_offers_are_refused_and_none_accepted() {
        assert_eq!(chosen(&[]), Some(None));
        assert_eq!(chosen(&["madang.v10", "customProtocol"]), None);
    }
}
