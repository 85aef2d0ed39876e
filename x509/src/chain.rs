//! Certificate chains: from the signing certificate up to its self-signed root.

mod order;

use time::OffsetDateTime;

use crate::rules::{self, Purpose};
use crate::{Certificate, Error, RuleViolation};

/// The most certificates that a chain may have. Real chains have two to four; each more costs a
/// signature check and, in revocation, requests to a place that the certificate names.
pub const MAX_CHAIN_LEN: usize = 16;
/// The most certificates that [`CertificateChain::order`] sorts: a chain, and room for the bundle of
/// intermediate and cross certificates that it comes in.
pub const MAX_ORDER_INPUT: usize = 64;

/// A non-empty list of certificates, the signing certificate first, the root last.
///
/// Having one says nothing about the certificates: [`CertificateChain::check_code_signing`] and
/// [`CertificateChain::check_timestamping`] decide whether it is a chain at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateChain {
    leaf: Certificate,
    /// The leaf included, so that the list can be borrowed as a whole.
    certificates: Vec<Certificate>,
}

impl CertificateChain {
    /// The chain `certificates`, which are in order already, the signing certificate first.
    ///
    /// # Errors
    /// [`Error::EmptyChain`], or [`Error::TooManyCertificates`] above [`MAX_CHAIN_LEN`].
    pub fn new(certificates: Vec<Certificate>) -> Result<Self, Error> {
        if certificates.len() > MAX_CHAIN_LEN {
            return Err(Error::TooManyCertificates {
                limit: MAX_CHAIN_LEN,
                actual: certificates.len(),
            });
        }
        let leaf = certificates.first().ok_or(Error::EmptyChain)?.clone();
        Ok(Self { leaf, certificates })
    }

    /// The chain in `ders`, each one certificate, the signing certificate first.
    ///
    /// # Errors
    /// As [`Certificate::from_der`] and [`CertificateChain::new`].
    pub fn from_ders<D: AsRef<[u8]>>(ders: &[D]) -> Result<Self, Error> {
        if ders.len() > MAX_CHAIN_LEN {
            return Err(Error::TooManyCertificates {
                limit: MAX_CHAIN_LEN,
                actual: ders.len(),
            });
        }
        Self::new(
            ders.iter()
                .map(|der| Certificate::from_der(der.as_ref()))
                .collect::<Result<_, _>>()?,
        )
    }

    /// The chain of the signing key `leaf_key`, found among `certificates` in any order, with any
    /// duplicates and any that do not belong to it.
    ///
    /// The signing certificate is the one that holds `leaf_key`. An issuer is one whose subject is
    /// the issuer's name, whose key made the signature and which is a CA; so two CAs of the same name and a CA
    /// with several certificates (renewed, or cross-signed by another root) are told apart. Of several
    /// ways to a self-signed root the shortest is taken, at equal length the one whose certificates
    /// match the authority key identifier and expire last. If the key has several certificates, one
    /// with an issuer goes before a self-signed one, then the one that expires last.
    ///
    /// # Errors
    /// [`Error::TooManyCertificates`] above [`MAX_ORDER_INPUT`], [`Error::NoCertificateForKey`],
    /// [`Error::MissingIssuer`] naming the certificate at which the way to a root ends,
    /// [`Error::EmptyChain`].
    pub fn order(certificates: &[Certificate], leaf_key: &crate::PublicKey) -> Result<Self, Error> {
        Self::new(order::order(certificates, leaf_key)?)
    }

    /// The signing certificate.
    #[must_use]
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The last certificate.
    #[must_use]
    pub fn root(&self) -> &Certificate {
        self.certificates.last().unwrap_or(&self.leaf)
    }

    /// All certificates, the signing certificate first.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Checks the rules for code signing ("Certificate Requirements" of the signature
    /// specification): a complete chain, each certificate issued by the next, no SHA-1, and the
    /// required constraints, usages and keys. With `at`, also that every certificate is valid then.
    ///
    /// # Errors
    /// The first rule that is broken, and by which certificate.
    pub fn check_code_signing(&self, at: Option<OffsetDateTime>) -> Result<(), RuleViolation> {
        rules::check(self, Purpose::CodeSigning, at)
    }

    /// Checks the rules for the chain of a timestamping authority; otherwise as
    /// [`CertificateChain::check_code_signing`].
    ///
    /// # Errors
    /// The first rule that is broken, and by which certificate.
    pub fn check_timestamping(&self, at: Option<OffsetDateTime>) -> Result<(), RuleViolation> {
        rules::check(self, Purpose::Timestamping, at)
    }

    /// Checks that every certificate is valid at `at`.
    ///
    /// # Errors
    /// The first certificate, counted from the leaf, that is not.
    pub fn check_validity(&self, at: OffsetDateTime) -> Result<(), RuleViolation> {
        rules::check_validity(self, at)
    }
}
