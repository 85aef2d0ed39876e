//! OCSP requests.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notary_x509::asn1::write;
use notary_x509::{Certificate, oid};

use super::NONCE;

/// The longest path of a GET request; longer ones are sent by POST (RFC 6960 A.1).
pub const MAX_GET_PATH_LEN: usize = 255;
const NONCE_LEN: usize = 32;

/// What makes an answer one to this very question (RFC 9654).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(pub(super) [u8; NONCE_LEN]);

impl Nonce {
    /// A nonce from 32 random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; NONCE_LEN]) -> Self {
        Self(bytes)
    }

    /// A nonce from the cryptographic library's random source; `None` if that fails.
    #[must_use]
    pub fn random() -> Option<Self> {
        let mut bytes = [0; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut bytes).ok().map(|()| Self(bytes))
    }
}

/// The DER `OCSPRequest` about `certificate`, which `issuer` issued.
///
/// The certificate is named by SHA-1 hashes of issuer name and key. Nothing hangs on their strength:
/// they only select what the signed answer, which is about the serial number as well, is compared
/// with, and SHA-1 is the one algorithm that every responder knows (RFC 5019 §2.1.1).
#[must_use]
pub fn request(certificate: &Certificate, issuer: &Certificate, nonce: Option<Nonce>) -> Vec<u8> {
    let sha1 = |bytes: &[u8]| digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let certificate_id = write::sequence(&[
        &write::sequence(&[&write::object_identifier(oid::SHA1), &write::null()]),
        &write::octet_string(sha1(issuer.subject().as_der()).as_ref()),
        &write::octet_string(sha1(issuer.public_key().key_bytes()).as_ref()),
        &write::tlv(0x02, certificate.serial()),
    ]);
    let request_list = write::sequence(&[&write::sequence(&[&certificate_id])]);
    let extensions = nonce.map_or_else(Vec::new, |nonce| {
        let nonce = write::octet_string(&write::octet_string(&nonce.0));
        let extension = write::sequence(&[&write::object_identifier(NONCE), &nonce]);
        write::explicit(2, &write::sequence(&[&extension]))
    });
    write::sequence(&[&write::sequence(&[&request_list, &extensions])])
}

/// The URL of the GET form of `request` to the responder at `url` (RFC 6960 A.1), or `None` if it
/// would be too long, or `url` has a query, so that it has to be POST.
#[must_use]
pub fn get_url(url: &str, request: &[u8]) -> Option<String> {
    let mut path = String::new();
    for character in STANDARD.encode(request).chars() {
        match character {
            '+' => path.push_str("%2B"),
            '/' => path.push_str("%2F"),
            '=' => path.push_str("%3D"),
            other => path.push(other),
        }
    }
    let fits = path.len() < MAX_GET_PATH_LEN && !url.contains(['?', '#']);
    fits.then(|| format!("{}/{path}", url.trim_end_matches('/')))
}
