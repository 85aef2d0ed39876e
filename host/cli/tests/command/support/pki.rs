//! Keys and certificates, also such as nobody should accept.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use time::OffsetDateTime;

/// When a certificate is valid.
#[derive(Clone, Copy)]
pub(crate) enum Validity {
    Now,
    Past,
    Future,
}

impl Validity {
    fn apply(self, params: &mut CertificateParams) {
        let now = OffsetDateTime::now_utc();
        let day = Duration::from_secs(24 * 60 * 60);
        (params.not_before, params.not_after) = match self {
            Self::Now => (now - day, now + day),
            Self::Past => (now - 2 * day, now - day),
            Self::Future => (now + day, now + 2 * day),
        };
    }
}

/// A key with its certificates.
pub(crate) struct Signer {
    key: KeyPair,
    certificates: Vec<String>,
}

impl Signer {
    /// A P-256 key with a self-signed certificate as the specification wants it.
    pub(crate) fn new(name: &str) -> Self {
        Self::valid(name, Validity::Now)
    }

    pub(crate) fn valid(name: &str, validity: Validity) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = leaf(name);
        validity.apply(&mut params);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificates: vec![certificate.pem()],
            key,
        }
    }

    pub(crate) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Leaf first.
    pub(crate) fn chain_pem(&self) -> String {
        self.certificates.concat()
    }

    pub(crate) fn root_pem(&self) -> String {
        self.certificates.last().unwrap().clone()
    }

    /// The same certificates on another key.
    pub(crate) fn with_another_key(self) -> Self {
        Self {
            key: KeyPair::generate().unwrap(),
            ..self
        }
    }
}

/// A certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Validity::Now.apply(&mut params);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A signer whose certificate `change` may alter before it is issued.
    pub(crate) fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Signer {
        let key = KeyPair::generate().unwrap();
        let mut params = leaf(name);
        Validity::Now.apply(&mut params);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Signer {
            certificates: vec![certificate.pem(), self.pem.clone()],
            key,
        }
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in [
        (DnType::CountryName, "GB"),
        (DnType::StateOrProvinceName, "England"),
        (DnType::OrganizationName, "Example"),
        (DnType::CommonName, name),
    ] {
        params.distinguished_name.push(kind, value);
    }
    params
}

fn leaf(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    params
}
