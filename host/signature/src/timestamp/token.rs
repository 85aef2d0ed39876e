//! Timestamp tokens.

use notary_x509::{Certificate, CertificateChain};
use time::{Duration, OffsetDateTime};

use super::signed_data::SignedData;
use super::tst_info::{Imprint, TstInfo};
use super::{TimestampError, ber, signer};
use crate::limits::MAX_TIMESTAMP_LEN;

/// A timestamp token that is well-formed, of which nothing is proven: it answers no question but
/// [`TimestampToken::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimestampToken {
    encoded: Vec<u8>,
    data: SignedData,
}

/// A timestamp whose signature, certificates and subject are proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedTimestamp {
    token: TimestampToken,
    info: TstInfo,
    certificate_chain: CertificateChain,
}

/// What a token says, nothing of it proven: for showing, not for deciding.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimestampClaims {
    /// The earliest time at which the token says that it was made.
    pub earliest: OffsetDateTime,
    /// The latest time at which the token says that it was made.
    pub latest: OffsetDateTime,
    /// The certificates in the token, in its order.
    pub certificates: Vec<Certificate>,
}

impl TimestampToken {
    /// Reads a `TimeStampToken`: DER, or BER with definite lengths.
    ///
    /// # Errors
    /// [`TimestampError::TooLarge`] above [`MAX_TIMESTAMP_LEN`], [`TimestampError::Malformed`].
    pub fn parse(encoded: &[u8]) -> Result<Self, TimestampError> {
        if encoded.len() > MAX_TIMESTAMP_LEN {
            return Err(TimestampError::TooLarge {
                limit: MAX_TIMESTAMP_LEN,
                actual: encoded.len(),
            });
        }
        let der = ber::to_der(encoded).map_err(TimestampError::malformed("TimeStampToken"))?;
        Ok(Self {
            encoded: encoded.to_vec(),
            data: SignedData::read(&der)?,
        })
    }

    /// The token as it was read.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.encoded
    }

    /// What the token says, if it is on `signature` (raw bytes). Nothing else is checked.
    ///
    /// # Errors
    /// [`TimestampError::Malformed`], [`TimestampError::WrongImprint`].
    pub fn claims(&self, signature: &[u8]) -> Result<TimestampClaims, TimestampError> {
        let info = self.read_info()?;
        if !info.imprint.is_of(signature) {
            return Err(TimestampError::WrongImprint);
        }
        Ok(TimestampClaims {
            earliest: info.time.saturating_sub(info.accuracy),
            latest: info.time.saturating_add(info.accuracy),
            certificates: self.data.certificates.clone(),
        })
    }

    fn read_info(&self) -> Result<TstInfo, TimestampError> {
        let content =
            ber::to_der(&self.data.content).map_err(TimestampError::malformed("TSTInfo"))?;
        TstInfo::read(&content).map_err(TimestampError::malformed("TSTInfo"))
    }

    /// Checks that the token is on `signature` (the raw signature of an envelope), is signed by the
    /// certificate that its own signed attributes name, and that this certificate leads to one of
    /// `roots` and met the rules for timestamping when it signed.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn verify(
        &self,
        signature: &[u8],
        roots: &[Certificate],
    ) -> Result<VerifiedTimestamp, TimestampError> {
        let verified = self.verify_signer(roots)?;
        if !verified.is_on(signature) {
            return Err(TimestampError::WrongImprint);
        }
        Ok(verified)
    }

    /// The same for a known imprint, with the nonce.
    pub(super) fn verify_imprint(
        &self,
        imprint: &Imprint,
        roots: &[Certificate],
    ) -> Result<(VerifiedTimestamp, Option<Vec<u8>>), TimestampError> {
        let verified = self.verify_signer(roots)?;
        if verified.info.imprint != *imprint {
            return Err(TimestampError::WrongImprint);
        }
        let nonce = verified.info.nonce.clone();
        Ok((verified, nonce))
    }

    /// The content is read only after its signature is verified.
    fn verify_signer(&self, roots: &[Certificate]) -> Result<VerifiedTimestamp, TimestampError> {
        let signer = signer::verify(&self.data)?;
        let certificate_chain = self.chain(&signer.certificate, roots)?;

        let info = self.read_info()?;
        certificate_chain
            .check_timestamping(Some(info.time))
            .map_err(|violation| TimestampError::Certificate(violation.into()))?;
        if let Some(time) = signer.signing_time {
            certificate_chain
                .check_validity(time)
                .map_err(|violation| TimestampError::Certificate(violation.into()))?;
        }
        Ok(VerifiedTimestamp {
            token: self.clone(),
            info,
            certificate_chain,
        })
    }

    /// The chain from the signer to a trusted root. Self-signed certificates in the token are left
    /// out, so that no way can end at one that is not trusted.
    fn chain(
        &self,
        signer: &Certificate,
        roots: &[Certificate],
    ) -> Result<CertificateChain, TimestampError> {
        let intermediates = self
            .data
            .certificates
            .iter()
            .filter(|certificate| *certificate != signer && !certificate.is_self_issued());
        let candidates: Vec<Certificate> = std::iter::once(signer)
            .chain(intermediates)
            .chain(roots)
            .cloned()
            .collect();
        let chain = CertificateChain::order(&candidates, signer.public_key())
            .map_err(TimestampError::Certificate)?;
        // Another certificate of the same key is another signer.
        if chain.leaf() != signer {
            return Err(TimestampError::signer("its key has a second certificate"));
        }
        if !roots.contains(chain.root()) {
            return Err(TimestampError::signer(format!(
                "its certificate chain ends at \"{}\", which is not trusted for timestamping",
                chain.root().subject()
            )));
        }
        Ok(chain)
    }
}

impl VerifiedTimestamp {
    /// The token.
    #[must_use]
    pub fn token(&self) -> &TimestampToken {
        &self.token
    }

    /// Whether the timestamp is on this raw signature.
    #[must_use]
    pub fn is_on(&self, signature: &[u8]) -> bool {
        self.info.imprint.is_of(signature)
    }

    /// The time stamped (genTime), in UTC.
    #[must_use]
    pub fn time(&self) -> OffsetDateTime {
        self.info.time
    }

    /// How far the true time may be from [`VerifiedTimestamp::time`], to either side. One second under
    /// the ETSI baseline policy if the token does not say.
    #[must_use]
    pub fn accuracy(&self) -> Duration {
        self.info.accuracy
    }

    /// The earliest time at which the token may have been made.
    #[must_use]
    pub fn earliest(&self) -> OffsetDateTime {
        self.info.time.saturating_sub(self.info.accuracy)
    }

    /// The latest time at which the token may have been made.
    #[must_use]
    pub fn latest(&self) -> OffsetDateTime {
        self.info.time.saturating_add(self.info.accuracy)
    }

    /// The policy of the authority, as a dotted object identifier.
    #[must_use]
    pub fn policy(&self) -> String {
        self.info.policy.to_string()
    }

    /// The serial number that the authority gave the token, big-endian.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.info.serial
    }

    /// The certificates of the authority, from its own to the trusted root.
    #[must_use]
    pub fn certificate_chain(&self) -> &CertificateChain {
        &self.certificate_chain
    }
}
