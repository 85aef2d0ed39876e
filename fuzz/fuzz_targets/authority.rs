//! A certificate and its issuer, from the reference vectors.

use std::sync::OnceLock;

use notary_x509::{Certificate, parse_certificates};
use time::OffsetDateTime;

static CHAIN: OnceLock<(Certificate, Certificate)> = OnceLock::new();

/// The certificate, its issuer, and a time at which both are valid.
pub fn chain() -> (&'static Certificate, &'static Certificate, OffsetDateTime) {
    let (leaf, issuer) = CHAIN.get_or_init(|| {
        let read = |bytes: &[u8]| parse_certificates(bytes).expect("a certificate").remove(0);
        (
            read(include_bytes!(
                "../../testdata/reference/notation-core-go/timestamp_leaf.crt"
            )),
            read(include_bytes!(
                "../../testdata/reference/notation-core-go/timestamp_intermediate.crt"
            )),
        )
    });
    (leaf, issuer, leaf.not_before())
}
