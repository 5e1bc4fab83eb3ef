//! Starting with a certificate: each kind of key works, and each mistake is reported in one sentence.

use std::path::Path;

use rcgen::KeyPair;
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::harness::{Certificate, Server};

/// Of 2,048 bits, in PKCS#8; made for this test alone, because no crate of ours makes RSA keys.
const RSA: &str = include_str!("keys/rsa.pem");

/// A key in an older form: what PKCS#8 wraps, in its octet string that begins at `start`.
fn unwrapped(key: &KeyPair, start: usize, label: &str) -> String {
    let der = key.serialize_der();
    let [0x04, length] = der[start..start + 2] else { panic!("an octet string") };
    let lengths = if length < 0x80 { 1 } else { 1 + usize::from(length & 0x7f) };
    pem(label, &der[start + 1 + lengths..])
}

fn pem(label: &str, der: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in der.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let shown = digit <= chunk.len();
            text.push(if shown { ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize].into() } else { '=' });
        }
    }
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[tokio::test]
async fn every_usual_kind_of_key_works() {
    let p256 = || KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let p384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let ed25519 = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let rsa = || KeyPair::from_pem(RSA).unwrap();
    let sec1 = p256();
    let sec1_text = unwrapped(&sec1, 27, "EC PRIVATE KEY");
    for (name, key, text) in [
        ("ECDSA P-256, PKCS#8", p256(), None),
        ("ECDSA P-384, PKCS#8", p384, None),
        ("ECDSA P-256, SEC1", sec1, Some(sec1_text)),
        ("Ed25519, PKCS#8", ed25519, None),
        ("RSA, PKCS#8", rsa(), None),
        ("RSA, PKCS#1", rsa(), Some(unwrapped(&rsa(), 22, "RSA PRIVATE KEY"))),
    ] {
        let folder = TempDir::new().unwrap();
        let certificate = Certificate::of(key);
        let options = certificate.write(folder.path());
        if let Some(text) = text {
            std::fs::write(folder.path().join("key.pem"), text).unwrap();
        }
        let server = Server::with(&options.each_ref().map(String::as_str));
        let tcp = TcpStream::connect(server.addr).await.unwrap();
        assert!(certificate.trusted().wrap(tcp).await.is_some(), "{name}");
    }
}

/// Returns the message of a start with these files.
fn said(certificate: Option<&str>, key: Option<&str>) -> String {
    let folder = TempDir::new().unwrap();
    let path = |name| folder.path().join(name).to_str().unwrap().to_owned();
    for (name, text) in [("certificate.pem", certificate), ("key.pem", key)] {
        if let Some(text) = text {
            std::fs::write(path(name), text).unwrap();
        }
    }
    let data = path("data");
    let options = [
        "--addr",
        "127.0.0.1:0",
        "--data",
        &data,
        "--tls-cert",
        &path("certificate.pem"),
        "--tls-key",
        &path("key.pem"),
    ];
    let ended = Server::attempt(&options);
    assert!(!ended.status.success());
    assert!(!Path::new(&data).exists(), "nothing was begun");
    assert_eq!(
        ended.stderr.lines().filter(|line| line.starts_with("madang: ")).count(),
        1,
        "{}",
        ended.stderr
    );
    ended.stderr
}

#[test]
fn start_reports_faults_of_certificate_files() {
    let (good, other) = (Certificate::new(), Certificate::new());
    let (certificate, key) = (good.certificate.as_str(), good.key.serialize_pem());
    let cut = key.replace("-----END PRIVATE KEY-----", "");
    let garbled = pem("CERTIFICATE", b"not a certificate");
    let weak = pem("PRIVATE KEY", b"not a key");
    for (certificate, key, what) in [
        (None, Some(key.as_str()), "certificate.pem: No such file"),
        (Some(certificate), None, "key.pem: No such file"),
        (Some(certificate), Some(other.key.serialize_pem().as_str()), "does not fit the certificate"),
        (Some(""), Some(key.as_str()), "certificate.pem has no certificate"),
        (Some(key.as_str()), Some(key.as_str()), "certificate.pem has no certificate"),
        (Some(certificate), Some(certificate), "key.pem has no private key"),
        (Some(certificate), Some(cut.as_str()), "key.pem is damaged"),
        (Some(&certificate[..certificate.len() / 2]), Some(key.as_str()), "certificate.pem is damaged"),
        (Some(garbled.as_str()), Some(key.as_str()), "certificate.pem cannot be read"),
        (Some(certificate), Some(weak.as_str()), "key.pem cannot be used"),
        (
            Some(certificate),
            Some("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"),
            "encrypted; give one without a passphrase",
        ),
    ] {
        let said = said(certificate, key);
        assert!(said.contains(what), "{what}: {said}");
        assert!(!said.contains("AAAA") && !said.contains("BEGIN"), "nothing of a key is told: {said}");
    }
}

#[test]
fn one_option_without_the_other_is_reported() {
    for (options, missing) in [
        (&["--tls-cert", "a.pem"][..], "--tls-key"),
        (&["--tls-key", "a.pem"], "--tls-cert"),
        (&["--http-addr", "127.0.0.1:0"], "--tls-cert"),
        (&["--hsts", "1"], "--tls-cert"),
    ] {
        let ended = Server::attempt(options);
        assert!(!ended.status.success());
        assert!(ended.stderr.contains(missing), "{options:?}: {}", ended.stderr);
    }
}
