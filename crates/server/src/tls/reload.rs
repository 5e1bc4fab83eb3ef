//! Reload of the certificate: they run out every few weeks, and whatever renews them only writes the files.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use tokio::time::{MissedTickBehavior, interval};

use super::Shown;
use super::pair::{Files, PairError};

/// Interval at which the files are looked at. A change is used when it is seen twice, because programs that renew a
/// pair write one file after the other.
const EVERY: Duration = Duration::from_secs(2);

/// Looks after the files, and shows what they hold.
pub(crate) struct Reload {
    files: Files,
    provider: Arc<CryptoProvider>,
    shown: Arc<Shown>,
    /// Content when it was last used, or refused.
    judged: Content,
    /// Content at the last look.
    seen: Content,
}

/// Hash of the files' content; `None` if they cannot be read.
type Content = Option<[u8; 32]>;

/// Result of a look.
#[derive(Debug)]
enum Look {
    /// Nothing to log.
    Same,
    /// Newcomers see another certificate from now on.
    Taken,
    /// Clients still see the old one.
    Kept(PairError),
}

impl Reload {
    pub(super) fn new(
        files: Files,
        provider: Arc<CryptoProvider>,
        shown: Arc<Shown>,
        content: [u8; 32],
    ) -> Self {
        Self { files, provider, shown, judged: Some(content), seen: Some(content) }
    }

    /// Looks again and again. Never ends.
    pub(crate) async fn run(mut self) {
        let mut every = interval(EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            // Disks block.
            let looked = tokio::task::spawn_blocking(move || {
                let look = self.look();
                (self, look)
            });
            let Ok((reload, look)) = looked.await else { return };
            self = reload;
            match look {
                Look::Same => {}
                Look::Taken => tracing::info!("the certificate was read anew"),
                Look::Kept(error) => tracing::warn!(%error, "the certificate stays the old one"),
            }
        }
    }

    fn look(&mut self) -> Look {
        let read = self.files.read();
        let content = read.as_ref().ok().map(super::pair::Text::fingerprint);
        let settled = std::mem::replace(&mut self.seen, content) == content;
        if !settled || self.judged == content {
            return Look::Same;
        }
        self.judged = content;
        match read.and_then(|text| self.files.parse(&text, &self.provider)) {
            Ok(pair) => {
                self.shown.replace(pair);
                Look::Taken
            }
            Err(error) => Look::Kept(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustls::crypto::ring::default_provider;
    use tempfile::TempDir;

    use super::*;

    struct Pair {
        certificate: String,
        key: String,
    }

    fn pair() -> Pair {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Pair { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    /// Looks after these files, which it begins with.
    fn reload(folder: &TempDir, pair: &Pair) -> Reload {
        let files = Files { certificate: folder.path().join("c"), key: folder.path().join("k") };
        fs::write(&files.certificate, &pair.certificate).unwrap();
        fs::write(&files.key, &pair.key).unwrap();
        let provider = Arc::new(default_provider());
        let text = files.read().unwrap();
        let shown = Shown::new(files.parse(&text, &provider).unwrap());
        Reload::new(files, provider, shown, text.fingerprint())
    }

    #[test]
    fn stable_pair_is_used_after_two_looks() {
        let (folder, new) = (TempDir::new().unwrap(), pair());
        let mut reload = reload(&folder, &pair());
        let old = reload.shown.0.read().unwrap().cert.clone();
        assert!(matches!(reload.look(), Look::Same));
        fs::write(folder.path().join("c"), &new.certificate).unwrap();
        assert!(matches!(reload.look(), Look::Same), "the key may be still to come");
        fs::write(folder.path().join("k"), &new.key).unwrap();
        assert!(matches!(reload.look(), Look::Same));
        assert_eq!(reload.shown.0.read().unwrap().cert, old);
        assert!(matches!(reload.look(), Look::Taken));
        assert_ne!(reload.shown.0.read().unwrap().cert, old);
        assert!(matches!(reload.look(), Look::Same));
    }

    #[test]
    fn unusable_pair_is_logged_once_old_stays() {
        let (folder, good) = (TempDir::new().unwrap(), pair());
        let mut reload = reload(&folder, &good);
        let old = reload.shown.0.read().unwrap().cert.clone();
        let mut looks = || (0..4).filter(|_| matches!(reload.look(), Look::Kept(_))).count();
        fs::write(folder.path().join("k"), pair().key).unwrap();
        assert_eq!(looks(), 1, "a key that does not fit");
        fs::remove_file(folder.path().join("k")).unwrap();
        assert_eq!(looks(), 1, "no key");
        fs::write(folder.path().join("k"), &good.key).unwrap();
        assert_eq!(looks(), 0, "it is good again");
        assert_eq!(reload.shown.0.read().unwrap().cert, old);
    }
}
