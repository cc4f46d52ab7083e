//! The server's private key, and why one is unusable.

use super::{ConfigError, Pem, tls};
use rustls::{
    crypto::ring::sign::any_supported_type,
    pki_types::{PrivateKeyDer, pem::PemObject},
};

/// How PEM marks an encrypted key, in the current format and in OpenSSL's old one.
const ENCRYPTED: [&[u8]; 2] = [b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED"];

/// Unsupported kinds of keys by their object identifier (with its tag and length).
const KINDS: [(&[u8], &str); 4] = [
    (b"\x06\x05\x2b\x81\x04\x00\x23", "an EC key on the curve P-521"),
    (b"\x06\x05\x2b\x81\x04\x00\x0a", "an EC key on the curve secp256k1"),
    (b"\x06\x03\x2b\x65\x71", "an Ed448 key"),
    (b"\x06\x07\x2a\x86\x48\xce\x38\x04\x01", "a DSA key"),
];

const SUPPORTED: &str = "supported are EC keys on P-256 and P-384, Ed25519, and RSA of 2048 to 8192 bits";

pub(super) fn read(pem: &Pem) -> Result<PrivateKeyDer<'static>, ConfigError> {
    if ENCRYPTED.iter().any(|mark| contains(&pem.text, mark)) {
        let mend =
            "the key is encrypted, and nobody is there to type its passphrase; remove it with openssl pkey";
        return Err(tls(&pem.name, mend));
    }
    let key = PrivateKeyDer::from_pem_slice(&pem.text).map_err(|error| tls(&pem.name, error))?;
    if let Err(error) = any_supported_type(&key) {
        return Err(tls(
            &pem.name,
            unsupported(key.secret_der()).unwrap_or_else(|| format!("{error}; {SUPPORTED}")),
        ));
    }
    Ok(key)
}

fn unsupported(der: &[u8]) -> Option<String> {
    let (_, kind) = KINDS.iter().find(|(identifier, _)| contains(der, identifier))?;
    Some(format!("{kind} is not supported; {SUPPORTED}"))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
