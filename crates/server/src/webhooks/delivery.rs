//! Requests of a webhook, and their signature: `v1=` and HMAC-SHA256 of the timestamp, a dot and the body. See
//! docs/api.md.

use hmac::{Hmac, Mac};
use madang_protocol::UnixMs;
use sha2::Sha256;

/// One entry on its way.
pub(super) struct Delivery {
    /// The room, a slash, and the entry's cursor: the same for each try.
    pub(super) id: String,
    /// Seconds since 1970, of this try.
    pub(super) timestamp: String,
    /// The signature.
    pub(super) signature: String,
    /// The entry, as JSON.
    pub(super) body: String,
}

impl Delivery {
    pub(super) fn new(id: String, body: String, key: &str, now: UnixMs) -> Self {
        let timestamp = (now / 1000).to_string();
        let signature = format!("v1={}", sign(key, &timestamp, &body));
        Self { id, timestamp, signature, body }
    }
}

fn sign(key: &str, timestamp: &str, body: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    for part in [timestamp, ".", body] {
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_is_standard_hmac_sha256() {
        // RFC 4231, test case 2, its data split at a dot that is not there: computed over the joined parts.
        let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
        mac.update(b"what do ya want for nothing?");
        let bytes: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(bytes, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        // The worked example of docs/api.md, computed with `openssl dgst -sha256 -hmac`.
        let delivery = Delivery::new("lobby/42".into(), r#"{"seq":42}"#.into(), "mds_key", 1_795_296_748_463);
        assert_eq!(delivery.timestamp, "1795296748");
        assert_eq!(delivery.signature, "v1=21819abf544ae2b7ba002be497b25ea8ac9f42b95aa3c6a21310b8b05056c155");
    }
}
