//! A certificate and its key, read from their files.

use std::fs;
use std::io;
use std::path::PathBuf;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use sha2::{Digest, Sha256};

/// Paths of both files.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// Text of both files, not parsed.
pub(super) struct Text {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// Reasons why they cannot be used. Each names the file, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PairError {
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, io::Error),
    /// A file begins as PEM and does not go on so. Its text is never shown: it may be half a key.
    #[error("{0} is damaged: something in it begins as PEM and does not end so")]
    Damaged(PathBuf),
    /// The first file has none.
    #[error("{0} has no certificate; it must hold one in PEM, followed by those of its issuers")]
    NoCertificate(PathBuf),
    /// The second file has none.
    #[error("{0} has no private key; it must hold one in PEM: PKCS#8, PKCS#1 or SEC1, without a passphrase")]
    NoKey(PathBuf),
    /// Its passphrase is not known here.
    #[error("the key in {0} is encrypted; give one without a passphrase")]
    Encrypted(PathBuf),
    /// Both are good, but not for each other.
    #[error("the key in {1} does not fit the certificate in {0}")]
    Mismatch(PathBuf, PathBuf),
    /// The PEM holds no certificate.
    #[error("the first certificate in {0} cannot be read: {1}")]
    BadCertificate(PathBuf, Error),
    /// Neither RSA of 2048 bits or more, nor ECDSA on P-256 or P-384, nor Ed25519; or damaged.
    #[error(
        "the key in {0} cannot be used ({1}); RSA from 2048 bits, ECDSA on P-256 or P-384, and Ed25519 can"
    )]
    BadKey(PathBuf, Error),
}

impl Files {
    /// Reads the files as they are now.
    pub(super) fn read(&self) -> Result<Text, PairError> {
        let read =
            |path: &PathBuf| fs::read(path).map_err(|error| PairError::Unreadable(path.clone(), error));
        Ok(Text { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }

    /// Parses the text.
    pub(super) fn parse(&self, text: &Text, provider: &CryptoProvider) -> Result<CertifiedKey, PairError> {
        let (certificate, key) = (&self.certificate, &self.key);
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&text.certificate)
            .collect::<Result<_, _>>()
            .map_err(|_| PairError::Damaged(certificate.clone()))?;
        if chain.is_empty() {
            return Err(PairError::NoCertificate(certificate.clone()));
        }
        if is_encrypted(&text.key) {
            return Err(PairError::Encrypted(key.clone()));
        }
        let private = PrivateKeyDer::from_pem_slice(&text.key).map_err(|error| match error {
            PemError::NoItemsFound => PairError::NoKey(key.clone()),
            _ => PairError::Damaged(key.clone()),
        })?;
        CertifiedKey::from_der(chain, private, provider).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                PairError::Mismatch(certificate.clone(), key.clone())
            }
            error @ Error::InvalidCertificate(_) => PairError::BadCertificate(certificate.clone(), error),
            error => PairError::BadKey(key.clone(), error),
        })
    }
}

impl Text {
    /// Tells one content from another, without keeping the key.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let lengths = [self.certificate.len(), self.key.len()].map(|length| (length as u64).to_be_bytes());
        let hash = Sha256::new().chain_update(lengths.as_flattened());
        hash.chain_update(&self.certificate).chain_update(&self.key).finalize().into()
    }
}

/// A PKCS#8 key under a passphrase, or an older one, whose first line says so.
fn is_encrypted(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED")
}
