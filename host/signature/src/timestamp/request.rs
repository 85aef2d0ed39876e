//! Timestamp requests (RFC 3161 §2.4.1).

use notary_plugin_protocol::HashAlgorithm;
use notary_x509::Certificate;
use time::OffsetDateTime;

use super::ber::tlv;
use super::hash;
use super::response::token_of;
use super::tst_info::Imprint;
use super::{TimestampError, TimestampToken, VerifiedTimestamp};

/// How many random bytes a nonce has.
pub const NONCE_LEN: usize = 20;

/// A request for a timestamp, and what a response is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampRequest {
    der: Vec<u8>,
    imprint: Imprint,
    nonce: Vec<u8>,
}

impl TimestampRequest {
    /// A request for a timestamp on `signature` (raw bytes), hashed with `hash`, which is the hash of
    /// the signature's algorithm. `nonce` has to be fresh and unpredictable; it is not optional, as it
    /// is what tells an answer from a replay. The authority is asked for its certificates.
    #[must_use]
    pub fn for_signature(signature: &[u8], hash: HashAlgorithm, nonce: [u8; NONCE_LEN]) -> Self {
        let imprint = Imprint {
            algorithm: hash,
            digest: hash::hash(hash, signature),
        };
        let nonce = positive_integer(nonce);
        let der = tlv(
            0x30,
            &[
                // version 1
                tlv(0x02, &[1]),
                tlv(
                    0x30,
                    &[hash::identifier(hash), tlv(0x04, &imprint.digest)].concat(),
                ),
                tlv(0x02, &nonce),
                // certReq TRUE
                tlv(0x01, &[0xff]),
            ]
            .concat(),
        );
        Self {
            der,
            imprint,
            nonce,
        }
    }

    /// The DER `TimeStampReq`, the body of the HTTP request.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The timestamp in `response`, a `TimeStampResp`, after everything about it is checked: that it
    /// was granted, answers this request (imprint and nonce), is signed by the certificate that it
    /// names, and that this certificate leads to one of `roots` and is fit for timestamping, both at
    /// the time stamped and `now`.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn accept(
        &self,
        response: &[u8],
        roots: &[Certificate],
        now: OffsetDateTime,
    ) -> Result<VerifiedTimestamp, TimestampError> {
        let token = TimestampToken::parse(&token_of(response)?)?;
        let (verified, nonce) = token.verify_imprint(&self.imprint, roots)?;
        if nonce.as_deref() != Some(self.nonce.as_slice()) {
            return Err(TimestampError::NotTheAnswer { what: "nonce" });
        }
        verified
            .certificate_chain()
            .check_validity(now)
            .map_err(|violation| TimestampError::Certificate(violation.into()))?;
        Ok(verified)
    }
}

/// The content of a minimal, positive INTEGER with as many of the random bits as fit.
fn positive_integer(mut random: [u8; NONCE_LEN]) -> Vec<u8> {
    // Below 2^159, and never of two leading bytes that say the same.
    random[0] = random[0] & 0x7f | 0x40;
    random.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_version_imprint_nonce_and_asks_for_certificates() {
        let request =
            TimestampRequest::for_signature(b"abc", HashAlgorithm::Sha256, [0xff; NONCE_LEN]);
        assert_eq!(
            hex::encode(request.as_der()),
            "304f0201013031300d060960864801650304020105000420\
             ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\
             02147fffffffffffffffffffffffffffffffffffffff0101ff"
        );
    }
}
