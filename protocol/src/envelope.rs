//! Words about signature envelopes.

use crate::vocabulary::vocabulary;

vocabulary! {
    /// The format of a signature envelope, by its media type.
    pub enum SignatureEnvelopeType("signature envelope type") {
        /// JWS JSON serialisation (RFC 7515).
        Jws = "application/jose+json",
        /// COSE_Sign1 (RFC 9052).
        Cose = "application/cose",
    }
}

vocabulary! {
    /// What is inside an envelope, by its media type. One so far.
    pub enum PayloadType("payload type") {
        /// UTF-8 JSON `{"targetArtifact": {…descriptor…}}`.
        NotaryPayloadV1 = "application/vnd.cncf.notary.payload.v1+json",
    }
}

vocabulary! {
    /// How the time of signing is proven.
    pub enum SigningScheme("signing scheme") {
        /// By a timestamp countersignature (RFC 3161), if at all.
        NotaryX509 = "notary.x509",
        /// By the signing authority itself, in `authenticSigningTime`.
        NotaryX509SigningAuthority = "notary.x509.signingAuthority",
    }
}

impl SignatureEnvelopeType {
    /// The media type, `application/jose+json` or `application/cose`.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        self.as_str()
    }
}
